"""Places of findings: the character an editor should jump to, in every form a record can take."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.locate import Locator, Place
from krate_gitops.brain.model import FileClass, Finding, Foreign, Sidecars
from krate_gitops.brain.parse import FileParser, Profile

SEVERAL = Foreign(multi_document=True, sidecars=Sidecars("extendsNode"), field_aliases={"title": ("displayName",)})


def parsed(text: str, path: str = "graph/a.yaml", foreign: Foreign | None = None) -> tuple[bytes, ParsedFile]:
    data = text.encode()
    file_class = FileClass.GRAPH if path.endswith(".yaml") else FileClass.MARKDOWN_RECORD
    return data, FileParser(Profile(foreign)).parse(path, "0" * 40, file_class, data)[0]


def place(text: str, field: str, *, path: str = "graph/a.yaml", code: str = "KB020", **rest: Any) -> Place:
    foreign = rest.pop("foreign", None)
    data, file = parsed(text, path, foreign)
    finding = Finding(code, "", rest.pop("record", 0), field, **rest)
    return Locator(data, file, foreign).place(finding)


GRAPH = """\
nodeKind: Service
id: service:a
attributes:
  title: A
  tags: [one, "two", three]
  nested:
    deep: [1, {x: y}]
edges:
  depends_on:
    - target: service:b
      note: hello
    - service:c
  owned_by: team:core
  documents:
    target: page:x
"""


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("nodeKind", (1, 11)),
        ("id", (2, 5)),
        ("attributes.title", (4, 10)),
        ("attributes.tags[1]", (5, 15)),
        ("attributes.nested.deep[1].x", (7, 19)),
        ("", (1, 1)),
    ],
)
def test_a_pointer_leads_to_its_value(field: str, expected: tuple[int, int]) -> None:
    assert place(GRAPH, field) == expected


def test_a_finding_about_a_key_points_at_the_key() -> None:
    assert place(GRAPH, "attributes.nested", at_key=True) == (6, 3)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("attributes.owners", (3, 1)),
        ("attributes.owners[2]", (3, 1)),
        ("attributes.tags[7]", (5, 9)),
        ("attributes.nested.gone.further", (6, 3)),
        ("nowhere", (1, 1)),
    ],
)
def test_a_pointer_to_nothing_leads_to_what_should_hold_it(field: str, expected: tuple[int, int]) -> None:
    assert place(GRAPH, field) == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("edges.depends_on[0]", (10, 15)),
        ("edges.depends_on[1]", (12, 7)),
        ("edges.owned_by[0]", (13, 13)),
        ("edges.documents[0]", (15, 13)),
        ("edges.gone[0]", (8, 1)),
    ],
)
def test_an_edge_is_at_its_target_in_every_form(field: str, expected: tuple[int, int]) -> None:
    assert place(GRAPH, field, code="KB038") == expected


def test_an_unknown_edge_kind_is_at_its_key() -> None:
    assert place(GRAPH, "edges.depends_on[1]", code="KB035", at_key=True) == (9, 3)


LISTED = """\
nodeKind: Service
id: service:a
attributes: {}
edges:
  - {kind: mentions, target: service:x}
  - {kind: depends_on}
  - {kind: depends_on, target: service:b}
  - {kind: depends_on, target: service:c}
