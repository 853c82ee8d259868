"""Takes over what somebody pushed to an update's branch: it becomes its next revision, and is judged like any other."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from krate_gitops.git.command import run_git
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.pins import holds
from krate_gitops.git.push import descends
from krate_gitops.git.trees import EXECUTABLE_MODE, FILE_MODE, TreeChange, diff_trees
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.draft import proposed_items
from krate_gitops.updates.end import end_update
from krate_gitops.updates.ledger import Held
from krate_gitops.updates.model import Action, Phase
from krate_gitops.updates.propose import next_revision
from krate_gitops.updates.request import MAX_CHANGES, MAX_CONTENT_BYTES, ProposedChange

_REASON = "Pushed to the branch by a reviewer"


def adopt_pushed(desk: Desk, held: Held) -> Held:
    """The update with what its branch holds, where that isn't what we left there.

    What can't be an update (it changes too much, files outside the memory root, or takes our commits away) ends it.
    """
    update = held.update
    head, spec = update.status.head_commit, update.spec
    tip = desk.tip(spec.branch_name)
    if head is None or tip is None or tip == head:
        return held
    repository = desk.brain.repository
    if not holds(repository, spec.base_commit) or not descends(repository, tip, head):
        return _refused(desk, held, "the branch was rewritten")
    base = _base_of(desk, held, tip)
    # What a reviewer pushes is made on the branch, not on what the run saw. Where the target was merged into the
    # branch, what came with it is no change of the update.
    spec = msgspec.structs.replace(spec, base_commit=base, observed_commit=base)
    held = held._replace(update=msgspec.structs.replace(update, spec=spec))
    root = desk.brain.read(base, lambda opened: opened.manifest.root)
    with ObjectReader(repository) as reader:
        changes = diff_trees(reader, base, tip, "").changes
        prefix = f"{root}/" if root else ""
        if any(not one.path.startswith(prefix) for one in changes):
            return _refused(desk, held, "the branch changes files outside the memory root")
        if not 1 <= len(changes) <= MAX_CHANGES or any(not _is_plain(one) for one in changes):
            return _refused(desk, held, "the branch holds what can't be an update")
        proposed = tuple(_proposed(reader, changes, prefix, {one.target: one.reason for one in spec.changes}))
    items, contents, examined = proposed_items(desk, proposed, base)
    return next_revision(desk, held, items, contents, examined, spec.rationale, head=tip)


def _base_of(desk: Desk, held: Held, tip: str) -> str:
    """The newest commit of the target that the branch holds; what it started from, where the target is another now."""
    spec, repository = held.update.spec, desk.brain.repository
    target = desk.tip(spec.target_branch)
    if target is None:
        return spec.base_commit
    found = run_git(repository.git_dir, ["merge-base", target, tip], answers=(0, 1)).decode("ascii").strip()
    return found if found and descends(repository, found, spec.base_commit) else spec.base_commit


def _is_plain(change: TreeChange) -> bool:
    sides = [side for side in (change.old, change.new) if side is not None]
    return all(side.mode in (FILE_MODE, EXECUTABLE_MODE) and side.size <= MAX_CONTENT_BYTES for side in sides)


def _proposed(
    reader: ObjectReader, changes: list[TreeChange], prefix: str, reasons: dict[str, str]
) -> Iterator[ProposedChange]:
    for one in changes:
        path = one.path.removeprefix(prefix)
        action = Action.DELETE if one.new is None else Action.UPSERT
        content = None if one.new is None else reader.read(one.new.oid).data
        yield ProposedChange(path=path, action=action, content=content, reason=reasons.get(path, _REASON))


def _refused(desk: Desk, held: Held, why: str) -> Held:
    return end_update(desk, held, Phase.REJECTED, reason="BranchTampered", comment=f"Closed: {why}.")
