"""One file into facts: its class, records, searchable text and everything wrong with it that no other file decides."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from krate_gitops.brain import fields as text_fields
from krate_gitops.brain.documents import split_documents
from krate_gitops.brain.facts import NoteFields, ParsedFile
from krate_gitops.brain.fields import Segment
from krate_gitops.brain.frontmatter import find_frontmatter
from krate_gitops.brain.headings import first_heading
from krate_gitops.brain.model import FileClass, Finding, Foreign, Limits, Record
from krate_gitops.brain.normalise import Normaliser, Origin
from krate_gitops.brain.notes import fallback_title, note_fields, titled
from krate_gitops.brain.text import EncodingProblem, byte_offsets, decode
from krate_gitops.brain.values import settle
from krate_gitops.brain.yaml_exact import YamlRefused, parse_exact
from krate_gitops.brain.yaml_fast import NeedExact, fractions_are_plain, parse_fast

_ENTRYPOINT_BYTES = 65_536
_LFS = b"version https://git-lfs.github.com/spec/"
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"\xfd7zXZ", b"Rar!\x1a\x07", b"%PDF-", b"\x7fELF", b"\x89PNG")

_BZIP = re.compile(rb"BZh[1-9]1AY&SY")

_BODY_ONLY = NoteFields(title="")

Read = TypeVar("Read")


class Profile(msgspec.Struct, frozen=True):
    """Settings that change what a file's bytes mean; part of every shard key."""

    foreign: Foreign | None = None
    limits: Limits = Limits()


