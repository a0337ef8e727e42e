#!/usr/bin/env bash
# days.sh BIN SHARED CACHE: the binary against generated days with a known truth: from a folder and from COS, counts, secrets, verdict,
# that nothing is lost or counted twice whatever the bucket and the machine do (`intake/`), that an alarm is explained and spoken within
# seconds (`alerts/`), that owners do not mix (`owners/`), and that causes are found, followed from every kind of log and taken back, and
# that no planted text changes them (`diagnosis/`).
set -euo pipefail
bin=$(realpath "$1"); shared=$(realpath "$2"); cache=$(realpath "$3"); here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d); trap 'kill "${cos:-0}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
if ! "$cache/cos/bin/python" -c 'import qcloud_cos, tencentcloud, cramjam, jsonpatch' 2>/dev/null; then
  python3 -m venv "$cache/cos"; "$cache/cos/bin/pip" -q install cos-python-sdk-v5 tencentcloud-sdk-python-common cramjam jsonpatch
fi
gen() { python3 "$shared/incidents/gen.py" --date 2026-11-21 "$@" >/dev/null; }
run() { # bucket, data dir, further environment...
  local bucket=$1 data=$2; shift 2
  (cd "$work" && env "$@" GENGFU_BUCKET="$bucket" GENGFU_DATA_DIR="$data" "$bin" run --date 2026-11-21 --json)
}

gen --out "$work/seven" --seed 7 --scale 0.3
run "file://$work/seven/bucket" "$work/folder" >"$work/folder.json"
python3 "$here/check_day.py" "$shared" "$work/seven/truth.json" "$work/folder.json" "$work/folder"

port=$("$cache/cos/bin/python" -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
"$cache/cos/bin/python" "$shared/tools/cos_mock.py" --root "$work/seven/bucket" --port "$port" >"$work/cos.txt" 2>&1 & cos=$!
until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do kill -0 "$cos"; done
run cos://127 "$work/cos" GENGFU_COS_ENDPOINT="http://127.0.0.1:$port" TENCENTCLOUD_SECRET_ID=AKIDEXAMPLE \
  TENCENTCLOUD_SECRET_KEY=SecretKeyExample TENCENTCLOUD_REGION=ap-guangzhou >"$work/cos.json"
python3 "$here/same_report.py" "$work/folder.json" "$work/cos.json"

gen --out "$work/calm" --seed 11 --scale 0.1 --families none
run "file://$work/calm/bucket" "$work/calm-data" >"$work/calm.json"
python3 "$here/check_day.py" "$shared" "$work/calm/truth.json" "$work/calm.json" "$work/calm-data"

for check in dirty faults twins kill layouts hostile windows clusters init; do "$cache/cos/bin/python" "$here/intake/$check.py" "$bin" "$shared"; done
"$cache/cos/bin/python" "$here/alerts/end_to_end.py" "$bin" "$shared"
# `owners/first_answer.py` measures how long a new owner waits; it takes a day of 1 GB and is run by hand.
"$cache/cos/bin/python" "$here/owners/fifty.py" "$bin" "$shared"

echo '40 fresh days'
mkdir -p "$work/exam"
for seed in $(seq 101 140); do
  gen --out "$work/exam/$seed" --seed "$seed" --scale 0.05 --days-before 2 --incidents $((seed % 3 + 1))
done
(cd "$work" && GENGFU_BASELINE_DAYS=2 "$cache/cos/bin/python" "$here/diagnosis/traces.py" "$bin" exam/*)
"$cache/cos/bin/python" "$here/diagnosis/reverse.py" "$work"/exam/*
"$cache/cos/bin/python" "$here/diagnosis/planted.py" "$bin" "$shared"
python3 "$here/exam_gate.py" "$shared" "$work/exam"
