{{/* What the pods of all processes have in common. */}}

{{- define "krate.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "krate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Where the process finds its folders, and where it listens. */}}
{{- define "krate.place" -}}
- name: KRATE_HOME
  value: /var/lib/krate/cache
- name: KRATE_LOG_FORMAT
  value: json
- name: KRATE_HOST
  value: 0.0.0.0
- name: KRATE_PORT
  value: "8080"
- name: HOME
  value: /tmp
{{- if .Values.controller.gitCaSecret }}
- name: GIT_SSL_CAINFO
  value: /etc/krate/git/ca.crt
{{- end }}
{{- end }}

{{- define "krate.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 5
  failureThreshold: 24
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 15
  timeoutSeconds: 3
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 10
  timeoutSeconds: 3
{{- end }}

{{- define "krate.scratchMounts" -}}
- {name: cache, mountPath: /var/lib/krate/cache}
- {name: scratch, mountPath: /tmp}
{{- if .Values.controller.gitCaSecret }}
- {name: git-ca, mountPath: /etc/krate/git, readOnly: true}
{{- end }}
{{- end }}

{{- define "krate.scratchVolumes" -}}
- name: cache
  emptyDir: {sizeLimit: {{ .Values.gitops.cache.sizeLimit }}}
- name: scratch
  emptyDir: {sizeLimit: 256Mi}
{{- if .Values.controller.gitCaSecret }}
- name: git-ca
  secret:
    secretName: {{ .Values.controller.gitCaSecret }}
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- end }}

{{/* Where pods may run; the same for all processes. */}}
{{- define "krate.placement" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.controller.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.controller.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.controller.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.controller.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
