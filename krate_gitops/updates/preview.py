"""What would become of a proposal, found out without keeping anything of it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from krate_gitops.errors import UnavailableError
from krate_gitops.updates.approvals import outstanding_of
from krate_gitops.updates.carry import Carried
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.detail import carried_onto
from krate_gitops.updates.ledger import with_status
from krate_gitops.updates.model import AgentMemoryUpdate, Phase
from krate_gitops.updates.propose import Limits, begun
from krate_gitops.updates.publish import judged
from krate_gitops.updates.request import Proposal
from krate_gitops.updates.requirements import Requirement
from krate_gitops.updates.validation import Checked, check_kept


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The update that there would be, what validation says of it, and the reviews it would wait for."""

    update: AgentMemoryUpdate
    checked: Checked
    outstanding: tuple[Requirement, ...]


def preview(
    desk: Desk, proposal: Proposal, *, labels: Mapping[str, str] | None = None, limits: Limits | None = None
) -> Preview:
    """The verdict on a proposal merged onto its target as that is now.

    No record, no object and no branch is written, but for the audit record of a refusal. Raises as ``propose`` does
    before it keeps anything.
    """
    desk, draft = begun(desk, proposal, labels, limits)
    update, contents = draft.preview()
    tip = desk.tip(update.spec.target_branch)
    if tip is None:
        raise UnavailableError(
            "MEMORY_REF_NOT_FOUND", "the target branch has no commit", location=update.spec.target_branch
        )
    return _judged(desk, update, contents, tip)


def carried_of(desk: Desk, proposal: Proposal) -> tuple[str, str, Carried]:
    """Commit, memory root, and what a proposal makes of that commit's files; not judged, and nothing is kept."""
    desk, draft = begun(desk, proposal, None, None)
    update, contents = draft.preview()
    tip = desk.tip(update.spec.target_branch) or update.spec.base_commit
    carried, root = carried_onto(desk, update, contents, tip)
    return tip, root, carried


def predict(desk: Desk, update: AgentMemoryUpdate, contents: Mapping[str, bytes], commit: str) -> Preview:
    """The verdict on an update as if its target stood at ``commit``, and had when it was proposed.

    For who may be told of that commit alone.
    """
    spec = msgspec.structs.replace(update.spec, base_commit=commit, observed_commit=commit)
    return _judged(desk, msgspec.structs.replace(update, spec=spec), contents, commit)


def _judged(desk: Desk, update: AgentMemoryUpdate, contents: Mapping[str, bytes], commit: str) -> Preview:
    checked = check_kept(desk, update, contents, commit)
    phase = Phase.CHANGES_REQUESTED if checked.is_blocked else Phase.AWAITING_APPROVAL
    update = with_status(judged(update, checked), phase=phase)
    return Preview(update=update, checked=checked, outstanding=outstanding_of(desk, update, checked))
