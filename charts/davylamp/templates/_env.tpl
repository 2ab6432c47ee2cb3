{{/* The operator's settings. */}}
{{- define "davylamp.env" -}}
{{- with .Values.prometheus }}
{{- if (urlParse .url).userinfo }}
{{- /* Here and not in the schema, whose complaint would show the password. */}}
{{- fail "prometheus.url: must not carry a user or a password; name a Secret in prometheus.bearerTokenSecret" }}
{{- end }}
- name: DAVYLAMP_PROMETHEUS_URL
  value: {{ .url | quote }}
- name: DAVYLAMP_NAMESPACE_LABEL
  value: {{ .labels.namespace | quote }}
- name: DAVYLAMP_POD_LABEL
  value: {{ .labels.pod | quote }}
- name: DAVYLAMP_REQUESTS_METRIC
  value: {{ .requests.metric | quote }}
- name: DAVYLAMP_CODE_LABEL
  value: {{ .requests.codeLabel | quote }}
- name: DAVYLAMP_ERROR_CODES
  value: {{ .requests.errorCodes | quote }}
- name: DAVYLAMP_REQUESTS_SELECTOR
  value: {{ .requests.selector | quote }}
- name: DAVYLAMP_LATENCY_METRIC
  value: {{ .latency.metric | quote }}
- name: DAVYLAMP_LATENCY_SELECTOR
  value: {{ .latency.selector | quote }}
- name: DAVYLAMP_SCORES_METRIC
  value: {{ .scores.metric | quote }}
- name: DAVYLAMP_SCORES_SELECTOR
  value: {{ .scores.selector | quote }}
- name: DAVYLAMP_SHARES_METRIC
  value: {{ .shares.metric | quote }}
- name: DAVYLAMP_FEATURE_LABEL
  value: {{ .shares.featureLabel | quote }}
- name: DAVYLAMP_SHARES_SELECTOR
  value: {{ .shares.selector | quote }}
- name: DAVYLAMP_GROUP_REQUESTS_METRIC
  value: {{ .groups.requestsMetric | quote }}
- name: DAVYLAMP_GROUP_PREDICTIONS_METRIC
  value: {{ .groups.predictionsMetric | quote }}
- name: DAVYLAMP_GROUP_LABEL
  value: {{ .groups.groupLabel | quote }}
- name: DAVYLAMP_OUTCOME_LABEL
  value: {{ .groups.outcomeLabel | quote }}
- name: DAVYLAMP_POSITIVE_OUTCOME
  value: {{ .groups.positiveOutcome | quote }}
- name: DAVYLAMP_GROUPS_SELECTOR
  value: {{ .groups.selector | quote }}
{{- if .replicaLabels }}
- name: DAVYLAMP_REPLICA_LABELS
  value: {{ join "," .replicaLabels | quote }}
{{- end }}
- name: DAVYLAMP_SCRAPE_INTERVAL
  value: {{ .scrapeInterval | quote }}
{{- include "davylamp.backEndEnv" (dict "prefix" "DAVYLAMP_PROMETHEUS" "folder" "/var/run/davylamp/prometheus" "values" . "value" "prometheus") }}
{{- end }}
{{- with .Values.gates.userQueries }}
{{- if (urlParse .url).userinfo }}
{{- fail "gates.userQueries.url: must not carry a user or a password; name a Secret in gates.userQueries.basicAuthSecret" }}
{{- end }}
- name: DAVYLAMP_USER_QUERIES
  value: {{ .enabled | quote }}
{{- if .url }}
- name: DAVYLAMP_USER_QUERIES_URL
  value: {{ .url | quote }}
{{- include "davylamp.backEndEnv" (dict "prefix" "DAVYLAMP_USER_QUERIES" "folder" "/var/run/davylamp/user-queries" "values" . "value" "gates.userQueries") }}
{{- end }}
{{- if .tenantHeader }}
- name: DAVYLAMP_USER_QUERIES_TENANT_HEADER
  value: {{ .tenantHeader | quote }}
{{- end }}
{{- if .tenantParameter }}
- name: DAVYLAMP_USER_QUERIES_TENANT_PARAMETER
  value: {{ .tenantParameter | quote }}
{{- end }}
{{- end }}
{{- with .Values.modelImages }}
- name: DAVYLAMP_IMAGE_DIGESTS
  value: {{ .digests | quote }}
