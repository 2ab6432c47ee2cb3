{{/* What answers queries: `prometheus`, and `gates.userQueries` where that has an address of its own. */}}

{{/* Variables of one back end; takes prefix, folder and its values. */}}
{{- define "davylamp.backEndEnv" -}}
{{- $prefix := .prefix -}}
{{- $folder := .folder -}}
{{- with .values -}}
{{- if and .bearerTokenSecret.name .basicAuthSecret.name }}
{{- fail (printf "%s: bearerTokenSecret and basicAuthSecret are both set; a request has one kind of credentials" $.value) }}
{{- end }}
{{- if .headers }}
- name: {{ $prefix }}_HEADERS
  value: {{ .headers | toJson | quote }}
{{- end }}
{{- if .bearerTokenSecret.name }}
- name: {{ $prefix }}_BEARER_TOKEN_FILE
  value: {{ $folder }}/token
{{- end }}
{{- if .basicAuthSecret.name }}
- name: {{ $prefix }}_USERNAME_FILE
  value: {{ $folder }}/username
- name: {{ $prefix }}_PASSWORD_FILE
  value: {{ $folder }}/password
{{- end }}
{{- if .clientCertificateSecret.name }}
- name: {{ $prefix }}_CERTIFICATE_FILE
  value: {{ $folder }}/tls.crt
- name: {{ $prefix }}_KEY_FILE
  value: {{ $folder }}/tls.key
{{- end }}
{{- if .caSecret.name }}
- name: {{ $prefix }}_CA_FILE
  value: {{ $folder }}/ca.crt
{{- end }}
{{- end }}
{{- end -}}

{{/* Sources of the volume with the Secrets of one back end; nothing where it has none. */}}
{{- define "davylamp.backEndSources" -}}
{{- with .bearerTokenSecret }}
{{- if .name }}
- secret:
    name: {{ .name }}
    items:
      - key: {{ .key }}
        path: token
{{- end }}
{{- end }}
{{- with .basicAuthSecret }}
{{- if .name }}
- secret:
    name: {{ .name }}
    items:
      - key: {{ .usernameKey }}
        path: username
      - key: {{ .passwordKey }}
        path: password
{{- end }}
{{- end }}
{{- with .clientCertificateSecret }}
{{- if .name }}
- secret:
    name: {{ .name }}
    items:
      - key: {{ .certificateKey }}
        path: tls.crt
      - key: {{ .keyKey }}
        path: tls.key
{{- end }}
{{- end }}
{{- with .caSecret }}
{{- if .name }}
- secret:
    name: {{ .name }}
    items:
      - key: {{ .key }}
        path: ca.crt
{{- end }}
{{- end }}
{{- end -}}

{{/* Whether a secret would go over the network in plain text; takes url and values. */}}
{{- define "davylamp.exposesCredentials" -}}
{{- if and (hasPrefix "http://" .url) (or .values.bearerTokenSecret.name .values.basicAuthSecret.name) -}}
true
{{- end -}}
{{- end -}}

{{/* Port of a URL, as a number. */}}
{{- define "davylamp.portOf" -}}
{{- $url := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- default (ternary "443" "80" (eq $url.scheme "https")) $port -}}
{{- end -}}

{{/* Namespace of the Service that prometheus.url names; empty where it names anything else. */}}
{{- define "davylamp.prometheusNamespace" -}}
{{- $host := regexReplaceAll ":[0-9]+$" (urlParse .Values.prometheus.url).host "" -}}
{{- if regexMatch "^[a-z0-9-]+\\.[a-z0-9-]+\\.svc(\\..+)?$" $host -}}
{{- index (splitList "." $host) 1 -}}
{{- else if regexMatch "^[a-z0-9-]+\\.[a-z0-9-]+$" $host -}}
{{- index (splitList "." $host) 1 -}}
{{- else if regexMatch "^[a-z][a-z0-9-]*$" $host -}}
{{- .Release.Namespace -}}
{{- end -}}
{{- end -}}
