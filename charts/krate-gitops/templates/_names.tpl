{{/* Names and labels that all objects share. */}}

{{- define "krate.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- define "krate.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "krate.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "krate.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* The controller must not be named like the accounts it impersonates: krate-gitops. */}}
{{- define "krate.controllerAccount" -}}
{{- .Values.serviceAccount.name | default (printf "%s-controller" (include "krate.fullname" .)) -}}
{{- end }}

{{- define "krate.webAccount" -}}
{{- printf "%s-web" (include "krate.fullname" .) -}}
{{- end }}

{{- define "krate.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ include "krate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: krate
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "krate.selector" -}}
app.kubernetes.io/name: {{ include "krate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "krate.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end }}

{{/* Whether records lie on a volume of this chart. */}}
{{- define "krate.recordsOnVolume" -}}
{{- if and .Values.records.enabled (not .Values.externalDependencies.postgres.enabled) -}}true{{- end -}}
{{- end }}
