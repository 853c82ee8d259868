"""A session's summary out of a summary somebody wrote, or out of its transcript in any of the shapes programs write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from krate_gitops.brain.frontmatter import find_frontmatter
from krate_gitops.updates.imports.account import Account
from krate_gitops.updates.imports.events import name_in, timestamp
from krate_gitops.updates.imports.scrub import Scrub, shorten
from krate_gitops.updates.imports.sections import first_title, gathered

HEADINGS = {
    "Goal": ("Objective", "Task", "Purpose", "Request", "Context", "Aim"),
    "Decisions": ("Decision", "Decided", "Key decisions", "Choices"),
    "Outcome": ("Result", "Results", "Summary", "What was done", "Done", "Outcomes"),
    "Follow-ups": ("Follow ups", "Followups", "Next steps", "Next", "Todo", "Open questions", "Remaining work"),
}
_EXCERPT = 2_000
_LONGEST_READ = 262_144
_LONGEST_MATTER = 8_192


class Transcript(msgspec.Struct):
    """What a transcript's messages tell, as they stand there; ``first`` and ``last`` are times."""

    session_id: str | None = None
    organization: str | None = None
    first: str | None = None
    last: str | None = None
    goal: str = ""
    outcome: str = ""
    summary: str = ""
    messages: int = 0

    def add(self, message: Any) -> None:
        """Takes the next line, message or record; what it doesn't know it passes over."""
        if not isinstance(message, dict):
            return
        self.session_id = self.session_id or name_in(message, "sessionId", "session_id")
        self.organization = self.organization or name_in(message, "organizationRef", "organization")
        time = timestamp(next((message[name] for name in _TIMES if name in message), None))
        if time is not None:
            self.first, self.last = self.first or time, time
        if message.get("type") == "summary" and isinstance(message.get("summary"), str):
            self.summary = message["summary"]
            return
        for role, text in _spoken(message):
            self.messages += 1
            if role == "user" and not self.goal:
                self.goal = text
            elif role == "assistant":
                self.outcome = text


_TIMES = ("timestamp", "recordedAt", "createdAt", "created_at", "time", "ts", "at")


class SessionSummary(msgspec.Struct, kw_only=True):
    """A cleaned session. ``ended`` is a time; ``bodies`` are texts by fixed heading."""

    session_id: str | None
    title: str
    ended: str | None
    bodies: dict[str, str]
    source_digest: str
    started: str | None = None


def from_markdown(text: str, scrub: Scrub, account: Account, *, source_digest: str) -> SessionSummary:
    """A summary that somebody wrote, under the headings every summary has."""
    matter, body = split_matter(text)
    cleaned = scrub.text(body, account)
    bodies = gathered(cleaned, HEADINGS, rest="Outcome")
    return SessionSummary(
        session_id=name_in(matter, "sessionId", "session_id", "session"),
        title=shorten(first_title(cleaned), 120),
        started=None,
        ended=timestamp(
            next((matter[name] for name in ("endedAt", "updatedAt", "date", *_TIMES) if name in matter), None)
        ),
        bodies=bodies,
        source_digest=source_digest,
    )


def from_transcript(told: Transcript, scrub: Scrub, account: Account, *, source_digest: str) -> SessionSummary:
    """What the first request and the last answer say; a transcript itself is never kept."""
    goal = _excerpt(told.goal, scrub, account)
    outcome = _excerpt(told.summary or told.outcome, scrub, account)
    return SessionSummary(
        session_id=told.session_id,
        title=shorten(" ".join(goal.split()), 120),
        started=told.first,
        ended=told.last,
        bodies={
            "Goal": goal,
            "Decisions": "",
            "Outcome": outcome,
            "Follow-ups": "",
        },
        source_digest=source_digest,
    )


def split_matter(text: str) -> tuple[dict[str, str], str]:
    """Simple fields on top of a Markdown text, and what follows them."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    matter = find_frontmatter(text)
    if matter is None or not matter.closed or matter.end > _LONGEST_MATTER:
        return {}, text
    fields = {}
    for line in text[matter.start : matter.end].split("\n"):
        name, colon, value = line.partition(":")
        if colon and name.isidentifier():
            fields[name] = value.strip().strip("\"'")
    return fields, text[matter.body :]


def _excerpt(text: str, scrub: Scrub, account: Account) -> str:
    return shorten(scrub.text(text[:_LONGEST_READ], account).strip(), _EXCERPT)


def _spoken(message: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Who says what in a record of a transcript: the record itself, or what it wraps."""
    for inner in (message, message.get("message"), message.get("payload"), message.get("item")):
        if not isinstance(inner, dict):
            continue
        role = name_in(inner, "role", "speaker", "author", "from") or (
            name_in(message, "type") if message.get("type") in _ROLES else None
        )
        role = _ROLES.get((role or "").lower())
        content = next((inner[name] for name in ("content", "text", "message", "parts") if name in inner), None)
        if role and (text := _text_of(content)).strip():
            yield role, text
            return
    messages = message.get("messages", message.get("turns"))
    if isinstance(messages, list):
        for one in messages:
            if isinstance(one, dict):
                yield from _spoken({key: item for key, item in one.items() if key not in ("messages", "turns")})


_ROLES = {
    "user": "user", "human": "user", "assistant": "assistant", "agent": "assistant", "ai": "assistant",
    "model": "assistant", "bot": "assistant",
}  # fmt: skip


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return ""
    parts = []
    for part in content:
        if isinstance(part, str):
            parts.append(part)
        elif isinstance(part, dict) and part.get("type") in (None, "text", "input_text", "output_text"):
            text = part.get("text", part.get("content"))
            if isinstance(text, str):
                parts.append(text)
    return "\n".join(parts)