- name: DAVYLAMP_REGISTRIES
  value: {{ join "," .registries | quote }}
- name: DAVYLAMP_PLAIN_HTTP_REGISTRIES
  value: {{ join "," .plainHttpRegistries | quote }}
- name: DAVYLAMP_IMAGE_KEYS
  value: {{ .keys | toJson | quote }}
{{- if .caSecret.name }}
- name: DAVYLAMP_REGISTRY_CA_FILE
  value: /var/run/davylamp/registries/ca.crt
{{- end }}
{{- end }}
{{- with .Values.gates }}
- name: DAVYLAMP_POD_METRICS
  value: {{ .podMetrics.enabled | quote }}
- name: DAVYLAMP_POD_METRICS_PER_SECOND
  value: {{ .podMetrics.perSecond | quote }}
{{- end }}
{{- with .Values.limits }}
- name: DAVYLAMP_LIMIT_ROLLOUTS
  value: {{ .rollouts | int | quote }}
- name: DAVYLAMP_LIMIT_USER_QUERIES
  value: {{ .userQueries | int | quote }}
- name: DAVYLAMP_LIMIT_SCRAPED_PODS
  value: {{ .scrapedPods | int | quote }}
- name: DAVYLAMP_LIMIT_SHOWN_MODELS
  value: {{ .shownModels | int | quote }}
{{- end }}
- name: DAVYLAMP_NAMESPACES
  value: {{ join "," .Values.watchNamespaces | quote }}
{{- if .Values.podNetworks }}
- name: DAVYLAMP_POD_NETWORKS
  value: {{ join "," .Values.podNetworks | quote }}
{{- end }}
- name: DAVYLAMP_CHILD_LABELS
  value: {{ .Values.childLabels | toJson | quote }}
- name: DAVYLAMP_CHILD_ANNOTATIONS
  value: {{ .Values.childAnnotations | toJson | quote }}
- name: DAVYLAMP_PROVEN_NAMES
  value: {{ and .Values.admission.enabled (eq .Values.admission.action "Deny") | quote }}
- name: DAVYLAMP_SECRETS
  value: {{ .Values.secrets.enabled | quote }}
- name: DAVYLAMP_TENANTS_ALLOW
  value: {{ join "," .Values.tenants.allow | quote }}
- name: DAVYLAMP_LEADER_ELECTION
  value: {{ .Values.leaderElection.enabled | quote }}
- name: DAVYLAMP_LEASE_NAME
  value: {{ include "davylamp.leaseName" . | quote }}
- name: DAVYLAMP_LEASE_DURATION
  value: {{ .Values.leaderElection.leaseDuration | quote }}
- name: DAVYLAMP_LEASE_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: DAVYLAMP_IDENTITY
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- if .Values.metrics.bearerTokenSecret.name }}
- name: DAVYLAMP_METRICS_TOKEN_FILE
  value: /var/run/davylamp/metrics/token
{{- end }}
- name: DAVYLAMP_LOG_LEVEL
  value: {{ .Values.logLevel | quote }}
{{- end -}}

{{/* Server-side apply would refuse two entries with the same name, with an obscure message. */}}
{{- define "davylamp.extraEnv" -}}
{{- $names := list -}}
{{- range include "davylamp.env" . | fromYamlArray -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- if has .name $names -}}
{{- fail (printf "extraEnv: %s is set twice (the chart sets it from its own values)" .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- with .Values.extraEnv -}}
{{- toYaml . -}}
{{- end -}}
{{- end -}}