"""


def test_edges_in_a_list_are_counted_by_kind_without_broken_items() -> None:
    assert place(LISTED, "edges.depends_on[0]", code="KB038") == (7, 32)
    assert place(LISTED, "edges.depends_on[1]", code="KB038") == (8, 32)
    assert place(LISTED, "edges.depends_on[1]", code="KB035", at_key=True) == (8, 12)
    assert place(LISTED, "edges.mentions[0]", code="KB037") == (5, 30)


def test_a_pointer_of_parsing_counts_every_item() -> None:
    head = "nodeKind: Service\nid: service:a\nedges:\n  depends_on:\n"
    text = head + "    - {note: x}\n    - {target: service:b, since: y}\n"
    data, file = parsed(text)
    places = {finding.code: Locator(data, file).place(finding) for finding in file.findings}
    assert places["KB021"] == (5, 7)
    assert places["KB024"] == (6, 34)
    assert place(text, "edges.depends_on[0]", code="KB038") == (6, 16)


def test_references_are_counted_without_nulls() -> None:
    text = "nodeKind: Service\nid: service:a\nattributes:\n  owners: [null, team:a, team:b]\n"
    assert place(text, "attributes.owners[1]", code="KB051") == (4, 26)


def test_a_single_owner_is_at_its_value() -> None:
    text = "nodeKind: Service\nid: service:a\nattributes:\n  owners: team:a\n"
    assert place(text, "attributes.owners[0]", code="KB051") == (4, 11)


MARKDOWN = "---\nid: runbook:a\nkind: Runbook\ntitle: Ä é\ntags: [x]\nrelated:\n  depends_on: [service:b]\n---\nBody\n"


@pytest.mark.parametrize(
    ("field", "code", "expected"),
    [
        ("id", "KB031", (2, 5)),
        ("tags[0]", "KB028", (5, 8)),
        ("related.depends_on[0]", "KB038", (7, 16)),
        ("status", "KB020", (2, 1)),
        ("nodeKind", "KB025", (3, 7)),
    ],
)
def test_frontmatter_is_counted_from_the_top_of_the_file(field: str, code: str, expected: tuple[int, int]) -> None:
    assert place(MARKDOWN, field, code=code, path="runbooks/a.md") == expected


@pytest.mark.parametrize(
    ("data", "offset", "expected"),
    [
        ("\ufeffab\ncd", 4, (2, 2)),
        ("ab\r\ncd\rx", 6, (3, 1)),
        ("é\u2028ab\ncd", 3, (1, 4)),
    ],
)
def test_offsets_count_characters_and_no_line_ends_but_those_of_files(
    data: str, offset: int, expected: tuple[int, int]
) -> None:
    finding = Finding("KB060", "", offset=offset)
    file = ParsedFile("notes/a.md", "", FileClass.NOTE, 0, "")
    assert Locator(data.encode(), file).place(finding) == expected


def test_bytes_that_are_no_text_have_a_place_too() -> None:
    data = b"\xef\xbb\xbfok\r\nna\x92ve\n"
    file, _, _ = FileParser(Profile()).parse("notes/a.md", "0" * 40, FileClass.NOTE, data)
    [finding] = file.findings
    assert (finding.code, Locator(data, file).place(finding)) == ("KB004", (2, 3))


SEVERAL_TEXT = """\
# a comment
---
nodeKind: Service
id: service:a
attributes: {displayName: A}
---
nodeKind: Service
attributes: {}
---
nodeKind: Service
id: service:c
attributes: {title: C}
--- # the same again
nodeKind: Service
id: service:a
attributes: {}
---
extendsNode: {nodeKind: Service, id: service:c}
edges:
  depends_on: [service:gone]
"""


def test_each_document_of_a_file_is_counted_on_its_own() -> None:
    assert place(SEVERAL_TEXT, "id", record=2, foreign=SEVERAL) == (11, 5)
    assert place(SEVERAL_TEXT, "id", record=1, foreign=SEVERAL) == (7, 1)
    assert place(SEVERAL_TEXT, "id", record=99, foreign=SEVERAL) == (1, 1)


def test_other_names_of_fields_are_known() -> None:
    assert place(SEVERAL_TEXT, "attributes.title", record=0, foreign=SEVERAL) == (5, 27)
    assert place(SEVERAL_TEXT, "id", record=4, foreign=SEVERAL) == (18, 38)
    assert place(SEVERAL_TEXT, "edges.depends_on[0]", record=4, code="KB038", foreign=SEVERAL) == (20, 16)


def test_a_record_is_found_by_its_id_beside_the_one_that_asks() -> None:
    data, file = parsed(SEVERAL_TEXT, foreign=SEVERAL)
    locator = Locator(data, file, SEVERAL)
    assert locator.record("service:a") == (4, 5)
    assert locator.record("service:a", besides=0) == (15, 5)
    assert locator.record("service:nobody") == (1, 1)


def test_the_record_around_an_offset_is_known() -> None:
    data, file = parsed(SEVERAL_TEXT, foreign=SEVERAL)
    assert Locator(data, file, SEVERAL).record_at(SEVERAL_TEXT.index("title: C")) == "service:c"
    assert Locator(data, file, SEVERAL).record_at(0) == ""


def test_a_document_that_does_not_parse_is_pointed_at_as_a_whole() -> None:
    assert place("nodeKind: [\n", "id") == (1, 1)
    assert place("", "id") == (1, 1)


def test_a_document_is_parsed_once_for_all_its_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    from krate_gitops.brain import locate

    calls = []
    real = locate.parse_exact
    monkeypatch.setattr(locate, "parse_exact", lambda text: calls.append(text) or real(text))
    data, file = parsed(GRAPH)
    locator = Locator(data, file)
    for field in ("id", "attributes.title", "attributes.tags[0]"):
        locator.place(Finding("KB020", "", 0, field))
    assert len(calls) == 1
