"""What a change is made on: the tip of the target branch, and whether that is what the caller has seen."""

from __future__ import annotations

from krate_gitops.errors import DeniedError, KrateError, UnavailableError
from krate_gitops.git.local import Repository
from krate_gitops.git.lookup import read_refs
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.pins import holds
from krate_gitops.git.push import is_remote, refuse_bundle, refuse_checked_out
from krate_gitops.git.repository import open_repository
from krate_gitops.git.trees import diff_trees, tree_oid
from krate_gitops.reconcile.writer.draft import Draft, draft
from krate_gitops.reconcile.writer.refusals import BaseChangedError
from krate_gitops.reconcile.writer.request import Mode
from krate_gitops.reconcile.writer.task import Task


def open_base(task: Task) -> tuple[Repository, str]:
    """The repository, brought up to date, and the tip of the target branch.

    Raises what ``open_repository`` raises, ``UsageError(INVALID_REQUEST)`` for a bundle, ``UnavailableError(KR702)``
    where there is no such branch, and ``DeniedError(PUSH_REFUSED)`` for a direct write to a branch that is checked out
    on this machine.
    """
    refuse_bundle(task.target.location)
    repository = open_repository(task.target.location, settings=task.settings)
    name = f"refs/heads/{task.target.branch}"
    if task.mode is Mode.DIRECT and not is_remote(task.target.location):
        refuse_checked_out(repository, name)
    tip = read_refs(repository, [name]).get(name)
    if tip is None:
        raise UnavailableError(
            "KR702",
            f"{repository.name} has no branch {task.target.branch}",
            hint="check the target branch; a new repository needs a first commit",
            location=name,
        )
    return repository, tip


def check_expected(task: Task, repository: Repository, tip: str, first: Draft | None) -> None:
    """Raises ``BaseChangedError`` when the tip isn't the base that the caller expects; ``first`` is an earlier draft.

    ``UnavailableError(MEMORY_REF_NOT_FOUND)`` for a base that isn't in the repository.
    """
    expected = task.request.expected_base
    if expected is None or expected == tip:
        return
    if not holds(repository, expected):
        raise UnavailableError(
            "MEMORY_REF_NOT_FOUND", f"{repository.name} has no commit {expected[:64]}", hint="give a full commit id"
        )
    if first is None:
        try:
            made_there = draft(task.request, repository, expected, now=task.seconds, access=task.ports.access)
            ours = set(made_there.files)
        except DeniedError:
            raise
        except KrateError:
            ours = set()
    else:
        ours = set(first.files)
    raise BaseChangedError(expected, tip, sorted(ours & _changed_paths(task, repository, expected, tip)))


def check_untouched(task: Task, repository: Repository, first: Draft, now: Draft) -> None:
    """Raises ``BaseChangedError`` when others have changed what the change takes the place of.

    To go on would undo it without a word.
    """
    if now.seen != first.seen:
        theirs = _changed_paths(task, repository, first.base_commit, now.base_commit)
        raise BaseChangedError(first.base_commit, now.base_commit, sorted(theirs & set(first.files)))


def _changed_paths(task: Task, repository: Repository, old: str, new: str) -> set[str]:
    """Paths in the repository, below the source's folder, that differ between two commits."""
    folder = task.target.path
    prefix = f"{folder}/" if folder else ""
    with ObjectReader(repository) as reader:
        if folder and tree_oid(reader, old, folder) is None and tree_oid(reader, new, folder) is None:
            return set()
        return {prefix + change.path for change in diff_trees(reader, old, new, folder).changes}
