"""Answers of the compiled ontology."""

from __future__ import annotations

import pytest

from krate_gitops.brain.ontology import EDGE_KINDS, NODE_KINDS, RULES, OntologyIndex, load_ontology
from krate_gitops.brain.seed import base_ontology
from tests.unit.ontology.sample import loaded


@pytest.fixture(scope="module")
def base() -> OntologyIndex:
    return OntologyIndex(load_ontology(base_ontology()))


def test_prefixes_belong_to_kinds_or_to_the_outside(base: OntologyIndex) -> None:
    assert [kind.name for kind in base.kinds_of_prefix("runbook")] == ["Runbook"]
    assert base.kinds_of_prefix("host") == ()
    assert base.prefix_fits("Runbook", "runbook")
    assert not base.prefix_fits("Runbook", "incident")
    external = base.external("path:notes/a.md")
    assert external is not None
    assert external.prefix == "path"
    assert base.external("runbook:a") is None


def test_a_kind_whose_prefix_is_unreadable_accepts_any() -> None:
    assert OntologyIndex(loaded(NODE_KINDS, "idPrefix: runbook", "idPrefix: '?'")).prefix_fits("Runbook", "anything")


def test_required_fields_are_those_of_all_records_and_of_the_kind(base: OntologyIndex) -> None:
    assert base.required_fields("Team") == ("title", "status", "owners", "updatedAt")
    assert base.required_fields("RunRetrospective")[4:] == ("runRef",)


def test_a_foreign_brain_requires_what_it_says() -> None:
    index = OntologyIndex(loaded(RULES, "staleAfterDays: 90", "foreign: {required: [title]}", outside=True))
    assert index.required_fields("Team") == ("title",)
    assert index.required_fields("Runbook") == ("title", "trigger")


def test_edges_start_and_end_where_their_kind_says(base: OntologyIndex) -> None:
    assert base.admits_source("requires_secret", "Tool")
    assert not base.admits_source("requires_secret", "Term")
    assert base.admits_target("supersedes", "Runbook", "Runbook")
    assert not base.admits_target("supersedes", "Runbook", "Decision")
    assert base.admits_target("mentions", "Team", "Customer")
    assert not base.admits_target("owned_by", "Team", "Service")
    assert base.admits_external("owned_by", "user")
    assert not base.admits_external("owned_by", "issue")
    assert base.admits_external("mentions", "issue")
    assert not base.admits_target("requires_secret", "Tool", "Service")


def test_unknown_edge_kinds_are_judged_elsewhere(base: OntologyIndex) -> None:
    assert base.admits_source("likes", "Team")
    assert base.admits_target("likes", "Team", "Team")
    assert base.admits_external("likes", "user")


def test_paths_of_a_kind(base: OntologyIndex) -> None:
    assert base.path_fits("Decision", "decisions/a/b.md")
    assert not base.path_fits("Decision", "runbooks/a.md")
    assert base.path_fits("BabysitterRun", "babysitter/runs/01/run.yaml")
    assert not base.path_fits("BabysitterRun", "babysitter/runs/01/tasks/t.yaml")
    assert base.path_fits("Playbook", "anywhere")


def test_sensitivity_takes_the_default_and_never_falls_below_the_minimum(base: OntologyIndex) -> None:
    assert base.sensitivity("Team", None) == "internal"
    assert base.sensitivity("Team", "public") == "public"
    assert base.sensitivity("Customer", None) == "restricted"
    assert base.sensitivity("Customer", "public") == "restricted"
    assert base.sensitivity("Customer", "secret-metadata") == "secret-metadata"


def test_suggestions_name_the_nearest(base: OntologyIndex) -> None:
    assert base.suggest_edge_kind("depends-on") == "depends_on"
    assert base.suggest_edge_kind("DependsOn") == "depends_on"
    assert base.suggest_node_kind("runbok") == "Runbook"
    assert base.suggest_node_kind("zzzzzz") is None


def test_an_alias_stands_for_its_term() -> None:
    index = OntologyIndex(loaded())
    assert index.canonical_term("tags", "refund") == "refunds"
    assert index.canonical_term("tags", "unheard-of") == "unheard-of"
    assert index.canonical_term("colours", "red") == "red"


def test_an_edge_kind_without_domain_starts_anywhere() -> None:
    assert OntologyIndex(loaded(EDGE_KINDS, "    domain: [Runbook]\n", "")).admits_source("supersedes", "Team")
