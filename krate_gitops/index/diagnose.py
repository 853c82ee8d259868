"""From findings to diagnostics: names, advice, the record concerned, and the exact place.

Files with findings are read once, in one stream and in path order, and only where a place can't be told without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.locate import NOWHERE, START, Locator, Place
from krate_gitops.brain.model import Diagnostic, Finding, Foreign, Related, Severity
from krate_gitops.brain.rules.place import document_ordinals
from krate_gitops.brain.rules.table import RULES

Found = tuple[str, Finding, Severity]
"""A path, a finding about it, and how serious it is here."""


class Files(Protocol):
    """The files that findings are about."""

    def parsed(self, path: str) -> ParsedFile | None:
        """Facts of a file; None where there is no such file."""

    def contents(self, paths: Sequence[str]) -> Iterator[bytes]:
        """Bytes of files in the order given; empty for what is not read."""


class _Wanted(NamedTuple):
    """The place of a record that another finding points at; not in the document ``besides``."""

    path: str
    record_id: str
    besides: int


def diagnose(found: Sequence[Found], files: Files, foreign: Foreign | None) -> list[Diagnostic]:
    """Diagnostics of findings, in the order given."""
    places = _Places(files, foreign)
    places.look_up(found)
    return [_diagnostic(at, item, places) for at, item in enumerate(found)]


def _diagnostic(at: int, item: Found, places: _Places) -> Diagnostic:
    path, finding, severity = item
    rule = RULES[finding.code]
    place = places.of_finding.get(at, NOWHERE)
    return Diagnostic(
        code=finding.code,
        name=rule.name,
        severity=severity.label,
        path=path,
        line=place.line,
        column=place.column,
        record_id=places.record_of.get(at, finding.record_id),
        field=finding.field,
        message=finding.message,
        hint=finding.hint or rule.hint,
        related=tuple(_related(related, _wanted(path, finding, related), places) for related in finding.related),
    )


def _related(related: Related, wanted: _Wanted, places: _Places) -> Related:
    place = places.of_record.get(wanted, NOWHERE)
    return msgspec.structs.replace(related, line=place.line, column=place.column)


def _wanted(path: str, finding: Finding, related: Related) -> _Wanted:
    besides = finding.record if related.path == path and related.record_id == finding.record_id else -1
    return _Wanted(related.path, related.record_id, besides)


class _Places:
    """Places of findings by number, and of records that others point at."""

    def __init__(self, files: Files, foreign: Foreign | None) -> None:
        self._files = files
        self._foreign = foreign
        self.of_finding: dict[int, Place] = {}
        self.of_record: dict[_Wanted, Place] = {}
        self.record_of: dict[int, str] = {}

    def look_up(self, found: Sequence[Found]) -> None:
        by_path: dict[str, list[tuple[int, Finding]]] = {}
        wanted: dict[str, set[_Wanted]] = {}
        for at, (path, finding, _) in enumerate(found):
            parsed = self._files.parsed(path)
            if not finding.record_id and parsed is not None:
                self.record_of[at] = _record_id(parsed, finding)
            if finding.offset == 0 or (parsed is None and finding.offset > 0):
                self.of_finding[at] = START
            elif parsed is not None:
                by_path.setdefault(path, []).append((at, finding))
            for related in finding.related:
                self._want(_wanted(path, finding, related), wanted)
        paths = sorted(by_path.keys() | wanted.keys())
        for path, data in zip(paths, self._files.contents(paths), strict=True):
            parsed = self._files.parsed(path)
            if parsed is not None:
                self._in_file(Locator(data, parsed, self._foreign), by_path.get(path, ()), wanted.get(path, ()))

    def _want(self, item: _Wanted, wanted: dict[str, set[_Wanted]]) -> None:
        if self._files.parsed(item.path) is None:
            return
        if item.record_id:
            wanted.setdefault(item.path, set()).add(item)
        else:
            self.of_record[item] = START

    def _in_file(self, locator: Locator, found: Iterable[tuple[int, Finding]], wanted: Iterable[_Wanted]) -> None:
        for at, finding in found:
            self.of_finding[at] = locator.place(finding)
            if self.record_of.get(at) == "" and finding.offset > 0:
                self.record_of[at] = locator.record_at(finding.offset)
        for item in wanted:
            self.of_record[item] = locator.record(item.record_id, besides=item.besides)


def _record_id(parsed: ParsedFile, finding: Finding) -> str:
    """Id of the record that a finding is about, where the file's facts tell."""
    if finding.record >= 0:
        ids = {ordinal: record.id for ordinal, record in zip(document_ordinals(parsed), parsed.records, strict=True)}
        return ids.get(finding.record, "")
    return parsed.records[0].id if len(parsed.records) == 1 else ""
