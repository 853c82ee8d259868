"""Definitions of kinds: what is refused, where, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.schemas.definitions import check_definition
from krate_gitops.cluster.dev.schemas.structural import compile_schema

SPEC = "spec.validation.openAPIV3Schema"
X = f"{SPEC}.properties[spec].properties[x]"


def definition(**spec: Any) -> dict[str, Any]:
    """A sound definition, with members of its specification replaced (None: left out)."""
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"x": {"type": "string"}}}}}
    said = {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        **spec,
    }
    return {
        "metadata": {"name": "widgets.example.com"},
        "spec": {name: item for name, item in said.items() if item is not None},
        "status": {"storedVersions": ["v1"]},
    }


def with_node(node: dict[str, Any]) -> dict[str, Any]:
    """A definition with ``spec.x`` described so."""
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"x": node}}}}
    return definition(versions=[version("v1", schema)])


def version(name: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A version that is stored."""
    return {"name": name, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, **more}


def told(new: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    """The faults of a definition, each as ``field: message``."""
    return [f"{fault.field}: {fault.message}" for fault in check_definition(new, old)]


def test_a_sound_definition_is_accepted() -> None:
    assert told(definition()) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"scope": "Global"}, 'spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced"'),
        ({"scope": None}, "spec.scope: Required value"),
        ({"preserveUnknownFields": True}, "spec.preserveUnknownFields: Invalid value: true: cannot set to true"),
        ({"versions": []}, "spec.versions: Invalid value: []: must have exactly one version marked as storage version"),
        ({"names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "Widget"}},
         'spec.names.listKind: Invalid value: "Widget": kind and listKind may not be the same'),
        ({"names": {"plural": "widgets", "kind": "Widget", "listKind": "WidgetList"}},
         "spec.names.singular: Required value"),
        ({"group": "k8s.io"}, "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups"),
    ],
)  # fmt: skip
def test_a_wrong_specification_is_refused(spec: dict[str, Any], expected: str) -> None:
    assert any(text.startswith(expected) for text in told(definition(**spec)))


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"description": "?"}, f"{X}.type: Required value: must not be empty for specified object fields"),
        ({"type": "text"}, f'{X}.type: Unsupported value: "text": supported values: "array", "boolean"'),
        ({"type": "string", "anyOf": [{"type": "string"}]}, f"{X}.anyOf[0].type: Forbidden: must be empty to be struc"),
        ({"type": "array"}, f"{X}.items: Required value: must be specified"),
        ({"type": "string", "pattern": "("}, f'{X}.pattern: Invalid value: "(": must be a valid regular expression'),
        ({"type": "integer", "default": "a"},
         f'{X}.default: Invalid value: "string":  in body must be of type integer: "string"'),
        ({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}},
         f"{X}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"),
        ({"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "map"},
         f"{X}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"),
        ({"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "set"},
         f"{X}.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list"),
        ({"type": "string", "x-kubernetes-list-type": "set"},
         f'{X}.type: Invalid value: "string": must be array if x-kubernetes-list-type is specified'),
        ({"type": "array", "uniqueItems": True, "items": {"type": "string"}},
         f"{X}.uniqueItems: Forbidden: uniqueItems cannot be set to true"),
        ({"type": "string", "x-kubernetes-validations": [{"rule": "self +"}]},
         f'{X}.x-kubernetes-validations[0].rule: Invalid value: {{"Rule":"self +"'),
        ({"type": "string", "x-kubernetes-validations": [{"rule": "size(self)"}]},
         f'{X}.x-kubernetes-validations[0].rule: Invalid value: {{"Rule":"size(self)"'),
        ({"type": "string", "x-kubernetes-validations": [{"rule": "self != ''", "messageExpression": "1"}]},
         f"{X}.x-kubernetes-validations[0].messageExpression: Invalid value: "),
        ({"type": "string", "x-kubernetes-validations": [{"rule": ""}]},
         f"{X}.x-kubernetes-validations[0].rule: Required value: rule is not specified"),
    ],
)  # fmt: skip
def test_a_wrong_schema_is_refused(node: dict[str, Any], expected: str) -> None:
    assert [text[: len(expected)] for text in told(with_node(node))] == [expected]


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"type": "integer", "minimum": "a"}, f'{X}.minimum: Invalid value: "a": must be a number'),
        ({"type": "string", "x-kubernetes-validations": [{"rule": "true", "reason": "Bad"}]},
         f'{X}.x-kubernetes-validations[0].reason: Unsupported value: "Bad": supported values: "FieldValueRequired"'),
        ({"type": "string", "x-kubernetes-validations": [{"rule": "true", "fieldPath": "a"}]},
         f'{X}.x-kubernetes-validations[0].fieldPath: Invalid value: "a": fieldPath must be a valid path'),
    ],
)  # fmt: skip
def test_what_a_check_could_not_use_is_refused(node: dict[str, Any], expected: str) -> None:
    assert [text[: len(expected)] for text in told(with_node(node))] == [expected]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".spec.x", []),
        (".spec.y", ["is an invalid path: does not refer to a valid field"]),
        (".spec", ["must point to a field of type string, boolean or integer."]),
        ("", ["Required value"]),
    ],
)
def test_a_field_to_select_by_is_a_single_value(path: str, expected: list[str]) -> None:
    new = definition()
    new["spec"]["versions"][0]["selectableFields"] = [{"jsonPath": path}]
    found = told(new)
    assert len(found) == len(expected)
    for text, part in zip(found, expected, strict=True):
        assert text.startswith("spec.versions[0].selectableFields[0].jsonPath: ")
        assert part in text


@pytest.mark.parametrize("optional", [False, True])
def test_a_definition_that_is_accepted_can_be_served(optional: bool) -> None:
    depths = []
    for depth in range(20, 34):
        rule = {"rule": "[" * depth + "self" + "]" * depth + " != []", "optionalOldSelf": optional}
        new = with_node({"type": "string", "x-kubernetes-validations": [rule]})
        if told(new) == []:
            compile_schema(new["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
            depths.append(depth)
    assert 20 in depths
    assert 33 not in depths


def test_conversion_by_a_webhook_is_refused() -> None:
    assert told(definition(conversion={"strategy": "Webhook"})) == [
        'spec.conversion.strategy: Unsupported value: "Webhook": supported values: "None"'
    ]


def test_faults_are_told_by_version_where_schemas_differ() -> None:
    wrong = {"type": "object", "properties": {"x": {"type": "text"}}}
    versions = [version("v1", {"type": "object"}), {**version("v2", wrong), "storage": False}]
    [text] = told(definition(versions=versions))
    assert text.startswith("spec.versions[1].schema.openAPIV3Schema.properties[x].type: Unsupported value")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"scope": "Cluster"}, ['spec.scope: Invalid value: "Cluster": field is immutable']),
        ({"names": {"plural": "widgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"}},
         ['spec.names.kind: Invalid value: "Gadget": field is immutable']),
    ],
)  # fmt: skip
def test_an_established_definition_keeps_its_names(spec: dict[str, Any], expected: list[str]) -> None:
    old = definition()
    assert told(definition(**spec), old) == []
    old["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    assert told(definition(**spec), old) == expected


def test_a_version_in_which_objects_are_stored_stays() -> None:
    new = definition(versions=[version("v2", {"type": "object"})])
    new["status"]["storedVersions"] = ["v1", "v2"]
    [text] = told(new, definition())
    assert text.startswith('status.storedVersions[0]: Invalid value: "v1": missing from spec.versions')
