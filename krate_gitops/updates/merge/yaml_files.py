"""Merge of YAML files: record by record, by id, in the order of theirs."""

from __future__ import annotations

from typing import Any

from krate_gitops.updates.merge.by_line import merge_lines
from krate_gitops.updates.merge.order import joint_order
from krate_gitops.updates.merge.outcome import CHANGED, CREATED, DELETED, OVERLAP, TextMerge, of_whole
from krate_gitops.updates.merge.records import RecordMerge, Sides
from krate_gitops.updates.merge.streams import Part, Stream, matched, read_stream
from krate_gitops.updates.merge.values import settled
from krate_gitops.updates.model import Conflict

_Key = tuple[Any, ...]


def merge_yaml(path: str, base: str, ours: str, theirs: str) -> TextMerge | None:
    """Merges YAML texts with LF line ends; None where one of them isn't a stream of maps, or none has any."""
    streams = [read_stream(text) for text in (base, ours, theirs)]
    old, mine, current = streams
    if old is None or mine is None or current is None:
        return None
    if not (old.parts or mine.parts or current.parts):
        return None
    merged = _StreamMerge(path, old, mine, current)
    result = merged.stream()
    if merged.conflicts:
        return TextMerge(result.text, tuple(merged.conflicts))
    lines = merge_lines(base, ours, theirs)
    if not lines.clashes and lines.text != result.text:
        by_line = read_stream(lines.text)
        if by_line is not None and _meaning(by_line) == _meaning(result):
            return TextMerge(lines.text)
    merged.check_between()
    return TextMerge(result.text, tuple(merged.conflicts))


def same_yaml(one: str, other: str) -> bool:
    """Whether two texts are streams that mean the same."""
    streams = (read_stream(one), read_stream(other))
    return None not in streams and len({tuple(_meaning(stream)) for stream in streams if stream is not None}) == 1


def _meaning(stream: Stream) -> list[str]:
    return sorted(settled(part.value) for part in stream.parts)


class _StreamMerge:
    def __init__(self, path: str, base: Stream, ours: Stream, theirs: Stream) -> None:
        self.conflicts: list[Conflict] = []
        self._path = path
        self._streams = Sides(base, ours, theirs)
        self._old: dict[_Key, Part] = {("old", at): part for at, part in enumerate(base.parts)}
        self._mine = _by_key(base, ours)
        self._current = _by_key(base, theirs)
        self._has_several = max(len(stream.parts) for stream in self._streams) > 1
        self._lines: dict[_Key, int] = {}
        line = 1
        for key, part in self._current.items():
            line += part.lead.count("\n")
            self._lines[key] = line
            line += part.text.count("\n")

    def stream(self) -> Stream:
        """The merged stream; conflicts are collected."""
        kept: dict[_Key, str] = {}
        for key in dict.fromkeys((*self._current, *self._mine)):
            text = self._one(key, self._old.get(key), self._mine.get(key), self._current.get(key))
            if text is not None:
                kept[key] = text
        parts: list[Part] = []
        for key in joint_order(list(self._old), list(self._mine), list(self._current), set(kept)):
            part = self._current.get(key) or self._mine[key]
            parts.append(Part(self._lead(key), kept[key], part.value))
        base, ours, theirs = self._streams
        tail = ours.tail if theirs.tail == base.tail else theirs.tail
        return _read_again(Stream(_parted(parts), tail))

    def check_between(self) -> None:
        """Comments between records that both sides changed can't both be had."""
        for key in self._current:
            if key in self._old and key in self._mine:
                leads = Sides(self._old[key].lead, self._mine[key].lead, self._current[key].lead)
                if leads.picked is None:
                    self.conflicts.append(of_whole(self._path, OVERLAP, leads, self._named(key)))
        tails = Sides(*(stream.tail for stream in self._streams))
        if tails.picked is None:
            self.conflicts.append(of_whole(self._path, OVERLAP, tails))

    def _lead(self, key: _Key) -> str:
        """What stands before a record: as ours has it where only we changed it."""
        if key not in self._current:
            return self._mine[key].lead
        theirs = self._current[key].lead
        if key in self._old and key in self._mine and theirs == self._old[key].lead:
            return self._mine[key].lead
        return theirs

    def _one(self, key: _Key, old: Part | None, mine: Part | None, current: Part | None) -> str | None:
        if old is not None and mine is not None and current is not None:
            record = RecordMerge(self._path, self._prefix(key), self._lines[key], False)
            parts = (old, mine, current)
            merged = record.merge(Sides(*(part.text for part in parts)), Sides(*(part.value for part in parts)))
            self.conflicts += merged.conflicts
            return merged.text
        if old is None:
            if mine is not None and current is not None and settled(mine.value) != settled(current.value):
                self._whole(CREATED, key)
            return current.text if current is not None else mine.text if mine is not None else None
        if mine is not None and not _same_text(mine, old):
            self._whole(DELETED, key)
            return None
        if current is not None and not _same_text(current, old):
            self._whole(CHANGED, key)
            return current.text
        return None

    def _whole(self, reason: str, key: _Key) -> None:
        parts = [where.get(key) for where in (self._old, self._mine, self._current)]
        texts = [part.text if part is not None else None for part in parts]
        self.conflicts.append(of_whole(self._path, reason, texts, self._named(key)))

    def _named(self, key: _Key) -> str:
        part = self._current.get(key) or self._mine.get(key) or self._old[key]
        return part.name if self._has_several else ""

    def _prefix(self, key: _Key) -> str:
        name = self._named(key)
        return f"{name}#" if name else ""


def _same_text(one: Part, other: Part) -> bool:
    return one.text.rstrip("\n") == other.text.rstrip("\n")


def _by_key(base: Stream, stream: Stream) -> dict[_Key, Part]:
    """The documents by the one of the base that they are a version of, else by what tells them apart."""
    found: dict[_Key, Part] = {}
    for part, at in zip(stream.parts, matched(base, stream), strict=True):
        key: _Key = ("old", at)
        if at is None:
            key = ("new", part.name, str(part.value.get("nodeKind", "")), "" if part.name else part.text)
            while key in found:
                key = (*key, "again")
        found[key] = part
    return found


def _parted(parts: list[Part]) -> tuple[Part, ...]:
    """The documents with a marker before each but the first, each on lines of its own."""
    done: list[Part] = []
    for at, part in enumerate(parts):
        lead, text = part.lead, part.text
        if at and "---" not in lead:
            lead = "---\n" + lead
        if at + 1 < len(parts) and not text.endswith("\n"):
            text += "\n"
        done.append(part._replace(lead=lead, text=text))
    return tuple(done)


def _read_again(stream: Stream) -> Stream:
    """The stream as it reads once it is written."""
    return read_stream(stream.text) or stream
