"""What a write came to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from krate_gitops.reconcile.writer.draft import Draft
from krate_gitops.reconcile.writer.objects import ObjectChange
from krate_gitops.reconcile.writer.ports import PreviewResult
from krate_gitops.reconcile.writer.task import Task
from krate_gitops.records.config_changes import StoredChange
from krate_gitops.resources.validate import Diagnostic


class WriteResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``status`` is that of the change, ``unchanged`` or ``dry-run``.

    ``commit`` and ``change`` are absent where there is none; ``repeated``: it is an earlier write's result. ``paths``
    are those of the repository, in ``objects`` and ``diagnostics`` they begin at the source's folder.
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
    """A dry run: its result, and the files before and after, by path in the repository."""

    result: WriteResult
    before: Mapping[str, bytes]
    files: Mapping[str, bytes | None]


def without_change(task: Task, drafted: Draft, preview: PreviewResult, status: str) -> WriteResult:
    """The result of a write that made no commit."""
    return WriteResult(
        status=status,
        source=task.target.name,
        organization=task.target.owner,
        mode=task.mode.value,
        base_commit=drafted.base_commit,
        target_branch=task.target.branch,
        change_digest=task.digest,
        correlation_id=task.request.correlation_id,
        objects=tuple(drafted.objects),
        paths=tuple(drafted.files),
        diagnostics=tuple(drafted.diagnostics),
        preview=preview,
    )


def of_change(stored: StoredChange, *, repeated: bool) -> WriteResult:
    """The result that the records hold; values and diagnostics aren't among them."""
    change = stored.change
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
        repeated=repeated,
        objects=tuple(
            ObjectChange(operation=one.operation, kind=one.kind, name=one.name, path=one.path) for one in change.objects
        ),
        paths=change.paths,
    )


def of_draft(stored: StoredChange, drafted: Draft, preview: PreviewResult, *, repeated: bool) -> WriteResult:
    """The result of a change that was worked out just now."""
    return msgspec.structs.replace(
        of_change(stored, repeated=repeated),
        objects=tuple(drafted.objects),
        diagnostics=tuple(drafted.diagnostics),
        preview=preview,
    )
