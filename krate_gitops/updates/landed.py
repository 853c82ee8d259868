"""What of an update the target branch has, whoever put it there."""

from __future__ import annotations

from collections.abc import Mapping

from krate_gitops.digest import sha256_digest
from krate_gitops.git.command import run_git
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import diff_trees
from krate_gitops.index.source import INDEXES
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.model import AgentMemoryUpdate
from krate_gitops.updates.validation import Checked


def landed_commit(desk: Desk, update: AgentMemoryUpdate, tip: str) -> str | None:
    """The commit of the target that merged an update, by its trailer; looked for since the update's base."""
    grep = [f"--grep=^Krate-Update: {update.name}$", "--max-count=1"]
    arguments = ["rev-list", "--first-parent", *grep, tip, f"^{update.spec.base_commit}"]
    return run_git(desk.brain.repository.git_dir, arguments).decode("ascii").strip() or None


def holds_what_was_judged(desk: Desk, checked: Checked, parent: str, commit: str) -> bool:
    """Whether a commit changes of its parent exactly what a judgement on that parent said.

    Derived files don't count where merging writes them.
    """
    derived = f"{checked.root}/{INDEXES}" if checked.root else INDEXES
    skipped = derived if desk.policy.commit_indexes else None
    return _changes(desk, parent, commit, skipped) == _expected(checked)


def _expected(checked: Checked) -> Mapping[str, str | None]:
    prefix = f"{checked.root}/" if checked.root else ""
    return {
        prefix + path: None if content is None else sha256_digest(content)
        for path, content in checked.merged.changed.items()
    }


def _changes(desk: Desk, before: str, after: str, skipped: str | None) -> Mapping[str, str | None]:
    with ObjectReader(desk.brain.repository) as reader:
        changes = diff_trees(reader, before, after, "").changes
        return {
            one.path: None if one.new is None else sha256_digest(reader.read(one.new.oid).data)
            for one in changes
            if skipped is None or not one.path.startswith(skipped)
        }
