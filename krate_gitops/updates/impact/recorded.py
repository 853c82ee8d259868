"""Questions that agents and people really asked: the recorded queries of the latest snapshots of a brain."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from krate_gitops.errors import KrateError
from krate_gitops.memory.material import SCHEMA_VERSION
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.request import QueryRequest
from krate_gitops.records.consumers import SnapshotFilter, list_snapshots
from krate_gitops.records.database import Database
from krate_gitops.records.snapshots import find_object

MOST_SAMPLE = 1000
_LOOKED_AT = 4
"""Snapshots that are looked at for each question wanted: the same ones are often asked again and again."""
_PAGE = 20
"""Fewest snapshots that are looked at at a time."""


class Recorded(NamedTuple):
    """A question as it was asked and under which policy; how often, and the newest snapshot of it."""

    request: QueryRequest
    policy: EffectivePolicy
    times: int
    snapshot: str


class Sample(NamedTuple):
    """Distinct questions, the newest first, and how many snapshots could not be read."""

    questions: tuple[Recorded, ...]
    unreadable: int


class _Asked(msgspec.Struct, frozen=True, rename="camel"):
    """Of a snapshot's material only what was asked."""

    schema_version: int
    request: QueryRequest
    policy: EffectivePolicy


_decode = msgspec.json.Decoder(_Asked).decode


def recorded_questions(database: Database | None, organization: str, repository: str, sample: int) -> Sample:
    """At most ``sample`` distinct questions of the latest snapshots of a repository of the organisation.

    At most four times as many snapshots are looked at. The commit they were answered at doesn't matter. A snapshot
    that is damaged, or of a form that this program does not know, is passed over and counted.
    """
    sample = min(sample, MOST_SAMPLE)
    if database is None or sample <= 0:
        return Sample((), 0)
    with database.reading() as connection:
        return _Reader(connection, organization).sample(repository, sample)


class _Reader:
    def __init__(self, connection: Connection, organization: str) -> None:
        self._connection = connection
        self._organization = organization
        self._asked: dict[str, _Asked | None] = {}

    def sample(self, repository: str, wanted: int) -> Sample:
        found: dict[tuple[bytes, str], Recorded] = {}
        unreadable, left, before = 0, wanted * _LOOKED_AT, None
        while left > 0:
            page = list_snapshots(
                self._connection,
                self._organization,
                SnapshotFilter(memory_repository=repository),
                limit=min(left, max(wanted - len(found), _PAGE)),
                before=before,
            )
            for stored in page.items:
                asked = self._read(stored.snapshot.selection_digest)
                if asked is None:
                    unreadable += 1
                    continue
                key = (msgspec.json.encode(asked.request), asked.policy.digest)
                known = found.get(key)
                if known is not None:
                    found[key] = known._replace(times=known.times + 1)
                elif len(found) < wanted:
                    found[key] = Recorded(asked.request, asked.policy, 1, stored.snapshot.name)
            left, before = left - len(page.items), page.next_before
            if before is None or len(found) >= wanted:
                break
        return Sample(tuple(found.values()), unreadable)

    def _read(self, digest: str) -> _Asked | None:
        """What was asked, None where that can't be read; equal material is read once."""
        if digest not in self._asked:
            self._asked[digest] = self._decoded(digest)
        return self._asked[digest]

    def _decoded(self, digest: str) -> _Asked | None:
        try:
            asked = _decode(find_object(self._connection, self._organization, digest))
        except (KrateError, msgspec.DecodeError):
            return None
        return asked if asked.schema_version == SCHEMA_VERSION else None
