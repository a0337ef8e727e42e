#!/usr/bin/env bash
# conformance.sh BIN CACHE: the protocol's own conformance suite against the real binary, in both eras. A scenario outside of
# conformance/<version>.yml must pass, and one inside that passes must be taken out.
set -euo pipefail
bin=$(realpath "$1"); cache=$(realpath "$2"); here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d); trap 'kill "${server:-0}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

# It needs Node 22, and knows no header: the instance is thrown away afterwards, on loopback, where no token is needed.
[ -d "$cache/conformance/node_modules" ] || npm install --silent --no-fund --no-audit --prefix "$cache/conformance" node@22 @modelcontextprotocol/conformance@0.2.0-alpha.12
. "$here/demo_server.sh"
demo_server "$bin" "$work"
modules=$cache/conformance/node_modules
for version in 2025-11-25 2026-07-28; do
  echo "conformance: $version"
  "$modules/.bin/node" "$modules/@modelcontextprotocol/conformance/dist/index.js" server --url "$url" --suite all --spec-version "$version" \
    --expected-failures "$here/conformance/$version.yml" >"$work/$version.txt" 2>&1 || { sed -n '/=== SUMMARY/,$p' "$work/$version.txt"; exit 1; }
  grep '^Total:' "$work/$version.txt"
done
