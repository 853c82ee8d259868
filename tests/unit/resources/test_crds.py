"""What an API server asks of a definition, checked without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from krate_gitops.resources.crds import crd_files, definition
from krate_gitops.resources.kinds.inventory import KINDS, MODELS, Author, Kind
from krate_gitops.resources.structure import VALUE_NAMES

CHART = Path(__file__).parents[3] / "charts" / "krate-gitops" / "crds"
_KINDS = pytest.mark.parametrize("kind", MODELS.values(), ids=list(MODELS))


def schemas(schema: dict[str, Any], place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema within one, with its place."""
    yield place, schema
    for name, inner in schema.get("properties", {}).items():
        yield from schemas(inner, f"{place}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(inner := schema.get(key), dict):
            yield from schemas(inner, f"{place}[]")


def schema_of(kind: Kind) -> dict[str, Any]:
    found: dict[str, Any] = definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


@_KINDS
def test_schemas_are_structural(kind: Kind) -> None:
    for place, schema in schemas(schema_of(kind)):
        assert "type" in schema or schema.get("x-kubernetes-preserve-unknown-fields"), place
        assert not {"$ref", "definitions", "oneOf", "const"} & schema.keys(), place
        # A map has either fields or values of one sort, and nothing forbids further fields: they are pruned.
        assert not ("properties" in schema and "additionalProperties" in schema), place
        assert schema.get("additionalProperties") is not False, place


@_KINDS
def test_defaults_are_valid_themselves(kind: Kind) -> None:
    for place, schema in schemas(schema_of(kind)):
        for name, inner in schema.get("properties", {}).items():
            if "default" not in inner:
                continue
            assert name not in schema.get("required", ()), place
            if "enum" in inner:
                assert inner["default"] in inner["enum"], place
            if inner["type"] == "object":
                assert inner["default"] == {}, place
                assert "required" not in inner, place


@_KINDS
def test_no_field_is_named_as_if_it_held_a_secret_value(kind: Kind) -> None:
    for place, schema in schemas(schema_of(kind)):
        assert not VALUE_NAMES & schema.get("properties", {}).keys(), place


@_KINDS
def test_a_definition_has_status_columns_and_required_fields(kind: Kind) -> None:
    made = definition(kind)
    [version] = made["spec"]["versions"]
    assert made["metadata"]["name"] == f"{kind.plural}.krate.a5c.ai"
    assert (version["served"], version["storage"], version["subresources"]) == (True, True, {"status": {}})
    assert [column["name"] for column in version["additionalPrinterColumns"]][-2:] == ["Phase", "Age"]
    spec = schema_of(kind)["properties"]["spec"]
    assert tuple(spec.get("required", ())) == kind.required
    if kind.author is Author.GIT:
        assert "organizationRef" in spec["properties"]
    conditions = schema_of(kind)["properties"]["status"]["properties"]["conditions"]
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


def test_a_trigger_rule_needs_a_stack_or_a_definition() -> None:
    spec = schema_of(MODELS["AgentTriggerRule"])["properties"]["spec"]
    assert spec["anyOf"] == [{"required": ["agentStack"]}, {"required": ["agentDefinition"]}]


def test_the_chart_holds_every_kind_once_and_no_execution_kind() -> None:
    kinds = [
        document["spec"]["names"]["kind"]
        for file in sorted(CHART.glob("*.yaml"))
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
    ]
    assert sorted(kinds) == sorted(MODELS)
    assert not {kind.name for kind in KINDS.values() if kind.author is Author.CONTROLLER} & set(kinds)


def test_files_are_the_same_whenever_they_are_made() -> None:
    assert crd_files() == crd_files()
    assert all(text.endswith("\n") and "\t" not in text for text in crd_files().values())
