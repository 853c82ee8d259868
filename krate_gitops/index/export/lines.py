"""JSON documents written entry by entry: maps sorted by key, one entry of a large map or list a line.

So a large document is never one string in memory, and two versions of a committed one differ in the lines that differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

encode = msgspec.json.Encoder(order="sorted").encode


class Rows:
    """A list of encoded items."""

    def __init__(self, items: Iterable[bytes]) -> None:
        self.items = items


class Entries:
    """A map of encoded values, sorted by key already."""

    def __init__(self, items: Iterable[tuple[str, bytes]]) -> None:
        self.items = items


def document(members: Mapping[str, Any]) -> Iterator[bytes]:
    """Pieces of a JSON object. Values are plain, or ``Rows`` and ``Entries``, which are taken one by one."""
    yield b"{\n"
    for at, name in enumerate(sorted(members)):
        value = members[name]
        yield (b",\n" if at else b"") + encode(name) + b": "
        if isinstance(value, Rows):
            yield from _spread(b"[", value.items, b"]")
        elif isinstance(value, Entries):
            yield from _spread(b"{", (encode(key) + b": " + item for key, item in value.items), b"}")
        else:
            yield encode(value)
    yield b"\n}\n"


def _spread(opening: bytes, items: Iterable[bytes], closing: bytes) -> Iterator[bytes]:
    yield opening
    before = b"\n"
    for item in items:
        yield before + item
        before = b",\n"
    yield closing if before == b"\n" else b"\n" + closing


def as_entries(items: Mapping[str, Any]) -> Entries:
    """A map of plain values, a line each."""
    return Entries((key, encode(items[key])) for key in sorted(items))
