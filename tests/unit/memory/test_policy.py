"""Which sources apply to whom, and what several of them mean together."""

from __future__ import annotations

import pytest

from krate_gitops.errors import DeniedError
from krate_gitops.memory.policy import AppliesTo, Include, Source, SourceSpec, effective_policy, owner_policy
from krate_gitops.memory.request import Consumer
from tests.unit.memory.conftest import Policy

PAYMENTS = Consumer(repository="payments", stack="triage")


@pytest.mark.parametrize(
    ("applies", "matches"),
    [
        ({}, False),
        ({"repositories": ("payments",)}, True),
        ({"repositories": ("*",)}, True),
        ({"repositories": ("other", "payments")}, True),
        ({"repositories": ("pay*",)}, False),
        ({"repositories": ("Payments",)}, False),
        ({"repositories": ()}, False),
        ({"repositories": ("payments",), "stacks": ("triage",)}, True),
        ({"repositories": ("payments",), "stacks": ("other",)}, False),
        ({"repositories": ("other",), "stacks": ("triage",)}, False),
        ({"repositories": ("payments",), "triggers": ("*",)}, True),
        ({"repositories": ("payments",), "triggers": ("nightly",)}, False),
        ({"triggers": ("*",)}, True),
        ({"users": ("*",)}, True),
        ({"teams": ("core",)}, False),
    ],
)
def test_dimensions_are_anded_and_values_ored(applies: dict[str, tuple[str, ...]], matches: bool) -> None:
    assert AppliesTo(**applies).matches(PAYMENTS) is matches


@pytest.mark.parametrize("consumer", [Consumer(), PAYMENTS])
def test_nobody_is_meant_by_an_empty_applies_to(consumer: Consumer) -> None:
    with pytest.raises(DeniedError) as error:
        effective_policy([_source("a", {})], consumer)
    assert (error.value.code, error.value.exit_code) == ("MEMORY_SOURCE_NOT_FOUND", 4)


def test_no_source_at_all_denies() -> None:
    with pytest.raises(DeniedError):
        effective_policy([], PAYMENTS)


def _source(name: str, applies: dict[str, tuple[str, ...]], **spec: object) -> Source:
    return Source(name, 1, SourceSpec("acme", "brain", AppliesTo(**applies), **spec))  # type: ignore[arg-type]


def test_several_sources_take_the_strictest_limits_and_all_demands(allow: Policy) -> None:
    found = allow(
        [
            {"include": ["a"], "maxContextBytes": 500, "readPolicy": {"maxDepth": 4}, "required": True},
            {"include": ["b"], "maxContextBytes": 900, "readPolicy": {"maxDepth": 2}, "requireOntologyValid": True},
            {"include": ["c"], "currentOnly": True, "exclude": ["x"]},
        ]
    )
    assert (found.max_context_bytes, found.max_depth) == (500, 2)
    assert found.required
    assert found.require_ontology_valid
    assert found.current_only
    assert found.exclude_paths == ("x",)
    assert [grant.include.paths for grant in found.grants] == [("a",), ("b",), ("c",)]


def test_sources_for_somebody_else_take_no_part() -> None:
    sources = [
        _source("mine", {"repositories": ("payments",)}, include=Include(paths=("a",))),
        _source("other", {"repositories": ("ledger",)}, include=Include(paths=("b",)), required=True),
    ]
    found = effective_policy(sources, PAYMENTS)
    assert [source.name for source in found.sources] == ["mine"]
    assert not found.required


def test_the_query_mode_is_that_of_the_most_specific_source_then_of_the_first_name() -> None:
    wide = _source("a", {"repositories": ("*",)}, default_query_mode="graph-only")
    narrow = _source("z", {"repositories": ("*",), "stacks": ("*",)}, default_query_mode="grep-only")
    alike = _source("y", {"repositories": ("payments",), "stacks": ("triage",)}, default_query_mode="document-read")
    assert effective_policy([narrow, wide], PAYMENTS).query_mode == "grep-only"
    assert effective_policy([narrow, alike, wide], PAYMENTS).query_mode == "document-read"


def test_the_order_of_sources_and_of_their_excludes_changes_nothing() -> None:
    sources = [_source(name, {"repositories": ("*",)}, include=Include(paths=(name,))) for name in "bac"]
    policies = {effective_policy(order, PAYMENTS).digest for order in (sources, sources[::-1])}
    assert len(policies) == 1


def test_a_digest_changes_with_anything_that_is_admitted_or_not(allow: Policy) -> None:
    specs = [
        {"include": ["a"]},
        {"include": ["b"]},
        {"include": ["a"], "exclude": ["b"]},
        {"include": ["a"], "currentOnly": True},
    ]
    assert len({allow(spec).digest for spec in specs} | {owner_policy().digest}) == 5


@pytest.mark.parametrize(
    ("spec", "denied"),
    [
        ({"include": {"graphKinds": ["Runbook"]}}, True),
        ({"include": {"graphKinds": ["Customer"]}}, False),
        ({"include": {"paths": ["graph/**"]}}, False),
        ({"include": {}, "readPolicy": {"mode": "allow-all"}}, False),
        ({"include": {"paths": ["graph/**"]}, "exclude": {"graphKinds": ["Customer"]}}, True),
    ],
)
def test_a_kind_is_denied_where_no_record_of_it_can_be_admitted(
    allow: Policy, spec: dict[str, object], denied: bool
) -> None:
    assert allow(spec).denies_kind("Customer") is denied


@pytest.mark.parametrize(
    ("glob", "denied"),
    [
        ("legal/**", True),
        ("legal/2026-*", True),
        ("legal/x", True),
        ("legal", False),
        ("*.md", True),
        ("**", False),
        ("legally/**", False),
    ],
)
def test_a_glob_is_denied_where_all_it_names_is_excluded(allow: Policy, glob: str, denied: bool) -> None:
    assert allow({"include": ["**"], "exclude": ["legal/**", "*.md"]}).denies_glob(glob) is denied
