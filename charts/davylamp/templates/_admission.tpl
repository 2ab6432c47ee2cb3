{{/* Which requests the policies are about; in watched namespaces only. */}}
{{- define "davylamp.admission.match" -}}
{{ include "davylamp.admission.where" . }}
resourceRules:
  - apiGroups: [davylamp.dev]
    apiVersions: ["*"]
    resources: [modeldeployments]
    operations: [CREATE, UPDATE]
{{- end -}}

{{- define "davylamp.admission.where" -}}
matchPolicy: Equivalent
{{- with .Values.watchNamespaces }}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: In
      values:
        {{- toYaml . | nindent 8 }}
{{- end }}
{{- end -}}

{{/* A binding of the policy with the same name. */}}
{{- define "davylamp.admission.binding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels:
    {{- include "davylamp.labels" .root | nindent 4 }}
spec:
  policyName: {{ .name }}
  validationActions: [{{ .root.Values.admission.action }}]
{{- end -}}

{{/* How often a Secret is looked up by its name: each look-up costs a thirtieth of what a policy may cost. */}}
{{- define "davylamp.admission.named" -}}10{{- end -}}

{{/* Fields of the spec that decide what the pods are, and that decide how it is rolled out. The rest is `replicas`. */}}
{{- define "davylamp.admission.runs" -}}
[image, config, secrets, serving, metadata, featureSnapshot, seed, explanations]
{{- end -}}
{{- define "davylamp.admission.rollout" -}}
[rollout, paused]
{{- end -}}

{{/* Whether one of the listed fields of the spec is another one than before. */}}
{{- define "davylamp.admission.changed" -}}
{{- range $n, $field := . -}}
{{- if $n }} || {{ end -}}
object.spec.?{{ $field }} != oldObject.spec.?{{ $field }}
{{- end -}}
{{- end -}}

{{/* A list of the overlay, in a list; an overlay may say `null`, which is an empty one. */}}
{{- define "davylamp.admission.list" -}}
[{{ . }}.orValue([])].filter(l, l != null)
{{- end -}}

{{/* The names of the Secrets that the containers of an overlay refer to, as one text with commas. */}}
{{- define "davylamp.admission.secretsOfContainers" -}}
{{ include "davylamp.admission.list" (printf "variables.pod.?%s" .) }}.map(l, l.map(c,
  {{ include "davylamp.admission.list" "c.?env" }}.map(l, l.map(e, e.?valueFrom.?secretKeyRef.?name.orValue('')).filter(n, n != null).join(',')).join(',') + ',' +
  {{ include "davylamp.admission.list" "c.?envFrom" }}.map(l, l.map(e, e.?secretRef.?name.orValue('')).filter(n, n != null).join(',')).join(',')
).join(',')).join(',')
{{- end -}}

{{/* The names of the Secrets that the volumes of an overlay refer to, as one text with commas. */}}
{{- define "davylamp.admission.secretsOfVolumes" -}}
{{ include "davylamp.admission.list" "variables.pod.?volumes" }}.map(l, l.map(v, [
  dyn({{ include "davylamp.admission.list" "v.?projected.?sources" }}.map(l, l.map(s, s.?secret.?name.orValue('')).filter(n, n != null).join(',')).join(',')),
  v.?secret.?secretName.orValue(''),
  v.?csi.?nodePublishSecretRef.?name.orValue(''),
  {{- range $kind := list "cephfs" "cinder" "flexVolume" "iscsi" "rbd" "scaleIO" "storageos" }}
  v.?{{ $kind }}.?secretRef.?name.orValue(''),
  {{- end }}
  v.?azureFile.?secretName.orValue('')
].filter(n, n != null).join(',')).join(',')).join(',')
{{- end -}}

{{/* Variables: the annotations as they were and as they are, and the commands that this very request gives. */}}
{{- define "davylamp.admission.given" -}}
- name: was
  expression: "oldObject == null ? {} : oldObject.metadata.?annotations.orValue({})"
- name: is
  expression: "object.metadata.?annotations.orValue({})"
- name: given
  expression: >-
    ['abort', 'retry', 'advance', 'promote'].filter(c, ('davylamp.dev/' + c) in variables.is &&
    !(('davylamp.dev/' + c) in variables.was && variables.was['davylamp.dev/' + c] == variables.is['davylamp.dev/' + c]))
{{- end -}}
