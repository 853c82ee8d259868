"""What the user left out by hand: ids, files, or lines of files."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from krate_gitops.brain.links import Array
from krate_gitops.memory.opened import OpenIndex

_RANGE = re.compile(r"(?P<path>.+?):(?P<first>[0-9]{1,9})(?:-(?P<last>[0-9]{1,9}))?\Z", re.DOTALL)


class Lines(NamedTuple):
    """Lines of a path, 1-based and inclusive."""

    path: str
    first: int
    last: int


def lines_of(item: str) -> Lines | None:
    """``path:start-end`` or ``path:line`` taken apart; None for an id or a path."""
    match = _RANGE.match(item)
    if match is None:
        return None
    first = max(1, int(match["first"]))
    return Lines(match["path"], first, max(first, int(match["last"] or first)))


class Exclusions:
    """``records`` and ``files`` are masks. A record that is left out takes the file along that holds it alone."""

    def __init__(self, opened: OpenIndex, items: tuple[str, ...]) -> None:
        columns = opened.columns
        self.records: Array = np.zeros(columns.links.records, dtype=bool)
        self.files: Array = np.zeros(len(columns.paths), dtype=bool)
        self._lines: dict[int, list[Lines]] = {}
        for item in items:
            record = opened.graph.defined(item)
            lines = lines_of(item)
            if record >= 0:
                self.records[record] = True
                file = int(columns.record_file[record])
                self.files[file] |= columns.file_units[file] == 1
            elif item in columns.file_number:
                self.files[columns.file_number[item]] = True
                self.records |= columns.record_file == columns.file_number[item]
            elif lines and lines.path in columns.file_number:
                self._lines.setdefault(columns.file_number[lines.path], []).append(lines)

    def meets(self, file: int, first: int, last: int) -> bool:
        """Whether some of these lines of a file are left out."""
        return any(lines.first <= last and first <= lines.last for lines in self._lines.get(file, ()))
