"""An API server takes the chart's definitions and roles, and decides what they were written for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from krate_gitops.cli.main import cli
from krate_gitops.resources.package.helm import Manifest, helm
from tests.integration.package.installation import CHART, TOP, Installed, Kubectl

EXAMPLE = TOP / "examples" / "config-repo" / "orgs" / "acme"
GROUP = "krate.a5c.ai"


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


def test_the_controller_acts_as_a_source_with_the_rights_it_has(controller: Kubectl, installed: Installed) -> None:
    identity = pytest.importorskip("krate_gitops.cluster.client.identity", reason="no API client")
    source = identity.service_account(installed.organization, "krate-gitops")
    acting = (f"--as={source.user}", *(f"--as-group={group}" for group in source.groups))
    controller.run("get", "agentstacks", "--namespace", installed.organization, *acting)
    with pytest.raises(AssertionError, match=r"(?i)forbidden"):
        controller.run("get", "agentstacks", "--namespace", installed.platform, *acting)
    with pytest.raises(AssertionError, match=r"(?i)forbidden"):
        controller.run("get", "agentstacks", "--as=system:admin", "--as-group=system:masters")


def test_an_organization_is_applied_with_these_rights_alone(
    kubectl: Kubectl, controller: Kubectl, installed: Installed, tmp_path: Path
) -> None:
    if cli.get_command(click.Context(cli), "reconcile") is None:
        pytest.skip("no command reconcile yet")
    repository = _example_of(installed.name, tmp_path / "repository")
    source = {"repoURL": "https://git.example/config.git", "path": "."}
    kubectl.apply(
        [
            {
                "apiVersion": f"{GROUP}/v1alpha1",
                "kind": "GitOpsSource",
                "metadata": {"name": "config", "namespace": installed.organization},
                "spec": {"organizationRef": installed.name, "source": source},
            }
        ]
    )
    applying = (
        *(sys.executable, "-m", "krate_gitops", "--home", tmp_path / "home", "--org", installed.name),
        *("reconcile", "apply", f"{installed.organization}/config"),
        *("--repo", repository, "--kubeconfig", controller.kubeconfig),
    )
    for said in ("created", "unchanged"):
        done = subprocess.run(applying, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        assert said in done.stdout
        assert "held" not in done.stdout
    found = kubectl.run(
        "get", "agentstacks,agentrolebindings", "--namespace", installed.organization, "--output", "name"
    )
    assert "agentstack.krate.a5c.ai/payments-triage" in found
    assert "agentrolebinding.krate.a5c.ai/diagnostics-readonly" in found


def _example_of(organization: str, folder: Path) -> Path:
    """A repository with what the example organization has, as if it were that of another one."""
    shutil.copytree(EXAMPLE, folder)
    for file in folder.rglob("*.yaml"):
        file.write_text(file.read_text(encoding="utf-8").replace("acme", organization), encoding="utf-8")
    for command in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "."],
        ["commit", "--quiet", "-m", "Begin"],
    ):
        identity = ("-c", "user.name=Dana", "-c", "user.email=dana@acme.example")
        subprocess.run(["git", "-C", folder, *identity, *command], check=True, capture_output=True)
    return folder


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
