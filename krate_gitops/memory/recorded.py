"""What the record store knows about a repository when one of its refs is resolved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from krate_gitops.git.local import Repository
from krate_gitops.git.ranges import CommitRange
from krate_gitops.git.refs import RefResolution, resolve
from krate_gitops.git.request import RefRequest
from krate_gitops.records.location import has_records
from krate_gitops.settings import Settings


class Recorded(msgspec.Struct, frozen=True):
    """Ranges that are known to be bad, and the commits of snapshot tags by full name."""

    ranges: tuple[CommitRange, ...] = ()
    tags: Mapping[str, str] = {}

    def tags_like(self, ref: str | None) -> Mapping[str, str] | None:
        """Recorded tags that a ref, short or full, can mean; None when none is: then the tag's own message counts."""
        return {tag: commit for tag, commit in self.tags.items() if ref and tag.endswith(ref)} or None


def resolve_recorded(
    repository: Repository, request: RefRequest, *, settings: Settings, now: datetime, current_only: bool = False
) -> RefResolution:
    """The commit a request means, with what is recorded of tags and bad ranges. Raises what ``resolve`` raises."""
    recorded = read_recorded(settings, repository.name)
    return resolve(
        repository,
        request,
        now=now,
        settings=settings,
        known_bad=recorded.ranges,
        recorded_snapshot_tags=recorded.tags_like(request.requested_ref),
        current_only=current_only,
    )


def read_recorded(settings: Settings, repository: str) -> Recorded:
    """What is recorded of a repository; nothing, without opening anything, where there is no store."""
    if not has_records(settings):
        return Recorded()
    from krate_gitops.records.database import open_database
    from krate_gitops.records.known_bad import list_ranges
    from krate_gitops.records.snapshots import list_tags

    with open_database(settings).reading() as connection:
        ranges = list_ranges(connection, settings.organization, repository=repository)
        tags = list_tags(connection, settings.organization, repository)
    return Recorded(tuple(CommitRange(bad.start, bad.end) for bad in ranges if not bad.withdrawn), tags)
