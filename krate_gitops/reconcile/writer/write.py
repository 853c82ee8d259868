"""Writing config: resolve, overlay, validate, record the intent, push by compare-and-swap, record the outcome."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime

import msgspec

from krate_gitops.errors import DeniedError, KrateError
from krate_gitops.git.local import Repository
from krate_gitops.git.request import check_ref_name
from krate_gitops.reconcile.writer.base import check_expected, check_untouched, open_base
from krate_gitops.reconcile.writer.delivery import ARRIVED, Delivery
from krate_gitops.reconcile.writer.digests import change_digest
from krate_gitops.reconcile.writer.draft import Draft, draft
from krate_gitops.reconcile.writer.ledger import Ledger
from krate_gitops.reconcile.writer.normal import normal_changes
from krate_gitops.reconcile.writer.ports import Ports, PreviewResult
from krate_gitops.reconcile.writer.refusals import lost_race, proposals_only, writer_disabled
from krate_gitops.reconcile.writer.request import Mode, WriteRequest, check_request
from krate_gitops.reconcile.writer.result import Drafted, WriteResult, of_change, of_draft, without_change
from krate_gitops.reconcile.writer.task import Task
from krate_gitops.records.config_changes import Status, StoredChange
from krate_gitops.records.database import Database
from krate_gitops.resources.credentials import credentials
from krate_gitops.settings import Settings

MAX_REBUILDS = 3
_ALONE = Ports()
_PAUSE_SECONDS = 0.1


def write_config(
    request: WriteRequest, *, settings: Settings, database: Database, ports: Ports = _ALONE, now: datetime | None = None
) -> WriteResult:
    """Makes the changes a commit, and pushes it: to a branch of its own with a pull request, or to the target branch.

    Raises ``UsageError(INVALID_REQUEST)``; ``DeniedError``: ``POLICY_DENIED``, ``KR803``, ``PUSH_REFUSED``;
    ``BaseChangedError``, ``InvalidResultError``; ``KrateError``: ``KR806``, ``PUSH_CONFLICT``, ``CONFIG_NOT_EDITABLE``;
    ``UnavailableError`` when repository, remote or record store can't be used, and for a branch or object that isn't
    there. Nothing is pushed then, but for a failure after the push: the same request again gives its result.
    """
    task = _task(request, settings, ports, now)
    ledger = Ledger(database, task.target.owner, now=task.now)
    try:
        _check_policy(task)
        repository, tip = open_base(task)
        return _Write(task, ledger).run(repository, tip)
    except DeniedError as error:
        if error.code == "POLICY_DENIED":
            ledger.denied(task.request, task.digest, error.code, reason="PolicyDenied")
        raise


def draft_config(
    request: WriteRequest, *, settings: Settings, ports: Ports = _ALONE, now: datetime | None = None
) -> Drafted:
    """The same up to the intent: nothing is written anywhere. Raises as ``write_config`` does."""
    task = _task(request, settings, ports, now)
    _check_policy(task)
    repository, tip = open_base(task)
    drafted, preview = _drafted(task, repository, tip, None)
    status = "dry-run" if drafted.files else "unchanged"
    return Drafted(without_change(task, drafted, preview, status), drafted.before, drafted.files)


def _task(request: WriteRequest, settings: Settings, ports: Ports, now: datetime | None) -> Task:
    check_request(request)
    request = msgspec.structs.replace(request, changes=normal_changes(request.changes))
    mode = request.mode or (Mode.DIRECT if request.target.write_mode == "direct" else Mode.PULL_REQUEST)
    task = Task(request, mode, change_digest(request.changes), settings, ports, now or datetime.now(UTC))
    for name in (request.target.branch, task.branch):
        check_ref_name(name)
    return task


def _check_policy(task: Task) -> None:
    target = task.target
    if target.write_mode == "disabled":
        raise writer_disabled(target.name)
    if target.write_mode == "pull-request" and task.mode is Mode.DIRECT and not target.any_mode:
        raise proposals_only(target.name)
    if any(credentials(text) for text in (task.request.message, task.request.author, task.request.actor.name)):
        raise KrateError("KR302", "the message or the actor's name looks like a credential", hint="say it without")


def _drafted(task: Task, repository: Repository, tip: str, first: Draft | None) -> tuple[Draft, PreviewResult]:
    check_expected(task, repository, tip, first)
    drafted = draft(task.request, repository, tip, now=task.seconds, access=task.ports.access)
    if first is not None:
        check_untouched(task, repository, first, drafted)
    return drafted, task.ports.preview.preview(task.request, drafted.base, drafted.result, now=task.seconds)


class _Write:
    def __init__(self, task: Task, ledger: Ledger) -> None:
        self._task = task
        self._ledger = ledger
        self._delivery = Delivery(task, ledger)

    def run(self, repository: Repository, tip: str) -> WriteResult:
        """The result of an earlier write of the same, or of this one."""
        earlier = self._earlier_answer(repository)
        if earlier is not None:
            return of_change(earlier, repeated=True)
        first: Draft | None = None
        stored: StoredChange | None = None
        for rebuilds in range(MAX_REBUILDS + 1):
            if rebuilds:
                time.sleep(random.uniform(0, _PAUSE_SECONDS * 2**rebuilds))  # noqa: S311 - only spreads writers out
                repository, tip = open_base(self._task)
            drafted, preview = _drafted(self._task, repository, tip, first)
            first = first or drafted
            if not drafted.files:
                return self._unchanged(repository, drafted, preview)
            stored = self._delivery.begin(repository, drafted, preview)
            if stored.status in ARRIVED:
                return of_draft(stored, drafted, preview, repeated=True)
            settled = self._delivery.push(repository, drafted, stored, preview)
            if settled is not None:
                return of_draft(settled, drafted, preview, repeated=False)
        if stored is not None:
            self._ledger.rejected(stored, self._task.request.actor, "PUSH_CONFLICT", reason="LostRace")
        raise lost_race(self._task.target.branch)

    def _earlier_answer(self, repository: Repository) -> StoredChange | None:
        """What the same request came to before, wherever the branch stands now."""
        request = self._task.request
        found: StoredChange | None = None
        if request.expected_base is not None:
            found = self._ledger.known(self._task.key(request.expected_base))
        if request.request_id is not None and found is None:
            alike = self._ledger.alike(self._task.target.uid, self._task.digest)
            found = next((one for one in alike if one.change.request_id == request.request_id), None)
        if found is None:
            return None
        found = self._delivery.recovered(repository, found)
        return found if found.status in (*ARRIVED, Status.REJECTED) else None

    def _unchanged(self, repository: Repository, drafted: Draft, preview: PreviewResult) -> WriteResult:
        """Nothing to do; a write of the same change that died after its push is brought to its end."""
        for stored in self._ledger.alike(self._task.target.uid, self._task.digest):
            settled = self._delivery.recovered(repository, stored)
            if settled is not stored:
                return of_change(settled, repeated=True)
        return without_change(self._task, drafted, preview, "unchanged")
