"""Whether a commit that the target has is what an update's reviewers approved."""

from __future__ import annotations

from collections.abc import Mapping

from krate_gitops.digest import sha256_digest
from krate_gitops.git.command import run_git
from krate_gitops.git.history import read_commit
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import diff_trees
from krate_gitops.index.source import INDEXES
from krate_gitops.updates.approvals import outstanding_of
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.ledger import Held, Ledger
from krate_gitops.updates.model import AgentMemoryUpdate, Phase
from krate_gitops.updates.validation import Checked, check_kept


def landed_commit(desk: Desk, update: AgentMemoryUpdate, tip: str) -> str | None:
    """The commit of the target that says to have merged an update, by its trailer; looked for since its base."""
    grep = [f"--grep=^Krate-Update: {update.name}$", "--max-count=1"]
    arguments = ["rev-list", "--first-parent", *grep, tip, f"^{update.spec.base_commit}"]
    return run_git(desk.brain.repository.git_dir, arguments).decode("ascii").strip() or None


def is_as_approved(desk: Desk, held: Held, commit: str) -> bool:
    """Whether the reviews are there, and the commit is one on top of the chain that changes what was approved.

    Derived files are no part of the question.
    """
    update = held.update
    with ObjectReader(desk.brain.repository) as reader:
        parents = read_commit(reader, commit).parents
    if not parents or update.phase not in (Phase.APPROVED, Phase.MERGING):
        return False
    checked = check_kept(desk, update, Ledger(desk).contents(update), parents[0])
    if checked.report.digest != update.status.validation_report_digest or outstanding_of(desk, update, checked):
        return False
    return _changes(desk, parents[0], commit, checked.root) == _expected(checked)


def _expected(checked: Checked) -> Mapping[str, str | None]:
    prefix = f"{checked.root}/" if checked.root else ""
    return {
        prefix + path: None if content is None else sha256_digest(content)
        for path, content in checked.merged.changed.items()
    }


def _changes(desk: Desk, before: str, after: str, root: str) -> Mapping[str, str | None]:
    derived = f"{root}/{INDEXES}" if root else INDEXES
    with ObjectReader(desk.brain.repository) as reader:
        changes = diff_trees(reader, before, after, "").changes
        return {
            one.path: None if one.new is None else sha256_digest(reader.read(one.new.oid).data)
            for one in changes
            if not one.path.startswith(derived)
        }
