{{/* Made by `make docs`; edit krate_gitops/resources/package/environment.py. */}}
{{- define "krate.environment" -}}
- name: KRATE_NAMESPACE
  value: {{ .Values.gitops.platformNamespace | quote }}
- name: KRATE_GITOPS_ENABLED
  value: {{ .Values.gitops.enabled | quote }}
- name: KRATE_WORKERS
  value: {{ int64 .Values.gitops.workers | quote }}
- name: KRATE_GITOPS_DEFAULT_INTERVAL
  value: {{ .Values.gitops.defaultInterval | quote }}
- name: KRATE_WRITER_ENABLED
  value: {{ .Values.gitops.writer.enabled | quote }}
- name: KRATE_WRITER_COMMITTER_NAME
  value: {{ .Values.gitops.writer.committerName | quote }}
- name: KRATE_WRITER_COMMITTER_EMAIL
  value: {{ .Values.gitops.writer.committerEmail | quote }}
- name: KRATE_MEMORY_ENABLED
  value: {{ .Values.memory.enabled | quote }}
- name: KRATE_MEMORY_INDEX_MAX_AGE_SECONDS
  value: {{ int64 .Values.memory.indexMaxAgeSeconds | quote }}
- name: KRATE_AUDIT_SEGMENT_RECORDS
  value: {{ int64 .Values.audit.segmentRecords | quote }}
- name: KRATE_DEMO_MODE
  value: {{ .Values.demoMode | quote }}
- name: KRATE_AGENTS_ENABLED
  value: {{ .Values.agents.enabled | quote }}
- name: KRATE_EXECUTION_STORE
  value: {{ .Values.agents.executionStore | quote }}
{{- if .Values.agents.agentMux.enabled }}
- name: KRATE_AGENT_MUX_GATEWAY_URL
  value: {{ .Values.agents.agentMux.gatewayUrl | quote }}
{{- end }}
{{- if .Values.agents.agentMux.enabled }}
- name: KRATE_AGENT_MUX_STREAM_TIMEOUT_SECONDS
  value: {{ int64 .Values.agents.agentMux.streamTimeoutSeconds | quote }}
{{- end }}
{{- if .Values.agents.agentMux.enabled }}
- name: KRATE_AGENT_MUX_LAUNCH_DEADLINE_SECONDS
  value: {{ int64 .Values.agents.agentMux.launchDeadlineSeconds | quote }}
{{- end }}
- name: KRATE_AGENT_DEFAULT_RUNNER_POOL
  value: {{ .Values.agents.defaults.runnerPool | quote }}
- name: KRATE_AGENT_DEFAULT_SERVICE_ACCOUNT
  value: {{ .Values.agents.defaults.runtimeServiceAccount | quote }}
- name: KRATE_AGENT_DEFAULT_WORKSPACE_POLICY
  value: {{ .Values.agents.defaults.workspacePolicy | quote }}
- name: KRATE_AGENT_DEFAULT_APPROVAL_MODE
  value: {{ .Values.agents.defaults.approvalMode | quote }}
- name: KRATE_AGENT_QUEUE_TIMEOUT_SECONDS
  value: {{ int64 .Values.agents.defaults.queueTimeoutSeconds | quote }}
- name: KRATE_RETENTION_DISPATCH_RUNS_DAYS
  value: {{ int64 .Values.agents.retention.dispatchRunsDays | quote }}
- name: KRATE_RETENTION_TRANSCRIPTS_DAYS
  value: {{ int64 .Values.agents.retention.transcriptsDays | quote }}
- name: KRATE_RETENTION_CONTEXT_BUNDLES_DAYS
  value: {{ int64 .Values.agents.retention.contextBundlesDays | quote }}
- name: KRATE_RETENTION_ARTIFACTS_DAYS
  value: {{ int64 .Values.agents.retention.artifactsDays | quote }}
- name: KRATE_RETENTION_AUDIT_DAYS
  value: {{ int64 .Values.agents.retention.auditDays | quote }}
