"""An API server takes the chart's definitions and roles, and decides what they were written for.

Runs against the embedded development server, or against the cluster of ``KRATE_TEST_KUBECONFIG``.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.errors import UnavailableError
from krate_gitops.resources.package.contents import definitions_in
from krate_gitops.resources.package.helm import Manifest, helm

CHART = Path(__file__).parents[3] / "charts" / "krate-gitops"
GROUP = "krate.a5c.ai"
_RIGHTS = frozenset({"ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})


class Kubectl:
    """kubectl with one configuration."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig

    def run(self, *arguments: str, objects: list[Manifest] | None = None) -> str:
        """Output of one command; ``objects`` go to its standard input as a list. Fails the test with what it says."""
        items = {"apiVersion": "v1", "kind": "List", "items": objects or []}
        done = subprocess.run(
            ["kubectl", "--kubeconfig", self._kubeconfig, *arguments],
            input=json.dumps(items),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def with_token(self, token: str, file: Path) -> Kubectl:
        """The same server as whoever has the token, without any other credentials."""
        config = json.loads(self.run("config", "view", "--raw", "--minify", "--flatten", "--output", "json"))
        [user] = config["users"]
        user["user"] = {"token": token}
        file.write_text(json.dumps(config), encoding="utf-8")
        return Kubectl(file)

    def apply(self, objects: list[Manifest]) -> None:
        """Applies objects on the server's side."""
        self.run("apply", "--server-side", "--filename", "-", objects=objects)

    def decide(self, questions: list[tuple[str, dict[str, Any]]]) -> list[bool]:
        """Whether users may do what the questions ask, by one review each."""
        reviews = [
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "metadata": {},
                "spec": {"user": user, "groups": ["system:authenticated"], "resourceAttributes": attributes},
            }
            for user, attributes in questions
        ]
        # Objects without a name are shown one after the other, not as a list.
        answers = self.run(
            "create", "--output", "jsonpath={.status.allowed} ", "--filename", "-", objects=reviews
        ).split()
        assert len(answers) == len(questions)
        return [answer == "true" for answer in answers]


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """A server to ask."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl on the path")
    if named := os.environ.get("KRATE_TEST_KUBECONFIG"):
        yield Kubectl(Path(named))
        return
    server = pytest.importorskip("krate_gitops.cluster.dev.server", reason="no development API server")
    with server.serve(tmp_path_factory.mktemp("cluster")) as running:
        yield Kubectl(Path(running.admin_kubeconfig))


class Installed:
    """Where the chart was installed: a name of its own, its namespace and that of an organization."""

    def __init__(self, name: str) -> None:
        self.name, self.platform, self.organization = name, f"{name}-platform", f"{name}-org"

    @property
    def values(self) -> dict[str, Any]:
        """Values with everything on that gives rights."""
        source = {"repoURL": "https://git.example/platform.git", "credentialsSecretRef": "git-login"}
        return {
            "fullnameOverride": self.name,
            "agents": {"enabled": True},
            "externalDependencies": {"postgres": {"enabled": True, "existingSecret": "records"}},
            "web": {"enabled": True},
            "gitops": {
                "platformNamespace": self.platform,
                "organizationNamespaces": [self.organization],
                "sources": [{"name": "platform", "spec": {"source": source}}],
            },
        }

    def account(self, name: str, namespace: str) -> str:
        """User name of an account."""
        return f"system:serviceaccount:{namespace}:{name}"


@pytest.fixture(scope="module")
def installed(kubectl: Kubectl) -> Iterator[Installed]:
    """The chart's definitions, accounts and roles on the server; removed again, but for the definitions."""
    where = Installed(f"krate-test-{secrets.token_hex(4)}")
    try:
        with helm() as engine:
            objects = engine.manifests(CHART, where.values)
    except UnavailableError as missing:
        pytest.skip(f"{missing.message}: {missing.hint}")
    names = (where.platform, where.organization)
    namespaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]
    rights = [one for one in objects if one["kind"] in _RIGHTS]
    kubectl.apply([one.content for one in definitions_in(CHART)])
    kubectl.run(
        "wait",
        "--for=condition=Established",
        "--timeout=60s",
        "crd/gitopssources.krate.a5c.ai",
        "crd/agentstacks.krate.a5c.ai",
    )
    kubectl.apply(namespaces)
    kubectl.apply(rights)
    yield where
    kubectl.run("delete", "--ignore-not-found", "--wait=false", "--filename", "-", objects=[*rights, *namespaces])


def test_sources_of_the_platform_are_accepted(kubectl: Kubectl, installed: Installed) -> None:
    with helm() as engine:
        sources = [one for one in engine.manifests(CHART, installed.values) if one["kind"] == "GitOpsSource"]
    kubectl.run("apply", "--server-side", "--dry-run=server", "--validate=strict", "--filename", "-", objects=sources)
    assert len(sources) == 1


