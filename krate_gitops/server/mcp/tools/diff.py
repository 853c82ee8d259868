"""``memory_snapshot_diff``: what is different elsewhere, without what it says there."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from krate_gitops.git.request import RefRequest
from krate_gitops.memory.compare import Change, compare
from krate_gitops.memory.snapshot_diff import Other, beside, other_snapshot
from krate_gitops.records.database import open_database
from krate_gitops.records.location import has_records
from krate_gitops.server.mcp.boundary import is_pin
from krate_gitops.server.mcp.pin import Pin
from krate_gitops.server.mcp.tools.tool import Answer, Name, Reading, Tool, one_line

_CURRENT = "current"


class DiffArguments(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    against: Annotated[
        Name, Meta(description="What to compare with: current, a ref, a commit or a snapshot.", min_length=1)
    ] = _CURRENT


class Difference(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A record or document that is added, removed, changed or moved on the other side. Contents stay there."""

    type: str
    item: str
    id: str | None = None
    path: str
    old_path: str | None = None
    old_digest: str | None = None
    new_digest: str | None = None


class DiffAnswer(Answer, frozen=True, kw_only=True):
    """From the pinned ``commit`` to ``other_commit``."""

    other_commit: str
    counts: dict[str, int]
    changes: tuple[Difference, ...] = ()


def diff(reading: Reading, asked: DiffArguments) -> DiffAnswer:
    """What changed from the pin to the other commit. Raises ``KrateError`` with a MEMORY_REF_* code."""
    pin = reading.pin
    other = _other(asked.against.strip(), pin)
    if other.commit == pin.commit:
        return DiffAnswer(
            repository=pin.repository,
            commit=pin.commit,
            warnings=reading.warnings,
            other_commit=other.commit,
            counts={},
        )
    brain = beside(other.brain or pin.brain, Other(pin.commit, brain=pin.brain), other)
    found = brain.read(other.commit, lambda after: compare(reading.opened, after, pin.policy))
    return DiffAnswer(
        repository=pin.repository,
        commit=found.from_commit,
        warnings=reading.warnings,
        other_commit=found.to_commit,
        counts=found.counts,
        changes=tuple(map(_difference, found.changes)),
    )


def _other(against: str, pin: Pin) -> Other:
    """The one place where a branch is looked at: only to say what differs there."""
    if is_pin(against, pin):
        return Other(pin.commit)
    settings = pin.brain.settings
    database = open_database(settings) if has_records(settings) else None
    snapshot = other_snapshot(database, pin.organization, pin.repository, against)
    if snapshot is not None:
        return snapshot
    now = pin.brain.anew()
    ref = RefRequest(requested_ref=None if against == _CURRENT else against)
    return Other(now.resolve(ref, current_only=pin.policy.current_only).resolved_commit, brain=now)


def _difference(change: Change) -> Difference:
    return Difference(**{name: getattr(change, name) for name in Difference.__struct_fields__})


_SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}


def _lines(answer: DiffAnswer) -> list[str]:
    lines = []
    for change in answer.changes:
        name = f"{change.id}  {change.path}" if change.id else change.path
        origin = f"  from {change.old_path}" if change.old_path else ""
        lines.append(f"{_SIGNS[change.type]} {change.item} {one_line(name + origin)}")
    counts = ", ".join(f"{count} {kind}" for kind, count in answer.counts.items() if count)
    lines.append(f"{answer.commit[:12]}..{answer.other_commit[:12]}: {counts or 'no differences'}")
    return lines


DIFF = Tool(
    name="memory_snapshot_diff",
    title="Compare memory with another commit",
    description=(
        "Lists the records and documents that differ between the pinned commit and another one, by default the "
        "current one: ids, paths, kinds of change and digests. Contents of the other commit can't be read; tell the "
        "user to refresh the context when they matter."
    ),
    arguments=DiffArguments,
    answer=DiffAnswer,
    run=diff,
    lines=_lines,
    items="changes",
    aliases={"ref": "against", "snapshot": "against"},
)
