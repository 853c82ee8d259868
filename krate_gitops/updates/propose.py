"""From a proposal to an update on record, and on to its reviewers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from krate_gitops.errors import DeniedError, KrateError, UsageError
from krate_gitops.git.push import refuse_bundle
from krate_gitops.organization import namespace_of
from krate_gitops.records.update_events import update_denied
from krate_gitops.updates.desk import ONTOLOGY, PROPOSE, Desk
from krate_gitops.updates.docket import MovedOnError
from krate_gitops.updates.draft import Draft, paths_of, proposed_items
from krate_gitops.updates.end import end_update
from krate_gitops.updates.examine import Examined, holds_secret, without_secrets
from krate_gitops.updates.ledger import OPEN, Held, Ledger, with_status
from krate_gitops.updates.model import (
    AgentMemoryUpdate,
    ChangeItem,
    Metadata,
    Phase,
    UpdateSpec,
)
from krate_gitops.updates.names import diff_digest
from krate_gitops.updates.publish import branch_moved, publish
from krate_gitops.updates.request import (
    MAX_CHANGES,
    MAX_CONTENT_BYTES,
    Proposal,
    ProposedChange,
    check_proposal,
)

_TRIES = 5


class Limits(msgspec.Struct, frozen=True):
    """How large an update may be: ``content`` in bytes of one file, ``changes`` in files."""

    content: int = MAX_CONTENT_BYTES
    changes: int = MAX_CHANGES


def propose(
    desk: Desk, proposal: Proposal, *, labels: Mapping[str, str] | None = None, limits: Limits | None = None
) -> tuple[Held, bool]:
    """The update of a proposal, judged and shown to its reviewers, and whether it is new.

    The same proposal again gives the update that is there. Raises ``UsageError(INVALID_REQUEST)``,
    ``DeniedError(POLICY_DENIED)``, ``KrateError(MEMORY_WRITES_DISABLED)``, and what ``publish`` raises: then the update
    is on record, and the same call goes on with it.
    """
    desk, kept = begun(desk, proposal, labels, limits)
    held, is_new = kept.begin()
    return carry_on(desk, held), is_new


def put_on_record(
    desk: Desk, proposal: Proposal, *, labels: Mapping[str, str] | None = None, limits: Limits | None = None
) -> tuple[Held, bool]:
    """The update of a proposal as it stands on record, ``Pending``, and whether it is new. Git and the forge are left
    alone: ``carry_on`` takes it to its reviewers, and so does whoever looks at the updates of the repository.

    Raises as ``propose`` does, for what it asks for.
    """
    desk, kept = begun(desk, proposal, labels, limits)
    held, is_new = kept.begin()
    if is_new:
        # One that nobody was shown has neither branch nor request; the others wait until this one is shown.
        _supersede(desk, held, [one for one in kept.replaced if one.update.phase is Phase.PENDING])
    return held, is_new


def begun(
    desk: Desk, proposal: Proposal, labels: Mapping[str, str] | None, limits: Limits | None
) -> tuple[Desk, Draft]:
    """A desk with the repository as it is now, and a proposal that may be made, read and scanned; nothing is kept."""
    limits = limits or Limits()
    check_proposal(proposal, content_limit=limits.content, most=limits.changes)
    desk = desk.again()
    _admit(desk, proposal)
    return desk, Draft(desk, proposal, labels or {})


def carry_on(desk: Desk, held: Held) -> Held:
    """An update that was begun and not shown yet, taken to its reviewers; others as they are."""
    if held.update.phase is Phase.PENDING:
        _supersede(desk, held, _replaced_by(desk, held))
        held = Ledger(desk).step(held, with_status(held.update, phase=Phase.VALIDATING))
    if held.update.phase is Phase.VALIDATING:
        held = publish(desk, held)
    return held


def revalidate(desk: Desk, held: Held) -> Held:
    """An open update judged anew, on the target as it is now. Raises as ``publish`` does."""
    return judge_again(desk.again(), held)


def judge_again(desk: Desk, held: Held) -> Held:
    """The same on the target as the desk has it, for who has just brought the repository up to date."""
    if held.update.phase.value not in OPEN or held.update.phase is Phase.MERGING:
        return held
    if held.update.phase not in (Phase.PENDING, Phase.VALIDATING):
        if branch_moved(desk, held.update):
            raise _pushed_meanwhile(held)
        held = Ledger(desk).step(held, with_status(held.update, phase=Phase.VALIDATING))
    return carry_on(desk, held)


def revise(desk: Desk, name: str, changes: Sequence[ProposedChange], *, rationale: str | None = None) -> Held:
    """A new revision of an open update: other changes in place of the ones it has. Approvals don't hold for it.

    Only who proposed it may revise it. Raises as ``propose`` does, and ``KrateError(MEMORY_UPDATE_NOT_APPROVED)`` for
    one that is closed or being merged.
    """
    desk.require(PROPOSE)
    desk.require_writes()
    desk = desk.again()
    ledger = Ledger(desk)
    held = ledger.find(name)
    spec = held.update.spec
    if held.update.phase.value not in OPEN or held.update.phase is Phase.MERGING:
        raise KrateError(
            "MEMORY_UPDATE_NOT_APPROVED", f"{name} is {held.update.phase}", hint="propose it as a new update"
        )
    if (desk.caller.kind, desk.caller.name) != (spec.proposer.kind, spec.proposer.name):
        raise DeniedError("POLICY_DENIED", "only who proposed an update may revise it", hint="ask for changes instead")
    proposal = Proposal(
        changes=tuple(changes),
        proposer=spec.proposer,
        rationale=spec.rationale if rationale is None else rationale,
        source_run=spec.source_run,
        update_kind=spec.update_kind,
    )
    check_proposal(proposal)
    _check_names(desk, proposal)
    if branch_moved(desk, held.update):
        raise _pushed_meanwhile(held)
    observed = spec.observed_commit or spec.base_commit
    items, contents, examined = proposed_items(desk, proposal.changes, observed)
    may = ONTOLOGY in desk.caller.permissions
    held = held._replace(update=with_status(held.update, may_change_ontology=may))
    return next_revision(desk, held, items, contents, examined, without_secrets(proposal.rationale, desk.secret_scan()))


def _pushed_meanwhile(held: Held) -> KrateError:
    return KrateError(
        "PUSH_CONFLICT",
        f"{held.update.spec.branch_name} was moved by somebody else",
        hint="`update refresh` looks at it; then try again",
        location=held.name,
    )


def next_revision(
    desk: Desk,
    held: Held,
    items: tuple[ChangeItem, ...],
    contents: Mapping[str, bytes],
    examined: Examined,
    rationale: str,
    *,
    head: str | None = None,
) -> Held:
    """An open update with other changes, judged and shown. ``head`` is the commit that holds them already, if any."""
    spec = msgspec.structs.replace(held.update.spec, changes=items, rationale=rationale)
    update = msgspec.structs.replace(held.update, spec=spec)
    update = with_status(
        update,
        phase=Phase.VALIDATING,
        revision=held.update.status.revision + 1,
        diff_digest=diff_digest(items),
        withheld=examined.secrets,
        changed_at=desk.instant,
    )
    if head is not None:
        update = with_status(update, head_commit=head, head_revision=update.status.revision)
    return publish(desk, Ledger(desk).step(held, update, contents=contents))


def _admit(desk: Desk, proposal: Proposal) -> None:
    try:
        desk.require(PROPOSE)
        desk.require_writes()
        branches = desk.policy.updates.allowed_target_branches
        target = proposal.target_branch
        if target is not None and target != desk.target_branch() and target not in branches:
            raise DeniedError(
                "POLICY_DENIED", "updates go to the default branch", hint="the repository's policy may allow others"
            )
    except KrateError as error:
        use = Ledger(desk).use(_nothing(desk, proposal))
        Ledger(desk).note([update_denied(use, "propose", error.code, reason="Refused")])
        raise
    refuse_bundle(desk.brain.spec)
    _check_names(desk, proposal)


def _check_names(desk: Desk, proposal: Proposal) -> None:
    """Refuses names that hold a secret: unlike texts they can't be kept with it taken out."""
    scan = desk.secret_scan()
    if any(holds_secret(name, scan) for name in (proposal.source_run or "", proposal.proposer.name)):
        raise UsageError("INVALID_REQUEST", "a name looks like it holds a secret", hint="give the name alone")
    for change in proposal.changes:
        if any(holds_secret(path, scan) for path in (change.path, change.new_path or "")):
            raise UsageError("INVALID_REQUEST", "a path looks like it holds a secret", hint="choose another name")


