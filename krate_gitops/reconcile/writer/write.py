"""Writing config: resolve, overlay, validate, record the intent, push by compare-and-swap, record the outcome."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from krate_gitops.errors import DeniedError, KrateError, UnavailableError
from krate_gitops.git.command import redact_credentials
from krate_gitops.git.commits import build_commit
from krate_gitops.git.instants import format_instant
from krate_gitops.git.local import Repository
from krate_gitops.git.lookup import read_refs
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.pins import holds
from krate_gitops.git.push import Pushed, descends, is_remote, push_branch, refuse_checked_out
from krate_gitops.git.repository import open_repository
from krate_gitops.git.trees import diff_trees, tree_oid
from krate_gitops.reconcile.writer.digests import change_digest, idempotency_key
from krate_gitops.reconcile.writer.draft import Draft, draft
from krate_gitops.reconcile.writer.ledger import Ledger
from krate_gitops.reconcile.writer.message import COMMITTER, commit_message
from krate_gitops.reconcile.writer.objects import ObjectChange
from krate_gitops.reconcile.writer.ports import Ports, PreviewResult, Proposal, proposal_body
from krate_gitops.reconcile.writer.refusals import BaseChangedError, lost_race, protected, writer_disabled
from krate_gitops.reconcile.writer.request import Mode, WriteRequest, check_request
from krate_gitops.records.config_changes import ConfigChange, Status, StoredChange
from krate_gitops.records.database import Database
from krate_gitops.resources.credentials import credentials
from krate_gitops.resources.validate import Diagnostic
from krate_gitops.settings import Settings

MAX_REBUILDS = 3
_ALONE = Ports()
_ARRIVED = (Status.PROPOSED, Status.MERGED, Status.APPLIED)
_PAUSE_SECONDS = 0.05


class WriteResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a write came to. ``status`` is that of the change, ``unchanged`` or ``dry-run``.

    ``commit`` and ``change`` are absent where there is none; ``repeated``: it is an earlier write's result.
    """

    status: str
    source: str
    organization: str
    mode: str
    base_commit: str
    target_branch: str
    change_digest: str
    correlation_id: str
    change: str | None = None
    commit: str | None = None
    branch: str | None = None
    pull_request: str | None = None
    repeated: bool = False
    objects: tuple[ObjectChange, ...] = ()
    paths: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    preview: PreviewResult = PreviewResult()


class Drafted(NamedTuple):
    """A dry run: what would be written."""

    result: WriteResult
    before: Mapping[str, bytes]
    files: Mapping[str, bytes | None]


def write_config(
    request: WriteRequest,
    *,
    settings: Settings,
    database: Database,
    ports: Ports = _ALONE,
    now: datetime | None = None,
) -> WriteResult:
    """Makes the changes a commit, and pushes it: to a branch of its own with a pull request, or to the target branch.

    Raises ``UsageError(INVALID_REQUEST)``; ``DeniedError``: ``POLICY_DENIED``, ``KR803``, ``PUSH_REFUSED``;
    ``BaseChangedError``, ``InvalidResultError``; ``KrateError``: ``KR806``, ``PUSH_CONFLICT``, ``CONFIG_NOT_EDITABLE``;
    ``UnavailableError`` when repository, remote or record store can't be used, and for a branch or object that isn't
    there. Nothing is pushed then, but for a failure after the push: the same request again gives its result.
    """
    return _Write(request, settings, ports, now or datetime.now(UTC), database).run()


def draft_config(
    request: WriteRequest, *, settings: Settings, ports: Ports = _ALONE, now: datetime | None = None
) -> Drafted:
    """The same up to the intent: nothing is written anywhere. Raises as ``write_config`` does."""
    return _Write(request, settings, ports, now or datetime.now(UTC), None).dry_run()


