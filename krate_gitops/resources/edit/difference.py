"""The splices that turn the text of a value into the text of another value.

What is the same in both is left as it stands: its lines, comments, quotes and order. Members and items that are new go
behind the one they follow; those that go away take their own lines with them, and no comment above.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from krate_gitops.resources.edit.emit import (
    Piece,
    behind_dash,
    behind_key,
    entry_lines,
    flow_entry,
    flow_text,
    item_lines,
    json_piece,
    quoted,
)
from krate_gitops.resources.edit.lines import Lines
from krate_gitops.resources.edit.nodes import Entry, Node, Shape
from krate_gitops.resources.edit.splices import Splice
from krate_gitops.resources.edit.stretches import fingerprint, stretches
from krate_gitops.resources.edit.values import same
from krate_gitops.resources.parse import settle


class Unsplicable(Exception):
    """The text is of a form that isn't edited in place, such as keys behind a question mark."""


class _Holder(NamedTuple):
    """What a value stands in: its entry, and whether that is a sequence's, or one in brackets."""

    entry: Entry
    in_sequence: bool
    in_flow: bool


class Difference:
    """Collects the splices for one text. ``is_json`` decides how values are written."""

    def __init__(self, text: str, *, is_json: bool) -> None:
        self._text = text
        self._lines = Lines(text)
        self._is_json = is_json
        self.splices: list[Splice] = []

    def change(self, node: Node, raw: Any, wanted: Any) -> None:
        """The splices for a document: ``raw`` is its parsed value, ``wanted`` the one it shall have.

        Raises ``Unsplicable``.
        """
        self._change(node, raw, wanted, None)

    def _change(self, node: Node, raw: Any, wanted: Any, holder: _Holder | None) -> None:
        if same(settle(raw), wanted):
            return
        if node.shape is Shape.MAP and isinstance(wanted, dict) and isinstance(raw, dict):
            kept = [key for key in raw if key in wanted or settle(raw[key]) is None]
            if kept and wanted:
                self._map(node, raw, wanted)
                return
        if node.shape is Shape.SEQUENCE and isinstance(wanted, list) and isinstance(raw, list) and raw and wanted:
            self._sequence(node, raw, wanted)
            return
        if holder is None:
            raise Unsplicable
        self._replace(node, wanted, holder)

    # Members of a map

    def _map(self, node: Node, raw: dict[str, Any], wanted: dict[str, Any]) -> None:
        entries = dict(zip(raw, node.entries, strict=True))
        gone = [key not in wanted and settle(raw[key]) is not None for key in raw]
        for key, entry in entries.items():
            if key in wanted:
                self._change(entry.node, raw[key], wanted[key], _Holder(entry, False, node.in_flow))
        last = [key for key, is_gone in zip(raw, gone, strict=True) if not is_gone][-1]
        before, behind = last, dict[str, list[str]]()
        for key in wanted:
            if key in entries:
                before = key
            else:
                behind.setdefault(before, []).append(key)
        for key, new in behind.items():
            if node.in_flow:
                pieces = [self._flow_member(name, wanted[name], entries[key]) for name in new]
                self._insert_flow(entries[key], pieces)
            else:
                indent = self._lines.column(node.entries[0].start)
                lines = [line for name in new for line in entry_lines(name, wanted[name], indent)]
                self._insert_lines(entries[key], lines)
        self._remove(node, gone)

    def _flow_member(self, key: str, value: Any, beside: Entry) -> str:
        if not self._is_json:
            return flow_entry(key, value)
        return f"{json.dumps(key, ensure_ascii=False)}: {self._json(value, beside.start)}"

    # Items of a sequence

    def _sequence(self, node: Node, raw: list[Any], wanted: list[Any]) -> None:
        gone = [False] * len(raw)
        old = [fingerprint(settle(item)) for item in raw]
        new = [fingerprint(item) for item in wanted]
        for start, end, first, last in stretches(old, new):
            paired = min(end - start, last - first)
            for at in range(paired):
                entry = node.entries[start + at]
                self._change(entry.node, raw[start + at], wanted[first + at], _Holder(entry, True, node.in_flow))
            gone[start + paired : end] = [True] * (end - start - paired)
            if last > first + paired:
                self._insert_items(node, start + paired, wanted[first + paired : last])
        self._remove(node, gone)

    def _insert_items(self, node: Node, at: int, values: Sequence[Any]) -> None:
        """New items before the one at a position, or behind the last one."""
        neighbour = node.entries[max(at - 1, 0)]
        if node.in_flow:
            pieces = [self._json(value, neighbour.start) if self._is_json else flow_text(value) for value in values]
            if at:
                self._insert_flow(neighbour, pieces)
            else:
                space = self._space_before(neighbour)
                self.splices.append(Splice(neighbour.start, neighbour.start, "".join(f"{p},{space}" for p in pieces)))
            return
        column = self._lines.column(neighbour.start)
        lines = [line for value in values for line in item_lines(value, column)]
        if at:
            self._insert_lines(neighbour, lines)
        elif self._lines.is_first(neighbour.start):
            place = self._lines.above_comments(self._lines.start(neighbour.start), column)
            self.splices.append(Splice(place, place, "".join(line + "\n" for line in lines)))
        else:
            block = "\n".join(lines)[column:] + "\n" + " " * column
            self.splices.append(Splice(neighbour.start, neighbour.start, block))

    # Insertion and removal

    def _insert_lines(self, entry: Entry, lines: list[str]) -> None:
        if entry.after < 0:
            raise Unsplicable
        place = self._lines.end(entry.end)
        self.splices.append(Splice(place, place, "".join("\n" + line for line in lines)))

    def _insert_flow(self, entry: Entry, pieces: list[str]) -> None:
        space = self._space_before(entry)
        self.splices.append(Splice(entry.end, entry.end, "".join(f",{space}{piece}" for piece in pieces)))

    def _space_before(self, entry: Entry) -> str:
        """What parts an entry in brackets from the one before it: a new line where it stands on its own."""
        return "\n" + self._lines.margin(entry.start) if self._lines.is_first(entry.start) else " "

    def _remove(self, node: Node, gone: list[bool]) -> None:
        count = len(gone)
        for at, entry in enumerate(node.entries):
            if not gone[at]:
                continue
            if node.in_flow:
                if not all(gone[at:]):
                    self.splices.append(Splice(entry.start, node.entries[at + 1].start, ""))
                elif at and not gone[at - 1]:
                    self.splices.append(Splice(node.entries[at - 1].end, node.entries[-1].end, ""))
                continue
            self._remove_lines(entry, node.entries[at + 1] if at + 1 < count else None)

    def _remove_lines(self, entry: Entry, following: Entry | None) -> None:
        start, end = self._lines.start(entry.start), self._lines.end(entry.end)
        if not self._lines.is_first(entry.start):
            # It shares its line with the dash of an item above: what follows moves up to it.
            is_free = following is not None and "#" not in self._text[entry.end : following.start]
            self.splices.append(Splice(entry.start, following.start if following and is_free else end, ""))
        elif end < len(self._text):
            self.splices.append(Splice(start, end + 1, ""))
        else:
            self.splices.append(Splice(max(start - 1, 0), end, ""))

    # One value in the place of another

    def _replace(self, node: Node, wanted: Any, holder: _Holder) -> None:
        if holder.entry.after < 0:
            raise Unsplicable
        if holder.in_flow or self._is_json:
            new = self._json(wanted, holder.entry.start) if self._is_json else self._scalar(node, wanted)
            is_glued = node.start == holder.entry.after and not holder.in_sequence
            self.splices.append(Splice(node.start, node.end, " " + new if is_glued else new))
            return
        if self._lines.start(node.start) == self._lines.start(holder.entry.after - 1):
            self._replace_on_line(node, wanted, holder)
        else:
            self._replace_below(node, wanted, holder)

    def _replace_on_line(self, node: Node, wanted: Any, holder: _Holder) -> None:
        after = holder.entry.after
        is_glued = node.start == after
        if holder.in_sequence:
            piece = behind_dash(wanted, self._lines.column(node.start) + is_glued)
        else:
            piece = behind_key(wanted, self._lines.column(holder.entry.start) + 2)
        if node.style in ("|", ">") and piece.body and piece.head == self._header(node):
            self._replace_block(node, piece)
            return
        head = self._scalar(node, wanted) if not piece.body else piece.head
        if head:
            self.splices.append(Splice(node.start, node.end, " " + head if is_glued else head))
        else:
            self.splices.append(Splice(after, node.end, ""))
        self._body(piece, self._lines.end(node.end))

    def _replace_below(self, node: Node, wanted: Any, holder: _Holder) -> None:
        """The old value stands on lines below its key or dash, the new one begins right behind it."""
        after = holder.entry.after
        if holder.in_sequence:
            piece = behind_dash(wanted, self._lines.column(after) + 1)
        else:
            piece = behind_key(wanted, self._lines.column(holder.entry.start) + 2)
        first = self._lines.end(after)
        if piece.head and not piece.body:
            first = self._lines.start(node.start) - 1  # comments in between can stay
        self.splices.append(Splice(after, after, " " + piece.head if piece.head else ""))
        self.splices.append(Splice(first, self._lines.end(node.end), ""))
        self._body(piece, self._lines.end(node.end))

    def _replace_block(self, node: Node, piece: Piece) -> None:
        """New lines for a block scalar, behind its header and as deep as the old ones."""
        start = self._lines.end(node.start)
        old = self._text[start : node.end].split("\n")
        depth = next((len(line) - len(line.lstrip(" ")) for line in old if line.strip()), 0)
        new = min((len(line) - len(line.lstrip(" ")) for line in piece.body if line), default=0)
        lines = [" " * (depth or new) + line[new:] if line else "" for line in piece.body]
        self.splices.append(Splice(start, node.end, "".join("\n" + line for line in lines)))

    def _body(self, piece: Piece, place: int) -> None:
        if piece.body:
            self.splices.append(Splice(place, place, "".join("\n" + line for line in piece.body)))

    def _header(self, node: Node) -> str:
        return self._text[node.start : self._lines.end(node.start)].split(" ")[0]

    def _scalar(self, node: Node, wanted: Any) -> str:
        if isinstance(wanted, str) and node.style in ("'", '"') and not node.anchor:
            text = quoted(wanted, node.style)
            if text is not None:
                return text
        return flow_text(wanted)

    def _json(self, value: Any, beside: int) -> str:
        unit = self._unit() if self._lines.is_first(beside) else None
        return json_piece(value, unit=unit, margin=self._lines.margin(beside))

    def _unit(self) -> str:
        """How much deeper a level of a JSON file is: what its first member is indented by."""
        line = self._text.find("\n") + 1
        indented = self._text[line:]
        return indented[: len(indented) - len(indented.lstrip(" \t"))][:8] or "  "