def _nothing(desk: Desk, proposal: Proposal) -> AgentMemoryUpdate:
    """What the log says of a proposal that never became an update."""
    spec = UpdateSpec(
        organization_ref=desk.organization,
        memory_repository=desk.repository_name,
        proposer=proposal.proposer,
        changes=(),
        source_run=proposal.source_run,
        target_branch="",
        base_commit="",
        branch_name="",
    )
    return AgentMemoryUpdate(metadata=Metadata(name="none", namespace=namespace_of(desk.organization)), spec=spec)


def _replaced_by(desk: Desk, held: Held) -> list[Held]:
    """Older open updates of the same run that touch the same paths."""
    run, touched = held.update.spec.source_run, paths_of(held.update)
    if run is None:
        return []
    return [
        one for one in Ledger(desk).listed(source_run=run, phases=OPEN) if _is_replaced(one, held.stored.id, touched)
    ]


def _is_replaced(older: Held, newer: int, touched: set[str]) -> bool:
    return (
        older.stored.id < newer and older.update.phase is not Phase.MERGING and bool(touched & paths_of(older.update))
    )


def _supersede(desk: Desk, held: Held, older: Sequence[Held]) -> None:
    for one in older:
        for _ in range(_TRIES):
            try:
                end_update(desk, one, Phase.SUPERSEDED, reason="Superseded", superseded_by=held.name)
                break
            except MovedOnError:
                one = Ledger(desk).find(one.name)
                if one.update.phase.value not in OPEN or one.update.phase is Phase.MERGING:
                    break
