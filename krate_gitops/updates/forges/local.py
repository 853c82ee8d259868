"""Pull requests without a forge: the branch lies in the repository, all that is said about it in the record store.

It serves any repository that git can write to, on this machine or by an address, and several processes at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from krate_gitops.errors import UnavailableError, UsageError
from krate_gitops.git.identity import OURS
from krate_gitops.git.instants import format_instant
from krate_gitops.git.local import Repository
from krate_gitops.git.lookup import read_refs
from krate_gitops.git.merging import merge_commit
from krate_gitops.git.push import Pushed, delete_branch, descends, push_branch
from krate_gitops.git.repository import open_repository
from krate_gitops.git.request import check_ref_name
from krate_gitops.records.database import Database
from krate_gitops.records.pull_requests import (
    EventKind,
    EventRow,
    Place,
    PullRow,
    find_pull,
    find_unfinished,
    insert_event,
    insert_pull,
    insert_status,
    newest_status,
    next_number,
    read_events,
)
from krate_gitops.settings import Settings
from krate_gitops.updates.forges.local_events import (
    Closed,
    Commented,
    Described,
    Merged,
    Stated,
    closing_merge,
    fold,
)
from krate_gitops.updates.forges.port import (
    STATUS_CONTEXT,
    CheckState,
    ForgeReview,
    PullDraft,
    PullRequest,
    PullState,
)
from krate_gitops.updates.forges.ref import check_mergeable, check_own_branch, check_repository, conflict, pull_number
from krate_gitops.updates.forges.text import body_text, comment_text, description_text, title_text

_TRIES = 20
_T = TypeVar("_T")


class LocalForge:
    """The pull requests of one memory repository of an organisation; ``spec`` is what the repository is opened by.

    Every method also raises what reading the repository and the record store raises.
    """

    def __init__(
        self,
        database: Database,
        *,
        organization: str,
        memory_repository: str,
        spec: str,
        settings: Settings,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.repository = check_repository(f"{organization}/{memory_repository}")
        self._place = Place(organization, memory_repository)
        self._database = database
        self._spec = spec
        self._settings = settings
        self._now = now

    def open(self, draft: PullDraft) -> PullRequest:
        """See the port. The branch must be there, stand on the draft's head, and have what the target has not."""
        repository = self._repository()
        self._check_draft(repository, draft)
        known = self._known(repository, draft.branch, draft.target)
        if known is not None:
            return self.update(known.ref, draft)

        def write(connection: Connection) -> int:
            number = next_number(connection, self._place)
            row = find_unfinished(connection, self._place, draft.branch, draft.target)
            if row is not None:
                return row.number
            insert_pull(connection, self._place, PullRow(number, draft.branch, draft.target))
            insert_event(connection, self._place, number, self._described(draft))
            return number

        return self.update(self._ref(self._written(write)), draft)

    def find(self, branch: str, target: str) -> PullRequest | None:
        """See the port."""
        check_ref_name(branch)
        check_ref_name(target)
        pull = self._known(self._repository(), branch, target)
        return pull if pull is not None and pull.state is PullState.OPEN else None

    def read(self, ref: str) -> PullRequest:
        """See the port. A branch that somebody merged by hand counts as merged, one that is gone as closed."""
        return self._read(self._repository(), self._number(ref))

    def update(self, ref: str, draft: PullDraft) -> PullRequest:
        """See the port. Where nothing differs, nothing is recorded."""
        number, repository = self._number(ref), self._repository()
        pull = self._read(repository, number)
        if (pull.branch, pull.target) != (draft.branch, draft.target):
            raise UsageError("INVALID_REQUEST", f"{ref} is about another branch", location=pull.branch)
        if pull.state is not PullState.OPEN:
            raise conflict(f"{ref} is {pull.state} and stays as it is", pull)
        event = self._described(draft)

        def write(connection: Connection) -> None:
            newest = read_events(connection, self._place, number, EventKind.DESCRIBED)[-1:]
            if not newest or not Described.same(newest[0].body, event.body):
                insert_event(connection, self._place, number, event)

        self._written(write)
        return self._read(repository, number)

    def comment(self, ref: str, text: str) -> None:
        """See the port."""
        number = self._existing(ref)
        self._record(number, EventKind.COMMENTED, Commented(text=comment_text(text), at=self._at()))

    def comments(self, ref: str) -> tuple[str, ...]:
        """Texts of all comments, oldest first."""
        number = self._existing(ref)
        with self._database.reading() as connection:
            events = read_events(connection, self._place, number, EventKind.COMMENTED)
        return tuple(msgspec.json.decode(event.body, type=Commented).text for event in events)

    def review(self, ref: str, review: ForgeReview) -> None:
        """Records what a reviewer says; the caller has made sure who that is."""
        number = self._existing(ref)
        self._record(number, EventKind.REVIEWED, review)

    def reviews(self, ref: str) -> tuple[ForgeReview, ...]:
        """See the port."""
        number = self._existing(ref)
        with self._database.reading() as connection:
            events = read_events(connection, self._place, number, EventKind.REVIEWED)
        return tuple(msgspec.json.decode(event.body, type=ForgeReview) for event in events)

    def set_status(self, commit: str, state: CheckState, *, description: str, context: str = STATUS_CONTEXT) -> None:
        """See the port."""
        stated = Stated(state=state, description=description_text(description), at=self._at())

        def write(connection: Connection) -> None:
            known = self._status(connection, commit, context)
            if known is None or (known.state, known.description) != (stated.state, stated.description):
                insert_status(connection, self._place, commit, context, msgspec.json.encode(stated).decode())

        self._written(write)

    def status(self, commit: str, *, context: str = STATUS_CONTEXT) -> CheckState | None:
        """See the port."""
        with self._database.reading() as connection:
            found = self._status(connection, commit, context)
        return found.state if found else None

    def merge(self, ref: str, *, expected_head: str, message: str, expected_target: str | None = None) -> str:
        """See the port. Head and target are held to by compare-and-swap: nothing is merged onto what wasn't seen."""
        number, repository = self._number(ref), self._repository()
        pull = self._read(repository, number)
        if not check_mergeable(pull, expected_head) and pull.merge_commit is not None:
            return pull.merge_commit
        tip = self._tip(repository, pull.target)
        if tip is None or (expected_target is not None and tip != expected_target):
            raise conflict(f"{pull.target} doesn't stand where it was seen", pull)
        now = datetime.fromtimestamp(int(self._now()), tz=UTC)
        commit = merge_commit(repository, tip, expected_head, message=message, author=OURS, time=now)
        if commit is None:
            raise conflict(f"{ref} has conflicts with {pull.target}", pull)
        pushed = push_branch(repository, self._spec, pull.target, commit, tip, settings=self._settings)
        if pushed is Pushed.MOVED:
            raise conflict(f"{pull.target} was moved by somebody else meanwhile", pull)
        self._record(number, EventKind.MERGED, Merged(commit=commit, head=expected_head, at=self._at()))
        return commit

    def close(self, ref: str, *, comment: str = "") -> None:
        """See the port."""
        number, repository = self._number(ref), self._repository()
        pull = self._read(repository, number)
        if pull.state is PullState.MERGED:
            return

        def write(connection: Connection) -> None:
            if fold(read_events(connection, self._place, number)).is_over:
                return
            if comment:
                said = Commented(text=comment_text(comment), at=self._at())
                insert_event(connection, self._place, number, _event(EventKind.COMMENTED, said))
            insert_event(
                connection, self._place, number, _event(EventKind.CLOSED, Closed(head=pull.head, at=self._at()))
            )

        self._written(write)

    def delete_branch(self, branch: str, *, expected_head: str) -> bool:
        """See the port."""
        check_own_branch(branch)
        repository = self._repository()
        deleted = delete_branch(repository, self._spec, branch, expected_head, settings=self._settings)
        return deleted is Pushed.DONE

    # Reading

    def _repository(self) -> Repository:
        return open_repository(self._spec, settings=self._settings)

    def _ref(self, number: int) -> str:
        return f"{self.repository}/{number}"

    def _number(self, ref: str) -> int:
        return pull_number(ref, self.repository)

    def _existing(self, ref: str) -> int:
        number = self._number(ref)
        with self._database.reading() as connection:
            self._row(connection, number)
        return number

    def _row(self, connection: Connection, number: int) -> PullRow:
        # Larger numbers than a column holds are never given.
        row = find_pull(connection, self._place, number) if number < 1 << 31 else None
        if row is None:
            raise UnavailableError("FORGE_NOT_FOUND", f"there is no pull request {self._ref(number)}")
        return row

    def _known(self, repository: Repository, branch: str, target: str) -> PullRequest | None:
        """The pull request of a branch that isn't over; one that proves to be merged is recorded as such."""
        with self._database.reading() as connection:
            row = find_unfinished(connection, self._place, branch, target)
        pull = self._read(repository, row.number) if row else None
        return None if pull is None or pull.state is PullState.MERGED else pull

    def _read(self, repository: Repository, number: int) -> PullRequest:
        with self._database.reading() as connection:
            row = self._row(connection, number)
            story = fold(read_events(connection, self._place, number))
        head, state, merge = story.head, story.state, story.merge_commit
        if not story.is_merged:
            tip = self._tip(repository, row.branch)
            head = head if story.is_over else tip or head
            merge = closing_merge(repository, self._tip(repository, row.target), head)
            if merge is not None:
                # Somebody merged it by git itself. What was once found stays, whatever becomes of the branches.
                state = PullState.MERGED
                self._record(number, EventKind.MERGED, Merged(commit=merge, head=head, at=self._at()))
            elif tip is None:
                state = PullState.CLOSED
        return PullRequest(
            ref=self._ref(number),
            number=number,
            state=state,
            branch=row.branch,
            target=row.target,
            head=head,
            title=story.title,
            body=story.body,
            merge_commit=merge,
        )

    def _tip(self, repository: Repository, branch: str) -> str | None:
        ref = f"refs/heads/{branch}"
        return read_refs(repository, [ref]).get(ref)

    def _check_draft(self, repository: Repository, draft: PullDraft) -> None:
        check_ref_name(draft.branch)
        check_ref_name(draft.target)
        head, target = self._tip(repository, draft.branch), self._tip(repository, draft.target)
        if head is None or target is None:
            missing = draft.branch if head is None else draft.target
            raise conflict(f"there is no branch {missing}: push it before a pull request is opened")
        if head != draft.head:
            raise conflict(f"{draft.branch} stands on {head[:12]}, not on {draft.head[:12]}")
        if descends(repository, target, head):
            raise conflict(f"{draft.target} has all that {draft.branch} has")

    def _status(self, connection: Connection, commit: str, context: str) -> Stated | None:
        body = newest_status(connection, self._place, commit, context)
        return None if body is None else msgspec.json.decode(body, type=Stated)

    # Writing

    def _at(self) -> str:
        return format_instant(int(self._now()))

    def _described(self, draft: PullDraft) -> EventRow:
        described = Described(
            title=title_text(draft.title),
            body=body_text(draft.body, draft.digest),
            head=draft.head,
            labels=draft.labels,
            reviewers=draft.reviewers,
            at=self._at(),
        )
        return _event(EventKind.DESCRIBED, described)

    def _record(self, number: int, kind: EventKind, value: msgspec.Struct) -> None:
        self._written(lambda connection: insert_event(connection, self._place, number, _event(kind, value)))

    def _written(self, write: Callable[[Connection], _T]) -> _T:
        """What a transaction gives; it is begun again where somebody else took the number."""
        for _ in range(_TRIES):
            try:
                with self._database.writing() as connection:
                    return write(connection)
            except IntegrityError:
                continue
        raise UnavailableError(
            "FORGE_UNAVAILABLE", "too many pull requests are being opened at once", hint="the same again is safe"
        )


def _event(kind: EventKind, value: msgspec.Struct) -> EventRow:
    return EventRow(kind, msgspec.json.encode(value).decode())
