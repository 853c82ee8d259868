"""``memory_update_propose``: what an agent learned, put on record for people to review.

Nothing is pushed and no forge is asked: an update is kept as ``Pending``, and whoever looks after the repository
carries it on. The verdict in the answer is what validation says of it on the pinned commit, the only one a caller may
hear of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta

from krate_gitops.errors import DeniedError, UsageError
from krate_gitops.memory.safe import SafeStrings
from krate_gitops.records.database import open_database
from krate_gitops.server.mcp.tools.findings import Finding, finding_lines, finding_of, may_change, may_tell
from krate_gitops.server.mcp.tools.tool import Answer, Reading, Tool, one_line
from krate_gitops.updates.desk import PROPOSE, Caller, Desk, desk_at
from krate_gitops.updates.ledger import Held, Ledger
from krate_gitops.updates.model import Evidence, Proposer, UpdateKind
from krate_gitops.updates.preview import Preview, predict
from krate_gitops.updates.propose import put_on_record
from krate_gitops.updates.repository_policy import LOCAL, RepositoryPolicy
from krate_gitops.updates.request import (
    MAX_CHANGES,
    MAX_CONTENT_BYTES,
    MAX_EVIDENCE,
    MAX_RATIONALE,
    MAX_REASON,
    Proposal,
    parse_changes,
)

if TYPE_CHECKING:
    from krate_gitops.updates.forges.port import Forge

_ACTIONS = Literal["create", "update", "upsert", "delete", "rename", "add", "replace", "remove"]
Path = Annotated[str, Meta(min_length=1, max_length=1000)]
Content = Annotated[str, Meta(max_length=MAX_CONTENT_BYTES)]
Digest = Annotated[str, Meta(pattern="^sha256:[0-9a-f]{64}$")]


class Proposing(msgspec.Struct, frozen=True, kw_only=True):
    """As whom a server's clients propose, and how; none of it comes from a call.

    ``run`` None: the run of the snapshot that is pinned. ``initiator`` is who started it.
    """

    agent: str
    run: str | None = None
    initiator: str | None = None
    kind: UpdateKind = UpdateKind.PROPOSED_PR
    policy: RepositoryPolicy = LOCAL

    def of_run(self, pinned: str | None) -> Proposing:
        """The same for the run of a pin. Raises ``UsageError(CONFIG_INVALID)``: none, or two of them."""
        if self.run is None and pinned is None:
            raise UsageError(
                "CONFIG_INVALID",
                "an agent's proposal names the run it comes from, and there is none",
                hint="give --run, or --snapshot with one that was taken for a run",
            )
        if self.run is not None and pinned is not None and self.run != pinned:
            raise UsageError(
                "CONFIG_INVALID", "the snapshot was taken for another run", hint="leave --run out, or pin another one"
            )
        return msgspec.structs.replace(self, run=self.run or pinned)


class UpdateChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    path: Annotated[Path, Meta(description="Path below the memory root.")]
    action: Annotated[_ACTIONS | None, Meta(description="What becomes of it; upsert creates or replaces.")] = None
    op: Annotated[_ACTIONS | None, Meta(description="The same by its older name.")] = None
    new_path: Annotated[Path | None, Meta(description="Where a renamed file goes.")] = None
    content: Annotated[Content | None, Meta(description="The whole new file; not with delete.")] = None
    content_digest: Annotated[Digest | None, Meta(description="Digest of the content, to be checked.")] = None
    base_digest: Annotated[Digest | None, Meta(description="Digest of the version that was read.")] = None
    reason: Annotated[
        str, Meta(description="Why, in a line; that of the rationale without it.", max_length=MAX_REASON)
    ] = ""


class UpdateEvidence(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    kind: Annotated[str, Meta(description="artifact, journal-event, excerpt, issue, pull-request …", max_length=100)]
    ref: Annotated[str, Meta(description="What to look at.", max_length=500)]
    digest: Annotated[Digest | None, Meta(description="Digest of what it held.")] = None


class ProposeArguments(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    changes: Annotated[
        tuple[UpdateChange, ...],
        Meta(description="Files to change, each with its whole new content.", min_length=1, max_length=MAX_CHANGES),
    ]
    rationale: Annotated[
        str, Meta(description="Why this is worth keeping, for people.", min_length=1, max_length=MAX_RATIONALE)
    ]
    evidence: Annotated[tuple[UpdateEvidence, ...], Meta(description="What supports it.", max_length=MAX_EVIDENCE)] = ()


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    """A condition of an update."""

    type: str
    status: str
    reason: str


class Near(msgspec.Struct, frozen=True, rename="camel"):
    """An existing record that a proposed one nearly repeats."""

    record_id: str
    near_id: str
    percent: int


class ProposeAnswer(Answer, frozen=True, kw_only=True):
    """``update`` is the name to refer to, ``digest`` that of what it changes, ``isNew`` false for the same again.

    ``result`` and ``blocked`` are the verdict on the pinned commit: a blocked update needs another revision before
    anybody may approve it.
    """

    update: str
    phase: str
    digest: str
    is_new: bool
    result: str
    blocked: bool
    conditions: tuple[Condition, ...] = ()
    waits_for: tuple[str, ...] = ()
    near: tuple[Near, ...] = ()
    counts: Mapping[str, int] = {}
    diagnostics: tuple[Finding, ...] = ()


def propose_tool(proposing: Proposing) -> Tool:
    """The tool for one session."""
    return Tool(
        name="memory_update_propose",
        title="Propose a memory update",
        description=(
            "Proposes changes of memory files for people to review: what you learned that later runs should know. "
            "Read the record first and give its whole new content; prefer correcting a record to adding one. Nothing "
            "changes until somebody approves, and never what you read in this session. Returns the update's name and "
            "what validation says; correct it by proposing the same files again."
        ),
        arguments=ProposeArguments,
        answer=ProposeAnswer,
        run=lambda reading, asked: _propose(proposing, reading, asked),
        lines=_lines,
        items="diagnostics",
        aliases={"reason": "rationale", "why": "rationale", "files": "changes", "edits": "changes"},
        writes=True,
    )


def _propose(proposing: Proposing, reading: Reading, asked: ProposeArguments) -> ProposeAnswer:
    paths = [path for change in asked.changes for path in (change.path, change.new_path) if path is not None]
    if not all(may_change(reading, path) for path in paths):
        raise DeniedError("POLICY_DENIED", "a change is to a file that is not admitted", hint="leave it out")
    desk = _desk(proposing, reading)
    held, is_new = put_on_record(desk, _proposal(proposing, reading, asked))
    seen = predict(desk, held.update, Ledger(desk).contents(held.update), reading.pin.commit)
    return _answer(reading, held, is_new, seen, set(paths))


def _desk(proposing: Proposing, reading: Reading) -> Desk:
    pin = reading.pin
    caller = Caller(kind="Agent", name=proposing.agent, permissions=frozenset((PROPOSE,)))
    database = open_database(pin.brain.settings)
    return desk_at(pin.brain, database, cast("Forge", _NoForge()), proposing.policy, caller, reader=pin.policy)


class _NoForge:
    """In place of a forge: from here none is reached, and no branch is removed."""

    def delete_branch(self, branch: str, *, expected_head: str) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        raise DeniedError("POLICY_DENIED", "agents reach no forge")


def _proposal(proposing: Proposing, reading: Reading, asked: ProposeArguments) -> Proposal:
    line = asked.rationale.strip().partition("\n")[0].strip()[:MAX_REASON]
    items = [{**msgspec.to_builtins(change), "reason": change.reason.strip() or line} for change in asked.changes]
    return Proposal(
        changes=parse_changes(items),
        proposer=Proposer("Agent", proposing.agent),
        rationale=asked.rationale,
        evidence=tuple(Evidence(one.kind, one.ref, one.digest) for one in asked.evidence),
        source_run=proposing.run,
        update_kind=proposing.kind,
        observed_commit=reading.pin.commit,
        initiator=proposing.initiator,
    )


def _answer(reading: Reading, held: Held, is_new: bool, seen: Preview, changed: set[str]) -> ProposeAnswer:
    pin, checked = reading.pin, seen.checked
    safe = SafeStrings(reading.opened.cleaner)
    told = [one for one in checked.diagnostics if may_tell(reading, one.path, changed)]
    return ProposeAnswer(
        repository=pin.repository,
        commit=pin.commit,
        warnings=reading.warnings,
        update=held.name,
        phase=held.update.phase.value,
        digest=held.update.status.diff_digest,
        is_new=is_new,
        result=checked.report.result,
        blocked=checked.is_blocked,
        conditions=tuple(Condition(one.type, one.status, one.reason) for one in checked.conditions),
        waits_for=tuple(dict.fromkeys(one.kind for one in seen.outstanding)),
        near=tuple(Near(safe(one.record_id), safe(one.near_id), one.percent) for one in checked.near),
        counts=dict(sorted(Counter(one.severity for one in told).items())),
        diagnostics=tuple(finding_of(reading, one, changed, safe) for one in told),
    )


def _lines(answer: ProposeAnswer) -> list[str]:
    what = "is on record" if answer.is_new else "was on record already"
    lines = [f"{answer.update} {what} ({answer.phase}), {answer.digest}"]
    lines += [f"{one.type} does not hold: {one_line(one.reason)}" for one in answer.conditions if one.status == "False"]
    if answer.waits_for and not answer.blocked:
        lines.append(f"it will wait for: {', '.join(answer.waits_for)}")
    lines += [
        f"{one_line(one.record_id)} nearly repeats {one_line(one.near_id)} ({one.percent} %): correct that one instead?"
        for one in answer.near
    ]
    verdict = "blocked: propose the same files again, corrected" if answer.blocked else answer.result
    return [*lines, *finding_lines(answer.diagnostics), verdict]
