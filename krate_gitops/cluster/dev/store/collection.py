"""The objects of one kind in memory: the newest state, and enough of the past to look back and to watch."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from typing import Any

ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"

LONGEST_LOG = 20_000
"""Changes of one kind that are remembered; watches from before the oldest of them have to start anew."""

_END_OF_NAMESPACE = "0"
"""The character after ``/``: ``a/`` to ``a0`` are all places in the namespace ``a``."""


class TooOldError(Exception):
    """The past that is asked for is forgotten. ``oldest`` is the first version that isn't."""

    def __init__(self, oldest: int) -> None:
        super().__init__(oldest)
        self.oldest = oldest


class Entry:
    """One state of one object. ``value`` is shared: whoever wants to change it takes a copy."""

    __slots__ = ("_views", "place", "value", "version")

    def __init__(self, place: str, version: int, value: dict[str, Any]) -> None:
        self.place = place
        self.version = version
        self.value = value
        self._views: dict[Any, Any] = {}

    def view(self, key: Any, make: Callable[[dict[str, Any]], Any]) -> Any:
        """What ``make`` makes of the value, made once for every ``key``."""
        found = self._views.get(key)
        if found is None:
            if len(self._views) > 8:  # old versions of a definition's schema
                self._views.clear()
            found = self._views[key] = make(self.value)
        return found


class Change:
    """One write: the state it led to (for a deletion, the last one), and the state before it."""

    __slots__ = ("entry", "previous", "type")

    def __init__(self, type_: str, entry: Entry, previous: Entry | None) -> None:
        self.type = type_
        self.entry = entry
        self.previous = previous


Listener = Callable[[Change], None]


class Collection:
    """Objects of one kind by place. ``oldest`` is the version since which the past is known."""

    def __init__(self, oldest: int) -> None:
        self._entries: dict[str, Entry] = {}
        self._places: list[str] = []
        self._log: list[Change] = []
        self.oldest = oldest
        self.newest = oldest
        self.listeners: set[Listener] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def load(self, entry: Entry) -> None:
        """Puts an object there that was stored by an earlier process."""
        self._entries[entry.place] = entry
        insort(self._places, entry.place)
        self.newest = max(self.newest, entry.version)

    def get(self, place: str) -> Entry | None:
        """The newest state of one object."""
        return self._entries.get(place)

    def entries(self, namespace: str | None = None, after: str = "") -> list[Entry]:
        """The newest states in the order of their places, of one namespace or all, behind ``after``."""
        return [self._entries[place] for place in _range(self._places, namespace, after)]

    def entries_at(self, version: int, namespace: str | None = None, after: str = "") -> list[Entry]:
        """The states at ``version``: what was written later is undone. Raises ``TooOldError``."""
        if version < self.oldest:
            raise TooOldError(self.oldest)
        undone: dict[str, Entry | None] = {}
        for change in reversed(self._log):
            if change.entry.version <= version:
                break
            undone[change.entry.place] = change.previous
        if not undone:
            return self.entries(namespace, after)
        states = {**self._entries, **undone}
        places = sorted(place for place, entry in states.items() if entry is not None)
        return [entry for place in _range(places, namespace, after) if (entry := states[place]) is not None]

    def changes_after(self, version: int) -> Iterator[Change]:
        """Everything that was written after ``version``. Raises ``TooOldError``."""
        if version < self.oldest:
            raise TooOldError(self.oldest)
        return iter(self._log[bisect_right(self._log, version, key=lambda change: change.entry.version) :])

    def put(self, entry: Entry) -> Change:
        """Writes one state and tells the listeners."""
        previous = self._entries.get(entry.place)
        if previous is None:
            insort(self._places, entry.place)
        self._entries[entry.place] = entry
        return self._note(Change(MODIFIED if previous else ADDED, entry, previous))

    def remove(self, last: Entry) -> Change:
        """Takes an object away; ``last`` is its last state, with the version of the deletion."""
        previous = self._entries.pop(last.place)
        del self._places[bisect_left(self._places, last.place)]
        return self._note(Change(DELETED, last, previous))

    def _note(self, change: Change) -> Change:
        self._log.append(change)
        if len(self._log) > LONGEST_LOG:
            half = LONGEST_LOG // 2
            self.oldest = self._log[half - 1].entry.version
            del self._log[:half]
        self.newest = change.entry.version
        for listener in tuple(self.listeners):
            listener(change)
        return change


def _range(places: list[str], namespace: str | None, after: str) -> list[str]:
    low = bisect_right(places, after) if after else 0
    if namespace is None:
        return places[low:] if low else places
    low = max(low, bisect_left(places, f"{namespace}/"))
    return places[low : bisect_left(places, f"{namespace}{_END_OF_NAMESPACE}")]
