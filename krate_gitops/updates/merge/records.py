"""Merge of the YAML of one record: by line where that means what merging its values means, else in place."""

from __future__ import annotations

from typing import Any, NamedTuple

from krate_gitops.updates.merge.by_line import LineMerge, merge_lines
from krate_gitops.updates.merge.outcome import (
    OVERLAP,
    RETIRED,
    TextMerge,
    of_lines,
    of_values,
    of_whole,
)
from krate_gitops.updates.merge.plain import MISSING, fingerprint, read_map
from krate_gitops.updates.merge.rewrite import rewritten
from krate_gitops.updates.merge.values import Difference, merge_maps, settled
from krate_gitops.updates.model import Conflict

_RETIRED = ("deprecated", "archived")


class Sides(NamedTuple):
    """The same thing in the three versions."""

    base: Any
    ours: Any
    theirs: Any

    @property
    def picked(self) -> Any | None:
        """The outcome where at most one side changed something, else None."""
        if self.ours in (self.base, self.theirs):
            return self.theirs
        return self.ours if self.theirs == self.base else None


class RecordMerge(NamedTuple):
    """Where a record stands: its file, what names it there, the number of its first line, and how it holds fields."""

    path: str
    prefix: str
    first_line: int
    in_frontmatter: bool

    def merge(self, texts: Sides, values: Sides) -> TextMerge:
        """Merges texts with LF line ends, each of one map, whose values are given."""
        if texts.picked is not None:
            return TextMerge(texts.picked, self.retired(texts, values))
        lines = merge_lines(*texts)
        clean = None if lines.clashes else read_map(lines.text)
        merged = merge_maps(*values, MISSING if clean is None else clean)
        text = _text(lines, clean, merged.value, texts.theirs)
        if text is None:
            prefix = self.prefix.rstrip("#")
            whole = of_whole(self.path, OVERLAP, texts, prefix)
            return TextMerge(texts.theirs, (whole,))
        retired = self.retired(texts, values)
        places = {one.place for one in retired}
        clashes = [of_values(self.path, clash, self.prefix) for clash in merged.clashes]
        found = [*retired, *(one for one in clashes if one.place not in places)]
        return TextMerge(text, tuple(found or self._lost_comments(lines, text)))

    def retired(self, texts: Sides, values: Sides) -> tuple[Conflict, ...]:
        """A conflict where the record was deprecated or archived while we changed its text, or what belongs to it."""
        before, proposed, now = (self._status(value) for value in values)
        if texts.ours in (texts.base, texts.theirs) or now not in _RETIRED or before in _RETIRED:
            return ()
        place = "status" if self.in_frontmatter else "attributes.status"
        clash = Difference(place, before, now, proposed)
        return (of_values(self.path, clash, self.prefix, RETIRED),)

    def _status(self, value: dict[str, Any]) -> Any:
        fields = value if self.in_frontmatter else value.get("attributes")
        return fields.get("status", MISSING) if isinstance(fields, dict) else MISSING

    def _lost_comments(self, lines: LineMerge, text: str) -> list[Conflict]:
        """Comments that we wrote where they changed something too, and that found no place."""
        there = set(text.split("\n"))
        return [
            of_lines(self.path, clash, self.first_line, "lines")
            for clash in lines.clashes
            if any(_is_comment(line) and line not in there for line in set(clash.proposed) - set(clash.observed))
        ]


def _is_comment(line: str) -> bool:
    return line.lstrip(" ").startswith("#")


def _text(lines: LineMerge, clean: dict[str, Any] | None, wanted: dict[str, Any], theirs: str) -> str | None:
    """A text with the wanted value that keeps as much as can be: of both sides, then of theirs.

    A clean merge by line may have the items of a set in another order; it is no worse than ours.
    """
    if clean is not None and settled(clean) == settled(wanted):
        return lines.text
    exact = fingerprint(wanted)
    for text in dict.fromkeys((lines.text, lines.guess)):
        value = read_map(text)
        if value is not None and fingerprint(value) == exact:
            return text
    for text in dict.fromkeys((lines.guess, lines.text, theirs)):
        result = rewritten(text, wanted)
        if result is not None:
            return result
    return None
