"""The defaulted form of objects."""

from __future__ import annotations

from typing import Any

from krate_gitops.resources.context import Context
from krate_gitops.resources.defaults import defaulted
from krate_gitops.resources.manifest import Manifest
from krate_gitops.resources.world import World
from tests.unit.resources.sample import NOW, document, load, stack, stream, whole


def form(text: str, *, org: str | None = None, strict: bool = True) -> list[dict[str, Any]]:
    """The objects of a text in defaulted form."""
    manifests = load({"a.yaml": text}).manifests
    world = World(manifests, Context(organization=org, now=NOW, strict=strict))
    return [defaulted(one, world) for one in manifests]


def test_a_stack_gets_namespace_labels_and_the_defaults_of_its_fields() -> None:
    [found] = form(stack("mcpServerRefs: [b, a, b]", metadata="labels: {team: x}") + "status: {phase: Ready}\n")
    assert list(found) == ["apiVersion", "kind", "metadata", "spec"]
    assert found["metadata"] == {
        "name": "triage",
        "namespace": "krate-org-acme",
        "labels": {"krate.a5c.ai/namespace": "krate-org-acme", "krate.a5c.ai/org": "acme", "team": "x"},
    }
    assert found["spec"] == {
        "displayName": "triage",
        "organizationRef": "acme",
        "baseAgent": "codex",
        "adapter": "codex",
        "runtimeIdentity": {"serviceAccountRef": "runner"},
        "prompt": {"system": "", "developer": "", "task": ""},
        "approvalMode": "prompt",
        "mcpServerRefs": ["b", "a"],
        "memory": {"required": False, "currentOnly": False},
        "taskKind": "diagnostic",
        "secretPolicy": {"allowOnForks": False},
        "writeBackPolicy": {"requireApproval": True},
    }


def test_organizations_get_slug_and_namespace() -> None:
    one = document("Organization", "displayName: Acme", name="acme", org="")
    binding = document("OrgNamespaceBinding", "namespace: acme-ns", name="acme")
    alone, _ = form(stream(one, document("OrgNamespaceBinding", name="acme")))
    assert (alone["spec"]["slug"], alone["spec"]["namespaceName"]) == ("acme", "krate-org-acme")
    bound, its_binding = form(stream(one, binding))
    assert (bound["spec"]["namespaceName"], its_binding["spec"]["namespace"]) == ("acme-ns", "acme-ns")
    assert (bound["metadata"]["namespace"], "labels" in bound["metadata"]) == ("krate-system", False)


def test_a_native_object_gets_namespace_and_labels_and_keeps_its_content() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {b: c}\n"
    [found] = form(text, org="acme")
    assert found["data"] == {"b": "c"}
    assert found["metadata"]["namespace"] == "krate-org-acme"
    assert found["metadata"]["labels"]["krate.a5c.ai/org"] == "acme"


def test_unknown_fields_are_left_out() -> None:
    [found] = form(document("AgentSoul", "content: Kind.", "surprise: 1"), strict=False)
    assert found["spec"] == {"organizationRef": "acme", "content": "Kind."}


def test_a_defaulted_object_stays_as_it_is() -> None:
    first = form(whole(stack()))
    manifests = [Manifest("a.yaml", at, one) for at, one in enumerate(first)]
    world = World(manifests, Context(organization=None, now=NOW))
    assert [defaulted(one, world) for one in manifests] == first
