"""YAML of graph files: typing, what is refused, and where."""

from __future__ import annotations

import pytest

from krate_gitops.brain.yaml_exact import parse_exact
from tests.proportion import assert_in_proportion
from tests.unit.parse.sample import FOREIGN, attribute, codes, graph, parse, places, record_of

PATH = "graph/services/a.yaml"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("no", "no"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("tRUE", "tRUE"),
        ("0777", 777),
        ("0o777", 511),
        ("0x1F", 31),
        ("-0x1F", "-0x1F"),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("+12", 12),
        ("-0", 0),
        ("2026-05-10", "2026-05-10"),
        ("2026-05-10T10:00:00+02:00", "2026-05-10T10:00:00+02:00"),
        ("~", None),
        ("null", None),
        ("", None),
        ("nULL", "nULL"),
        ("1e3", {"$number": "1e3"}),
        ("1.10", {"$number": "1.10"}),
        ("12345e67", {"$number": "12345e67"}),
        ("1e400", {"$number": "1e400"}),
        (".nan", {"$number": ".nan"}),
        ("-.inf", {"$number": "-.inf"}),
        ("nan", "nan"),
        ("9007199254740991", 2**53 - 1),
        ("9007199254740992", {"$number": "9007199254740992"}),
        ("-18446744073709551616", {"$number": "-18446744073709551616"}),
        ("9" * 5000, {"$number": "9" * 5000}),
        ("0" * 5000 + "7", 7),
        ('"1.10"', "1.10"),
        ("'~'", "~"),
        ("[1.10, ~, yes]", [{"$number": "1.10"}, {"$null": True}, "yes"]),
        ("{a: ~, b: 0777}", {"b": 777}),
    ],
)
def test_scalars_are_typed_by_the_core_schema(source: str, value: object) -> None:
    assert attribute(source) == value
    assert type(attribute(source)) is type(value)


@pytest.mark.parametrize(
    "source", ["12345e67", "1.10", "0x1F", "0o17", "2026-05-10", "0777", "true", "1e400", "-0", ".5"]
)
def test_text_fields_keep_their_source_exactly(source: str) -> None:
    record = record_of(PATH, graph(f"summary: {source}", f"tags: [{source}]", f"aliases: [{source}, b]"))
    assert (record.summary, record.tags, record.aliases) == (source, (source,), (source, "b"))
    text = graph("edges:", f"depends_on: [service:x, {source}]").replace("title: Ledger", f"title: {source}")
    text = text.replace("[team:core]", f"[team:core, {source}]").replace("id: service:ledger", f"id: {source}")
    file = parse(PATH, text)
    [record] = file.records
    assert (record.id, record.title, record.owners) == (source, source, ("team:core", source))
    assert [edge.target for edge in record.edges] == ["service:x", source]
    assert [finding.code for finding in file.findings] == ["KB031"]


def test_times_are_normalised_in_their_field_alone() -> None:
    text = graph("x: 2026-06-02 11:15:00+02:00").replace("2026-06-02T09:15:00Z", "2026-06-02 11:15:00.9+02:00")
    record = record_of(PATH, text)
    assert record.updated_at == "2026-06-02T09:15:00Z"
    assert record.attributes == {"x": "2026-06-02 11:15:00+02:00"}


@pytest.mark.parametrize(
    "source",
    ["2026-06-02", "2026-06-02T09:15:00", "02/06/2026", "2026-13-02T09:15:00Z", "2026-06-02T23:59:60Z", "1780391700",
    "~x",
     "0000-01-01T00:00:00Z", "2026-06-02T09:15:00+24:00", "0001-01-01T00:00:00+14:00"],
)  # fmt: skip
def test_what_is_no_moment_is_no_time(source: str) -> None:
    assert places(PATH, graph().replace("2026-06-02T09:15:00Z", source)) == [("KB024", 7, 14)]


@pytest.mark.parametrize("source", ["0999-01-01T00:00:00+01:00", "0001-01-01T05:00:00-01:00", "9999-12-31T23:59:59Z"])
def test_times_of_any_year_have_four_digits(source: str) -> None:
    updated = record_of(PATH, graph().replace("2026-06-02T09:15:00Z", source)).updated_at
    assert updated is not None
    assert len(updated) == 20


