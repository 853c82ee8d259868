"""A journal's event as it is kept: cleaned, bounded, and without the payload it had."""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.updates.imports.account import Account
from krate_gitops.updates.imports.events import EventType, Meaning, details, effect_of, name_in, result_of
from krate_gitops.updates.imports.scrub import Scrub, shorten
from krate_gitops.updates.imports.scrub_value import scrub_value

_EXCERPT = 360
_NAME = 80
_LONGEST_READ = 65_536
"""Characters of a text that are looked at; what is shown of it is a hundredth of that."""
_TELLING = ("summary", "message", "error", "reason", "label", "title", "question", "prompt")


class Entry(msgspec.Struct, kw_only=True):
    """An event that is kept. ``time`` is None where neither it nor any event before it had one.

    ``position`` orders events of the same ``sequence``; ``payload`` is there only where everything is kept.
    """

    sequence: int
    position: int
    is_repeated: bool
    type: EventType
    time: str | None
    summary: str
    effect: dict[str, Any] | None
    payload: Any
    source_path: str
    source_digest: str
    account: Account


def describe(
    event: dict[str, Any], type: EventType, scrub: Scrub, account: Account, *, kind: str | None, task: str | None
) -> tuple[str, dict[str, Any] | None]:
    """One line about an event, and its effect reduced to kind and result.

    ``kind`` and ``task`` are the effect's, known from the event that requested it.
    """
    data, inner = details(event), effect_of(event)
    of_effect = None if inner is None else result_of(inner)
    result = result_of(data) or type.outcome
    if result is None and type.meaning is Meaning.RESOLVED:
        result = of_effect
    kind = (name_in(inner, "kind") if inner else None) or kind
    parts = [_subject(data, type, scrub, account, kind, task)]
    if result is not None:
        parts.append(_result_words(result))
    if type.meaning is Meaning.TASK_DONE and of_effect == "failed" and result != "failed":
        parts[-1] += "; an effect of it failed"
    excerpt = _excerpt(event, data, scrub, account)
    summary = " ".join(parts) + (f": {excerpt}" if excerpt else ".")
    effect = None
    if type.meaning in (Meaning.REQUESTED, Meaning.RESOLVED, Meaning.BREAKPOINT) or inner is not None:
        word = scrub.line(kind or name_in(data, "kind", "type") or "unknown", account, most=_NAME)
        effect = {"kind": word, "result": _effect_result(of_effect or result, type)}
    return shorten(summary, 500), effect


def bare(type: EventType) -> str:
    """The line about an event of which type and time are all that is kept."""
    return f"{type.name}."


def payload(event: dict[str, Any], scrub: Scrub, account: Account, *, most: int) -> Any:
    """What an event is about, cleaned: each of its texts at most ``most`` characters long."""
    data = details(event)
    bounded = {key: _bounded(item) for key, item in list(data.items())[:64]}
    return scrub_value(bounded, scrub, account, most=most)


def is_failure(event: dict[str, Any], type: EventType) -> bool:
    """Whether an event says that something failed."""
    inner = effect_of(event)
    results = (type.outcome, result_of(details(event)), None if inner is None else result_of(inner))
    return "failed" in results


def _result_words(result: str) -> str:
    return {"completed": "completed", "failed": "failed", "cancelled": "was cancelled", "partial": "ended in part",
            "running": "is under way"}[result]  # fmt: skip


def _effect_result(result: str | None, type: EventType) -> str:
    if type.meaning is Meaning.REQUESTED:
        return "requested"
    return {"completed": "success", "failed": "failure"}.get(result or "", result or "unknown")


def _subject(
    data: dict[str, Any], type: EventType, scrub: Scrub, account: Account, kind: str | None, task: str | None
) -> str:
    if type.meaning is Meaning.START:
        return "Run started"
    if type.meaning is Meaning.END:
        return "Run"
    task = task or name_in(data, "taskId", "task")
    shown = f" {scrub.line(task[:_LONGEST_READ], account, most=_NAME)}" if task else ""
    if type.meaning is Meaning.TASK_DONE:
        return f"Task{shown}"
    if type.meaning is Meaning.BREAKPOINT:
        return f"Breakpoint{' of task' + shown if shown else ''}"
    if type.meaning in (Meaning.REQUESTED, Meaning.RESOLVED):
        kind = kind or name_in(data, "kind")
        word = f"{scrub.line(kind, account, most=_NAME)} effect" if kind else "effect"
        verb = " requested" if type.meaning is Meaning.REQUESTED else ""
        return f"{word[0].upper()}{word[1:]}{' of task' + shown if shown else ''}{verb}"
    return type.name


def _excerpt(event: dict[str, Any], data: dict[str, Any], scrub: Scrub, account: Account) -> str:
    for values in (data, event):
        for name in _TELLING:
            value = values.get(name)
            if isinstance(value, dict):
                value = value.get("message", value.get("text"))
            if isinstance(value, str) and value.strip():
                # The name stays with the text: ``prompt`` says nothing, but a secret is known by its name.
                return scrub.line(_bounded(value), account, most=_EXCERPT)
    return ""


def _bounded(value: Any) -> Any:
    """A text that is short enough to be looked at. What is cut off may have been half of something, so the last word
    goes as well.
    """
    if not isinstance(value, str) or len(value) <= _LONGEST_READ:
        return value
    cut = value[:_LONGEST_READ]
    at = max(cut.rfind(" "), cut.rfind("\n"))
    return cut[:at] if at > 0 else "…"
