#!/usr/bin/env bash
# Copies what a person at this machine needs for the running stack (certificates, keys, the key list) into a folder of his
# own, with a stack.env that names them for the `throughline` command and for applications: access.sh FOLDER
set -euo pipefail
folder=$1
compose=(docker compose --project-directory "$(dirname "$0")")
prompts=$(cd "$(dirname "$0")/../../services/src/throughline_services/prompt_builder/prompts" && pwd)

umask 077
rm -rf "$folder" && mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
"${compose[@]}" cp housekeeping:/etc/throughline/tls "$folder/operator"
"${compose[@]}" cp gateway:/etc/throughline/tls "$folder/application"
"${compose[@]}" cp gateway:/var/lib/throughline/evidence/keys.json "$folder/keys.json"
chmod -R go= "$folder"

cat >"$folder/stack.env" <<END
ELASTICSEARCH_URL=https://127.0.0.1:${ELASTICSEARCH_PORT:-9200}
ELASTICSEARCH_CA_FILE=$folder/operator/authority.pem
ELASTICSEARCH_CLIENT_CERTIFICATE=$folder/operator/certificate.pem
ELASTICSEARCH_CLIENT_KEY=$folder/operator/key.pem
ELASTICSEARCH_API_KEY_FILE=$folder/operator/auditor_api_key
THROUGHLINE_OPERATOR_API_KEY_FILE=$folder/operator/operator_api_key
THROUGHLINE_KEY_LIST=$folder/keys.json
THROUGHLINE_PROMPTS=$prompts
JAEGER_URL=https://127.0.0.1:${JAEGER_PORT:-16686}
JAEGER_CA_FILE=$folder/operator/authority.pem
OTEL_EXPORTER_OTLP_ENDPOINT=https://127.0.0.1:${OTLP_GRPC_PORT:-4317}
OTEL_EXPORTER_OTLP_PROTOCOL=grpc
OTEL_EXPORTER_OTLP_CERTIFICATE=$folder/application/authority.pem
OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=$folder/application/certificate.pem
OTEL_EXPORTER_OTLP_CLIENT_KEY=$folder/application/key.pem
END
