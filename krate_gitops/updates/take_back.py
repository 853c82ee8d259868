"""Proposes what takes a merged update or a commit back, and marks what it brought as known to be bad."""

from __future__ import annotations

import msgspec

from krate_gitops.errors import KrateError, UsageError
from krate_gitops.git.request import RefMode, RefRequest
from krate_gitops.memory.known_bad import Evidence as WhatIsBad
from krate_gitops.memory.known_bad import Marked, mark
from krate_gitops.updates.desk import PROPOSE, Desk
from krate_gitops.updates.ledger import Held, Ledger
from krate_gitops.updates.model import Evidence, Phase, Proposer, UpdateKind
from krate_gitops.updates.propose import Limits, propose
from krate_gitops.updates.request import MAX_REASON, Proposal, ProposedChange
from krate_gitops.updates.revert import Passed, Revert, revert_changes
from krate_gitops.updates.review import reviewer_name

_LIMITS = Limits(content=16 << 20, changes=1000)
"""What was merged once may be taken back, also where it is more than anybody may propose at a time."""


class TakenBack(msgspec.Struct, frozen=True, kw_only=True):
    """The update that takes ``commit`` back, whether it is new, and the known-bad range where one was marked."""

    held: Held
    is_new: bool
    commit: str
    settled: tuple[Passed, ...] = ()
    ignored: tuple[Passed, ...] = ()
    marked: Marked | None = None


def take_back(desk: Desk, what: str, *, reason: str, mark_known_bad: bool = False) -> TakenBack:
    """Proposes a ``revert`` of ``what``: the name of a merged update, that of a run import, or a ref of a commit.

    With ``mark_known_bad`` the commits from the offending one on are marked first, as far as its files are concerned:
    exposure ends before anybody reviews. Raises ``UsageError(INVALID_REQUEST)`` where nothing is left to take back or
    no reason is given, what ``revert_changes`` raises, and what ``propose`` raises.
    """
    desk.require(PROPOSE)
    desk.require_writes()
    if not reason.strip():
        raise UsageError("INVALID_REQUEST", "a revert says why", hint="give a reason")
    desk = desk.again()
    update, commit = _offending(desk, what)
    revert = _computed(desk, commit, reason)
    marked = _marked(desk, revert, update, reason) if mark_known_bad else None
    if not revert.changes:
        raise UsageError("INVALID_REQUEST", revert.explanation, hint="there is nothing to propose", location=commit)
    evidence = [Evidence(kind="commit", ref=commit)]
    if update is not None:
        evidence.append(Evidence(kind="update", ref=update, digest=Ledger(desk).find(update).update.status.diff_digest))
    proposal = Proposal(
        changes=tuple(_change(revert, at) for at in range(len(revert.changes))),
        proposer=Proposer(desk.caller.kind, desk.caller.name),
        rationale=reason,
        evidence=tuple(evidence),
        update_kind=UpdateKind.REVERT,
        observed_commit=revert.observed_commit,
    )
    held, is_new = propose(desk, proposal, limits=_LIMITS)
    return TakenBack(
        held=held, is_new=is_new, commit=commit, settled=revert.settled, ignored=revert.ignored, marked=marked
    )


def _offending(desk: Desk, what: str) -> tuple[str | None, str]:
    """Name of the update that brought a problem, where it is known, and its commit."""
    ledger = Ledger(desk)
    if what.startswith("import-"):
        found = ledger.listed(source_run=what, phases=[Phase.MERGED.value], limit=1)
        if found and found[0].update.status.merge_commit:
            return found[0].name, found[0].update.status.merge_commit
        raise _not_merged(what, "has no merged update")
    if what.startswith("amu-"):
        held = ledger.find(what)
        if held.update.phase is not Phase.MERGED or held.update.status.merge_commit is None:
            raise _not_merged(what, f"is {held.update.phase}")
        return what, held.update.status.merge_commit
    request = RefRequest(mode=RefMode.EXPLICIT_REF, requested_ref=what, require_approved_commit=False)
    commit = desk.brain.resolve(request).resolved_commit
    by_commit = (one for one in ledger.listed(phases=[Phase.MERGED.value]) if one.update.status.merge_commit == commit)
    known = next(by_commit, None)
    return (known.name if known else None), commit


def _not_merged(what: str, state: str) -> KrateError:
    return KrateError(
        "MEMORY_UPDATE_NOT_APPROVED",
        f"{what} {state}: only what was merged is taken back",
        hint="reject it instead",
        location=what,
    )


def _computed(desk: Desk, commit: str, reason: str) -> Revert:
    brain = desk.brain
    tip = brain.resolve(RefRequest()).current_commit
    root = brain.read(tip, lambda opened: opened.manifest.root)
    line = " ".join(reason.split())[:MAX_REASON]
    return revert_changes(brain.repository, commit, tip, root, reason=line, home=brain.settings.home)


def _change(revert: Revert, at: int) -> ProposedChange:
    item = revert.changes[at]
    return ProposedChange(
        path=item.path,
        action=item.action,
        content=revert.contents.get(item.target),
        new_path=item.new_path,
        base_digest=item.base_digest,
        reason=item.reason,
    )


def _marked(desk: Desk, revert: Revert, update: str | None, reason: str) -> Marked:
    paths = {path for item in revert.changes for path in (item.path, item.target)}
    paths |= {one.path for one in revert.settled}
    bad = WhatIsBad(reason=reason[:1000], marked_by=reviewer_name(desk.caller), ref=update, paths=tuple(sorted(paths)))
    return mark(desk.brain, desk.database, revert.observed_commit, None, bad)