class _Write:
    def __init__(
        self, request: WriteRequest, settings: Settings, ports: Ports, now: datetime, database: Database | None
    ) -> None:
        check_request(request)
        self._request = request
        self._target = request.target
        self._settings = settings
        self._ports = ports
        self._now = now
        self._mode = request.mode or (Mode.DIRECT if self._target.write_mode == "direct" else Mode.PULL_REQUEST)
        self._digest = change_digest(request.changes)
        self._ledger = Ledger(database, self._target.owner, now=now) if database is not None else None

    # The two ways through

    def dry_run(self) -> Drafted:
        self._check_policy()
        repository, tip = self._open()
        self._check_base(repository, tip, None)
        drafted, preview = self._draft(repository, tip)
        status = "dry-run" if drafted.files else "unchanged"
        return Drafted(self._result(status, drafted, preview, None), drafted.before, drafted.files)

    def run(self) -> WriteResult:
        ledger = self._required_ledger
        try:
            self._check_policy()
            repository, tip = self._open()
            earlier = self._earlier_answer(repository)
            if earlier is not None:
                return earlier
            return self._rebuild_until_pushed(repository, tip)
        except DeniedError as error:
            if error.code == "POLICY_DENIED":
                ledger.denied(self._request, self._digest, error.code, reason="PolicyDenied")
            raise

    def _rebuild_until_pushed(self, repository: Repository, tip: str) -> WriteResult:
        first: Draft | None = None
        stored: StoredChange | None = None
        for rebuilds in range(MAX_REBUILDS + 1):
            if rebuilds:
                time.sleep(random.uniform(0, _PAUSE_SECONDS * 2**rebuilds))  # noqa: S311 - only spreads writers out
                repository, tip = self._open()
            drafted, preview = self._draft(repository, tip, first)
            first = first or drafted
            if not drafted.files:
                return self._unchanged(repository, drafted, preview)
            stored = self._begin(repository, drafted)
            if stored.status in _ARRIVED:
                return self._result(stored.status, drafted, preview, stored, repeated=True)
            settled = self._push(repository, drafted, stored, preview)
            if settled is not None:
                return self._result(settled.status, drafted, preview, settled)
        if stored is not None:
            self._required_ledger.rejected(stored, self._request.actor, "PUSH_CONFLICT", reason="LostRace")
        raise lost_race(self._target.branch)

    # Steps

    def _check_policy(self) -> None:
        if self._target.write_mode == "disabled":
            raise writer_disabled(self._target.name)
        if self._target.write_mode == "pull-request" and self._mode is Mode.DIRECT and not self._target.any_mode:
            raise DeniedError(
                "POLICY_DENIED",
                f"KR805 source {self._target.name} takes changes by pull request only",
                hint="leave --mode out, or change writePolicy.mode of the source",
                location=self._target.name,
            )
        for text in (self._request.message, self._request.author, self._request.actor.name):
            if credentials(text):
                raise KrateError(
                    "KR302", "the message or the actor's name looks like a credential", hint="say it without"
                )

    def _open(self) -> tuple[Repository, str]:
        """The repository, brought up to date, and the tip of the target branch."""
        repository = open_repository(self._target.location, settings=self._settings)
        name = f"refs/heads/{self._target.branch}"
        if self._mode is Mode.DIRECT and not is_remote(self._target.location):
            refuse_checked_out(repository, name)
        tip = read_refs(repository, [name]).get(name)
        if tip is None:
            raise UnavailableError(
                "KR702",
                f"{repository.name} has no branch {self._target.branch}",
                hint="check the target branch; a new repository needs a first commit",
                location=name,
            )
        return repository, tip

    def _earlier_answer(self, repository: Repository) -> WriteResult | None:
        """What the same request came to before, wherever the branch stands now."""
        request, ledger = self._request, self._required_ledger
        found: StoredChange | None = None
        if request.expected_base is not None:
            found = ledger.known(self._key(request.expected_base))
        if request.request_id is not None and found is None:
            alike = ledger.alike(self._target.uid, self._digest)
            found = next((one for one in alike if one.change.request_id == request.request_id), None)
        if found is None:
            return None
        found = self._recovered(repository, found)
        return self._repeated(found) if found.status in (*_ARRIVED, Status.REJECTED) else None

    def _check_base(self, repository: Repository, tip: str, drafted: Draft | None) -> None:
        expected = self._request.expected_base
        if expected is None or expected == tip:
            return
        if not holds(repository, expected):
            raise UnavailableError(
                "MEMORY_REF_NOT_FOUND", f"{repository.name} has no commit {expected[:64]}", hint="give a full commit id"
            )
        theirs = _changed_paths(repository, expected, tip, self._target.path)
        ours = set(drafted.files) if drafted is not None else set()
        if drafted is None:
            try:
                ours = set(draft(self._request, repository, expected, now=self._seconds).files)
            except KrateError:
                ours = set()
        raise BaseChangedError(expected, tip, sorted(ours & theirs))

    def _draft(self, repository: Repository, tip: str, first: Draft | None = None) -> tuple[Draft, PreviewResult]:
        self._check_base(repository, tip, first)
        drafted = draft(self._request, repository, tip, now=self._seconds)
        if first is not None and drafted.seen != first.seen:
            # Somebody else changed what this change was made for: to go on would undo it without a word.
            theirs = _changed_paths(repository, first.base_commit, tip, self._target.path)
            raise BaseChangedError(first.base_commit, tip, sorted(theirs & set(first.files)))
        self._ports.access.review(self._request, drafted.objects)
        preview = self._ports.preview.preview(self._request, drafted.base, drafted.result)
        return drafted, preview

    def _begin(self, repository: Repository, drafted: Draft) -> StoredChange:
        """The intent of this change on this base: a new one, or the one of a write that ended early."""
        ledger, key = self._required_ledger, self._key(drafted.base_commit)
        stored = ledger.known(key)
        if stored is None:
            commit = self._build(repository, drafted)
            stored = ledger.begin(self._change(drafted, commit, key), self._request.actor)
            if stored.commit == commit:
                return stored
        if stored.status in _ARRIVED:
            return stored
        if holds(repository, stored.commit) and self._fits(repository, stored.commit):
            return self._recovered(repository, stored)
        return ledger.rebuilt(stored, self._build(repository, drafted))

    def _fits(self, repository: Repository, commit: str) -> bool:
        """Whether a commit is on its branch, or could be."""
        _, tip = self._branch(repository)
        return tip is None or descends(repository, commit, tip) or descends(repository, tip, commit)

    def _build(self, repository: Repository, drafted: Draft) -> str:
        _, tip = self._branch(repository)
        parents = [drafted.base_commit]
        is_behind = tip is not None and not descends(repository, drafted.base_commit, tip)
        if self._mode is Mode.PULL_REQUEST and tip is not None and is_behind:
            # The proposal is there on an older base. It goes on from where it is: nothing is taken off a branch.
            parents = [tip, drafted.base_commit]
        return build_commit(
            repository.git_dir,
            drafted.files,
            base=drafted.base_commit,
            parents=parents,
            message=commit_message(self._request, self._digest),
            author=self._request.author,
            committer=COMMITTER,
            time=self._now,
            only_files=True,
        )

    def _change(self, drafted: Draft, commit: str, key: str) -> ConfigChange:
        return ConfigChange(
            name=f"config-{key.removeprefix('sha256:')[:16]}",
            organization=self._target.owner,
            source=self._target.name,
            source_uid=self._target.uid,
            repository=redact_credentials(self._target.location),
            path=self._target.path,
            target_branch=self._target.branch,
            branch=self._branch_name,
            mode=self._mode.value,
            base_commit=drafted.base_commit,
            commit=commit,
            change_digest=self._digest,
            idempotency_key=key,
            actor=self._request.actor.name,
            message=self._request.message.strip(),
            correlation_id=self._request.correlation_id,
            created_at=format_instant(self._seconds),
            paths=tuple(drafted.files),
            objects=tuple(one.recorded() for one in drafted.objects),
            request_id=self._request.request_id,
        )

    @property
    def _branch_name(self) -> str:
        if self._mode is Mode.DIRECT:
            return self._target.branch
        digest = self._digest.removeprefix("sha256:")[:12]
        return f"{self._target.branch_prefix}{self._target.owner}/{digest}"

    def _branch(self, repository: Repository) -> tuple[str, str | None]:
        """The branch that is pushed to, and where it stands."""
        name = f"refs/heads/{self._branch_name}"
        return self._branch_name, read_refs(repository, [name]).get(name)

    def _push(
        self, repository: Repository, drafted: Draft, stored: StoredChange, preview: PreviewResult
    ) -> StoredChange | None:
        """Pushes a begun change; None when the race for the branch was lost."""
        ledger, actor = self._required_ledger, self._request.actor
        branch, tip = self._branch(repository)
        expected = drafted.base_commit if self._mode is Mode.DIRECT else tip
        try:
            outcome = self._pushed(repository, branch, stored.commit, expected)
        except DeniedError as error:
            code = "KR803" if self._mode is Mode.DIRECT else error.code
            ledger.rejected(stored, actor, code, reason="PushRefused")
            if self._mode is Mode.DIRECT:
                raise protected(branch, error.message) from None
            raise
        if outcome is Pushed.MOVED:
            ledger.moved_on(stored, Status.SUPERSEDED, reason="the branch was moved by others first")
            return None
        return self._settled(stored, drafted.diagnostics, preview)

    def _pushed(self, repository: Repository, branch: str, commit: str, expected: str | None) -> Pushed:
        if expected is not None and descends(repository, expected, commit):
            return Pushed.DONE  # a write that ended early had come so far
        if expected is not None and not descends(repository, commit, expected):
            return Pushed.MOVED
        return push_branch(repository, self._target.location, branch, commit, expected, settings=self._settings)

    def _settled(self, stored: StoredChange, diagnostics: list[Diagnostic], preview: PreviewResult) -> StoredChange:
        """The outcome of a change whose commit is on its branch."""
        change, ledger, actor = stored.change, self._required_ledger, self._request.actor
        if change.mode == Mode.DIRECT:
            return ledger.merged(stored, actor, commit=stored.commit)
        proposal = Proposal(
            change=change,
            title=change.message.partition("\n")[0],
            body=proposal_body(change, diagnostics, preview),
            reviewers=self._target.reviewers,
        )
        pull_request = self._ports.forge.propose(proposal)
        for older in ledger.alike(change.source_uid, change.change_digest):
            if older.id < stored.id and older.status is Status.PROPOSED and older.change.branch == change.branch:
                ledger.moved_on(older, Status.SUPERSEDED, reason=f"proposed again as {change.name}")
        name = pull_request.url or pull_request.name
        return ledger.proposed(stored, actor, commit=stored.commit, pull_request=name)

    # What was there before

    def _recovered(self, repository: Repository, stored: StoredChange) -> StoredChange:
        """A change that was begun, with the outcome that Git shows where none was recorded."""
        if stored.status is not Status.PENDING or not holds(repository, stored.commit):
            return stored
        name = f"refs/heads/{stored.change.branch}"
        tip = read_refs(repository, [name]).get(name)
        if tip is None or not descends(repository, tip, stored.commit):
            return stored
        return self._settled(stored, [], PreviewResult())

    def _unchanged(self, repository: Repository, drafted: Draft, preview: PreviewResult) -> WriteResult:
        """Nothing to do; a write of the same change that died after its push is brought to its end."""
        for stored in self._required_ledger.alike(self._target.uid, self._digest):
            settled = self._recovered(repository, stored)
            if settled is not stored:
                return self._repeated(settled)
        return self._result("unchanged", drafted, preview, None)

    # Results

    def _repeated(self, stored: StoredChange) -> WriteResult:
        change = stored.change
        objects = tuple(
            ObjectChange(operation=one.operation, kind=one.kind, name=one.name, path=one.path) for one in change.objects
        )
        return WriteResult(
            status=stored.status,
            source=change.source,
            organization=change.organization,
            mode=change.mode,
            base_commit=change.base_commit,
            target_branch=change.target_branch,
            change_digest=change.change_digest,
            correlation_id=change.correlation_id,
            change=change.name,
            commit=stored.commit,
            branch=change.branch,
            pull_request=stored.state.pull_request if stored.state else None,
            repeated=True,
            objects=objects,
            paths=change.paths,
        )

    def _result(
        self,
        status: str,
        drafted: Draft,
        preview: PreviewResult,
        stored: StoredChange | None,
        *,
        repeated: bool = False,
    ) -> WriteResult:
        found: dict[str, Any] = {}
        if stored is not None:
            found = {
                "change": stored.change.name,
                "commit": stored.commit,
                "branch": stored.change.branch,
                "pull_request": stored.state.pull_request if stored.state else None,
                "correlation_id": stored.change.correlation_id,
            }
        return WriteResult(
            **{
                "status": str(status),
                "source": self._target.name,
                "organization": self._target.owner,
                "mode": self._mode.value,
                "base_commit": drafted.base_commit,
                "target_branch": self._target.branch,
                "change_digest": self._digest,
                "correlation_id": self._request.correlation_id,
                "repeated": repeated,
                "objects": tuple(drafted.objects),
                "paths": tuple(drafted.files),
                "diagnostics": tuple(drafted.diagnostics),
                "preview": preview,
                **found,
            }
        )

    @property
    def _required_ledger(self) -> Ledger:
        if self._ledger is None:
            raise RuntimeError("a dry run has no records")
        return self._ledger

    @property
    def _seconds(self) -> int:
        return int(self._now.timestamp())

    def _key(self, base: str) -> str:
        # Where the caller may choose, a proposal doesn't keep the same change from being made directly.
        is_chosen = self._target.any_mode and self._mode is Mode.DIRECT
        change = f"{self._digest} {self._mode}" if is_chosen else self._digest
        return idempotency_key(owner=self._target.owner, source_uid=self._target.uid, base_commit=base, change=change)


def _changed_paths(repository: Repository, old: str, new: str, folder: str) -> set[str]:
    """Paths in the repository, below a folder, that differ between two commits."""
    prefix = f"{folder}/" if folder else ""
    with ObjectReader(repository) as reader:
        if folder and tree_oid(reader, old, folder) is None and tree_oid(reader, new, folder) is None:
            return set()
        return {prefix + change.path for change in diff_trees(reader, old, new, folder).changes}