def test_the_server_decides_as_the_roles_were_meant(kubectl: Kubectl, installed: Installed) -> None:
    org, platform = installed.organization, installed.platform
    controller = installed.account(f"{installed.name}-controller", platform)
    web = installed.account(f"{installed.name}-web", platform)
    source, of_platform = installed.account("krate-gitops", org), installed.account("krate-gitops", platform)
    rbac = "rbac.authorization.k8s.io"
    cases = [
        (True, controller, "list", GROUP, "agentstacks", None, ""),
        (True, controller, "patch", GROUP, "agentstacks/status", org, ""),
        (False, controller, "create", GROUP, "agentstacks", org, ""),
        (False, controller, "delete", GROUP, "agentstacks", org, ""),
        (True, controller, "impersonate", "", "serviceaccounts", org, "krate-gitops"),
        (False, controller, "impersonate", "", "serviceaccounts", org, "default"),
        (False, controller, "impersonate", "", "users", None, "admin"),
        (False, controller, "impersonate", "", "groups", None, "system:masters"),
        (True, controller, "bind", rbac, "clusterroles", None, f"{installed.name}-source"),
        (False, controller, "bind", rbac, "clusterroles", None, "cluster-admin"),
        (False, controller, "escalate", rbac, "roles", org, ""),
        (True, controller, "get", "", "secrets", org, "any"),
        (False, controller, "get", "", "secrets", platform, "any"),
        (False, controller, "list", "", "secrets", None, ""),
        (True, controller, "patch", "coordination.k8s.io", "leases", platform, "krate-gitops"),
        (False, controller, "patch", "coordination.k8s.io", "leases", "kube-system", "krate-gitops"),
        (True, source, "create", GROUP, "agentstacks", org, ""),
        (True, source, "delete", GROUP, "agentsecretgrants", org, ""),
        (False, source, "create", GROUP, "agentstacks", platform, ""),
        (False, source, "patch", GROUP, "agentstacks/status", org, ""),
        (False, source, "get", "", "secrets", org, "any"),
        (False, source, "create", GROUP, "organizations", org, ""),
        (True, of_platform, "create", GROUP, "organizations", platform, ""),
        (True, of_platform, "create", GROUP, "gitopssources", org, ""),
        (True, of_platform, "get", "", "secrets", platform, "git-login"),
        (False, of_platform, "get", "", "secrets", platform, "another"),
        (False, of_platform, "delete", "", "namespaces", None, org),
        (True, web, "watch", GROUP, "agentstacks", None, ""),
        (False, web, "patch", GROUP, "agentstacks", org, ""),
        (False, web, "get", "", "secrets", platform, "any"),
    ]

    def attributes(verb: str, group: str, resource: str, namespace: str | None, name: str) -> dict[str, str]:
        plural, _, sub = resource.partition("/")
        asked = {"verb": verb, "group": group, "resource": plural, "subresource": sub, "name": name}
        return {**asked, "namespace": namespace or ""}

    answers = kubectl.decide([(user, attributes(*rest)) for _, user, *rest in cases])
    assert [case for case, answer in zip(cases, answers, strict=True) if answer is not case[0]] == []


def test_the_controller_acts_as_a_source_with_the_rights_it_has(
    kubectl: Kubectl, installed: Installed, tmp_path: Path
) -> None:
    identity = pytest.importorskip("krate_gitops.cluster.client.identity", reason="no API client")
    account = f"{installed.name}-controller"
    token = kubectl.run("create", "token", account, "--namespace", installed.platform).strip()
    controller = kubectl.with_token(token, tmp_path / "kubeconfig")
    source = identity.service_account(installed.organization, "krate-gitops")
    acting = (f"--as={source.user}", *(f"--as-group={group}" for group in source.groups))
    controller.run("get", "agentstacks", "--namespace", installed.organization, *acting)
    with pytest.raises(AssertionError, match=r"(?i)forbidden"):
        controller.run("get", "agentstacks", "--namespace", installed.platform, *acting)
    with pytest.raises(AssertionError, match=r"(?i)forbidden"):
        controller.run("get", "agentstacks", "--as=system:admin", "--as-group=system:masters")


def test_a_source_applies_in_its_namespace_and_nowhere_else(kubectl: Kubectl, installed: Installed) -> None:
    def soul(namespace: str) -> list[Manifest]:
        metadata = {"name": "calm", "namespace": namespace}
        spec = {"organizationRef": "acme", "content": "Calm."}
        return [{"apiVersion": f"{GROUP}/v1alpha1", "kind": "AgentSoul", "metadata": metadata, "spec": spec}]

    acting = ("--as", installed.account("krate-gitops", installed.organization))
    applying = ("apply", "--server-side", "--dry-run=server", "--filename", "-", *acting)
    kubectl.run(*applying, objects=soul(installed.organization))
    with pytest.raises(AssertionError, match=r"(?i)forbidden"):
        kubectl.run(*applying, objects=soul(installed.platform))
