"""Whether a commit that the target has is what an update's reviewers approved."""

from __future__ import annotations

from krate_gitops.git.history import read_commit
from krate_gitops.git.objects import ObjectReader
from krate_gitops.updates.approvals import outstanding_of
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.landed import holds_what_was_judged
from krate_gitops.updates.ledger import Held, Ledger
from krate_gitops.updates.validation import check_kept


def is_as_approved(desk: Desk, held: Held, commit: str) -> bool:
    """Whether the reviews are there, and the commit is one on top of the chain that changes what was approved."""
    update = held.update
    with ObjectReader(desk.brain.repository) as reader:
        parents = read_commit(reader, commit).parents
    if not parents:
        return False
    checked = check_kept(desk, update, Ledger(desk).contents(update), parents[0])
    is_judged = checked.report.digest == update.status.validation_report_digest and not checked.is_blocked
    if not is_judged or outstanding_of(desk, update, checked):
        return False
    return holds_what_was_judged(desk, checked, parents[0], commit)