REFUSED = [
    # duplicate keys
    ("a: 1\nb: 2\na: 3\n", ("KB007", 3, 1)),
    ("a: {b: 1, 'b': 2}\n", ("KB007", 1, 11)),
    ('"é": 1\n"e\u0301": 2\n', ("KB007", 2, 1)),
    ("1: a\ntrue: b\n", ("KB007", 2, 1)),
    ("1: a\n0x1: b\n", ("KB007", 2, 1)),
    ("1: a\n'1': b\n", ("KB007", 2, 1)),
    ("~: a\nnull: b\n", ("KB007", 2, 1)),
    # merge keys, tags, directives, complex keys
    ("a:\n  <<: {b: 1}\n", ("KB008", 2, 3)),
    ("a: !!str 1\n", ("KB008", 1, 4)),
    ("a: ! 1\n", ("KB008", 1, 4)),
    ("a: !\n  1\n", ("KB008", 1, 4)),
    ("a: [b, !c d]\n", ("KB008", 1, 8)),
    ("!!map\na: 1\n", ("KB008", 1, 1)),
    ("a:\n  !!str b: c\n", ("KB008", 2, 3)),
    ("a: !!python/name:os.system\n", ("KB008", 1, 4)),
    ("%YAML 1.2\n---\na: 1\n", ("KB008", 1, 1)),
    ("%YAML 3.0\n---\na: 1\n", ("KB008", 1, 1)),
    ("%TAG ! tag:x,2026:\n---\na: 1\n", ("KB008", 1, 1)),
    ("? [a]\n: b\n", ("KB008", 1, 3)),
    ("a: {[b]: c}\n", ("KB008", 1, 5)),
    # anchors and aliases
    ("a: *b\n", ("KB008", 1, 4)),
    ("a: &a [*a]\n", ("KB008", 1, 8)),
    ("a: &x 1\n*x : b\n", ("KB008", 2, 1)),
    # line separators
    ("a: x\u2028status: approved\n", ("KB008", 1, 4)),
    ("a: x\u2029\n", ("KB008", 1, 4)),
    ("a: x\u0085b: y\n", ("KB008", 1, 4)),
    # escapes that are no text
    ('a: "\\0"\n', ("KB004", 1, 4)),
    ('a: "b\\x00"\n', ("KB004", 1, 4)),
    ('a: "\\ud800"\n', ("KB004", 1, 7)),
    # indentation, quotes
    ("a:\n\tb: 1\n", ("KB001", 2, 1)),
    ("a: 'b\nc: d\n", ("KB001", 1, 4)),
    ('a: "b\n', ("KB001", 1, 4)),
    ("a: [b, c\nd: e\n", ("KB001", 1, 4)),
    ("a: {b: c\n", ("KB001", 1, 4)),
    ("a: b: c\n", ("KB001", 1, 5)),
    ("a: @b\n", ("KB001", 1, 4)),
    ("a: b\n  c: d\n", ("KB001", 2, 4)),
    ("a: \x07\n", ("KB001", 1, 4)),
    # documents
    ("a: 1\n---\nb: 2\n", ("KB005", 2, 1)),
    ("a: 1\n--- b\n", ("KB005", 2, 1)),
    ("a: 1\n---\t{b: 2}\n", ("KB005", 2, 1)),
    ("# why\n---\na: 1\n...\n---\nb: 2\n", ("KB005", 5, 1)),
    ("a: |\n  text\n---\n  more\n", ("KB005", 3, 1)),
    ("", ("KB001", 1, 1)),
    ("\n\n", ("KB001", 1, 1)),
    ("# only\n  # comments\n", ("KB001", 1, 1)),
    ("---\n", ("KB001", 1, 1)),
    ("---\n---\n...\n", ("KB001", 1, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place"), REFUSED, ids=[repr(text)[:40] for text, _ in REFUSED])
def test_what_is_refused_is_refused_at_its_token(text: str, place: tuple[str, int, int]) -> None:
    file = parse(PATH, text.encode())
    found = [found for found in places(PATH, text.encode()) if found[0] != "KB021"]  # keys that are not text
    assert found == [place]
    assert file.parse_error
    assert file.records == ()


@pytest.mark.parametrize(
    "text",
    [
        "--- {}", "---\n{}", "{}\n...\n", "# c\n---\n{}\n", "---\n---\n{}\n", "{}\n---\n", "{}\n--- # end\n",
        "{}\n...\n...\n",
        "\n\n{}", "--- # why\n{}", "{}\n---\n# c\n",
    ],
)  # fmt: skip
def test_markers_without_a_second_document_are_allowed(text: str) -> None:
    assert codes(PATH, text.replace("{}", "{nodeKind: Service, id: service:a}")) == []


def test_keys_that_are_not_text_are_reported_at_their_key() -> None:
    assert places(PATH, graph("7: a", "yes: b", "? true", ": c")) == [("KB021", 8, 3), ("KB021", 10, 5)]
    [record] = parse(PATH, graph("7: a")).records
    assert record.attributes == {"7": "a"}


@pytest.mark.parametrize("key", ["7", "true", "~", "1.5", "0x1F"])
@pytest.mark.parametrize(
    "place", ["{}: a", "edges: {{{}: [service:x]}}", "attributes: {{x: {{{}: 1}}}}", "title: {{{}: 1}}"]
)
def test_keys_that_are_not_text_are_reported_wherever_they_stand(key: str, place: str) -> None:
    text = "nodeKind: Service\nid: service:a\n" + place.format(key) + "\n"
    assert "KB021" in codes(PATH, text)
    for finding in parse(PATH, text).findings:
        assert isinstance(finding.field, str)


def test_a_hundred_anchors_and_aliases_are_allowed() -> None:
    allowed = graph(*(f"a{number}: &n{number} {number}" for number in range(100)))
    assert codes(PATH, allowed) == []
    assert codes(PATH, allowed + "  b: &one 1\n") == ["KB008"]
    keys = graph(*(f"&n{number} a{number}: {number}" for number in range(101)))
    assert codes(PATH, keys) == ["KB008"]


def test_an_alias_repeats_its_anchor() -> None:
    record = record_of(PATH, graph("a: &x [1, {b: c}]", "d: *x"))
    assert record.attributes == {"a": [1, {"b": "c"}], "d": [1, {"b": "c"}]}


def test_an_alias_bomb_is_refused_before_it_goes_off() -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert codes(PATH, graph("a0: &a0 [x]", *levels)) == ["KB008"]  # a billion values, were it to go off


@pytest.mark.parametrize(
    "text",
    [
        "x: " + "[" * 10_000,
        "x: " + "[" * 400_000 + "]" * 400_000,
        "x: " + "{a: " * 200_000,
        "x: " + "[a, " * 200_000,
        "- " * 300_000,
        "\n".join(" " * depth + "a:" for depth in range(1_000)),
        "? " * 300_000,
    ],
    ids=["open", "balanced", "maps", "items", "dashes", "indentation", "questions"],
)
def test_deep_nesting_is_refused(text: str) -> None:
    assert codes(PATH, text) == ["KB008"]


@pytest.mark.parametrize("piece", ["[", "{a: ", "[a, ", "- ", "? "])
def test_deep_nesting_is_refused_in_proportion(piece: str) -> None:
    """A parser that looks back at every bracket needs minutes."""
    assert_in_proportion(lambda count: codes(PATH, "x: " + piece * count), 25_000)


@pytest.mark.parametrize("depth", range(12, 24))
@pytest.mark.parametrize("anchor", ["", "&a "])
def test_values_may_stand_twenty_levels_deep(depth: int, anchor: str) -> None:
    """The same limit for either path, in each place where values are kept."""
    for prefix, shift in ((["x:"], 2), (["edges:", "depends_on:", "  - target: service:x", "    y:"], 4)):
        value = anchor + "[" * depth + "]" * depth
        expected = [] if depth + shift <= 20 else ["KB008"]
        assert codes(PATH, graph(*prefix[:-1], f"{prefix[-1]} {value}")) == expected
    text = graph("edges:", "depends_on:", "  target: service:x", f"  y: {anchor}" + "[" * depth + "]" * depth)
    assert codes(PATH, text) == ([] if depth + 3 <= 20 else ["KB008"])


def test_a_file_that_is_refused_is_still_searchable_text() -> None:
    from krate_gitops.brain.layout import classify
    from krate_gitops.brain.parse import FileParser, Profile

    _, segments, text = FileParser(Profile()).parse(PATH, "0" * 40, classify(PATH), b"a: 'words\n")
    assert [segment.text for segment in segments] == ["a: 'words\n"] == [text]


def test_several_documents_are_records_of_a_foreign_brain() -> None:
    text = "nodeKind: A\nid: a:1\n---\n# none\n---\nnodeKind: B\nid: b:1\n--- {nodeKind: C, id: c:1}\n...\n"
    file = parse("graph/a.yaml", text, profile=FOREIGN)
    assert [record.id for record in file.records] == ["a:1", "b:1", "c:1"]
    assert file.findings == ()


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", ["\n", ""])
def test_each_document_has_the_digest_of_its_own_bytes(line_end: str, mark: str, last: str) -> None:
    one, two = "nodeKind: A\nid: a:1\nattributes: {x: é😀}\n", "nodeKind: B\nid: b:1"
    data = (mark + f"{one}---\n{two}{last}").replace("\n", line_end).encode()
    first, second = parse("graph/a.yaml", data, profile=FOREIGN).records
    assert data[first.start : first.end].decode() == one.replace("\n", line_end)
    assert data[second.start : second.end].decode() == (two + last).replace("\n", line_end)
    assert first.digest != second.digest


def test_many_documents_take_time_in_proportion() -> None:
    text = "é: 1\r\n---\r\n"
    assert_in_proportion(lambda count: parse("graph/a.yaml", text * count, profile=FOREIGN), 2_000)


def test_problems_of_a_later_document_are_placed_in_the_file() -> None:
    text = "nodeKind: A\nid: a:1\n---\nnodeKind: B\nid: b:1\nattributes: {x: 1, x: 2}\n"
    assert places("graph/a.yaml", text, profile=FOREIGN) == [("KB007", 6, 20)]


def test_marks_point_at_keys_and_values() -> None:
    [document] = parse_exact('a:\n  - {"b": c}\n  - d\n')
    assert document.marks == {"": (0, 0), "a": (0, 5), "a[0]": (7, 7), "a[0].b": (8, 13), "a[1]": (20, 20)}
