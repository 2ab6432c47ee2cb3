{{/* Values with others below them. An upgrade with --reuse-values brings those of an earlier chart, without what is new. */}}
{{- define "davylamp.groups" -}}
crds image tenants prometheus prometheus.labels prometheus.requests prometheus.latency
prometheus.scores prometheus.shares prometheus.groups prometheus.bearerTokenSecret
prometheus.basicAuthSecret prometheus.clientCertificateSecret prometheus.caSecret modelImages
modelImages.caSecret gates gates.userQueries gates.userQueries.bearerTokenSecret
gates.userQueries.basicAuthSecret gates.userQueries.clientCertificateSecret
gates.userQueries.caSecret gates.podMetrics secrets limits leaderElection serviceAccount rbac
admission podDisruptionBudget networkPolicy networkPolicy.apiServer networkPolicy.prometheus
networkPolicy.registries metrics metrics.bearerTokenSecret metrics.serviceMonitor metrics.podMonitor
metrics.prometheusRule
{{- end -}}

{{/* Refuses values of an earlier chart, instead of rendering without what it did not know. */}}
{{- define "davylamp.needGroups" -}}
{{- range regexSplit "\\s+" (include "davylamp.groups" . | trim) -1 -}}
{{- $found := $.Values -}}
{{- range splitList "." . -}}
{{- if kindIs "map" $found -}}{{- $found = get $found . -}}{{- end -}}
{{- end -}}
{{- if not (kindIs "map" $found) -}}
{{- fail (printf "%s: not set, as by `helm upgrade --reuse-values` with the values of an earlier chart: upgrade with --reset-then-reuse-values, which keeps yours and takes this chart's for the rest" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "davylamp.name" -}}
{{- include "davylamp.needGroups" . -}}
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
