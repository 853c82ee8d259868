"""Events of a journal as programs write them, and what each is for the course of a run."""

from __future__ import annotations

import enum
import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from krate_gitops.brain.timestamps import normalise_timestamp


class Meaning(enum.IntEnum):
    """What an event says about its run."""

    OTHER = 0
    START = 1
    END = 2
    REQUESTED = 3
    RESOLVED = 4
    TASK_DONE = 5
    BREAKPOINT = 6


class EventType(msgspec.Struct, frozen=True):
    """A type in its dotted form. ``outcome`` is a run status, for types that say how something ended."""

    name: str
    meaning: Meaning
    outcome: str | None = None


_BARE = {"run_start": "run.start", "run_end": "run.end", "task_completed": "task.completed"}
_TYPE = re.compile(r"[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*\Z")
_NOT_WORD = re.compile(r"[^a-z0-9-]+")
_LONGEST_TYPE = 80
UNKNOWN = "unknown"

OUTCOMES = {
    **dict.fromkeys(("ok", "success", "succeeded", "completed", "complete", "done", "passed", "finished"), "completed"),
    **dict.fromkeys(("error", "failure", "failed", "fail", "errored", "timeout", "rejected", "halted"), "failed"),
    **dict.fromkeys(("cancelled", "canceled", "aborted", "stopped", "skipped", "killed"), "cancelled"),
    **dict.fromkeys(("partial", "incomplete"), "partial"),
    **dict.fromkeys(("running", "active", "pending", "waiting", "created", "started", "in-progress", "in_progress",
                     "requested", "queued", "paused"), "running"),
}  # fmt: skip
"""Words that programs use for how something ended, and the word of the vocabulary ``runStatus`` for each."""

_STARTS = frozenset(("start", "started", "created", "begin", "began"))
_ENDS = {
    "end": None, "ended": None, "completed": "completed", "complete": "completed", "finished": "completed",
    "succeeded": "completed", "failed": "failed", "halted": "failed", "error": "failed", "cancelled": "cancelled",
    "canceled": "cancelled", "aborted": "cancelled", "stopped": "cancelled",
}  # fmt: skip
_EFFECT_ENDS = frozenset(("resolved", "completed", "failed", "result", "finished", "rejected", "committed"))

_known: dict[str, EventType] = {}
_MOST_KNOWN = 1_000


def event_type(raw: Any) -> EventType:
    """The type of an event from what its field holds; ``unknown`` where that is no name."""
    if not isinstance(raw, str):
        return _UNKNOWN
    found = _known.get(raw)
    if found is None:
        found = _read_type(raw)
        if len(_known) < _MOST_KNOWN:
            _known[raw] = found
    return found


_UNKNOWN = EventType(UNKNOWN, Meaning.OTHER)


def _read_type(raw: str) -> EventType:
    lower = raw.strip().lower()
    name = _BARE.get(lower, lower.replace("_", "."))
    if len(name) > _LONGEST_TYPE or not _TYPE.match(name):
        name = _NOT_WORD.sub(".", name[:_LONGEST_TYPE]).strip(".-") or UNKNOWN
        name = name if _TYPE.match(name) else UNKNOWN
    subject, _, verb = name.rpartition(".")
    meaning, outcome = Meaning.OTHER, None
    if "breakpoint" in name:
        meaning = Meaning.BREAKPOINT
    elif subject in ("run", "process", "orchestration"):
        if verb in _STARTS:
            meaning = Meaning.START
        elif verb in _ENDS:
            meaning, outcome = Meaning.END, _ENDS[verb]
    elif subject in ("effect", "task"):
        if verb in _EFFECT_ENDS:
            meaning = Meaning.TASK_DONE if subject == "task" else Meaning.RESOLVED
            outcome = OUTCOMES.get(verb)
        elif verb in ("requested", "created", "started", "start"):
            meaning = Meaning.REQUESTED
    return EventType(name, meaning, outcome)


def timestamp(raw: Any) -> str | None:
    """RFC 3339 UTC seconds from what a timestamp's field holds: text with an offset, or seconds or milliseconds since
    1970; None for anything else.
    """
    if isinstance(raw, str):
        return normalise_timestamp(raw.strip()) if len(raw) <= 64 else None
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        seconds = raw / 1000 if raw > 100_000_000_000 else raw
        if 0 < seconds < 253_402_300_800:
            return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return None


def number(raw: Any) -> int | None:
    """A sequence number from what its field holds; None where that is none."""
    if type(raw) is int and 0 <= raw < 2**53:
        return raw
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) <= 15:
        return int(raw)
    return None


def outcome(raw: Any) -> str | None:
    """A run status from a program's word for it, or from an object that holds one as ``status``; None where unknown."""
    if isinstance(raw, dict):
        raw = raw.get("status", raw.get("state", raw.get("result")))
    if isinstance(raw, bool):
        return "completed" if raw else "failed"
    return OUTCOMES.get(raw.strip().lower()) if isinstance(raw, str) else None


def details(event: dict[str, Any]) -> dict[str, Any]:
    """What an event is about: its ``data`` or ``payload``, else the event itself."""
    for name in ("data", "payload"):
        inner = event.get(name)
        if isinstance(inner, dict):
            return inner
    return event


def effect_of(event: dict[str, Any]) -> dict[str, Any] | None:
    """The effect that an event carries as an object of its own, where it does."""
    effect = event.get("effect")
    return effect if isinstance(effect, dict) else None


def result_of(data: dict[str, Any]) -> str | None:
    """How something ended, by what is said of it: a run status, or None where nothing is."""
    return "failed" if data.get("error") else outcome(data.get("status", data.get("result", data.get("outcome"))))


def name_in(values: dict[str, Any], *names: str) -> str | None:
    """The first text, or number, that one of the fields holds."""
    for one in names:
        value = values.get(one)
        if isinstance(value, str) and value:
            return value
        if type(value) is int:
            return str(value)
    return None
