"""What agents will be told differently when a change is merged: as it is stored, shown and compared."""

from __future__ import annotations

import enum

import msgspec

from krate_gitops.digest import canonical_json
from krate_gitops.memory.response import Why

SCHEMA_VERSION = 1


class Shift(enum.StrEnum):
    """What becomes of an item of an answer.

    ``MOVES``: its place among the items that stay is another one. ``PUSHED``: only its number is, because others came
    or went above it. ``CHANGES``: it stays where it is, and says something else.
    """

    ENTERS = "enters"
    LEAVES = "leaves"
    MOVES = "moves"
    PUSHED = "pushed"
    CHANGES = "changes"


class ItemShift(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """One item of an answer: a ``record``, an ``excerpt`` (``lines`` are those it has last) or a ``document``.

    ``before`` and ``after`` are ranks from 1, None where it is not among the answer. ``changed``: its content is not
    what it was. ``why`` is what gives it its place afterwards, or gave it before where it leaves.
    """

    shift: Shift
    item: str
    id: str | None = None
    path: str
    lines: str | None = None
    before: int | None = None
    after: int | None = None
    changed: bool = False
    why: tuple[Why, ...] = ()


class QueryImpact(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A recorded question that is answered differently.

    ``text`` is redacted and cut; ``times`` counts the snapshots looked at that asked it, ``snapshot`` is the newest of
    them. ``items_before`` and ``items_after`` count the answers' items. An answer that is refused has the code of the
    refusal and no items.
    """

    text: str
    mode: str
    times: int
    snapshot: str
    items_before: int
    items_after: int
    refused_before: str | None = None
    refused_after: str | None = None
    shifts: tuple[ItemShift, ...] = ()

    def count(self, *shifts: Shift) -> int:
        """How many items shift in one of these ways."""
        return sum(item.shift in shifts for item in self.shifts)


class RecordName(msgspec.Struct, frozen=True, rename="camel"):
    """A record and where it stands."""

    id: str
    path: str


class EdgeFrom(msgspec.Struct, frozen=True, rename="camel"):
    """An edge of kind ``kind`` from the record ``source``."""

    kind: str
    source: str


class InboundChange(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A record to which other edges lead than before. The totals count those edges too that are not listed."""

    id: str
    path: str
    added: tuple[EdgeFrom, ...] = ()
    removed: tuple[EdgeFrom, ...] = ()
    added_total: int = 0
    removed_total: int = 0


class Structure(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What becomes of the graph. Lists are cut, totals are not.

    ``inbound``: records whose inbound edges change. ``lost``: records that can't be reached from any repository any
    more. ``unreached``: new records that can't be reached.
    """

    inbound: tuple[InboundChange, ...] = ()
    inbound_total: int = 0
    lost: tuple[RecordName, ...] = ()
    lost_total: int = 0
    unreached: tuple[RecordName, ...] = ()
    unreached_total: int = 0


class Impact(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The whole. ``asked``: distinct questions that were asked again, those not answered differently among them.

    ``unreadable``: snapshots whose question could not be read. ``queries`` hold only what differs.
    """

    schema_version: int = SCHEMA_VERSION
    base_commit: str
    asked: int
    unreadable: int = 0
    queries: tuple[QueryImpact, ...] = ()
    structure: Structure = Structure()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is told differently, and the graph is as it was."""
        return not self.queries and self.structure == Structure()


def impact_json(impact: Impact) -> bytes:
    """Canonical JSON of an impact: equal impacts have equal bytes."""
    return canonical_json(msgspec.to_builtins(impact))
