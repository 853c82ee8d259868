"""Names of all units of a commit: which of them a whole text stands in."""

from __future__ import annotations

import re
from functools import cached_property
from typing import NamedTuple

import numpy as np

from krate_gitops.brain.arrays import distinct
from krate_gitops.brain.links import Array

_RUN = re.compile(r"\w+")


class _Runs(NamedTuple):
    """Distinct runs of letters and digits, a line each in ``text`` that begins at ``starts``; the units that hold run n
    are ``units[first[n] : first[n + 1]]``.
    """

    text: bytes
    starts: Array
    first: Array
    units: Array


class Names:
    """``lines``: folded names, a line for each unit."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._is_first = True

    def holding(self, folded: str) -> Array:
        """Units with the text in their names, ascending.

        The first text is looked for in all names. Only for more of them it pays to take the names apart.
        """
        longest = max(_RUN.findall(folded), key=len, default="")
        if self._is_first or not longest:
            self._is_first = False
            return self._scanned(folded)
        units = self._with_run(longest)
        if longest == folded:
            return units
        return np.array([unit for unit in units.tolist() if folded in self._lines[unit]], dtype=np.int64)

    def _scanned(self, folded: str) -> Array:
        if not folded:
            return np.zeros(0, dtype=np.int64)
        text, starts = self._text
        places, at = [], text.find(folded)
        while at >= 0:
            places.append(at)
            at = text.find(folded, text.find("\n", at))
        return distinct(np.searchsorted(starts, np.array(places, dtype=np.int64), side="right") - 1)

    @cached_property
    def _text(self) -> tuple[str, Array]:
        """All lines as one text, and where each line starts."""
        sizes = np.fromiter((len(line) + 1 for line in self._lines), dtype=np.int64, count=len(self._lines))
        return "\n".join([*self._lines, ""]), np.cumsum(sizes) - sizes

    def _with_run(self, piece: str) -> Array:
        """Units with a run that contains the piece."""
        runs, wanted = self._runs, piece.encode()
        places, at = [], runs.text.find(wanted)
        while at >= 0:
            places.append(at)
            at = runs.text.find(wanted, runs.text.find(b"\n", at))
        mask = np.zeros(len(self._lines), dtype=bool)
        for run in (np.searchsorted(runs.starts, np.array(places, dtype=np.int64), side="right") - 1).tolist():
            mask[runs.units[runs.first[run] : runs.first[run + 1]]] = True
        return np.flatnonzero(mask)

    @cached_property
    def _runs(self) -> _Runs:
        numbers: dict[str, int] = {}
        which: list[int] = []
        sizes: list[int] = []
        for line in self._lines:
            found = set(_RUN.findall(line))
            which += [numbers.setdefault(run, len(numbers)) for run in found]
            sizes.append(len(found))
        order = np.argsort(np.array(which, dtype=np.int64), kind="stable")
        units = np.repeat(np.arange(len(sizes)), sizes)[order]
        first = np.searchsorted(np.array(which, dtype=np.int64)[order], np.arange(len(numbers) + 1))
        encoded = [run.encode() for run in numbers]
        lengths = np.fromiter((len(run) + 1 for run in encoded), dtype=np.int64, count=len(encoded))
        return _Runs(b"\n".join([*encoded, b""]), np.cumsum(lengths) - lengths, first, units)
