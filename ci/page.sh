#!/usr/bin/env bash
# page.sh BIN CACHE: Chromium drives the operator's page over the sample day. The pictures are left in CACHE/page.
set -euo pipefail
bin=$(realpath "$1"); cache=$(realpath "$2"); here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d); trap 'kill "${server:-0}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

if ! command -v chromium >/dev/null; then
  apt-get update -qq >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null
fi
[ -d "$cache/browser/node_modules/axe-core" ] || npm install --silent --no-fund --no-audit --prefix "$cache/browser" playwright-core@1 axe-core@4

. "$here/demo_server.sh"
demo_server "$bin" "$work" GENGFU_TOKENS='token-for-the-page-0000001;name=desk' GENGFU_ALERT_SECRET='secret-of-the-alarms-01'
# An alarm to be shown, with a text that is no markup.
curl -fsS -o "$work/alarm.txt" "${url%/mcp}/alerts/tcop/secret-of-the-alarms-01" --data-binary @- <<'JSON'
{"sessionId":"x","alarmStatus":"1","alarmType":"metric","alarmObjInfo":{"region":"nj","namespace":"qce/tke2","dimensions":{"tke_cluster_instance_id":"cls-demo"}},
 "alarmPolicyInfo":{"policyId":"policy-1","policyName":"<img src=x onerror=alert(1)> CPU","conditions":{"metricShowName":"CPU总配置","calcType":">","calcValue":"0","currentValue":"3.859","unit":"核"}},
 "firstOccurTime":"2026-11-22 09:12:00","durationTime":180,"recoverTime":"0"}
JSON
mkdir -p "$cache/page"; rm -f "$cache/page"/*.png
# The same day as one file, read by a round of its own.
alone() { env -C "$work" GENGFU_DATA_DIR="$work/alone" GENGFU_BUCKET="file://$work/demo/bucket" GENGFU_LOG=warn "$bin" "$@" >/dev/null; }
alone run
alone report --html "$work/day.html"
NODE_PATH="$cache/browser/node_modules" node "$here/page.cjs" "${url%/mcp}" token-for-the-page-0000001 "$cache/page" "$work/day.html"
