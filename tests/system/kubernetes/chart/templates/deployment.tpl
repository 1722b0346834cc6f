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
        {{- toYaml .Values.existingImagePullSecrets | nindent 8 }}
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
                  name: {{ .Values.soda.apikey.existingSecret }}
                  key: {{ .Values.soda.apikey.secretKeys.idKey }}
            - name: SODA_API_KEY_SECRET
              valueFrom:
                secretKeyRef:
                  name: {{ .Values.soda.apikey.existingSecret }}
                  key: {{ .Values.soda.apikey.secretKeys.secretKey }}
