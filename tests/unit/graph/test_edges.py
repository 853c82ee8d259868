"""Rules across records about edges: kinds, ends, repetition, numbers."""

from __future__ import annotations

import pytest

from krate_gitops.brain.model import Foreign
from tests.unit.graph.sample import ONE_EACH, World, codes, ontology, page, record, told

A, B, C, PAGE = "graph/a.yaml", "graph/b.yaml", "graph/c.yaml", "runbooks/p.md"
OTHERS = {B: record("service:b"), C: record("team:core")}


class TestKinds:
    def test_an_unknown_kind_is_told_at_its_name_with_the_nearest(self) -> None:
        files = {
            A: record("service:a", "mentions: [issue:1]", "depends-on: [service:b]"),
            PAGE: page("runbook:p", "related: {deponds_on: [service:b]}"),
        }
        found = World(files | OTHERS).findings()
        assert [(path, f.code, f.field, f.hint) for path, f in found] == [
            (A, "KB035", "edges.depends-on[0]", 'did you mean "depends_on"?'),
            (PAGE, "KB035", "related.deponds_on[0]", 'did you mean "depends_on"?'),
        ]
        graph, markdown = told(files | OTHERS)
        assert (graph[3:5], markdown[3:5]) == ((10, 3), (8, 11))

    def test_domain(self) -> None:
        [found] = told({A: record("team:a", "mentions: [issue:1]", "depends_on: [service:b]")} | OTHERS)
        assert found[:5] == ("KB036", A, "edges.depends_on[0]", 10, 16)
        assert found.message == "Team cannot have depends_on"

    def test_an_unknown_source_kind_is_no_matter_of_the_domain(self) -> None:
        assert codes({A: record("service:a", "depends_on: [service:b]", kind="Odd")} | OTHERS) == [(A, "KB025")]


class TestRange:
    def test_a_target_of_the_wrong_kind(self) -> None:
        [found] = told({A: record("service:a", "owned_by: [team:core, service:b]")} | OTHERS)
        assert found[:6] == ("KB037", A, "edges.owned_by[1]", 9, 25, ((B, "service:b"),))
        assert found.message == "owned_by cannot target service:b (Service)"

    def test_the_same_kind_as_the_source(self) -> None:
        files = {
            A: record("service:a", "supersedes: [service:b, team:core]"),
            PAGE: page("runbook:p", "related: {supersedes: service:b}"),
        }
        assert [(f.path, f.code, f.field) for f in told(files | OTHERS)] == [
            (A, "KB037", "edges.supersedes[1]"),
            (PAGE, "KB037", "related.supersedes[0]"),
        ]

    def test_an_external_prefix_the_kind_does_not_admit(self) -> None:
        [found] = told({A: record("service:a", "owned_by: [user:dana, issue:1]")})
        assert found[:5] == ("KB037", A, "edges.owned_by[1]", 9, 25)
        assert found.message == "owned_by cannot target issue:1"

    def test_a_target_of_an_unknown_kind_is_no_matter_of_the_range(self) -> None:
        files = {A: record("service:a", "owned_by: [service:odd]"), B: record("service:odd", kind="Odd")}
        assert codes(files) == [(B, "KB025")]


class TestDangling:
    @pytest.mark.parametrize("target", ["service:none", "team:none", "service:B", "x:y", "nothing", "repository:none"])
    def test_a_target_that_is_nowhere(self, target: str) -> None:
        [found] = told({A: record("service:a", f"mentions: [issue:1, '{target}']")} | OTHERS)
        assert found[:5] == ("KB038", A, "edges.mentions[1]", 9, 23)
        assert found.message == f"{target} does not exist"

    def test_listed_owners_and_external_ids_exist(self) -> None:
        assert (
            told(
                {
                    A: record(
                        "service:a", "owned_by: [team:listed, user:dana]", "mentions: [user:anyone, issue:acme/x#4]"
                    )
                }
            )
            == []
        )

    def test_an_edge_is_valid_as_soon_as_its_target_stands_in_the_same_commit(self) -> None:
        files = {A: record("service:a", "depends_on: [service:new]")}
        assert codes(files) == [(A, "KB038")]
        assert codes(files | {B: record("service:new")}) == []

    def test_notes_and_markdown_define_targets_too(self) -> None:
        files = {
            A: record("service:a", "mentions: [runbook:p, runbook:n]"),
            PAGE: page("runbook:p"),
            "notes/n.md": page("runbook:n"),
        }
        assert told(files) == []


