{{- define "davylamp.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* 52 characters leave room for the suffixes the chart appends. */}}
{{- define "davylamp.fullname" -}}
{{- $name := include "davylamp.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "davylamp.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "davylamp.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "davylamp.leaseName" -}}
{{- default (include "davylamp.fullname" .) .Values.leaderElection.leaseName -}}
{{- end -}}

{{/* Not the labels of a model's pods: those have another name and no component. */}}
{{- define "davylamp.selectorLabels" -}}
app.kubernetes.io/name: {{ include "davylamp.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "davylamp.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: davylamp
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "davylamp.labels" -}}
{{ include "davylamp.selectorLabels" . }}
{{ include "davylamp.commonLabels" . }}
{{- end -}}

{{- define "davylamp.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Refuses to render an object the cluster does not know, instead of leaving it out silently. */}}
{{- define "davylamp.needMonitoringApi" -}}
{{- if not (or .Values.metrics.skipApiCheck (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1")) -}}
{{- fail "metrics: the cluster does not serve monitoring.coreos.com/v1 (install the Prometheus operator first, or set metrics.skipApiCheck=true)" -}}
{{- end -}}
{{- end -}}
