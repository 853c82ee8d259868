"""Tasks of a run: out of their folders, or where a run has none, out of its events."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from krate_gitops.digest import json_digest
from krate_gitops.updates.imports.account import Account
from krate_gitops.updates.imports.course import Course, Task
from krate_gitops.updates.imports.events import name_in, outcome, timestamp
from krate_gitops.updates.imports.model import TaskScope
from krate_gitops.updates.imports.scrub import Scrub, is_empty
from krate_gitops.updates.imports.scrub_value import scrub_value

PARTS = ("task.json", "result.json", "output.json")
_SUMMARY = 480
_TITLE = 160
_PAYLOAD_TEXT = 1_000
_NOT_LOCAL = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_ID = 80
_TELLING = ("summary", "message", "error", "description", "value", "text", "result", "output", "answer")
_TITLES = ("title", "name", "label", "description")
_ENDED = ("completedAt", "finishedAt", "endedAt", "resolvedAt", "updatedAt", "timestamp", "recordedAt", "startedAt")
_DIGEST = re.compile(r"(?:sha256[:-])?([0-9a-f]{64})\Z")
_VALIDATION = {
    **dict.fromkeys(("passed", "pass", "ok", "success", "valid", "true"), "passed"),
    **dict.fromkeys(("failed", "fail", "error", "invalid", "false"), "failed"),
    **dict.fromkeys(("skipped", "none", "not-run"), "skipped"),
}
_MOST_ARTIFACTS = 50


class TaskResult(msgspec.Struct, kw_only=True):
    """A cleaned task. ``name`` is unique in its run and fits into an id and a path; ``time`` may be unknown."""

    name: str
    task_id: str
    title: str
    status: str
    summary: str
    validation: str | None
    artifacts: tuple[str, ...]
    time: str | None
    payload: Any
    source_digest: str
    account: Account
    is_emptied: bool = False


class Names:
    """Gives each task a name of its own, whatever its id is."""

    def __init__(self, scrub: Scrub) -> None:
        self._scrub = scrub
        self._given: set[str] = set()

    def name(self, task_id: str, account: Account) -> tuple[str, str]:
        """The name for paths and ids, and the id as it may be shown."""
        shown = self._scrub.line(task_id[:400], account, most=_TITLE)
        local = "" if shown != task_id and is_empty(shown) else _NOT_LOCAL.sub("-", shown).strip("-._")
        local = local[:_LONGEST_ID].strip("-._").replace("..", ".") or "task"
        name, number = local, 1
        while name.lower() in self._given:
            number += 1
            name = f"{local}-{number}"
        self._given.add(name.lower())
        return name, shown or name


def from_folder(
    folder: str, parts: Mapping[str, tuple[Any, str]], scope: TaskScope, scrub: Scrub, names: Names
) -> TaskResult:
    """A task from its folder's name and the values and digests of its files by name."""
    account = Account()
    values = {name: value for name, (value, _) in parts.items()}
    task, result = _object(values.get("task.json")), _object(values.get("result.json"))
    output = values.get("output.json")
    name, shown = names.name(name_in(task, "taskId", "id") or name_in(result, "taskId") or folder, account)
    title = next((text for one in _TITLES if (text := _text(task.get(one)))), "")
    raw_summary = _summary(result) or _summary(output) or _summary(task)
    summary = scrub.line(raw_summary, account, most=_SUMMARY)
    failed = result.get("error") or outcome(result.get("status")) == "failed"
    status = "failed" if failed else outcome(result.get("status", task.get("status")))
    status = status or ("completed" if "result.json" in parts or "output.json" in parts else "running")
    payload = None
    if scope is TaskScope.FULL_REDACTED:
        payload = scrub_value({**values}, scrub, account, most=_PAYLOAD_TEXT)
    times = (timestamp(values_of[one]) for values_of in (result, task) for one in _ENDED if one in values_of)
    return TaskResult(
        name=name,
        task_id=shown,
        title=scrub.line(title, account, most=_TITLE),
        status=status,
        summary=summary or f"Task {shown} {_words(status)}.",
        validation=_validation(result, _object(output)),
        artifacts=_artifacts(result, _object(output), task),
        time=next((one for one in times if one), None),
        payload=payload,
        source_digest=json_digest(sorted([file, digest] for file, (_, digest) in parts.items())),
        account=account,
        is_emptied=bool(raw_summary.strip()) and is_empty(summary),
    )


def from_course(course: Course, scope: TaskScope, scrub: Scrub, names: Names) -> list[TaskResult]:
    """The tasks that a run's events tell of."""
    if scope is TaskScope.NONE:
        return []
    return [_told(task_id, course.tasks[task_id], scrub, names) for task_id in sorted(course.tasks)]


def _told(task_id: str, task: Task, scrub: Scrub, names: Names) -> TaskResult:
    account = Account()
    name, shown = names.name(task_id, account)
    counts = {"requested": task.requested, "completed": task.completed, "failed": task.failed}
    kind = f"{scrub.line(task.kind, account, most=_TITLE)} " if task.kind else ""
    ended = [f"{count} {word}" for word, count in (("completed", task.completed), ("failed", task.failed)) if count]
    if task.open:
        ended.append(f"{task.open} without a result")
    effects = max(task.requested, task.completed + task.failed)
    summary = f"{effects} {kind}effect{'s' if effects != 1 else ''}: {', '.join(ended) or 'no result'}."
    if task.failed:
        status = "partial" if task.completed else "failed"
    elif task.open:
        status = "partial" if task.completed else "running"
    else:
        status = "completed"
    return TaskResult(
        name=name,
        task_id=shown,
        title="",
        status=status,
        summary=summary[:_SUMMARY],
        validation=None,
        artifacts=(),
        time=timestamp(task.last_time),
        payload=None,
        source_digest=json_digest({"taskId": json_digest(shown), **counts, "kind": kind}),
        account=account,
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _summary(value: Any, depth: int = 1) -> str:
    """The text that says most about a result: the first of the telling fields, or what lies in one."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict) or depth > 3:
        return ""
    return next((found for name in _TELLING if (found := _summary(value.get(name), depth + 1).strip())), "")


def _words(status: str) -> str:
    return {"completed": "completed", "failed": "failed", "cancelled": "was cancelled", "partial": "ended in part",
            "running": "has no result"}[status]  # fmt: skip


def _validation(*values: Mapping[str, Any]) -> str | None:
    for one in values:
        raw = one.get("validationStatus", one.get("validation"))
        if isinstance(raw, dict):
            raw = raw.get("status", raw.get("passed"))
        if isinstance(raw, (str, bool)) and (word := _VALIDATION.get(str(raw).lower())):
            return word
    return None


def _artifacts(*values: Mapping[str, Any]) -> tuple[str, ...]:
    """Digests of artifacts that a task names, as hexadecimal digits."""
    found: dict[str, None] = {}
    for one in values:
        for name in ("artifacts", "artifactRefs", "evidence"):
            for digest in _digests(one.get(name)):
                found.setdefault(digest)
    return tuple(sorted(found)[:_MOST_ARTIFACTS])


def _digests(value: Any) -> Iterable[str]:
    for item in value[:_MOST_ARTIFACTS] if isinstance(value, list) else ():
        if isinstance(item, dict):
            item = item.get("digest", item.get("sha256", item.get("ref")))
        if isinstance(item, str) and (match := _DIGEST.match(item.removeprefix("artifact:"))):
            yield match[1]
