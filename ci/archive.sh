#!/usr/bin/env bash
# archive.sh [OUT]: builds a release and packs it: binary, papers, unit, manifest, with a checksum. Same sources, same archive (the times in it
# are the commit's).
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-dist}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
target=$(rustc -vV | sed -n 's/^host: //p')
name=gengfu-$version-$target
cargo build --release --locked --quiet
mkdir -p "$out"; work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
mkdir "$work/$name"
install -m 0755 "${CARGO_TARGET_DIR:-target}/release/gengfu" "$work/$name/gengfu"
# Everything that the READMEs and docs/ link to; ci/packaging.sh looks.
cp -r README.md README.zh-CN.md LICENSE CHANGELOG.md SECURITY.md ARCHITECTURE.md CONTRIBUTING.md .env.example mcp.json compose.yaml \
  docs deploy prompts "$work/$name/"
# The image of an archive is made of the program that is in it.
cp deploy/archive.Dockerfile "$work/$name/Dockerfile"
install -D -m 0644 resources/faults.toml "$work/$name/resources/faults.toml"
epoch=$(git log -1 --format=%ct 2>/dev/null || echo 0)
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" -C "$work" -cf - "$name" | gzip -n -9 >"$out/$name.tar.gz"
(cd "$out" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
echo "$out/$name.tar.gz"
