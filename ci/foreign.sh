#!/usr/bin/env bash
# foreign.sh BIN CACHE: clients we did not write talk to the real binary: Python mcp 1.22.0 as xiaozhi uses it, Python mcp 2.x,
# and the MCP inspector's CLI on Node 22.
set -euo pipefail
bin=$(realpath "$1"); cache=$(realpath "$2"); here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d); trap 'kill "${server:-0}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

venv() { # name, requirement
  if [ ! -x "$cache/$1/bin/python" ] || ! "$cache/$1/bin/python" -c 'import mcp' 2>/dev/null; then
    python3 -m venv "$cache/$1"; "$cache/$1/bin/pip" -q install "$2"
  fi
}
venv mcp1 'mcp==1.22.0'
venv mcp2 'mcp>=2,<3'
# The versions are named: npm on an older Node would quietly choose an inspector of 2025 that knows no headers.
[ -d "$cache/inspector/node_modules" ] || npm install --silent --no-fund --no-audit --prefix "$cache/inspector" node@22 @modelcontextprotocol/inspector@2.12.0

. "$here/demo_server.sh"
demo_server "$bin" "$work" GENGFU_TOKENS='token-for-the-robot-0001;name=voice,token-for-the-desk-00001;name=desk;detail=full' GENGFU_ALERT_SECRET=secret-of-the-alarm-door

"$cache/mcp1/bin/python" "$here/clients/xiaozhi.py" "$url" token-for-the-robot-0001 "${url%/mcp}/alerts/tcop/secret-of-the-alarm-door"
"$cache/mcp2/bin/python" "$here/clients/modern.py" "$url" token-for-the-desk-00001
PATH="$cache/inspector/node_modules/.bin:$PATH" "$here/clients/inspector.sh" "$url" token-for-the-desk-00001
