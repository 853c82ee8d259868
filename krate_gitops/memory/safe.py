"""Strings of an answer as they may leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from krate_gitops.memory.clean import Cleaner
from krate_gitops.memory.redact import Redacted

_MOST_CHARACTERS = 4_000_000
"""Of the strings that are kept."""


class SafeStrings:
    """Redacts many short strings in one go, and looks each of them up.

    Secrets stand in ids, paths and owners too, so nothing that comes out of a file is passed on around this.
    """

    def __init__(self, cleaner: Cleaner) -> None:
        self._cleaner = cleaner
        self._known: dict[str, Redacted] = {}
        self._characters = 0

    def learn(self, strings: Iterable[str]) -> None:
        """Prepares strings; those learnt together are cleaned at the price of one."""
        new = [string for string in dict.fromkeys(strings) if string not in self._known]
        if not new:
            return
        if self._characters > _MOST_CHARACTERS:
            self._known.clear()
            self._characters = 0
        self._characters += sum(map(len, new))
        self._known |= zip(new, self._cleaner.redact(new), strict=True)

    def redacted(self, string: str) -> Redacted:
        known = self._known.get(string)
        if known is None:
            self.learn([string])
            known = self._known[string]
        return known

    def __call__(self, string: str) -> str:
        known = self._known.get(string)
        return (self.redacted(string) if known is None else known).text

    def all(self, strings: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(self, strings))

    def attributes(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Attributes of a record with every string inside made safe."""
        return {self(name): self._value(value, name) for name, value in attributes.items()}

    def _value(self, value: Any, name: str) -> Any:
        if isinstance(value, str):
            return self._assigned(value, name)
        if isinstance(value, Mapping):
            return {self(key): self._value(item, key) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._value(item, name) for item in value]
        return value

    def _assigned(self, value: str, name: str) -> str:
        """A value under its name: that it is a password may show in the name alone."""
        head = f"{name}: "
        return self(head + value).removeprefix(head)

    def counts(self, strings: Iterable[str]) -> Counter[str]:
        """What was taken out of the strings, by kind."""
        total: Counter[str] = Counter()
        for string in strings:
            if counts := self.redacted(string).counts:
                total.update(counts)
        return total