class TestPlaces:
    """The pointer counts edges as they were read; the place is where the edge stands."""

    @pytest.mark.parametrize(
        ("lines", "place"),
        [
            (["mentions: service:none"], (9, 13)),
            (["mentions: {target: service:none}"], (9, 22)),
            (["mentions: [issue:1, {note: x, target: service:none}]"], (9, 41)),
            (["mentions:", "  - issue:1", "  - target: service:none"], (11, 15)),
            (["- {kind: mentions, target: issue:1}", "- {kind: depends_on, target: service:b}",
            "- {kind: mentions, target: service:none}"], (11, 30)),
            (["'mentions': ['service:none']"], (9, 16)),
        ],
    )  # fmt: skip
    def test_every_form_of_edges(self, lines: list[str], place: tuple[int, int]) -> None:
        [found] = told({A: record("service:a", *lines)} | OTHERS)
        assert (found.code, found.line, found.column) == ("KB038", *place)

    def test_items_that_are_no_edges_do_not_shift_the_place(self) -> None:
        world = World({A: record("service:a", "mentions: [~, {note: x}, issue:1, service:none]")})
        assert [found[:5] for found in world.told()] == [("KB038", A, "edges.mentions[1]", 9, 37)]

    def test_a_document_of_several(self) -> None:
        text = record("service:a") + "---\n# none\n---\n" + record("service:b", "mentions: [service:none]")
        world = World({A: text}, Foreign(multi_document=True))
        assert [found[:5] for found in world.told()] == [("KB038", A, "edges.mentions[0]", 19, 14)]

    def test_a_document_after_one_without_a_record(self) -> None:
        text = "nodeKind: Service\n---\njust text\n---\n" + record("service:b", "mentions: [service:none]")
        world = World({A: text}, Foreign(multi_document=True))
        assert [found[:5] for found in world.told()] == [("KB038", A, "edges.mentions[0]", 13, 14)]


class TestRepetition:
    def test_an_edge_that_is_listed_twice(self) -> None:
        files = {
            A: record("service:a", "depends_on: [service:b, {target: service:b, note: again}]", "mentions: [service:b]")
        }
        [found] = told(files | OTHERS)
        assert found[:5] == ("KB041", A, "edges.depends_on[1]", 9, 36)
        assert found.message == "depends_on service:b listed twice"

    def test_three_times_is_told_twice(self) -> None:
        found = told({PAGE: page("runbook:p", "related: {mentions: [issue:1, issue:1, issue:1]}")})
        assert [(f.code, f.field) for f in found] == [
            ("KB041", "related.mentions[1]"),
            ("KB041", "related.mentions[2]"),
        ]

    def test_the_same_edge_of_two_records_is_no_repetition(self) -> None:
        assert (
            told({A: record("service:a", "mentions: [issue:1]"), B: record("service:b", "mentions: [issue:1]")}) == []
        )


class TestNumbers:
    def test_more_than_allowed_is_told_at_the_first_too_many(self) -> None:
        files = {A: record("service:a", "runs_in: [repository:x, repository:y, repository:z]")}
        files |= {f"graph/{name}.yaml": record(f"repository:{name}") for name in "xyz"}
        [found] = told(files)
        assert found[:5] == ("KB042", A, "edges.runs_in[1]", 9, 27)
        assert found.message == "at most 1 runs_in allowed, found 3"

    def test_fewer_than_required_is_told_at_the_record(self) -> None:
        [found] = told({A: record("team:a")}, ontology(edges=ONE_EACH))
        assert found[:5] == ("KB042", A, "", 1, 1)
        assert found.message == "exactly 1 led_by required, found 0"
        assert codes({A: record("service:a")}, ontology(edges=ONE_EACH)) == []

    def test_exactly_as_many_is_right(self) -> None:
        files = {A: record("team:a", "led_by: [team:b]"), B: record("team:b", "led_by: [team:a]")}
        assert told(files, ontology(edges=ONE_EACH)) == []

    def test_edges_that_a_patch_adds_count_for_its_record(self) -> None:
        merging = Foreign(duplicate_ids="merge-edges", required=("title",))
        patch = "nodeKind: Team\nid: team:a\nedges: {led_by: [team:b]}\n"
        files = {A: record("team:a"), B: record("team:b", "led_by: [team:a]"), C: patch}
        assert World(files, merging).told(ontology(edges=ONE_EACH)) == []
        again = World(files | {"graph/d.yaml": patch.replace("team:b", "team:a")}, merging)
        assert [(f.code, f.path) for f in again.told(ontology(edges=ONE_EACH))] == [
            ("KB039", "graph/d.yaml"),
            ("KB042", "graph/d.yaml"),
        ]


class TestSuperseded:
    @pytest.mark.parametrize(
        ("status", "found"), [("approved", ["KB043"]), ("draft", []), ("deprecated", []), ("archived", [])]
    )
    def test_what_is_superseded_is_retired(self, status: str, found: list[str]) -> None:
        files = {A: record("service:a", "supersedes: [service:b]"), B: record("service:b", status=status)}
        findings = told(files)
        assert [finding.code for finding in findings] == found
        assert all(finding[1:6] == (A, "edges.supersedes[0]", 9, 16, ((B, "service:b"),)) for finding in findings)
