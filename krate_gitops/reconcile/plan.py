"""The plan: what a pass would do with each object, and why.

The same commit, source and cluster state give the same plan, byte for byte; its digest is what approvals are bound to.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.cluster.fields import projection
from krate_gitops.cluster.inventory import Item
from krate_gitops.digest import json_digest
from krate_gitops.errors import KrateError
from krate_gitops.resources.desired import Desired
from krate_gitops.resources.object_id import ObjectId


class Op(enum.StrEnum):
    """What is done with an object."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    PRUNE = "prune"
    HOLD = "hold"
    SKIP = "skip"


class Entry(msgspec.Struct, frozen=True, rename="camel"):
    """One object of a plan. Digests are None where there is no object on that side; ``path`` is ``FILE#DOCUMENT``."""

    op: Op
    identity: str
    wave: int
    path: str
    before_digest: str | None
    after_digest: str | None
    changed_fields: tuple[str, ...] = ()
    reason: str = ""
    codes: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True, rename="camel"):
    """All entries, by wave and identity, and the digest of source, commit and entries."""

    source: str
    source_uid: str
    resolved_revision: str
    entries: tuple[Entry, ...]
    plan_digest: str

    @property
    def counts(self) -> dict[str, int]:
        """How many entries there are of each sort."""
        found = Counter(entry.op for entry in self.entries)
        return {op.value: found[op] for op in Op}

    @property
    def has_changes(self) -> bool:
        """Whether a pass would write anything."""
        return any(entry.op in (Op.CREATE, Op.UPDATE, Op.PRUNE) for entry in self.entries)


class Step(msgspec.Struct, kw_only=True):
    """An entry in the making, with what it is made from. The stages of a pass settle ``op`` one after the other."""

    id: ObjectId
    wave: int
    desired: Desired | None = None
    live: Mapping[str, Any] | None = None
    item: Item | None = None
    type: ResourceType | None = None
    op: Op = Op.UNCHANGED
    reason: str = ""
    codes: tuple[str, ...] = ()
    changed_fields: tuple[str, ...] = ()
    fold: bool = False
    """Whether fields of people's own tools are taken over first."""
    force: bool = False
    """Whether fields of other managers below ``spec`` are taken over."""
    is_drift: bool = False
    """Whether it was applied from the same content before, and isn't so any more."""
    deferred: bool = False
    """Whether its namespace comes with this plan, so that a dry run must wait for it."""
    predicted: Mapping[str, Any] | None = None
    """The object as a dry run says it would be."""
    increases: tuple[str, ...] = ()
    """Fields that would give more rights than there are now."""

    def hold(self, code: str, reason: str) -> None:
        """Takes the object out of the plan; it isn't applied, and stays in the inventory."""
        self.op, self.reason, self.codes = Op.HOLD, reason, (code,)

    def skip(self, reason: str, *codes: str) -> None:
        """Leaves the object alone, which is no failure."""
        self.op, self.reason, self.codes = Op.SKIP, reason, codes

    @property
    def served(self) -> ResourceType:
        """The kind as the server has it. Objects of kinds that aren't served are held and never come this far."""
        if self.type is None:
            raise ValueError(f"{self.id} is of a kind that isn't served")
        return self.type

    @property
    def wanted(self) -> Desired:
        """What Git says. What Git doesn't have is pruned and never applied."""
        if self.desired is None:
            raise ValueError(f"{self.id} is not in the revision")
        return self.desired

    @property
    def is_write(self) -> bool:
        """Whether an apply is due."""
        return self.op in (Op.CREATE, Op.UPDATE)

    @property
    def before(self) -> str | None:
        """Digest of the live values of the planned fields."""
        if self.live is None:
            return None
        return planned_digest(self.desired, self.live)

    def entry(self) -> Entry:
        """The entry as it stands."""
        desired = self.desired
        return Entry(
            op=self.op,
            identity=str(self.id),
            wave=self.wave,
            path=desired.place if desired else "",
            before_digest=self.before,
            after_digest=desired.digest if desired else None,
            changed_fields=self.changed_fields,
            reason=self.reason,
            codes=self.codes,
        )


def planned_digest(desired: Desired | None, live: Mapping[str, Any]) -> str:
    """Digest of what a plan is about in a live object: what Git speaks of, else all but what the server keeps."""
    if desired is not None:
        return _digest(projection(desired.value, live))
    metadata = live.get("metadata") or {}
    kept = {name: metadata.get(name) for name in ("name", "namespace", "labels", "annotations", "uid")}
    rest = {name: item for name, item in live.items() if name not in ("metadata", "status")}
    return _digest({**rest, "metadata": kept})


def plan_of(source: str, source_uid: str, revision: str, steps: Iterable[Step]) -> Plan:
    """The plan that steps amount to."""
    entries = sorted((step.entry() for step in steps), key=lambda one: (one.wave, one.identity))
    return Plan(source, source_uid, revision, tuple(entries), plan_digest(source_uid, revision, entries))


def plan_digest(source_uid: str, revision: str, entries: Sequence[Entry]) -> str:
    """Digest of a plan."""
    body = {"sourceUid": source_uid, "resolvedRevision": revision, "entries": [plain(one) for one in entries]}
    return json_digest(body)


def plain(value: Any) -> Any:
    """A struct as plain JSON values."""
    return msgspec.to_builtins(value)


def _digest(value: Any) -> str:
    try:
        return json_digest(value, fractions=True)
    except KrateError:
        # A live object may hold what configuration never does, such as null in a list.
        return json_digest(msgspec.json.encode(value, order="sorted").decode())
