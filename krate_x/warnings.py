"""``Warning`` headers: what the API server wants a person to know though it did what was asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from krate_gitops.cluster.client.masking import masked

_WARNING = re.compile(r'\b\d{3} \S+ "((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_MOST = 1_000
"""Different warnings that are kept. One object may have many, and a pass has thousands of objects."""


class Warnings:
    """The different warnings of a pool, in the order of their first appearance."""

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        self._seen: dict[str, None] = {}
        self._tell = tell

    @property
    def texts(self) -> tuple[str, ...]:
        """Each different text once, at most a thousand."""
        return tuple(self._seen)

    def note(self, headers: Iterable[str]) -> tuple[str, ...]:
        """Reads the headers of one answer, gives their texts, and tells of those that are new."""
        texts = tuple(
            masked(_ESCAPED.sub(r"\1", match[1])) for header in headers for match in _WARNING.finditer(header[:16_384])
        )
        for text in texts:
            if text not in self._seen and len(self._seen) < _MOST:
                self._seen[text] = None
                if self._tell is not None:
                    self._tell(text)
        return texts
