"""Facts of one file: what its bytes alone say, as values."""

from __future__ import annotations

import re

import msgspec

from krate_gitops.brain.model import FileClass, Finding, Record
from krate_gitops.brain.timestamps import is_date

_LEADING_DATE = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)(?!\d)")


class NoteFields(msgspec.Struct, frozen=True, array_like=True):
    """What a document without a record says of itself."""

    title: str | None = None
    status: str | None = None
    sensitivity: str | None = None
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    repo_refs: tuple[str, ...] = ()
    updated_at: str | None = None


class ParsedFile(msgspec.Struct, array_like=True):
    """Facts of one file; a pure function of its path, bytes and the parse profile."""

    path: str
    blob: str
    file_class: FileClass
    size: int
    digest: str
    lines: int = 0
    parse_error: bool = False
    body_start: int = 0
    note: NoteFields | None = None
    records: tuple[Record, ...] = ()
    findings: tuple[Finding, ...] = ()
    clean: bool = False
    """Whether redaction certainly leaves the text as it is."""


def freshness(parsed: ParsedFile, record: Record | None) -> str | None:
    """``updatedAt``, else a date at the start of the file name, else None."""
    stated = record.updated_at if record else (parsed.note.updated_at if parsed.note else None)
    if stated:
        return stated
    match = _LEADING_DATE.match(parsed.path.rpartition("/")[2])
    if match is None or not is_date(f"{match[1]}-01"[:10]):
        return None
    return match[1]
