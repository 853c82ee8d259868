"""What the chart tells a process by its environment: one table, from which the chart's template is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from krate_gitops.resources.shapes import Field, Number, Sequence, Shape


class Variable(msgspec.Struct, frozen=True):
    """A variable that holds a value. ``only`` is a value that must be true for it to be there."""

    name: str
    value: str
    only: str = ""


class SecretVariable(msgspec.Struct, frozen=True):
    """A variable that holds a key of the Secret that ``value`` names; there while ``only`` is true.

    Only the controller gets it, unless ``for_web`` is true.
    """

    name: str
    value: str
    key: str
    only: str
    for_web: bool = False


_GATEWAY = "agents.agentMux.enabled"
_OBJECTS = "externalDependencies.objectStorage"

VARIABLES = (
    Variable("KRATE_NAMESPACE", "gitops.platformNamespace"),
    Variable("KRATE_GITOPS_ENABLED", "gitops.enabled"),
    Variable("KRATE_WORKERS", "gitops.workers"),
    Variable("KRATE_GITOPS_DEFAULT_INTERVAL", "gitops.defaultInterval"),
    Variable("KRATE_WRITER_ENABLED", "gitops.writer.enabled"),
    Variable("KRATE_WRITER_COMMITTER_NAME", "gitops.writer.committerName"),
    Variable("KRATE_WRITER_COMMITTER_EMAIL", "gitops.writer.committerEmail"),
    Variable("KRATE_MEMORY_ENABLED", "memory.enabled"),
    Variable("KRATE_MEMORY_INDEX_MAX_AGE_SECONDS", "memory.indexMaxAgeSeconds"),
    Variable("KRATE_AUDIT_SEGMENT_RECORDS", "audit.segmentRecords"),
    Variable("KRATE_DEMO_MODE", "demoMode"),
    Variable("KRATE_AGENTS_ENABLED", "agents.enabled"),
    Variable("KRATE_EXECUTION_STORE", "agents.executionStore"),
    Variable("KRATE_AGENT_MUX_GATEWAY_URL", "agents.agentMux.gatewayUrl", _GATEWAY),
    Variable("KRATE_AGENT_MUX_STREAM_TIMEOUT_SECONDS", "agents.agentMux.streamTimeoutSeconds", _GATEWAY),
    Variable("KRATE_AGENT_MUX_LAUNCH_DEADLINE_SECONDS", "agents.agentMux.launchDeadlineSeconds", _GATEWAY),
    Variable("KRATE_AGENT_DEFAULT_RUNNER_POOL", "agents.defaults.runnerPool"),
    Variable("KRATE_AGENT_DEFAULT_SERVICE_ACCOUNT", "agents.defaults.runtimeServiceAccount"),
    Variable("KRATE_AGENT_DEFAULT_WORKSPACE_POLICY", "agents.defaults.workspacePolicy"),
    Variable("KRATE_AGENT_DEFAULT_APPROVAL_MODE", "agents.defaults.approvalMode"),
    Variable("KRATE_AGENT_QUEUE_TIMEOUT_SECONDS", "agents.defaults.queueTimeoutSeconds"),
    Variable("KRATE_RETENTION_DISPATCH_RUNS_DAYS", "agents.retention.dispatchRunsDays"),
    Variable("KRATE_RETENTION_TRANSCRIPTS_DAYS", "agents.retention.transcriptsDays"),
    Variable("KRATE_RETENTION_CONTEXT_BUNDLES_DAYS", "agents.retention.contextBundlesDays"),
    Variable("KRATE_RETENTION_ARTIFACTS_DAYS", "agents.retention.artifactsDays"),
    Variable("KRATE_RETENTION_AUDIT_DAYS", "agents.retention.auditDays"),
    Variable("KRATE_MANAGE_NATIVE_RBAC", "agents.permissions.manageNativeRbac"),
    Variable("KRATE_ALLOW_CLUSTER_ROLE_BINDINGS", "agents.permissions.allowClusterRoleBindings"),
    Variable("KRATE_REQUIRE_BIND_ESCALATE_REVIEW", "agents.permissions.requireBindEscalateReview"),
    Variable("KRATE_ALLOWED_APPROVAL_MODES", "agents.permissions.allowedApprovalModes"),
    Variable("KRATE_SECRET_GRANTS_ENABLED", "agents.secrets.enableGrantManagement"),
    Variable("KRATE_UI_SECRET_CREATION", "agents.secrets.allowUiSecretCreation"),
    Variable("KRATE_CONFIGMAP_VALUES_VISIBLE", "agents.secrets.showConfigMapValues"),
    Variable("KRATE_FEATURE_MANUAL_DISPATCH", "agents.featureGates.manualDispatch"),
    Variable("KRATE_FEATURE_TRIGGER_RULES", "agents.featureGates.triggerRules"),
    Variable("KRATE_FEATURE_WRITE_BACK_APPROVALS", "agents.featureGates.writeBackApprovals"),
    Variable("KRATE_FEATURE_WORKSPACE_LIFECYCLE", "agents.featureGates.workspaceLifecycle"),
    Variable("KRATE_FEATURE_SUBAGENT_TELEMETRY", "agents.featureGates.subagentTelemetry"),
)

SECRET_VARIABLES = (
    SecretVariable(
        "KRATE_RECORDS",
        "externalDependencies.postgres.existingSecret",
        "url",
        "externalDependencies.postgres.enabled",
        for_web=True,
    ),
    SecretVariable("KRATE_OBJECT_STORAGE_ENDPOINT", f"{_OBJECTS}.existingSecret", "endpoint", f"{_OBJECTS}.enabled"),
    SecretVariable("KRATE_OBJECT_STORAGE_BUCKET", f"{_OBJECTS}.existingSecret", "bucket", f"{_OBJECTS}.enabled"),
    SecretVariable(
        "KRATE_OBJECT_STORAGE_ACCESS_KEY_ID", f"{_OBJECTS}.existingSecret", "accessKeyId", f"{_OBJECTS}.enabled"
    ),
    SecretVariable(
        "KRATE_OBJECT_STORAGE_SECRET_ACCESS_KEY", f"{_OBJECTS}.existingSecret", "secretAccessKey", f"{_OBJECTS}.enabled"
    ),
    SecretVariable("KRATE_AGENT_MUX_TOKEN", "agents.agentMux.existingSecret", "token", _GATEWAY),
    SecretVariable("KRATE_AUDIT_KEY", "audit.existingSecret", "signing-key", "audit.existingSecret"),
)


def template(fields: Mapping[str, Field]) -> str:
    """Named templates, each a list of variables for a container.

    ``krate.environment`` holds values as quoted text; ``krate.secrets.controller`` and ``krate.secrets.web`` refer to
    Secrets. ``fields`` are those of the values, by their dotted paths.
    """
    lines = ["{{/* Made by `make docs`; edit krate_gitops/resources/package/environment.py. */}}"]
    lines += _define("environment", (_plain(one, fields[one.value].shape) for one in VARIABLES))
    lines += _define("secrets.controller", (_reference(one) for one in SECRET_VARIABLES))
    lines += _define("secrets.web", (_reference(one) for one in SECRET_VARIABLES if one.for_web))
    return "\n".join(lines) + "\n"


def _define(name: str, variables: Iterable[list[str]]) -> Iterator[str]:
    yield f'{{{{- define "krate.{name}" -}}}}'
    for lines in variables:
        yield from lines
    yield "{{- end }}"


def _plain(one: Variable, shape: Shape) -> list[str]:
    return _only(one.only, [f"- name: {one.name}", f"  value: {{{{ {_said(one.value, shape)} | quote }}}}"])


def _reference(one: SecretVariable) -> list[str]:
    reference = f"    secretKeyRef: {{name: {{{{ .Values.{one.value} | quote }}}}, key: {one.key}}}"
    return _only(one.only, [f"- name: {one.name}", "  valueFrom:", reference])


def _said(value: str, shape: Shape) -> str:
    """A value as text. Numbers of values are floating, and large ones would be written with an exponent."""
    if isinstance(shape, Number):
        return f"int64 .Values.{value}"
    return f'.Values.{value} | join ","' if isinstance(shape, Sequence) else f".Values.{value}"


def _only(value: str, lines: list[str]) -> list[str]:
    return [f"{{{{- if .Values.{value} }}}}", *lines, "{{- end }}"] if value else lines
