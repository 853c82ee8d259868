"""Records and documents as resources: a bounded list of them, and one by its URI."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import NamedTuple

from krate_gitops.errors import UsageError
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.safe import SafeStrings
from krate_gitops.printable import printable
from krate_gitops.server.mcp.pin import Pin
from krate_gitops.server.mcp.uris import document_uri, record_uri

PAGE = 100
MOST_LISTED = 1000
"""Clients fetch every page before anything else; the rest is reached by search and through the templates."""


class Listed(NamedTuple):
    """A resource in the list: an id with its kind, or a path."""

    uri: str
    name: str
    kind: str


class Page(NamedTuple):
    """Some of the list, and where it goes on."""

    items: list[Listed]
    next_cursor: str | None


def list_page(opened: OpenIndex, pin: Pin, cursor: str | None) -> Page:
    """One page. Raises ``UsageError(INVALID_REQUEST)`` for a cursor that was not given out."""
    start = _position(cursor)
    items = list(_listed(opened, pin))[:MOST_LISTED]
    after = start + PAGE
    return Page(items[start:after], _cursor(after) if after < len(items) else None)


def _listed(opened: OpenIndex, pin: Pin) -> Iterator[Listed]:
    """Readable records by place, then readable documents that are no record's own, by path.

    What redaction or escaping would change is left out: its URI would lead nowhere.
    """
    columns, admission = opened.columns, opened.admission(pin.policy)
    safe = SafeStrings(opened.cleaner)
    numbers = admission.records.nonzero()[0].tolist()[:MOST_LISTED]
    records = [columns.record(number) for number in numbers]
    safe.learn(record.id for record in records)
    for record in records:
        if safe(record.id) == record.id == printable(record.id):
            yield Listed(record_uri(pin.commit, record.id), record.id, printable(safe(record.kind)))
    apart = admission.files.copy()
    apart[columns.record_file[admission.records]] = False
    paths = [columns.paths[number] for number in apart.nonzero()[0].tolist()[:MOST_LISTED]]
    safe.learn(paths)
    for path in paths:
        if safe(path) == path == printable(path):
            yield Listed(document_uri(pin.commit, path), path, "document")


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"at:{position}".encode()).decode()


def _position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(cursor.encode()).decode("ascii").partition(":")
    except (binascii.Error, UnicodeError):
        word, number = "", ""
    if word != "at" or not number.isdecimal() or int(number) > MOST_LISTED:
        raise UsageError("INVALID_REQUEST", "that is no cursor of this list", hint="begin without a cursor")
    return int(number)