- name: KRATE_MANAGE_NATIVE_RBAC
  value: {{ .Values.agents.permissions.manageNativeRbac | quote }}
- name: KRATE_ALLOW_CLUSTER_ROLE_BINDINGS
  value: {{ .Values.agents.permissions.allowClusterRoleBindings | quote }}
- name: KRATE_REQUIRE_BIND_ESCALATE_REVIEW
  value: {{ .Values.agents.permissions.requireBindEscalateReview | quote }}
- name: KRATE_ALLOWED_APPROVAL_MODES
  value: {{ .Values.agents.permissions.allowedApprovalModes | join "," | quote }}
- name: KRATE_SECRET_GRANTS_ENABLED
  value: {{ .Values.agents.secrets.enableGrantManagement | quote }}
- name: KRATE_UI_SECRET_CREATION
  value: {{ .Values.agents.secrets.allowUiSecretCreation | quote }}
- name: KRATE_CONFIGMAP_VALUES_VISIBLE
  value: {{ .Values.agents.secrets.showConfigMapValues | quote }}
- name: KRATE_FEATURE_MANUAL_DISPATCH
  value: {{ .Values.agents.featureGates.manualDispatch | quote }}
- name: KRATE_FEATURE_TRIGGER_RULES
  value: {{ .Values.agents.featureGates.triggerRules | quote }}
- name: KRATE_FEATURE_WRITE_BACK_APPROVALS
  value: {{ .Values.agents.featureGates.writeBackApprovals | quote }}
- name: KRATE_FEATURE_WORKSPACE_LIFECYCLE
  value: {{ .Values.agents.featureGates.workspaceLifecycle | quote }}
- name: KRATE_FEATURE_SUBAGENT_TELEMETRY
  value: {{ .Values.agents.featureGates.subagentTelemetry | quote }}
{{- end }}
{{- define "krate.secrets.controller" -}}
{{- if .Values.externalDependencies.postgres.enabled }}
- name: KRATE_RECORDS
  valueFrom:
    secretKeyRef: {name: {{ .Values.externalDependencies.postgres.existingSecret | quote }}, key: url}
{{- end }}
{{- if .Values.externalDependencies.objectStorage.enabled }}
- name: KRATE_OBJECT_STORAGE_ENDPOINT
  valueFrom:
    secretKeyRef: {name: {{ .Values.externalDependencies.objectStorage.existingSecret | quote }}, key: endpoint}
{{- end }}
{{- if .Values.externalDependencies.objectStorage.enabled }}
- name: KRATE_OBJECT_STORAGE_BUCKET
  valueFrom:
    secretKeyRef: {name: {{ .Values.externalDependencies.objectStorage.existingSecret | quote }}, key: bucket}
{{- end }}
{{- if .Values.externalDependencies.objectStorage.enabled }}
- name: KRATE_OBJECT_STORAGE_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef: {name: {{ .Values.externalDependencies.objectStorage.existingSecret | quote }}, key: accessKeyId}
{{- end }}
{{- if .Values.externalDependencies.objectStorage.enabled }}
- name: KRATE_OBJECT_STORAGE_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef: {name: {{ .Values.externalDependencies.objectStorage.existingSecret | quote }}, key: secretAccessKey}
{{- end }}
{{- if .Values.agents.agentMux.enabled }}
- name: KRATE_AGENT_MUX_TOKEN
  valueFrom:
    secretKeyRef: {name: {{ .Values.agents.agentMux.existingSecret | quote }}, key: token}
{{- end }}
{{- if .Values.audit.existingSecret }}
- name: KRATE_AUDIT_KEY
  valueFrom:
    secretKeyRef: {name: {{ .Values.audit.existingSecret | quote }}, key: signing-key}
{{- end }}
{{- end }}
{{- define "krate.secrets.web" -}}
{{- if .Values.externalDependencies.postgres.enabled }}
- name: KRATE_RECORDS
  valueFrom:
    secretKeyRef: {name: {{ .Values.externalDependencies.postgres.existingSecret | quote }}, key: url}
{{- end }}
{{- end }}
