"""Bytes and files: encodings, line ends, sizes, binary content."""

from __future__ import annotations

import pytest

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.layout import classify
from krate_gitops.brain.model import FileClass, Limits
from krate_gitops.brain.parse import FileParser, Profile
from krate_gitops.brain.text import EncodingProblem, LineIndex, decode
from krate_gitops.digest import sha256_digest
from tests.unit.parse.sample import codes, graph, markdown, parse, places, text_of

GRAPH, RUNBOOK, NOTE = "graph/services/a.yaml", "runbooks/a.md", "notes/a.md"


def _meaning(file: ParsedFile) -> object:
    """Everything a file says, without its size and digest."""
    records = [(r.id, r.kind, r.title, r.owners, r.updated_at, r.attributes, r.edges) for r in file.records]
    return records, [(f.code, f.offset, f.field) for f in file.findings], file.lines, file.note


@pytest.mark.parametrize("path", [GRAPH, RUNBOOK, NOTE])
@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_a_byte_order_mark_change_nothing_but_the_digest(path: str, line_end: str, mark: str) -> None:
    text = graph("x: |", "  two", "  lines") if path == GRAPH else markdown("x: >-", "  two", "  lines")
    data = (mark + text.replace("\n", line_end)).encode()
    file = parse(path, data)
    assert _meaning(file) == _meaning(parse(path, text))
    assert file.digest == sha256_digest(data)
    assert file.size == len(data)


def test_the_last_line_needs_no_line_end() -> None:
    assert _meaning(parse(GRAPH, graph().rstrip("\n"))) == _meaning(parse(GRAPH, graph()))
    assert parse(NOTE, "one\ntwo").lines == parse(NOTE, "one\ntwo\n").lines == 2
    assert parse(NOTE, "").lines == 0


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\x0c", "\x0b", "\x1c"])
def test_only_line_feeds_end_lines_of_a_note(separator: str) -> None:
    file = parse(NOTE, f"# A{separator}title\n\nText.\n")
    assert file.lines == 3
    assert file.note is not None
    assert file.note.title == f"A{separator}title"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_positions_count_characters_of_the_original_line(line_end: str) -> None:
    text = 'nodeKind: Sérvice\nid: "a\u2028b" # 😀\nattributes: {"é": 1, "é": 2}\n'
    assert places(GRAPH, text.replace("\n", line_end).encode()) == [("KB007", 3, 22)]


def test_invalid_utf8_is_reported_with_its_byte_offset() -> None:
    file = parse(NOTE, b"caf\xc3\xa9 caf\x92 text\n")
    [finding] = file.findings
    assert (finding.code, finding.message) == ("KB004", "invalid byte 0x92 at offset 9")
    assert file.parse_error
    assert places(NOTE, b"one\r\ncaf\xc3\xa9 caf\x92 text\n") == [("KB004", 2, 9)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("path", [GRAPH, RUNBOOK, NOTE, "README.md", "babysitter/MEMORY.md"])
def test_utf16_is_no_text(path: str, encoding: str) -> None:
    file = parse(path, graph().encode(encoding))
    assert [finding.code for finding in file.findings] == ["KB004"]
    assert (file.parse_error, file.records) == (True, ())


def test_a_nul_byte_is_reported_where_it_stands() -> None:
    assert places(GRAPH, b"nodeKind: Service\nid: a\0b\n") == [("KB004", 2, 6)]
    assert parse(GRAPH, b"id: a\0b\n").findings[0].message == "NUL byte at offset 5"


@pytest.mark.parametrize("data", [b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff\xfe", b"a\xe2\x82"])
def test_overlong_forms_surrogates_and_torn_characters_are_no_text(data: bytes) -> None:
    with pytest.raises(EncodingProblem):
        decode(data)


def test_binary_content_outside_the_classes_is_binary_and_not_badly_encoded() -> None:
    assert codes("graph/core.bin", b"\x00\x01\x02") == ["KB015"]
    assert codes("graph/data.csv", b"caf\x92") == ["KB015"]


@pytest.mark.parametrize(
    "data",
    [b"PK\x03\x04rest", b"\x1f\x8b\x08rest", b"BZh91AY&SYrest", b"%PDF-1.7 rest", b"\x7fELF\x02", b"\x89PNG\r\n"],
)
def test_archives_and_images_are_binary_under_any_name(data: bytes) -> None:
    assert codes(NOTE, data) == codes(GRAPH, data) == ["KB015"]


@pytest.mark.parametrize("text", ["BZhang wrote this.\n", "Rar! is a format.\n", "PK is a shop.\n", "7z is another.\n"])
def test_prose_that_starts_like_an_archive_is_prose(text: str) -> None:
    assert "KB015" not in codes(NOTE, text)


def test_an_lfs_pointer_is_not_the_file() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12\n"
    assert places(RUNBOOK, pointer) == [("KB013", 1, 1)]
    assert parse(RUNBOOK, pointer).records == ()
    assert codes(NOTE, b"# LFS\n\n" + pointer) == []


@pytest.mark.parametrize(
    ("path", "limit"),
    [(GRAPH, 1 << 20), (RUNBOOK, 1 << 20), (NOTE, 2 << 20), ("README.md", 2 << 20), ("babysitter/MEMORY.md", 2 << 20)],
)
def test_files_over_the_limit_of_their_class_are_not_read(path: str, limit: int) -> None:
    parser = FileParser(Profile())
    assert parser.max_bytes(classify(path)) == limit
    file = parser.too_large(path, "a" * 40, classify(path), 200 << 20)
    assert [finding.code for finding in file.findings] == ["KB006"]
    assert "200.0 MiB exceeds" in file.findings[0].message
    assert file.parse_error


def test_size_limits_are_settings_of_the_brain() -> None:
    parser = FileParser(Profile(limits=Limits(record_bytes=100, note_bytes=200)))
    assert [parser.max_bytes(classify(path)) for path in (GRAPH, NOTE)] == [100, 200]


def test_a_memory_file_over_64_kib_is_only_worth_a_warning() -> None:
    assert codes("babysitter/MEMORY.md", "# Memory\n" + "word\n" * 13_200) == ["KB095"]
    assert codes("babysitter/MEMORY.md", "# Memory\n" + "word\n" * 13_000) == []


def test_generated_and_ignored_files_say_nothing() -> None:
    assert codes("indexes/graph-index.json", b"\xff\0") == []
    assert FileParser(Profile()).parse("a/.gitkeep", "0" * 40, FileClass.IGNORED, b"\xff")[0].findings == ()


def test_lower_case_that_is_longer_does_not_move_offsets() -> None:
    text = "İİİ ẞ\nstraße\n"
    assert text_of(NOTE, text) == text
    assert LineIndex(text).position(text.index("straße")) == (2, 1)


class TestLineIndex:
    TEXT = "one\n\n\u2028two\x85\r three"

    def test_positions_and_offsets_are_inverse(self) -> None:
        index = LineIndex(self.TEXT)
        for offset in range(len(self.TEXT) + 1):
            line, column = index.position(offset)
            assert index.offset(line - 1, column - 1) == offset

    def test_only_line_feeds_count(self) -> None:
        assert LineIndex(self.TEXT).position(len(self.TEXT)) == (3, 13)

    def test_places_outside_the_text_are_its_ends(self) -> None:
        index = LineIndex(self.TEXT)
        assert index.position(-5) == (1, 1)
        assert index.position(10_000) == index.position(len(self.TEXT))
        assert index.offset(99, 0) == len(self.TEXT)
        assert LineIndex("").position(0) == (1, 1)
