"""What stands for a record without a summary: the first paragraph of its body."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

from krate_gitops.brain.scan.clean import MARKER
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.redact import markers

PARAGRAPH_CHARACTERS = 500


class Paragraph(NamedTuple):
    """Redacted text, the same text as it was, and what redaction took from it by kind."""

    text: str
    raw: str
    counts: Mapping[str, int]


def first_paragraphs(opened: OpenIndex, files: Collection[int]) -> dict[int, Paragraph]:
    """First paragraph of each file, cut from the text that was redacted as a whole."""
    found = {}
    for text in opened.texts(sorted(files)):
        body = opened.columns.file(text.file).body_start
        before = after = first_paragraph(text.raw[body:])
        counts: Mapping[str, int] = {}
        if text.changed:
            # Redaction keeps the lines, not the offsets.
            after = first_paragraph(text.safe.split("\n", text.raw.count("\n", 0, body))[-1])
            counts = Counter(markers(after)) - Counter(markers(before))
        found[text.file] = Paragraph(after, before, counts)
    return found


def first_paragraph(body: str) -> str:
    """First paragraph of a body that is no heading, at most 500 characters, on one line."""
    for block in body.split("\n\n"):
        lines = [line for line in block.strip().split("\n") if not line.startswith("#")]
        text = " ".join(" ".join(lines).split())
        if text:
            return _cut(text)
    return ""


def _cut(text: str) -> str:
    """The beginning of a text; a marker of redaction stays whole or goes."""
    kept = text[:PARAGRAPH_CHARACTERS]
    at = kept.rfind("[")
    if at >= 0 and len(kept) < len(text) and "]" not in kept[at:] and text.startswith(MARKER, at):
        return kept[:at]
    return kept
