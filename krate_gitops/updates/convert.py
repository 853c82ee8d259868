"""Makes of an update that is stored only one that reviewers see."""

from __future__ import annotations

import msgspec

from krate_gitops.errors import KrateError, UsageError
from krate_gitops.updates.desk import PROPOSE, Desk
from krate_gitops.updates.ledger import Held, Ledger, with_status
from krate_gitops.updates.model import Phase, UpdateKind
from krate_gitops.updates.propose import carry_on

CONVERTED_TO = (UpdateKind.PROPOSED_PR, UpdateKind.REVIEW_BRANCH)
_WAITING = (Phase.AWAITING_APPROVAL, Phase.CHANGES_REQUESTED)


def convert(desk: Desk, name: str, kind: UpdateKind = UpdateKind.PROPOSED_PR) -> Held:
    """A ``patch-artifact`` as an update of another kind, judged and shown; one that is of that kind stays as it is.

    What was said about it before doesn't count: nobody saw a commit of it. Raises ``UsageError(INVALID_REQUEST)`` for
    another kind of update, ``KrateError(MEMORY_UPDATE_NOT_APPROVED)`` for one that has ended, and what ``publish``
    raises: then the same call goes on.
    """
    desk.require(PROPOSE)
    desk.require_writes()
    desk = desk.again()
    held = Ledger(desk).find(name)
    spec = held.update.spec
    if kind not in CONVERTED_TO:
        raise UsageError("INVALID_REQUEST", f"an update is converted to {' or '.join(CONVERTED_TO)}")
    if spec.update_kind is kind:
        return carry_on(desk, held)
    if spec.update_kind is not UpdateKind.PATCH_ARTIFACT:
        raise UsageError(
            "INVALID_REQUEST",
            f"{name} is a {spec.update_kind}: only a patch-artifact is converted",
            hint="its reviewers see it already",
            location=name,
        )
    if held.update.phase not in _WAITING:
        raise KrateError(
            "MEMORY_UPDATE_NOT_APPROVED",
            f"{name} is {held.update.phase}, so it can't be converted",
            hint="propose it as a new update" if held.update.phase is not Phase.PENDING else "validate it first",
            location=name,
        )
    converted = msgspec.structs.replace(held.update, spec=msgspec.structs.replace(spec, update_kind=kind))
    return carry_on(desk, Ledger(desk).step(held, with_status(converted, phase=Phase.VALIDATING)))
