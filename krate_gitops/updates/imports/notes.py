"""What went wrong in a source without stopping its import: one line each, bounded, and never a word of the source."""

from __future__ import annotations

from krate_gitops.printable import printable

_LONGEST_PLACE = 160


class Notes:
    """Collects notes in the order in which they come up; ``most`` is how many are told one by one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lines: list[str] = []
        self._more = 0

    def add(self, place: str, what: str) -> None:
        """Notes ``what`` at a file, or a file and the number of a value in it."""
        if len(self._lines) < self._most:
            self._lines.append(f"{printable(place[:_LONGEST_PLACE])}: {what}")
        else:
            self._more += 1

    @property
    def lines(self) -> tuple[str, ...]:
        """All notes that are told, and how many are not."""
        return (*self._lines, f"and {self._more} more") if self._more else tuple(self._lines)
