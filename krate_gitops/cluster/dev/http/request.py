"""One request, as far as it could be read, and the answers to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from urllib.parse import parse_qsl

import msgspec

from krate_gitops.cluster.dev.http.negotiation import Media


class Headers:
    """Headers of a request. Names are in any case, values may be several of one name."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._items = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw]
        self._first: dict[str, str] = {}
        for name, value in self._items:
            self._first.setdefault(name, value)

    def get(self, name: str) -> str | None:
        """The first value."""
        return self._first.get(name.lower())

    def getlist(self, name: str) -> list[str]:
        """All values."""
        wanted = name.lower()
        return [value for found, value in self._items if found == wanted]

    def items(self) -> Iterator[tuple[str, str]]:
        """Every header with its name in lower case, repeated ones as often as they came."""
        return iter(self._items)


class Query:
    """Parameters of a request."""

    def __init__(self, raw: str) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in parse_qsl(raw, keep_blank_values=True):
            self._values.setdefault(name, []).append(value)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def get(self, name: str) -> str:
        """The first value, or nothing."""
        return self._values.get(name, [""])[0]

    def getlist(self, name: str) -> list[str]:
        """All values."""
        return self._values.get(name, [])

    def flag(self, name: str) -> bool:
        """A boolean: anything but ``false`` and ``0`` is true."""
        return name in self._values and self._values[name][0].lower() not in ("false", "0")


class Request(msgspec.Struct):
    """What came in. ``path`` is decoded; ``media`` is what the client wants to have."""

    method: str
    path: str
    query: Query
    headers: Headers
    body: bytes
    media: Media


class Response(msgspec.Struct):
    """An answer in one piece."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class Stream(msgspec.Struct):
    """An answer that comes in parts as long as its source gives some."""

    parts: AsyncIterator[bytes]
    content_type: str
    status: int = 200
