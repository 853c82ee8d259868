"""What a run's review says, under the headings every retrospective has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from krate_gitops.updates.imports.account import Account
from krate_gitops.updates.imports.scrub import Scrub, shorten
from krate_gitops.updates.imports.sections import first_title, gathered, words_of
from krate_gitops.updates.imports.session import split_matter

HEADINGS = {
    "What happened": ("Summary", "Overview", "Timeline", "Context", "Background"),
    "What worked": ("What went well", "Went well", "Successes", "Worked", "Keep"),
    "What failed": ("What went wrong", "What didn't work", "Went wrong", "Failures", "Failed", "Problems", "Stop"),
    "Lessons": ("Lessons learned", "Lesson", "Learnings", "Insights", "Improvements", "Takeaways"),
    "Proposed records": ("Proposed changes", "Proposals", "Follow ups", "Follow-ups", "Action items", "Actions",
                         "Recommendations"),
}  # fmt: skip
_MOST_ITEMS = 200


class Retrospective(msgspec.Struct, kw_only=True):
    """A cleaned retrospective; ``bodies`` are texts by fixed heading."""

    title: str
    bodies: dict[str, str]
    source_digest: str


def from_markdown(text: str, scrub: Scrub, account: Account, *, source_digest: str) -> Retrospective:
    """A retrospective written as Markdown."""
    cleaned = scrub.text(split_matter(text)[1], account)
    return Retrospective(
        title=shorten(first_title(cleaned), 120),
        bodies=gathered(cleaned, HEADINGS, rest="What happened"),
        source_digest=source_digest,
    )


def from_json(value: Any, scrub: Scrub, account: Account, *, source_digest: str) -> Retrospective:
    """A retrospective as an object whose members are its sections."""
    members = value if isinstance(value, Mapping) else {"summary": value}
    by_words = {words_of(name): heading for heading, names in HEADINGS.items() for name in (heading, *names)}
    bodies = dict.fromkeys(HEADINGS, "")
    for name, item in members.items():
        heading = by_words.get(words_of(_spaced(str(name))))
        if heading is not None and (text := _text_of(item)):
            bodies[heading] = "\n\n".join(filter(None, (bodies[heading], scrub.text(text, account))))
    title = members.get("title")
    return Retrospective(
        title=scrub.line(title, account, most=120) if isinstance(title, str) else "",
        bodies=bodies,
        source_digest=source_digest,
    )


def _spaced(name: str) -> str:
    return "".join(f" {one}" if one.isupper() else one for one in name)


def _text_of(item: Any) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, list):
        lines = (_text_of(one).replace("\n", " ") for one in item[:_MOST_ITEMS])
        return "\n".join(f"- {line}" for line in lines if line)
    if isinstance(item, Mapping):
        told = (item.get(name) for name in ("title", "text", "summary", "lesson", "description"))
        return ": ".join(one for one in told if isinstance(one, str))
    return str(item) if isinstance(item, (int, float)) else ""