class FileParser:
    """Parses files under one profile.

    ``parse`` returns the facts and the searchable segments; a segment's unit is the record's ordinal among
    ``ParsedFile.records``, or 0 for a file without records.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._normaliser = Normaliser(profile.foreign)
        self._several = profile.foreign is not None and profile.foreign.multi_document
        self._sidecar_key = profile.foreign.sidecars.key if profile.foreign and profile.foreign.sidecars else None

    def max_bytes(self, file_class: FileClass) -> int:
        """Largest file of a class that is read at all."""
        limits = self._profile.limits
        if file_class in (FileClass.NOTE, FileClass.README, FileClass.ENTRYPOINT, FileClass.IGNORED):
            return limits.note_bytes
        return limits.record_bytes

    def too_large(self, path: str, blob: str, file_class: FileClass, size: int) -> ParsedFile:
        """Facts of a file that is not read because of its size; its object id stands for its bytes."""
        digest = "sha256:" + hashlib.sha256(f"git-object:{blob}".encode()).hexdigest()
        parsed = ParsedFile(path, blob, file_class, size, digest, parse_error=True)
        if file_class not in (FileClass.INDEX, FileClass.IGNORED):
            limit = self.max_bytes(file_class)
            noun = "note" if limit == self._profile.limits.note_bytes else "record"
            message = f"{size / 1048576:.1f} MiB exceeds the {limit / 1048576:g} MiB {noun} limit"
            parsed.findings = (Finding("KB006", message, offset=0, hint="split the file, or link to it"),)
        return parsed

    def not_a_file(self, path: str, blob: str, file_class: FileClass) -> ParsedFile:
        """Facts of a symlink or a submodule, which are never followed; its object id stands for its bytes."""
        digest = "sha256:" + hashlib.sha256(f"git-object:{blob}".encode()).hexdigest()
        return ParsedFile(path, blob, file_class, 0, digest, parse_error=True)

    def parse(self, path: str, blob: str, file_class: FileClass, data: bytes) -> tuple[ParsedFile, list[Segment], str]:
        """Facts, searchable segments and decoded text (empty where there is none)."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        parsed = ParsedFile(path, blob, file_class, len(data), digest)
        if file_class in (FileClass.INDEX, FileClass.IGNORED):
            return parsed, [], ""
        findings: list[Finding] = []
        segments: list[Segment] = []
        text = self._text(parsed, data, findings)
        if text is not None:
            parsed.lines = text.count("\n") + (not text.endswith("\n") and text != "")
            if file_class is FileClass.GRAPH:
                self._graph(parsed, text, data, findings, segments)
            elif file_class in (FileClass.MARKDOWN_RECORD, FileClass.NOTE, FileClass.README, FileClass.ENTRYPOINT):
                self._markdown(parsed, text, findings, segments)
        parsed.findings = tuple(findings)
        return parsed, segments, text or ""

    def _text(self, parsed: ParsedFile, data: bytes, findings: list[Finding]) -> str | None:
        if data.startswith(_LFS) and len(data) < 1024:
            message = "a Git LFS pointer: the content is not in Git"
            findings.append(Finding("KB013", message, offset=0, hint="commit the text itself"))
            parsed.parse_error = True
            return None
        if data.startswith(_ARCHIVES) or _BZIP.match(data):
            findings.append(Finding("KB015", "the content is binary", offset=0, hint="keep text; link to artifacts"))
            parsed.parse_error = True
            return None
        try:
            return decode(data)
        except EncodingProblem as problem:
            parsed.parse_error = True
            code = "KB015" if parsed.file_class is FileClass.UNCLASSIFIED else "KB004"
            text = data[: problem.offset].decode(errors="replace")
            findings.append(Finding(code, problem.message, offset=len(text), hint="save the file as UTF-8 text"))
            return None

    # -- graph YAML

    def _graph(
        self, parsed: ParsedFile, text: str, data: bytes, findings: list[Finding], segments: list[Segment]
    ) -> None:
        try:
            records = self._graph_records(text, data, findings, segments, parsed)
        except YamlRefused as refused:
            findings.append(refused.finding)
            segments.clear()
            segments.append(Segment(0, text_fields.BODY, text))
            parsed.parse_error = True
            return
        parsed.records = tuple(records)
        if not records:
            segments.clear()
            segments.append(Segment(0, text_fields.BODY, text))

    def _graph_records(
        self, text: str, data: bytes, findings: list[Finding], segments: list[Segment], parsed: ParsedFile
    ) -> list[Record]:
        spans = split_documents(text)
        if not spans and not self._several:
            raise YamlRefused(Finding("KB001", "the file holds no YAML document", offset=0))
        if (len(spans) > 1 and not self._several) or not all(span.plain for span in spans):
            parse_exact(text, several=self._several)
        to_byte = byte_offsets(text, data)
        records: list[Record] = []
        for ordinal, span in enumerate(spans):
            source = text if len(spans) == 1 else text[span.start : span.end]
            start, end = to_byte(span.start), to_byte(span.end)
            digest = parsed.digest
            if len(spans) > 1:
                digest = "sha256:" + hashlib.sha256(data[start:end]).hexdigest()
            else:
                start, end = 0, len(data)
            origin = Origin(ordinal, start, end, digest, "graph")
            record = self._from_yaml(source, span.start, origin, findings)
            if record is not None:
                segments.extend(text_fields.of_record(len(records), record))
                records.append(record)
        return records

    def _from_yaml(self, source: str, shift: int, origin: Origin, findings: list[Finding]) -> Record | None:
        return _read_yaml(source, shift, findings, lambda raw, plain: self._record_of(raw, origin, findings, plain))

    def _record_of(
        self, raw: Any, origin: Origin, findings: list[Finding], fractions: Callable[[], bool]
    ) -> Record | None:
        if type(raw) is not dict:
            settle(raw, 1, True)
            message = "a graph record is a map with nodeKind, id, attributes and edges"
            findings.append(Finding("KB021", message, origin.ordinal))
            return None
        if self._sidecar_key and self._sidecar_key in raw:
            raw = _sidecar(raw, self._sidecar_key)
        return self._normaliser.record(raw, origin, findings, fractions)

    # -- Markdown

    def _markdown(self, parsed: ParsedFile, text: str, findings: list[Finding], segments: list[Segment]) -> None:
        needs_record = parsed.file_class is FileClass.MARKDOWN_RECORD
        matter = find_frontmatter(text)
        record: Record | None = None
        note = NoteFields()
        if matter is None:
            if needs_record and not _is_readme(parsed.path):
                folder = parsed.path.partition("/")[0]
                message = f"expected frontmatter in a {folder}/ file"
                findings.append(
                    Finding("KB003", message, offset=0, hint="start the file with --- and the record's fields")
                )
        elif not matter.closed:
            if needs_record or _looks_like_yaml(text):
                findings.append(Finding("KB002", "frontmatter opened on line 1 is never closed", offset=0))
                parsed.parse_error = True
        else:
            record, note = self._frontmatter(parsed, text[matter.start : matter.end], matter.start, findings)
            parsed.body_start = matter.body if record or note is not _BODY_ONLY else 0
        body = text[parsed.body_start :]
        if _is_readme(parsed.path) and needs_record and record is None and not parsed.parse_error:
            parsed.file_class = FileClass.README
            findings[:] = [finding for finding in findings if finding.code not in ("KB020", "KB003")]
        if record is not None:
            parsed.records = (record,)
        heading = first_heading(body)
        parsed.note = None if record else titled(note, heading, parsed.path)
        self._body_findings(parsed, body, heading, record, findings)
        if record is not None:
            segments.extend(text_fields.of_record(0, record))
            segments.append(Segment(0, text_fields.BODY, body))
        elif parsed.note is not None:
            segments.extend(text_fields.of_note(parsed.note, body))

    def _frontmatter(
        self, parsed: ParsedFile, source: str, shift: int, findings: list[Finding]
    ) -> tuple[Record | None, NoteFields]:
        wants_record = parsed.file_class is FileClass.MARKDOWN_RECORD
        try:
            return _read_yaml(
                source, shift, findings, lambda raw, plain: self._matter(parsed, raw, wants_record, findings, plain)
            )
        except YamlRefused as refused:
            finding = refused.finding
            if finding.code in ("KB001", "KB005"):
                finding = msgspec.structs.replace(finding, code="KB002")
            findings.append(finding)
            parsed.parse_error = True
            return None, NoteFields()

    def _matter(
        self, parsed: ParsedFile, raw: Any, wants_record: bool, findings: list[Finding], fractions: Callable[[], bool]
    ) -> tuple[Record | None, NoteFields]:
        if raw is None:
            raw = {}
        if type(raw) is not dict:
            settle(raw, 1, True)
            if wants_record:
                findings.append(Finding("KB002", "frontmatter must be a map", offset=0))
                parsed.parse_error = True
                return None, NoteFields()
            return None, _BODY_ONLY
        if wants_record or "id" in raw:
            if wants_record and _is_readme(parsed.path) and "id" not in raw:
                return None, note_fields(raw)
            form = "markdown" if wants_record else "note"
            origin = Origin(0, 0, parsed.size, parsed.digest, form)
            record = self._normaliser.record(raw, origin, findings, fractions)
            return record, NoteFields() if record else note_fields(raw)
        settle(raw, 1, True)
        return None, note_fields(raw)

    def _body_findings(
        self, parsed: ParsedFile, body: str, heading: str | None, record: Record | None, findings: list[Finding]
    ) -> None:
        if parsed.parse_error:
            return
        if parsed.file_class is FileClass.ENTRYPOINT and parsed.size > _ENTRYPOINT_BYTES:
            findings.append(Finding("KB095", f"MEMORY.md is {parsed.size // 1024} KiB", offset=0))
        empty = not body.strip()
        if empty and parsed.file_class in (FileClass.MARKDOWN_RECORD, FileClass.NOTE):
            noun = "record" if parsed.file_class is FileClass.MARKDOWN_RECORD else "note"
            findings.append(Finding("KB009", f"{noun} has frontmatter but no text", offset=0))
        if record is not None and record.title and heading is not None and heading != record.title:
            findings.append(Finding("KB029", "H1 differs from title", 0, "title"))
        nameless = parsed.note is not None and heading is None and parsed.note.title == fallback_title(parsed.path)
        if nameless and parsed.file_class is FileClass.NOTE:
            findings.append(Finding("KB030", "note falls back to its file name", offset=0))


