"""What the record store knows about a repository when one of its refs is resolved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from krate_gitops.git.local import Repository
from krate_gitops.git.ranges import CommitRange
from krate_gitops.git.refs import RefResolution, resolve
from krate_gitops.git.request import SNAPSHOT_TAGS, RefRequest
from krate_gitops.records.location import has_records
from krate_gitops.settings import Settings


class Recorded(msgspec.Struct, frozen=True):
    """Ranges that are known to be bad, and the commits of the snapshot tags that the ref can mean, by full name."""

    ranges: tuple[CommitRange, ...] = ()
    tags: Mapping[str, str] = {}


def resolve_recorded(
    repository: Repository, request: RefRequest, *, settings: Settings, now: datetime, current_only: bool = False
) -> RefResolution:
    """The commit a request means, with what is recorded of tags and bad ranges. Raises what ``resolve`` raises."""
    recorded = read_recorded(settings, repository.name, request.requested_ref)
    return resolve(
        repository,
        request,
        now=now,
        settings=settings,
        known_bad=recorded.ranges,
        recorded_snapshot_tags=recorded.tags or None,  # of a tag that is not on record its own message counts
        current_only=current_only,
    )


def read_recorded(settings: Settings, repository: str, ref: str | None = None) -> Recorded:
    """What is recorded of a repository and a ref, short or full.

    Where there is no store that is nothing, and none is made.
    """
    if not has_records(settings):
        return Recorded()
    from krate_gitops.records.database import open_database
    from krate_gitops.records.known_bad import list_ranges
    from krate_gitops.records.snapshots import find_tags

    with open_database(settings).reading() as connection:
        ranges = list_ranges(connection, settings.organization, repository=repository)
        tags = find_tags(connection, settings.organization, repository, _tag_names(ref)) if ref else {}
    return Recorded(tuple(CommitRange(bad.start, bad.end) for bad in ranges if not bad.withdrawn), tags)


def _tag_names(ref: str) -> list[str]:
    """Full names of the snapshot tags that a ref can mean."""
    forms = (ref, f"refs/{ref}", f"refs/tags/{ref}", f"{SNAPSHOT_TAGS}{ref}")
    return [name for name in forms if name.startswith(SNAPSHOT_TAGS)]
