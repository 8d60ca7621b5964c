{{- define "onward.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Labels of a part: (list . "apply") */}}
{{- define "onward.labels" -}}
{{- $root := index . 0 -}}
{{ include "onward.selector" . }}
app.kubernetes.io/version: {{ default $root.Chart.AppVersion $root.Values.image.tag | trunc 63 | quote }}
{{- if ne $root.Values.hooks "none" }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}
{{- end -}}

{{- define "onward.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Annotations of what runs before the new code: (list . HELM-WEIGHT ARGO-WAVE IS-JOB) */}}
{{- define "onward.before" -}}
{{- $root := index . 0 -}}
{{- if eq $root.Values.hooks "helm" -}}
annotations:
  helm.sh/hook: pre-install,pre-upgrade
  helm.sh/hook-weight: {{ index . 1 | quote }}
  # The Job of the last release stays for its log until the next one begins.
  helm.sh/hook-delete-policy: before-hook-creation
{{- else if eq $root.Values.hooks "argocd" -}}
annotations:
  {{- if index . 3 }}
  argocd.argoproj.io/hook: Sync
  argocd.argoproj.io/hook-delete-policy: BeforeHookCreation
  {{- end }}
  argocd.argoproj.io/sync-wave: {{ index . 2 | quote }}
{{- end }}
{{- end -}}

{{- define "onward.image" -}}
{{- if .Values.image.digest -}}
{{ printf "%s@%s" .Values.image.repository .Values.image.digest | quote }}
{{- else -}}
{{ printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) | quote }}
{{- end -}}
{{- end -}}

{{- define "onward.planConfigMap" -}}
{{- if .Values.plan.text -}}
{{ include "onward.fullname" . }}-plan
{{- else -}}
{{ .Values.plan.configMap }}
{{- end -}}
{{- end -}}

{{- define "onward.planFile" -}}
{{- if include "onward.planConfigMap" . -}}/run/onward/plan.json{{- else -}}{{ .Values.plan.file }}{{- end -}}
{{- end -}}

{{- define "onward.databaseFlag" -}}
{{- if .Values.database.mount -}}--db=@/run/secrets/onward/url{{- else -}}--db=env:DATABASE_URL{{- end -}}
{{- end -}}

{{- define "onward.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "onward.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The parts of a pod that are the same in all: (list . COMPONENT) */}}
{{- define "onward.podMetadata" -}}
{{- $root := index . 0 -}}
metadata:
  labels:
    {{- include "onward.labels" . | nindent 4 }}
    {{- with $root.Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $root.Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "onward.podSettings" -}}
# Nothing here asks Kubernetes' API.
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "onward.podSecurity" . | nindent 2 }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The spec of a Job: (dict "root" . "component" NAME "args" LIST "plan" BOOL "limits" VALUES "within" SECONDS) */}}
{{- define "onward.jobSpec" -}}
{{- $root := .root -}}
# One pod. A second one, such as after a lost node, waits for the lease in the database.
parallelism: 1
completions: 1
backoffLimit: {{ .limits.backoffLimit }}
activeDeadlineSeconds: {{ .limits.activeDeadlineSeconds }}
ttlSecondsAfterFinished: {{ .limits.ttlSecondsAfterFinished }}
# A new pod begins after the old one has ended.
podReplacementPolicy: Failed
podFailurePolicy:
  rules:
    # 1: refused, 2: usage or input. Another pod would answer the same.
    - action: FailJob
      onExitCodes:
        containerName: onward
        operator: In
        values: [1, 2]
    # Evicted, preempted, drained: the next pod goes on, and this one does not count.
    - action: Ignore
      onPodConditions:
        - type: DisruptionTarget
          status: "True"
    # 3: not finished, and 137: killed. Both count, and the next pod goes on.
template:
  {{- include "onward.podMetadata" (list $root .component) | nindent 2 }}
  spec:
    restartPolicy: Never
    # After SIGTERM onward cancels its statement and gives the lease back: 15 seconds at most.
    terminationGracePeriodSeconds: 30
    {{- include "onward.podSettings" $root | nindent 4 }}
    containers:
      - name: onward
        image: {{ include "onward.image" $root }}
        imagePullPolicy: {{ $root.Values.image.pullPolicy }}
        command: [/usr/bin/onward]
        args:
          {{- toYaml .args | nindent 10 }}
        env:
          {{- if not $root.Values.database.mount }}
          - name: DATABASE_URL
            valueFrom:
              secretKeyRef:
                name: {{ $root.Values.database.secret }}
                key: {{ $root.Values.database.key }}
          {{- end }}
          # The only place that can be written.
          - name: HOME
            value: /tmp
        securityContext:
          {{- include "onward.containerSecurity" $root | nindent 10 }}
        resources:
          {{- toYaml $root.Values.resources | nindent 10 }}
        volumeMounts:
          - name: tmp
            mountPath: /tmp
          {{- if $root.Values.database.mount }}
          - name: database
            mountPath: /run/secrets/onward
            readOnly: true
          {{- end }}
          {{- if and .plan (include "onward.planConfigMap" $root) }}
          - name: plan
            mountPath: /run/onward
            readOnly: true
          {{- end }}
    volumes:
      - name: tmp
        emptyDir:
          sizeLimit: 256Mi
      {{- if $root.Values.database.mount }}
      - name: database
        secret:
          secretName: {{ $root.Values.database.secret }}
          defaultMode: 0440
          items:
            - key: {{ $root.Values.database.key }}
              path: url
      {{- end }}
      {{- if and .plan (include "onward.planConfigMap" $root) }}
      - name: plan
        configMap:
          name: {{ include "onward.planConfigMap" $root }}
          items:
            - key: plan.json
              path: plan.json
      {{- end }}
{{- end -}}
