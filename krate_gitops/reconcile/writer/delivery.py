"""From a draft to a commit on its branch, such that dying anywhere on the way loses and doubles nothing.

The commit is built, its id goes on record as the intent, the branch is moved, and the outcome goes on record. Whoever
finds an intent without an outcome looks at the branch: it has the commit, or it can still get it.
"""

from __future__ import annotations

from collections.abc import Sequence

from krate_gitops.errors import DeniedError
from krate_gitops.git.commits import build_commit
from krate_gitops.git.identity import OURS
from krate_gitops.git.local import Repository
from krate_gitops.git.lookup import read_refs
from krate_gitops.git.pins import holds
from krate_gitops.git.push import Pushed, descends, push_branch
from krate_gitops.reconcile.writer.draft import Draft
from krate_gitops.reconcile.writer.ledger import Ledger
from krate_gitops.reconcile.writer.message import commit_message
from krate_gitops.reconcile.writer.ports import PreviewResult, Proposal, proposal_body
from krate_gitops.reconcile.writer.refusals import protected
from krate_gitops.reconcile.writer.request import Mode
from krate_gitops.reconcile.writer.task import Task
from krate_gitops.records.config_changes import Status, StoredChange
from krate_gitops.resources.validate import Diagnostic

ARRIVED = (Status.PROPOSED, Status.MERGED, Status.APPLIED)


class Delivery:
    """The steps of one task that leave something behind."""

    def __init__(self, task: Task, ledger: Ledger) -> None:
        self._task = task
        self._ledger = ledger

    def begin(self, repository: Repository, drafted: Draft, preview: PreviewResult) -> StoredChange:
        """The intent of this change on this base: a new one, or the one of a write that ended early."""
        stored = self._ledger.known(self._task.key(drafted.base_commit))
        if stored is None:
            commit = self._build(repository, drafted)
            stored = self._ledger.begin(self._task.change(drafted, preview, commit), self._task.request.actor)
            if stored.commit == commit:
                return stored
        if stored.status in ARRIVED:
            return stored
        is_usable = holds(repository, stored.commit) and self._fits(repository, stored.commit)
        if stored.status is Status.PENDING and is_usable:
            return self.recovered(repository, stored)
        commit = stored.commit if is_usable else self._build(repository, drafted)
        return self._ledger.begin_again(stored, self._task.request.actor, commit=commit)

    def push(
        self, repository: Repository, drafted: Draft, stored: StoredChange, preview: PreviewResult
    ) -> StoredChange | None:
        """Pushes a begun change and records the outcome; None when the race for the branch was lost.

        Raises ``DeniedError``: ``KR803`` for a direct write that isn't taken, ``PUSH_REFUSED`` for a proposal.
        """
        task = self._task
        is_direct = task.mode is Mode.DIRECT
        try:
            expected = drafted.base_commit if is_direct else task.tip(repository)
            outcome = self._pushed(repository, stored.commit, expected)
        except DeniedError as error:
            code = "KR803" if is_direct else error.code
            self._ledger.rejected(stored, task.request.actor, code, reason="PushRefused")
            if is_direct:
                raise protected(task.branch, error.message) from None
            raise
        if outcome is Pushed.MOVED:
            self._ledger.moved_on(stored, Status.SUPERSEDED, reason="the branch was moved by others first")
            return None
        return self._settled(stored, drafted.diagnostics, preview)

    def recovered(self, repository: Repository, stored: StoredChange) -> StoredChange:
        """A change that was begun, with the outcome that Git shows where none was recorded."""
        if stored.status is not Status.PENDING or not holds(repository, stored.commit):
            return stored
        name = f"refs/heads/{stored.change.branch}"
        tip = read_refs(repository, [name]).get(name)
        if tip is None or not descends(repository, tip, stored.commit):
            return stored
        return self._settled(stored, [], PreviewResult())

    def _fits(self, repository: Repository, commit: str) -> bool:
        """Whether a commit is on its branch, or could be."""
        tip = self._task.tip(repository)
        return tip is None or descends(repository, commit, tip) or descends(repository, tip, commit)

    def _build(self, repository: Repository, drafted: Draft) -> str:
        request, tip = self._task.request, self._task.tip(repository)
        parents = [drafted.base_commit]
        if self._task.mode is Mode.PULL_REQUEST and tip is not None and not descends(repository, parents[0], tip):
            # The proposal is there on an older base. It goes on from where it is: nothing is taken off a branch.
            parents = [tip, drafted.base_commit]
        return build_commit(
            repository.git_dir,
            drafted.files,
            base=drafted.base_commit,
            parents=parents,
            message=commit_message(request, self._task.digest),
            author=request.author,
            committer=OURS,
            time=self._task.now,
            only_files=True,
        )

    def _pushed(self, repository: Repository, commit: str, expected: str | None) -> Pushed:
        if expected is not None and descends(repository, expected, commit):
            return Pushed.DONE  # a write that ended early had come so far
        if expected is not None and not descends(repository, commit, expected):
            return Pushed.MOVED
        location, settings = self._task.target.location, self._task.settings
        return push_branch(repository, location, self._task.branch, commit, expected, settings=settings)

    def _settled(self, stored: StoredChange, diagnostics: Sequence[Diagnostic], preview: PreviewResult) -> StoredChange:
        """The outcome of a change whose commit is on its branch."""
        change, actor = stored.change, self._task.request.actor
        if change.mode == Mode.DIRECT:
            return self._ledger.merged(stored, actor, commit=stored.commit)
        pull_request = self._task.ports.forge.propose(
            Proposal(
                change=change,
                title=change.message.partition("\n")[0],
                body=proposal_body(change, diagnostics, preview),
                reviewers=self._task.target.reviewers,
            )
        )
        for older in self._ledger.alike(change.source_uid, change.change_digest):
            if older.id < stored.id and older.status is Status.PROPOSED and older.change.branch == change.branch:
                self._ledger.moved_on(older, Status.SUPERSEDED, reason=f"proposed again as {change.name}")
        name = pull_request.url or pull_request.name
        return self._ledger.proposed(stored, actor, commit=stored.commit, pull_request=name)
