"""What became of changes: merged when the target branch has them, applied when the source does, rejected or open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from krate_gitops.errors import UnavailableError, UsageError
from krate_gitops.git.local import Repository
from krate_gitops.git.lookup import read_refs
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.pins import holds
from krate_gitops.git.push import descends
from krate_gitops.git.repository import open_repository
from krate_gitops.git.trees import file_oid
from krate_gitops.reconcile.writer.ledger import Ledger
from krate_gitops.reconcile.writer.ports import Forge, LocalForge
from krate_gitops.reconcile.writer.refusals import BaseChangedError
from krate_gitops.reconcile.writer.request import Restore
from krate_gitops.reconcile.writer.target import SourceTarget
from krate_gitops.records.audit_record import Actor
from krate_gitops.records.config_changes import Status, StoredChange, list_changes
from krate_gitops.records.database import Database
from krate_gitops.settings import Settings

_SELF = Actor(kind="System", name="config-writer")
_LOCAL = LocalForge()


def refreshed_changes(
    target: SourceTarget, *, settings: Settings, database: Database, now: datetime, forge: Forge = _LOCAL
) -> list[StoredChange]:
    """The changes of a source, newest first, with what Git and the forge know of them by now; news are recorded.

    Raises ``UnavailableError`` when the repository or the record store can't be used.
    """
    repository = open_repository(target.location, settings=settings)
    ledger = Ledger(database, target.owner, now=now)
    with database.reading() as connection:
        found = list_changes(connection, target.owner, source_uid=target.uid)
    return [_refreshed(repository, ledger, forge, one) for one in found]


def mark_applied(
    owner: str, source_uid: str, repository: Repository, last_applied: str, *, database: Database, now: datetime
) -> list[StoredChange]:
    """Marks the merged changes of a source that an applied commit contains; those that it marked.

    For the reconciler, when ``lastAppliedRevision`` moves. Raises ``UnavailableError``.
    """
    ledger = Ledger(database, owner, now=now)
    with database.reading() as connection:
        found = list_changes(connection, owner, source_uid=source_uid)
    applied = []
    for one in (_refreshed(repository, ledger, _LOCAL, stored) for stored in found):
        if one.status is Status.MERGED and holds(repository, one.commit) and _has(repository, last_applied, one.commit):
            applied.append(ledger.moved_on(one, Status.APPLIED, commit=one.commit, reason=last_applied))
    return applied


def undoing(target: SourceTarget, repository: Repository, stored: StoredChange) -> tuple[Restore, ...]:
    """The changes that take a recorded change back: each of its files as it was before.

    Raises ``UsageError(INVALID_REQUEST)`` for one that wasn't merged, ``BaseChangedError`` where a file changed
    since, and ``UnavailableError(MEMORY_REF_NOT_FOUND)``.
    """
    change = stored.change
    if stored.status not in (Status.MERGED, Status.APPLIED):
        raise UsageError(
            "INVALID_REQUEST",
            f"{change.name} is {stored.status}, so there is nothing to take back",
            hint="`config status` finds out what was merged",
        )
    name = f"refs/heads/{target.branch}"
    tip = read_refs(repository, [name]).get(name)
    if tip is None or not holds(repository, stored.commit) or not holds(repository, change.base_commit):
        raise UnavailableError(
            "MEMORY_REF_NOT_FOUND", f"the commits of {change.name} are not in the repository any more", location=name
        )
    with ObjectReader(repository) as reader:
        later = [path for path in change.paths if file_oid(reader, tip, path) != file_oid(reader, stored.commit, path)]
    if later:
        raise BaseChangedError(stored.commit, tip, later)
    prefix = f"{target.path}/" if target.path else ""
    return tuple(Restore(path=path.removeprefix(prefix), commit=change.base_commit) for path in change.paths)


def _refreshed(repository: Repository, ledger: Ledger, forge: Forge, stored: StoredChange) -> StoredChange:
    if stored.status not in (Status.PENDING, Status.PROPOSED) or not holds(repository, stored.commit):
        return stored
    target, branch = (f"refs/heads/{name}" for name in (stored.change.target_branch, stored.change.branch))
    refs = read_refs(repository, [target, branch])
    tip = refs.get(target)
    if tip is not None and _has(repository, tip, stored.commit):
        return ledger.merged(stored, _SELF, commit=stored.commit)
    if tip is not None and _is_squashed(repository, tip, stored):
        return ledger.merged(stored, _SELF, commit=tip, reason="the same files, as another commit")
    if stored.status is Status.PENDING:
        pushed = refs.get(branch)
        is_there = pushed is not None and branch != target and _has(repository, pushed, stored.commit)
        if not is_there:
            return stored
        return ledger.proposed(stored, _SELF, commit=stored.commit, pull_request=stored.change.branch)
    told = forge.status(stored.change, stored.state.pull_request if stored.state else None)
    if told is Status.MERGED:
        return ledger.merged(stored, _SELF, commit=stored.commit)
    if told is Status.REJECTED or branch not in refs:
        return ledger.rejected(stored, _SELF, reason="Closed" if told else "BranchDeleted")
    return stored


def _has(repository: Repository, commit: str, ancestor: str) -> bool:
    return holds(repository, commit) and descends(repository, commit, ancestor)


def _is_squashed(repository: Repository, tip: str, stored: StoredChange) -> bool:
    """Whether the branch has all files as the change left them, and no longer as it found them."""
    change = stored.change
    if not change.paths or not holds(repository, change.base_commit):
        return False
    with ObjectReader(repository) as reader:

        def ids(commit: str) -> Sequence[str | None]:
            return [file_oid(reader, commit, path) for path in change.paths]

        return ids(tip) == ids(stored.commit) != ids(change.base_commit)
