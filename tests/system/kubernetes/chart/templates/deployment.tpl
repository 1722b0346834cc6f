apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  selector:
    matchLabels:
      app: {{ .Release.Name }}
  template:
    metadata:
      labels:
        app: {{ .Release.Name }}
    spec:
      imagePullSecrets:
        {{- toYaml (.Values.existingImagePullSecrets | default list) | nindent 8 }}
      containers:
        - name: runner
          image: soda-agent
          env:
            - name: SODA_AGENT_NAME
              value: {{ .Values.soda.agent.name | quote }}
            - name: SODA_CLOUD_ENDPOINT
              value: {{ .Values.soda.cloud.endpoint | quote }}
            {{- range $name, $value := .Values.soda.env }}
            - name: {{ $name }}
              value: {{ $value | quote }}
            {{- end }}
            - name: SODA_API_KEY_ID
              valueFrom:
                secretKeyRef:
                  name: {{ .Values.soda.apikey.existingSecret | default .Release.Name }}
                  key: {{ dig "idKey" "SODA_API_KEY_ID" (.Values.soda.apikey.secretKeys | default dict) }}
            - name: SODA_API_KEY_SECRET
              valueFrom:
                secretKeyRef:
                  name: {{ .Values.soda.apikey.existingSecret | default .Release.Name }}
                  key: {{ dig "secretKey" "SODA_API_KEY_SECRET" (.Values.soda.apikey.secretKeys | default dict) }}
{{- if not .Values.soda.apikey.existingSecret }}
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}
stringData:
  SODA_API_KEY_ID: {{ .Values.soda.apikey.id | quote }}
  SODA_API_KEY_SECRET: {{ .Values.soda.apikey.secret | quote }}
{{- end }}
