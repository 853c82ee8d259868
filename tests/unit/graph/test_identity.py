"""Rules across records about ids, kinds, names and dates."""

from __future__ import annotations

import pytest

from krate_gitops.brain.model import Foreign
from tests.unit.graph.sample import NODES, PLAIN, World, codes, ontology, page, record, told

A, B, C, PAGE = "graph/a.yaml", "graph/b.yaml", "graph/c.yaml", "runbooks/p.md"
SEVERAL = Foreign(multi_document=True)


def test_an_honest_brain_has_nothing_to_say() -> None:
    files = {
        A: record("service:a", "depends_on: [service:b]", "owned_by: [team:core, user:dana]"),
        B: record("service:b", "mentions: [issue:42, runbook:p]"),
        C: record("team:core"),
        PAGE: page(
            "runbook:p",
            "sourceRefs: [issue:7, path:graph/a.yaml, 'https://example.com/x']",
            "related: {depends_on: [service:a]}",
        ),
    }
    assert told(files) == []


class TestKinds:
    def test_an_unknown_kind_is_told_at_its_name(self) -> None:
        graph, markdown = told({A: record("service:a", kind="Servise"), PAGE: page("runbook:p", kind="Runbok")})
        assert graph[:5] == ("KB025", A, "nodeKind", 1, 11)
        assert markdown[:5] == ("KB025", PAGE, "kind", 3, 7)
        assert "Servise" in graph.message

    def test_the_nearest_kind_is_suggested(self) -> None:
        [(_, finding)] = World({A: record("service:a", kind="servise")}).findings()
        assert finding.hint == 'did you mean "Service"?'

    def test_an_ontology_that_cannot_be_read_says_nothing_of_kinds(self) -> None:
        assert codes({A: record("service:a", kind="Anything")}, ontology(nodes="nodeKinds: 7\n")) == []

    def test_a_deprecated_kind_names_its_replacement(self) -> None:
        [found] = told({A: record("playbook:a")})
        assert found[:5] == ("KB055", A, "nodeKind", 1, 11)
        assert found.message == "kind Playbook is deprecated, use Runbook"

    def test_a_deprecated_edge_kind_is_told_at_its_name(self) -> None:
        graph, markdown = told(
            {A: record("service:a", "mentions: [issue:1]", "tested_by: [service:a2]"), B: record("service:a2"),
             PAGE: page("runbook:p", "related: {tested_by: [service:a2]}")}
        )  # fmt: skip
        assert graph[1:5] == (A, "edges.tested_by[0]", 10, 3)
        assert markdown[1:5] == (PAGE, "related.tested_by[0]", 8, 11)
        assert graph.message == "edge kind tested_by is deprecated, use mentions"

    @pytest.mark.parametrize(
        ("identifier", "kind"), [("runbook:a", "Service"), ("user:dana", "Team"), ("x:a", "Service")]
    )
    def test_a_prefix_of_another_kind_is_told_at_the_id(self, identifier: str, kind: str) -> None:
        [found] = [finding for finding in told({A: record(identifier, kind=kind)}) if finding.code == "KB032"]
        assert found[1:5] == (A, "id", 2, 5)
        assert found.message == f'{kind} ids start with "{kind.lower()}:"'


