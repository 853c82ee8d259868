"""What an installation looks like, with the values as they come and with others."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import click
import pytest

from krate_gitops.cli.commands import environment_name
from krate_gitops.cli.main import cli
from krate_gitops.errors import UsageError
from krate_gitops.resources.package.helm import Helm
from tests.unit.resources.package.rendered import CHART, Rendered

Render = Callable[[Mapping[str, Any]], Rendered]
_EVERYTHING = pytest.mark.parametrize("rendered", ["everything"], indirect=True)
_EACH_SET = pytest.mark.parametrize("rendered", ["default", "agents", "everything"], indirect=True)


@_EACH_SET
def test_objects_are_named_once_and_carry_the_labels_of_the_release(rendered: Rendered) -> None:
    names = [(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in rendered.objects]
    assert len(set(names)) == len(names)
    for one in rendered.objects:
        labels = one["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "krate"
        # Nothing of the installation may look as if a source had applied it.
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert "krate.a5c.ai/gitops-engine" not in labels


@_EACH_SET
def test_pods_are_confined(rendered: Rendered) -> None:
    for _, pod in rendered.pods():
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"]
            assert container["resources"]["limits"]["memory"]
            written = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
            assert {"/tmp", "/var/lib/krate/cache"} <= written
        for volume in pod["volumes"]:
            assert "emptyDir" not in volume or volume["emptyDir"]["sizeLimit"], volume["name"]


@_EACH_SET
def test_tokens_are_mounted_only_where_the_api_is_used(rendered: Rendered) -> None:
    assert rendered.of("ServiceAccount")
    assert all(one["automountServiceAccountToken"] is False for one in rendered.of("ServiceAccount"))
    accounts = {pod["serviceAccountName"]: pod["automountServiceAccountToken"] for _, pod in rendered.pods()}
    assert accounts.pop("krate-gitops-controller") is True
    assert accounts in ({}, {"krate-gitops-web": True})


@_EACH_SET
def test_each_process_says_whether_it_is_alive_and_ready(rendered: Rendered) -> None:
    for _, pod in rendered.pods():
        [container] = pod["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
        assert container["startupProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
        assert ports == {"http": 8080}


def test_the_default_installation_has_no_agents_no_web_and_no_rights_to_secrets(rendered: Rendered) -> None:
    kinds = sorted(one["kind"] for one in rendered.objects)
    assert kinds == [
        "ClusterRole",
        "ClusterRole",
        "ClusterRoleBinding",
        "Deployment",
        "NetworkPolicy",
        "NetworkPolicy",
        "PersistentVolumeClaim",
        "PodDisruptionBudget",
        "Role",
        "RoleBinding",
        "Service",
        "ServiceAccount",
    ]
    rules = [rule for one in rendered.of("Role", "ClusterRole") for rule in one["rules"]]
    assert not any("secrets" in rule["resources"] for rule in rules)


def test_the_environment_is_that_of_the_manual(rendered: Rendered) -> None:
    environment = rendered.environment("krate-gitops-controller")
    assert {
        "KRATE_AGENTS_ENABLED": "false",
        "KRATE_NAMESPACE": "krate-system",
        "KRATE_AGENT_DEFAULT_RUNNER_POOL": "untrusted-linux",
        "KRATE_AGENT_DEFAULT_SERVICE_ACCOUNT": "",
        "KRATE_RETENTION_DISPATCH_RUNS_DAYS": "90",
        "KRATE_RETENTION_TRANSCRIPTS_DAYS": "30",
        "KRATE_RETENTION_CONTEXT_BUNDLES_DAYS": "30",
        "KRATE_RETENTION_ARTIFACTS_DAYS": "180",
        "KRATE_RETENTION_AUDIT_DAYS": "365",
        "KRATE_FEATURE_MANUAL_DISPATCH": "false",
        "KRATE_FEATURE_TRIGGER_RULES": "false",
        "KRATE_FEATURE_WRITE_BACK_APPROVALS": "false",
        "KRATE_FEATURE_WORKSPACE_LIFECYCLE": "false",
        "KRATE_FEATURE_SUBAGENT_TELEMETRY": "false",
        "KRATE_SECRET_GRANTS_ENABLED": "true",
        "KRATE_CONFIGMAP_VALUES_VISIBLE": "false",
        "KRATE_ALLOWED_APPROVAL_MODES": "prompt,deny",
        "KRATE_RECORDS": "sqlite:////var/lib/krate/records/records.sqlite",
    }.items() <= environment.items()
    assert "KRATE_AGENT_MUX_GATEWAY_URL" not in environment


@_EVERYTHING
def test_secrets_are_referred_to_and_each_process_gets_only_its_own(rendered: Rendered) -> None:
    controller = rendered.environment("krate-gitops-controller")
    assert controller["KRATE_RECORDS"] == {"secretKeyRef": {"name": "records", "key": "url"}}
    assert controller["KRATE_AGENT_MUX_TOKEN"] == {"secretKeyRef": {"name": "agent-mux", "key": "token"}}
    assert controller["KRATE_AUDIT_KEY"] == {"secretKeyRef": {"name": "audit", "key": "signing-key"}}
    assert controller["KRATE_AGENT_MUX_GATEWAY_URL"] == "https://mux.example"
    web = rendered.environment("krate-gitops-web")
    assert [name for name, value in web.items() if isinstance(value, dict) and "secretKeyRef" in value] == [
        "KRATE_RECORDS"
    ]
    assert rendered.of("Secret") == []


def test_large_numbers_are_written_out(render: Render) -> None:
    environment = render({"audit": {"segmentRecords": 10_000_000}}).environment("krate-gitops-controller")
    assert environment["KRATE_AUDIT_SEGMENT_RECORDS"] == "10000000"


def test_records_lie_on_a_volume_that_outlives_the_release(rendered: Rendered) -> None:
    claim = rendered.one("PersistentVolumeClaim", "krate-gitops-records")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    deployment = rendered.one("Deployment", "krate-gitops-controller")["spec"]
    assert deployment["strategy"] == {"type": "Recreate"}
    assert {"name": "records", "persistentVolumeClaim": {"claimName": "krate-gitops-records"}} in (
        deployment["template"]["spec"]["volumes"]
    )


@_EVERYTHING
def test_with_postgres_there_is_no_volume(rendered: Rendered) -> None:
    assert rendered.of("PersistentVolumeClaim") == []
    assert "strategy" not in rendered.one("Deployment", "krate-gitops-controller")["spec"]


@_EVERYTHING
def test_services_budgets_and_selectors_lead_to_pods(rendered: Rendered) -> None:
    pods = {one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"] for one in rendered.of("Deployment")}
    for one in rendered.of("Service"):
        assert one["spec"]["selector"].items() <= pods[one["metadata"]["name"]].items()
    for one in rendered.of("PodDisruptionBudget"):
        assert one["spec"]["selector"]["matchLabels"].items() <= pods[one["metadata"]["name"]].items()
        assert one["spec"]["maxUnavailable"] == 1


@_EVERYTHING
def test_sources_of_the_platform_come_with_their_scope_and_interval(rendered: Rendered) -> None:
    [source] = rendered.of("GitOpsSource")
    assert source["metadata"]["namespace"] == "krate-system"
    assert source["spec"] == {
        "scope": "platform",
        "interval": "5m",
        "source": {"repoURL": "https://git.example/platform.git", "credentialsSecretRef": "git-login"},
        "verify": {"mode": "signed-commits", "keysRef": "git-keys"},
    }


@_EVERYTHING
def test_argo_cd_keeps_the_chart_and_only_the_chart_applied(rendered: Rendered) -> None:
    [application] = rendered.of("Application")
    assert application["metadata"]["namespace"] == "argocd"
    assert application["spec"]["source"] == {
        "repoURL": "https://git.example/krate-gitops.git",
        "targetRevision": "main",
        "path": "charts/krate-gitops",
    }
    assert application["spec"]["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
    assert "CreateNamespace=true" in application["spec"]["syncPolicy"]["syncOptions"]


_POSTGRES = {"postgres": {"enabled": True, "existingSecret": "records"}}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"agents": {"featureGates": {"manualDispatch": True}}}, "manualDispatch is on, but agents.enabled is not"),
        (
            {"agents": {"featureGates": {"subagentTelemetry": True}}},
            "subagentTelemetry is on, but agents.enabled is not",
        ),
        (
            {"agents": {"enabled": True, "featureGates": {"triggerRules": True}}},
            "triggerRules needs agents.featureGates.m",
        ),
        ({"agents": {"enabled": True, "featureGates": {"writeBackApprovals": True}}}, "writeBackApprovals needs"),
        ({"agents": {"agentMux": {"enabled": True}}}, "agentMux.enabled needs agents.enabled"),
        (
            {"agents": {"enabled": True, "agentMux": {"enabled": True, "gatewayUrl": "https://mux.example"}}},
            "existingSecret",
        ),
        ({"agents": {"enabled": True, "agentMux": {"enabled": True, "existingSecret": "mux"}}}, "gatewayUrl"),
        ({"agents": {"enabled": True, "executionStore": "crd"}}, "no definitions for execution records"),
        ({"agents": {"enabled": True, "featureGates": {"manualDispatch": True}}}, "needs a record store"),
        ({"agents": {"defaults": {"approvalMode": "yolo"}}}, "approvalMode is yolo"),
        ({"externalDependencies": {"postgres": {"enabled": True}}}, "externalDependencies.postgres.existingSecret"),
        ({"externalDependencies": {"objectStorage": {"enabled": True}}}, "objectStorage.existingSecret"),
        ({"records": {"enabled": False}}, "loses records and audit log"),
        ({"controller": {"replicas": 2}}, "a volume serves one pod"),
        ({"web": {"enabled": True}}, "web.enabled needs externalDependencies.postgres.enabled"),
        ({"serviceAccount": {"create": False}}, "serviceAccount.create=false needs serviceAccount.name"),
        ({"serviceAccount": {"name": "krate-gitops"}}, "must not be krate-gitops"),
        ({"gitops": {"organizationNamespaces": ["kube-system"]}}, "kube-system is reserved"),
        ({"gitops": {"organizationNamespaces": ["krate-system"]}}, "krate-system is reserved"),
        ({"argoCd": {"enabled": True}}, "argoCd.enabled needs argoCd.repoUrl"),
        ({"agents": {"featureGate": {}}}, "featureGate"),
        ({"gitops": {"sorces": []}}, "sorces"),
    ],
)
def test_contradicting_values_fail_with_a_reason(render: Render, values: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        render(values)


@pytest.mark.parametrize(
    ("spec", "said"),
    [({"scope": "org"}, "has scope org"), ({"serviceAccountName": "root"}, "which the controller may not impersonate")],
)
def test_only_platform_sources_with_the_usual_account_are_made(render: Render, spec: dict[str, Any], said: str) -> None:
    source = {"name": "platform", "spec": {"source": {"repoURL": "https://git.example/x.git"}, **spec}}
    with pytest.raises(UsageError, match=said):
        render({"gitops": {"sources": [source]}})


def test_dispatch_works_with_a_record_store_or_as_a_trial(render: Render) -> None:
    dispatch = {"agents": {"enabled": True, "featureGates": {"manualDispatch": True}}}
    assert render({**dispatch, "externalDependencies": _POSTGRES}).of("Deployment")
    assert render({**dispatch, "demoMode": True}).of("Deployment")


def test_agents_without_a_gateway_render_and_say_so(engine: Helm) -> None:
    notes = engine.render(CHART, {"agents": {"enabled": True}})["templates/NOTES.txt"]
    assert "Agents are on without a gateway" in notes


def test_notes_warn_of_what_will_not_work(engine: Helm) -> None:
    notes = engine.render(CHART)["templates/NOTES.txt"]
    assert "networkPolicy.gitEgress is empty" in notes
    assert "There is no source yet" in notes
    assert "kubectl apply --server-side --filename charts/krate-gitops/crds" in notes
    assert "demoMode" not in notes


def test_everything_follows_the_platform_namespace_and_the_name(render: Render) -> None:
    rendered = render({"gitops": {"platformNamespace": "agents"}, "fullnameOverride": "brain"})
    assert {one["metadata"].get("namespace") for one in rendered.objects} == {None, "agents"}
    assert all(one["metadata"]["name"].startswith("brain-") for one in rendered.objects)
    [binding] = rendered.of("ClusterRoleBinding")
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "brain-controller", "namespace": "agents"}]


def test_without_rbac_and_account_nothing_of_them_is_made(render: Render) -> None:
    rendered = render({"rbac": {"create": False}, "serviceAccount": {"create": False, "name": "mine"}})
    assert not rendered.of("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ServiceAccount")
    [(_, pod)] = rendered.pods()
    assert pod["serviceAccountName"] == "mine"


def test_the_program_has_the_command_and_reads_where_it_is_to_listen(rendered: Rendered) -> None:
    [(name, pod)] = rendered.pods()
    [command] = pod["containers"][0]["args"]
    found = cli.get_command(click.Context(cli), command)
    if found is None:
        pytest.skip(f"no command {command} yet")
    options = {environment_name(one) for one in found.params if isinstance(one, click.Option)}
    ours = {"KRATE_HOST", "KRATE_PORT", "KRATE_WORKERS"}
    assert ours <= options
    assert ours <= rendered.environment(name).keys()
