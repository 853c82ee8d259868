"""Who may do what after an installation: exactly what the program does, and what it must never do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from krate_gitops.resources.kinds.identity import ROLE_TEMPLATES
from krate_gitops.resources.kinds.inventory import MODELS, Author
from tests.unit.resources.package.rendered import Rendered

Render = Callable[[Mapping[str, Any]], Rendered]
GROUP = "krate.a5c.ai"
CONTROLLER, SOURCE, WEB = "krate-gitops-controller", "krate-gitops", "krate-gitops-web"
PLATFORM, ORG = "krate-system", "krate-org-acme"
OURS = [kind.plural for kind in MODELS.values() if kind.author is Author.GIT]
TENANCY = ["organizations", "orgnamespacebindings", "orgsharingpolicies"]
_EACH_SET = pytest.mark.parametrize("rendered", ["default", "agents", "everything"], indirect=True)
_EVERYTHING = pytest.mark.parametrize("rendered", ["everything"], indirect=True)
_AGENTS = pytest.mark.parametrize("rendered", ["agents"], indirect=True)
READ = ("get", "list", "watch")


@_EACH_SET
def test_no_role_has_a_wildcard_or_the_right_to_any_right(rendered: Rendered) -> None:
    for role in rendered.of("Role", "ClusterRole"):
        for rule in role["rules"]:
            assert "nonResourceURLs" not in rule
            for field in ("apiGroups", "resources", "verbs", "resourceNames"):
                assert "*" not in rule.get(field, ()), role["metadata"]["name"]
            assert not {"escalate", "deletecollection"} & set(rule["verbs"])
            # Our own kinds stand for no rights of the API server.
            if {"impersonate", "bind"} & set(rule["verbs"]) and rule["apiGroups"] != [GROUP]:
                assert rule["resourceNames"], role["metadata"]["name"]
            for resource in ("pods", "pods/exec", "serviceaccounts/token", "nodes", "customresourcedefinitions"):
                assert resource not in rule["resources"]


@_EACH_SET
def test_roles_are_bound_to_accounts_of_this_installation_only(rendered: Rendered) -> None:
    roles = {(one["kind"], one["metadata"]["name"]) for one in rendered.of("Role", "ClusterRole")}
    for binding in rendered.of("RoleBinding", "ClusterRoleBinding"):
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in roles
        [subject] = binding["subjects"]
        assert (subject["kind"], subject["name"]) in {("ServiceAccount", one) for one in (CONTROLLER, SOURCE, WEB)}


@_EACH_SET
def test_the_controller_impersonates_accounts_of_sources_and_nobody_else(rendered: Rendered) -> None:
    assert rendered.may(CONTROLLER, "impersonate", "serviceaccounts.", at=ORG, named="krate-gitops")
    assert not rendered.may(CONTROLLER, "impersonate", "serviceaccounts.", at=ORG, named="default")
    for kind in ("users.", "groups.", "userextras.authentication.k8s.io", "uids.authentication.k8s.io"):
        assert not rendered.may(CONTROLLER, "impersonate", kind, named="krate-gitops")


@_EACH_SET
def test_the_controller_reads_config_and_reports_on_sources(rendered: Rendered) -> None:
    for plural in ("gitopssources", *OURS):
        for verb in READ:
            assert rendered.may(CONTROLLER, verb, f"{plural}.{GROUP}", at=ORG), plural
    for plural in TENANCY:
        for verb in READ:
            assert rendered.may(CONTROLLER, verb, f"{plural}.{GROUP}", at=ORG)
        assert rendered.may(CONTROLLER, "patch", f"{plural}/status.{GROUP}", at=PLATFORM)
        assert not rendered.may(CONTROLLER, "patch", f"{plural}/status.{GROUP}", at=ORG)
    assert rendered.may(CONTROLLER, "patch", f"gitopssources/status.{GROUP}", at=ORG)
    for events in ("events.", "events.events.k8s.io"):
        assert rendered.may(CONTROLLER, "create", events, at=ORG)
        assert not rendered.may(CONTROLLER, "list", events, at=ORG)
    assert rendered.may(CONTROLLER, "create", "subjectaccessreviews.authorization.k8s.io")
    assert rendered.may(CONTROLLER, "create", "leases.coordination.k8s.io", at=PLATFORM)
    for verb in ("get", "patch"):
        assert rendered.may(CONTROLLER, verb, "leases.coordination.k8s.io", at=PLATFORM, named="krate-gitops")


@_EACH_SET
def test_the_controller_itself_neither_creates_nor_deletes_config(rendered: Rendered) -> None:
    for plural in ("gitopssources", *OURS, *TENANCY):
        for verb in ("create", "update", "delete"):
            assert not rendered.may(CONTROLLER, verb, f"{plural}.{GROUP}", at=PLATFORM), plural
    assert not rendered.may(CONTROLLER, "patch", "leases.coordination.k8s.io", at=PLATFORM, named="another")
    assert not rendered.may(CONTROLLER, "patch", "leases.coordination.k8s.io", at=ORG, named="krate-gitops")
    assert not rendered.may(CONTROLLER, "delete", "namespaces.")


def test_without_agents_the_controller_writes_no_agent_kind(rendered: Rendered) -> None:
    for plural in OURS:
        for verb in ("patch", "update"):
            assert not rendered.may(CONTROLLER, verb, f"{plural}.{GROUP}", at=ORG)
            assert not rendered.may(CONTROLLER, verb, f"{plural}/status.{GROUP}", at=ORG)


@_AGENTS
def test_with_agents_it_writes_status_and_finalizers(rendered: Rendered) -> None:
    for plural in OURS:
        assert rendered.may(CONTROLLER, "patch", f"{plural}/status.{GROUP}", at=ORG)
        assert rendered.may(CONTROLLER, "patch", f"{plural}.{GROUP}", at=ORG)


_NATIVE = ("serviceaccounts.", "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io")


def test_native_identity_is_written_only_where_that_is_managed(rendered: Rendered, render: Render) -> None:
    without = render({"agents": {"permissions": {"manageNativeRbac": False}}})
    for resource in _NATIVE:
        for verb in (*READ, "create", "patch", "delete"):
            assert rendered.may(CONTROLLER, verb, resource, at=ORG)
            assert not without.may(CONTROLLER, verb, resource, at=ORG)
    assert rendered.may(CONTROLLER, "create", "namespaces.")
    assert not without.may(CONTROLLER, "create", "namespaces.")
    bind = "clusterroles.rbac.authorization.k8s.io"
    assert rendered.may(CONTROLLER, "bind", bind, named="krate-gitops-source")
    assert not rendered.may(CONTROLLER, "bind", bind, named="cluster-admin")
    assert not without.may(CONTROLLER, "bind", bind, named="krate-gitops-source")


def test_cluster_role_bindings_are_written_only_where_that_is_allowed(rendered: Rendered, render: Render) -> None:
    resource = "clusterrolebindings.rbac.authorization.k8s.io"
    allowed = render({"agents": {"permissions": {"allowClusterRoleBindings": True}}})
    assert not any(rendered.may(CONTROLLER, verb, resource) for verb in (*READ, "create", "patch", "delete"))
    assert allowed.may(CONTROLLER, "create", resource)


@_AGENTS
def test_targets_of_grants_are_seen_in_namespaces_of_organizations_only(rendered: Rendered, render: Render) -> None:
    off = render(
        {
            "agents": {"enabled": True, "secrets": {"enableGrantManagement": False}},
            "gitops": {"organizationNamespaces": [ORG]},
        }
    )
    for resource in ("secrets.", "configmaps."):
        assert rendered.may(CONTROLLER, "get", resource, at=ORG, named="any")
        assert not rendered.may(CONTROLLER, "get", resource, at=PLATFORM, named="any")
        assert not rendered.may(CONTROLLER, "get", resource, at=None, named="any")
        assert not off.may(CONTROLLER, "get", resource, at=ORG, named="any")
        for verb in ("create", "update", "patch", "delete"):
            assert not rendered.may(CONTROLLER, verb, resource, at=ORG)
    assert rendered.may(CONTROLLER, "get", "configmaps.", at=PLATFORM, named="krate-feature-gates")


@_EVERYTHING
def test_a_source_of_an_organization_writes_agent_kinds_in_its_namespace_only(rendered: Rendered) -> None:
    for plural in OURS:
        for verb in ("get", "list", "create", "patch", "delete"):
            assert rendered.may(SOURCE, verb, f"{plural}.{GROUP}", at=ORG, home=ORG), plural
            assert not rendered.may(SOURCE, verb, f"{plural}.{GROUP}", at="krate-org-globex", home=ORG)
            assert not rendered.may(SOURCE, verb, f"{plural}.{GROUP}", at=None, home=ORG)
        assert not rendered.may(SOURCE, "patch", f"{plural}/status.{GROUP}", at=ORG, home=ORG)
    for plural in ("gitopssources", *TENANCY):
        assert not rendered.may(SOURCE, "get", f"{plural}.{GROUP}", at=ORG, home=ORG)
    for resource in _NATIVE:
        assert rendered.may(SOURCE, "list", resource, at=ORG, home=ORG)
        for verb in ("create", "patch", "delete", "impersonate", "bind"):
            assert not rendered.may(SOURCE, verb, resource, at=ORG, home=ORG)
    for resource in ("secrets.", "configmaps."):
        assert not any(rendered.may(SOURCE, verb, resource, at=ORG, home=ORG, named="x") for verb in READ)


@_EVERYTHING
def test_a_source_may_grant_what_only_reads_or_is_of_its_own(rendered: Rendered) -> None:
    for plural in ("agentserviceaccounts", "agentsecretgrants", "agentconfiggrants", "agentstacks"):
        assert rendered.may(SOURCE, "bind", f"{plural}.{GROUP}", at=ORG, home=ORG, named="any")
    harmless = {"krate-agent-readonly", "krate-agent-ci-diagnoser", "krate-runner-untrusted"}
    assert harmless < set(ROLE_TEMPLATES)
    for template in (*ROLE_TEMPLATES, "cluster-admin", "krate-gitops-source"):
        resource = "clusterroles.rbac.authorization.k8s.io"
        assert rendered.may(SOURCE, "bind", resource, at=ORG, home=ORG, named=template) is (template in harmless)


@_EVERYTHING
def test_a_source_of_the_platform_writes_tenancy_and_sources_and_reads_its_own_secrets(rendered: Rendered) -> None:
    for plural in TENANCY:
        assert rendered.may(SOURCE, "create", f"{plural}.{GROUP}", at=PLATFORM)
        assert not rendered.may(SOURCE, "create", f"{plural}.{GROUP}", at=ORG)
    assert rendered.may(SOURCE, "create", f"gitopssources.{GROUP}", at=ORG)
    assert rendered.may(SOURCE, "create", "namespaces.")
    assert not rendered.may(SOURCE, "delete", "namespaces.")
    for name in ("git-login", "git-keys"):
        assert rendered.may(SOURCE, "get", "secrets.", at=PLATFORM, named=name)
        assert not rendered.may(SOURCE, "list", "secrets.", at=PLATFORM, named=name)
    assert not rendered.may(SOURCE, "get", "secrets.", at=PLATFORM, named="records")
    assert not rendered.may(SOURCE, "create", f"agentstacks.{GROUP}", at=ORG)


def test_accounts_of_sources_have_no_rights_before_there_are_sources(rendered: Rendered) -> None:
    assert list(rendered.rules_for(SOURCE, PLATFORM, PLATFORM)) == []


@_EVERYTHING
def test_web_reads_config_and_changes_nothing(rendered: Rendered) -> None:
    rules = [rule for at in (None, PLATFORM, ORG) for rule in rendered.rules_for(WEB, PLATFORM, at)]
    assert rules
    for rule in rules:
        assert set(rule["apiGroups"]) <= {GROUP, "authorization.k8s.io"}
        wanted = {"create"} if rule["apiGroups"] == ["authorization.k8s.io"] else set(READ)
        assert set(rule["verbs"]) == wanted
