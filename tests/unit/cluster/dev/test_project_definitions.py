"""The project's own definitions are accepted by the development API server, and each of their rules is enforced."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from krate_gitops.cluster.dev.builtin.registry import built_in_kinds
from krate_gitops.cluster.dev.schemas.structural import Structural, compile_schema

_ROOT = Path(__file__).parents[4]
Object = dict[str, Any]


@cache
def definitions() -> dict[str, Object]:
    """The definitions of the chart by kind."""
    files = sorted((_ROOT / "charts/krate-gitops/crds").glob("*.yaml"))
    found = [one for file in files for one in yaml.safe_load_all(file.read_text("utf-8"))]
    return {one["spec"]["names"]["kind"]: one for one in found}


@cache
def structural(kind: str) -> Structural:
    """The schema of a kind."""
    return compile_schema(definitions()[kind]["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


@cache
def examples() -> dict[str, list[Object]]:
    """The resources of the example repository by kind, those of the project's kinds only."""
    found: dict[str, list[Object]] = {}
    for file in sorted((_ROOT / "examples/config-repo").rglob("*.yaml")):
        for one in yaml.safe_load_all(file.read_text("utf-8")):
            if isinstance(one, dict) and one.get("kind") in definitions():
                found.setdefault(one["kind"], []).append(one)
    return found


def example(kind: str, **spec: Any) -> Object:
    """A resource that is right but for these members of its spec; None takes one away."""
    base = examples()[kind][0] if kind in examples() else {"metadata": {"name": "x"}, "spec": _MORE[kind]}
    members = {**base["spec"], **spec}
    return {**base, "spec": {name: value for name, value in members.items() if value is not None}}


_MORE: dict[str, Object] = {
    "AgentPersona": {"organizationRef": "acme", "displayName": "Dana"},
    "AgentMemoryAssociation": {
        "organizationRef": "acme",
        "memoryRepository": "brain",
        "memoryRef": {"id": "a"},
        "targetRef": {"kind": "Service", "name": "pay"},
        "relationship": "explains",
    },
}


def faults(kind: str, obj: Object, old: Object | None = None) -> list[tuple[str, str]]:
    """What is wrong with the resource, each as (field, message)."""
    schema = structural(kind)
    return [(fault.field, fault.message) for fault in schema.validate(schema.default(obj), old)]


@pytest.mark.parametrize("kind", definitions())
def test_a_definition_is_accepted_as_a_whole(kind: str) -> None:
    built_in = next(each for each in built_in_kinds() if each.kind == "CustomResourceDefinition")
    read, unknown = built_in.decode(definitions()[kind])
    assert unknown == []
    ready = built_in.prepare(built_in.default(built_in.reset(read, None)), None)
    assert built_in.validate(ready, None) == []
    assert built_in.validate(ready, ready) == []


@pytest.mark.parametrize("kind", [*examples(), *_MORE])
def test_a_resource_that_is_right_is_taken_as_it_is(kind: str) -> None:
    for one in examples().get(kind) or [example(kind)]:
        pruned, unknown = structural(kind).prune(one)
        assert unknown == []
        assert pruned is one
        assert faults(kind, one) == []
        assert faults(kind, one, structural(kind).default(one)) == []


@pytest.mark.parametrize("kind", definitions())
def test_every_kind_refuses_a_specification_of_a_wrong_type(kind: str) -> None:
    assert [message for field, message in faults(kind, {"spec": []}) if field == "spec"] == [
        'Invalid value: "array": spec in body must be of type object: "array"'
    ]


_ORGANIZATION_OF = {"organizationRef": None}
_BROKEN: list[tuple[str, Object, str, str]] = [
    ("AgentMcpServer", {"transport": "stdio", "url": None}, "spec", "command is required with transport stdio"),
    ("AgentMcpServer", {"command": "x"}, "spec", "command and args belong to transport stdio only"),
    ("AgentMcpServer", {"args": ["x"]}, "spec", "command and args belong to transport stdio only"),
    ("AgentMcpServer", {"url": None}, "spec", "url is required with a network transport"),
    ("AgentMcpServer", {"transport": "stdio", "command": "x"}, "spec", "url belongs to network transports only"),
    ("AgentSkill", {"format": "file"}, "spec", "format inline and sourceRef.kind inline belong together"),
    ("AgentSkill", {"promptFragment": ""}, "spec", "promptFragment is the content of an inline skill and required"),
    (
        "AgentSkill",
        {"format": "file", "sourceRef": {"repository": "acme/skills"}},
        "spec",
        "sourceRef needs repository and path, unless its kind is inline",
    ),
    ("AgentTriggerRule", {"sources": ["schedule"]}, "spec", "schedule is required with the source schedule"),
    (
        "AgentTriggerRule",
        {"contextBundleTemplate": {"redactSecrets": False}},
        "spec.contextBundleTemplate",
        "redactSecrets can't be switched off",
    ),
    ("AgentPersona", {"soul": {"ref": "a", "inline": {}}}, "spec.soul", "give either ref or inline"),
    ("AgentPersona", {"appearance": {}}, "spec.appearance", "give either ref or inline"),
    ("AgentPersona", {"voiceProfile": {}}, "spec.voiceProfile", "give either ref or inline"),
    ("GitOpsSource", _ORGANIZATION_OF, "spec", "organizationRef is required for a source of an organization"),
    (
        "GitOpsSource",
        {"verify": {"mode": "signed-commits"}},
        "spec",
        "verify.keysRef is required with signed-commits",
    ),
    ("AgentMemoryRepository", {"provider": "git"}, "spec", "repoUrl is required with provider git"),
    (
        "AgentMemorySource",
        {"include": {}},
        "spec",
        "include names paths or graphKinds, unless readPolicy.mode is allow-all",
    ),
    ("AgentMemoryAssociation", {"memoryRef": {}}, "spec.memoryRef", "give id, path or both"),
]


@pytest.mark.parametrize(("kind", "spec", "field", "message"), _BROKEN)
def test_a_rule_refuses_what_breaks_it(kind: str, spec: Object, field: str, message: str) -> None:
    assert (field, f"Invalid value: {message}") in faults(kind, example(kind, **spec))


def test_a_rule_about_a_change_lets_the_first_value_through_and_no_other() -> None:
    named, unnamed = example("Organization"), example("Organization", namespaceName=None)
    fault = ("spec", "Invalid value: namespaceName can't be changed")
    assert faults("Organization", named, unnamed) == []
    assert faults("Organization", example("Organization", namespaceName="krate-org-b"), named) == [fault]
    assert faults("Organization", unnamed, named) == [fault]


def test_no_rule_of_a_definition_is_left_out_here() -> None:
    said = {message for _, _, _, message in _BROKEN} | {"namespaceName can't be changed"}

    def messages(node: Any) -> set[str]:
        if isinstance(node, list):
            return set().union(*map(messages, node))
        if not isinstance(node, dict):
            return set()
        own = {rule["message"] for rule in node.get("x-kubernetes-validations") or ()}
        return own.union(*map(messages, node.values()))

    assert messages([*definitions().values()]) == said