class TestDuplicateIds:
    def test_in_two_files_each_names_the_other(self) -> None:
        one, two = told({A: record("service:x"), PAGE: page("service:x")})
        assert one[:6] == ("KB033", A, "id", 2, 5, ((PAGE, "service:x"),))
        assert two[:6] == ("KB033", PAGE, "id", 2, 5, ((A, "service:x"),))
        assert one.message == f"service:x is also defined in {PAGE}"

    def test_in_three_files_each_is_told(self) -> None:
        found = told({path: record("service:x") for path in (A, B, C)})
        assert [finding.path for finding in found] == [A, B, C]
        assert [finding.related[0][0] for finding in found] == [B, A, A]
        assert found[0].message == f"service:x is also defined in {B} and 1 more"

    def test_in_one_file(self) -> None:
        text = record("service:x") + "---\n" + record("service:y") + "---\n" + record("service:x")
        found = told({A: text}, foreign=SEVERAL)
        assert [finding[:5] for finding in found] == [("KB033", A, "id", 2, 5), ("KB033", A, "id", 18, 5)]

    def test_ids_that_differ_in_case(self) -> None:
        one, two = told({A: record("service:Ledger"), B: record("service:ledger")})
        assert (one.code, two.code) == ("KB033", "KB033")
        assert one.message == f"service:Ledger differs only in case from service:ledger in {B}"

    def test_none_of_them_owns_the_id(self) -> None:
        world = World({A: record("service:x"), B: record("service:X"), C: record("service:y")})
        found = world.across().found
        assert found.served.tolist() == [False, False, True]
        assert found.defines.tolist() == [True, True, True]

    def test_edges_to_a_duplicated_id_do_not_dangle_and_have_no_range(self) -> None:
        files = {A: record("service:x"), B: record("service:x"), C: record("service:c", "owned_by: [service:x]")}
        assert codes(files) == [(A, "KB033"), (B, "KB033")]

    def test_patches_of_a_foreign_brain_define_nothing(self) -> None:
        merging = Foreign(multi_document=True, duplicate_ids="merge-edges", required=("title",))
        patch = "nodeKind: Service\nid: service:x\nedges: {depends_on: [service:y, service:none]}\n"
        world = World({A: record("service:x"), B: record("service:y"), C: patch}, merging)
        [found] = world.told()
        assert found[:5] == ("KB038", C, "edges.depends_on[1]", 3, 33)

    def test_a_patch_of_a_record_that_is_nowhere_defines_it(self) -> None:
        merging = Foreign(duplicate_ids="merge-edges", required=())
        world = World(
            {A: "nodeKind: Service\nid: service:x\nedges: {depends_on: [service:x2]}\n", B: record("service:x2")},
            merging,
        )
        assert world.told() == []
        assert world.across().found.defines.all()


class TestNames:
    def test_an_alias_that_is_the_title_of_another(self) -> None:
        files = {A: record("service:a", attributes=["aliases: [Nothing, LEDGER]"]), B: record("service:ledger")}
        [found] = told(files)
        assert found[:6] == ("KB056", A, "attributes.aliases[1]", 8, 22, ((B, "service:ledger"),))

    def test_an_alias_of_two_records(self) -> None:
        files = {
            A: record("service:a", attributes=["aliases: [same]"]),
            PAGE: page("runbook:p", "aliases: [other, Same]"),
        }
        [found] = told(files)
        assert found[:6] == ("KB056", PAGE, "aliases[1]", 8, 18, ((A, "service:a"),))

    def test_its_own_title_is_no_collision(self) -> None:
        assert told({A: record("service:a", attributes=["aliases: [a, A]"])}) == []

    def test_an_alias_like_its_own_title_collides_with_the_title_of_another(self) -> None:
        files = {A: record("service:same", attributes=["aliases: [same]"]), B: record("runbook:same")}
        assert codes(files) == [(A, "KB056")]


class TestDates:
    @pytest.mark.parametrize(
        ("identifier", "updated", "found"),
        [
            ("service:a", "2025-06-10T00:00:00Z", []),
            ("service:a", "2025-06-09T00:00:00Z", ["KB053"]),
            ("service:a", "1999-01-01T00:00:00Z", ["KB053"]),
            ("runbook:a", "2026-05-11T00:00:00Z", []),
            ("runbook:a", "2026-05-10T00:00:00Z", ["KB053"]),
            ("service:a", "2026-06-11T00:00:00Z", []),
            ("service:a", "2026-06-11T00:00:01Z", ["KB059"]),
        ],
    )
    def test_stale_and_future_records(self, identifier: str, updated: str, found: list[str]) -> None:
        text = record(identifier, status="approved").replace("2026-06-02T09:15:00Z", updated)
        findings = told({A: text})
        assert [finding.code for finding in findings] == found
        assert all(finding[2:5] == ("attributes.updatedAt", 7, 14) for finding in findings)

    def test_only_approved_records_turn_stale(self) -> None:
        old = record("service:a").replace("2026-06-02T09:15:00Z", "1999-01-01T00:00:00Z")
        assert told({A: old, B: old.replace("draft", "archived").replace(":a", ":b")}) == []

    def test_the_word_counts_days(self) -> None:
        [stale] = told(
            {A: record("service:a", status="approved").replace("2026-06-02", "2025-06-09").replace("09:15", "00:00")}
        )
        assert stale.message == "not reviewed for 366 days"
        [ahead] = told({PAGE: page("service:a").replace("2026-06-02T09:15:00Z", "2026-06-19T00:00:00Z")})
        assert (ahead.message, ahead.field) == ("updatedAt is 9 days ahead", "updatedAt")

    def test_the_brain_says_when_its_records_are_stale(self) -> None:
        text = record("service:a", status="approved")
        assert codes({A: text}, ontology(rules="staleAfterDays: 1\n")) == [(A, "KB053")]


