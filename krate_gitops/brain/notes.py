"""What is known of a note: a Markdown file that need not be a record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from krate_gitops.brain.base_fields import SENSITIVITIES, STATUSES
from krate_gitops.brain.facts import NoteFields
from krate_gitops.brain.timestamps import normalise_timestamp
from krate_gitops.brain.values import text_of


def note_fields(raw: dict[str, Any]) -> NoteFields:
    """Fields of a note's frontmatter; what has an odd shape is left out, since notes never fail for it."""
    status = _text_or_none(raw.get("status"))
    sensitivity = _text_or_none(raw.get("sensitivity"))
    return NoteFields(
        title=_text_or_none(raw.get("title")),
        status=status if status in STATUSES else None,
        sensitivity=sensitivity if sensitivity in SENSITIVITIES else ("restricted" if sensitivity else None),
        owners=tuple(_texts(raw.get("owners"))),
        tags=tuple(_texts(raw.get("tags"))),
        repo_refs=tuple(_texts(raw.get("repoRefs"))),
        updated_at=normalise_timestamp(_text_or_none(raw.get("updatedAt")) or ""),
    )


def _text_or_none(value: Any) -> str | None:
    try:
        return text_of(value)
    except TypeError:
        return None


def _texts(value: Any) -> Iterator[str]:
    if type(value) is list:
        for item in value:
            text = _text_or_none(item)
            if text:
                yield text


def titled(note: NoteFields, heading: str | None, path: str) -> NoteFields:
    """The note with a title: its own, else its heading, else the name of its file."""
    return note if note.title else msgspec.structs.replace(note, title=heading or fallback_title(path))


def fallback_title(path: str) -> str:
    """The name of a note's file without the suffix."""
    return path.rpartition("/")[2].removesuffix(".md")
