#!/bin/sh
# Prometheus and Grafana with PBA's rules and dashboards, on loopback, until Ctrl-C. Their data is in FOLDER.
# usage: cluster/monitoring.sh [FOLDER]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-data/monitoring}
mkdir -p "$folder/prometheus" "$folder/grafana"
folder=$(cd "$folder" && pwd)

command -v prometheus > /dev/null || { echo "monitoring.sh needs prometheus in PATH (Debian: prometheus)" >&2; exit 1; }
prometheus --config.file="$here/prometheus.yml" --storage.tsdb.path="$folder/prometheus" \
    --web.listen-address=127.0.0.1:9090 > "$folder/prometheus.log" 2>&1 &
processes=$!
trap 'trap - EXIT; kill $processes 2> /dev/null; wait' EXIT INT TERM
echo "Prometheus  http://127.0.0.1:9090  its log is in $folder/prometheus.log"

home=${GRAFANA_HOME:-/usr/share/grafana}
if command -v grafana > /dev/null; then
    PBA_DASHBOARDS="$here/grafana/dashboards" GF_PATHS_PROVISIONING="$here/grafana/provisioning" \
        GF_PATHS_DATA="$folder/grafana" GF_PATHS_LOGS="$folder/grafana" GF_PATHS_PLUGINS="$folder/grafana" \
        GF_SERVER_HTTP_ADDR=127.0.0.1 GF_ANALYTICS_REPORTING_ENABLED=false GF_ANALYTICS_CHECK_FOR_UPDATES=false \
        grafana server --homepath "$home" > "$folder/grafana.log" 2>&1 &
    processes="$processes $!"
    echo "Grafana     http://127.0.0.1:3000  user and password are admin; its log is in $folder/grafana.log"
else
    echo "Grafana     not started: grafana is not in PATH (https://grafana.com/docs/grafana/latest/setup-grafana/installation)"
fi
wait
