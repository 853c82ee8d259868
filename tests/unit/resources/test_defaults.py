"""The defaulted form of objects."""

from __future__ import annotations

from typing import Any

from krate_gitops.resources.context import Context
from krate_gitops.resources.desired import desired_objects
from krate_gitops.resources.world import World
from tests.unit.resources.sample import NOW, document, load, stack, stream


def form(text: str, *, org: str | None = None, strict: bool = True) -> dict[tuple[str, str], dict[str, Any]]:
    """The objects of a text in defaulted form, by kind and name."""
    context = Context(organization=org, now=NOW, strict=strict)
    found = desired_objects(World(load({"a.yaml": text}).manifests, context))
    return {(one.id.kind, one.id.name): one.value for one in found}


def test_a_stack_gets_namespace_labels_and_the_defaults_of_its_fields() -> None:
    [found] = form(
        stack("mcpServerRefs: [b, a, b]", metadata="labels: {team: x}") + "status: {phase: Ready}\n"
    ).values()
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
    alone = form(stream(one, document("OrgNamespaceBinding", name="acme")))["Organization", "acme"]
    assert (alone["spec"]["slug"], alone["spec"]["namespaceName"]) == ("acme", "krate-org-acme")
    both = form(stream(one, binding))
    bound, its_binding = both["Organization", "acme"], both["OrgNamespaceBinding", "acme"]
    assert (bound["spec"]["namespaceName"], its_binding["spec"]["namespace"]) == ("acme-ns", "acme-ns")
    assert (bound["metadata"]["namespace"], "labels" in bound["metadata"]) == ("krate-system", False)


def test_unknown_fields_are_left_out() -> None:
    [found] = form(document("AgentSoul", "content: Kind.", "surprise: 1"), strict=False).values()
    assert found["spec"] == {"organizationRef": "acme", "content": "Kind."}
