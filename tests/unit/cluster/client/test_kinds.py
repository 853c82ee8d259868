from __future__ import annotations

import pytest

from krate_gitops.cluster.client.identity import service_account
from krate_gitops.cluster.client.kinds import ResourceType, collection_path, object_path
from krate_gitops.errors import UsageError

CONFIG_MAP = ResourceType("", "v1", "ConfigMap", "configmaps", True)
CLUSTER_ROLE = ResourceType("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", False)
ROLE = ResourceType("rbac.authorization.k8s.io", "v1", "Role", "roles", True)


def test_paths_of_core_and_other_groups() -> None:
    assert object_path(CONFIG_MAP, "a", "team") == "/api/v1/namespaces/team/configmaps/a"
    assert collection_path(CONFIG_MAP) == "/api/v1/configmaps"
    assert collection_path(ROLE, "team") == "/apis/rbac.authorization.k8s.io/v1/namespaces/team/roles"
    assert object_path(CLUSTER_ROLE, "a", subresource="status").endswith("/clusterroles/a/status")
    assert (CONFIG_MAP.api_version, ROLE.api_version) == ("v1", "rbac.authorization.k8s.io/v1")
    assert (CONFIG_MAP.resource, ROLE.resource) == ("configmaps", "roles.rbac.authorization.k8s.io")


def test_a_role_may_have_a_colon_in_its_name() -> None:
    assert object_path(CLUSTER_ROLE, "system:basic-user").endswith("/clusterroles/system:basic-user")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../secrets/x", "x" * 254])
def test_a_name_cannot_lead_to_another_resource(name: str) -> None:
    with pytest.raises(UsageError):
        object_path(CLUSTER_ROLE, name)
    if name:
        with pytest.raises(UsageError):
            object_path(CONFIG_MAP, "x", name)


def test_a_query_or_fragment_in_a_name_is_quoted() -> None:
    assert object_path(CLUSTER_ROLE, "a?dryRun=All#x%2f").endswith("/clusterroles/a%3FdryRun=All%23x%252f")


def test_a_namespace_must_fit_the_kind() -> None:
    with pytest.raises(UsageError):
        object_path(CONFIG_MAP, "a")
    with pytest.raises(UsageError):
        object_path(CLUSTER_ROLE, "a", "team")


def test_the_groups_of_a_service_account_are_left_to_the_server() -> None:
    identity = service_account("team", "applier")
    assert identity.user == "system:serviceaccount:team:applier"
    assert identity.groups == ()