def _read_yaml(
    source: str, shift: int, findings: list[Finding], use: Callable[[Any, Callable[[], bool]], Read]
) -> Read:
    """What ``use`` makes of a document: as the fast parser reads it, or the exact one where that can't be vouched for.

    ``use`` is told how to ask whether the floats of the source print as they are written. ``shift`` is the offset of
    the source in its file. Raises ``YamlRefused``.
    """
    mark = len(findings)
    try:
        return use(parse_fast(source), lambda: fractions_are_plain(source))
    except NeedExact:
        del findings[mark:]
    try:
        documents = parse_exact(source, findings=findings)
    except YamlRefused as refused:
        raise YamlRefused(_shifted(refused.finding, shift)) from None
    findings[mark:] = [_shifted(finding, shift) for finding in findings[mark:]]
    return use(documents[0].value if documents else None, _never)


def _never() -> bool:
    return False


def _sidecar(raw: dict[str, Any], key: str) -> dict[str, Any]:
    """A sidecar document as a patch of the record it extends."""
    target = raw[key] if type(raw[key]) is dict else {}
    return {"nodeKind": target.get("nodeKind"), "id": target.get("id"), "patch": True, "edges": raw.get("edges")}


def _is_readme(path: str) -> bool:
    return path == "README.md" or path.endswith("/README.md")


def _looks_like_yaml(text: str) -> bool:
    """Whether an unclosed fence of a note was meant as frontmatter rather than as a rule in the text."""
    line = text[4 : text.find("\n", 4) if "\n" in text[4:] else len(text)]
    return re.match(r"[A-Za-z][\w-]*:(?:\s|$)", line) is not None


def _shifted(finding: Finding, shift: int) -> Finding:
    if finding.offset < 0 or not shift:
        return finding
    return msgspec.structs.replace(finding, offset=finding.offset + shift)