class TestOwners:
    @pytest.mark.parametrize(
        ("owners", "bad"),
        [
            ("[team:core]", []),
            ("[team:listed, user:dana]", []),
            ("[team:nobody]", [0]),
            ("[user:nobody]", [0]),
            ("[service:a, user:dana]", [0]),
            ("[user:dana, 'Core Banking', team:core, runbook:x]", [1, 3]),
        ],
    )
    def test_owners_are_teams_or_people_that_are_known(self, owners: str, bad: list[int]) -> None:
        text = record("service:a").replace("[user:dana]", owners)
        found = told({A: text, B: record("team:core")})
        assert [(finding.code, finding.field) for finding in found] == [
            ("KB051", f"attributes.owners[{at}]") for at in bad
        ]
        found = told({PAGE: page("service:a").replace("[user:dana]", owners), B: record("team:core")})
        assert [(finding.code, finding.field) for finding in found] == [("KB051", f"owners[{at}]") for at in bad]

    def test_an_open_list_of_owners_knows_every_person(self) -> None:
        open_list = ontology(words="vocabularies:\n  owners: {closed: false, values: []}\n")
        assert codes({A: record("service:a").replace("dana", "anyone")}, open_list) == []
        assert codes({A: record("service:a").replace("user:dana", "team:anyone")}, open_list) == [(A, "KB051")]

    def test_a_null_among_the_owners_does_not_shift_the_place(self) -> None:
        text = record("service:a").replace("[user:dana]", "[~, user:dana, team:nobody]")
        assert [finding[:5] for finding in World({A: text}).told()] == [("KB051", A, "attributes.owners[1]", 6, 26)]


class TestOtherReferences:
    def test_repositories_and_sources_resolve(self) -> None:
        lines = ["repoRefs: [repository:x, repository:none]",
        "sourceRefs: [issue:1, 'https://x.example/y', path:graph/b.yaml, "
                 "path:graph/none.yaml, service:none, user:dana]"]  # fmt: skip
        files = {A: record("service:a", attributes=lines), B: record("repository:x")}
        assert [(finding.code, finding.field) for finding in told(files)] == [
            ("KB044", "attributes.repoRefs[1]"),
            ("KB044", "attributes.sourceRefs[3]"),
            ("KB044", "attributes.sourceRefs[4]"),
        ]
        assert {finding.message for finding in told(files)} >= {"path:graph/none.yaml does not exist"}

    def test_a_repository_is_no_external_id(self) -> None:
        text = page("service:a", "repoRefs: [issue:1]")
        assert [finding[:5] for finding in told({PAGE: text})] == [("KB044", PAGE, "repoRefs[0]", 8, 12)]

    def test_an_edge_to_a_path_that_is_not_there(self) -> None:
        files = {A: record("service:a", "derived_from: [path:graph/a.yaml, path:notes/none.md]")}
        assert [finding[:5] for finding in told(files)] == [("KB044", A, "edges.derived_from[1]", 9, 37)]


def test_an_ontology_without_kinds_or_edges_judges_nothing_that_needs_them() -> None:
    empty = ontology(nodes="nodeKinds: []\n", edges="edgeKinds: []\n")
    assert codes({A: record("service:a", "depends_on: [service:b]"), B: record("service:b")}, empty) == [(A, "KB035")]


def test_sample_ontology_is_sound() -> None:
    assert PLAIN.findings == ()
    assert "Team" in NODES


def test_no_records_no_findings() -> None:
    assert told({}) == told({"notes/a.md": "# A note\n\ntext\n"}) == []
