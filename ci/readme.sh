#!/usr/bin/env bash
# readme.sh BIN: keeps both READMEs true. Their code blocks are the same, what they show of the demo is what it prints, and the
# commands marked `<!-- run -->` are run as they stand there.
set -euo pipefail
bin=$(realpath "$1"); here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
blocks() { sed -n '/^ *```/,/^ *```$/p' "$1"; }
marked() { sed -n "/^<!-- $2 -->\$/,/^\`\`\`\$/p" "$1" | grep -v '^<!--\|^```'; }

diff <(blocks "$here/README.md") <(blocks "$here/README.zh-CN.md") || { echo 'the READMEs differ in a code block'; exit 1; }
for link in $(grep -ohE '\]\([^)h][^)]*\)' "$here"/README*.md | sed 's/^](\(.*\))$/\1/' | sort -u); do
  [ -e "$here/$link" ] || { echo "README links to $link, which is not there"; exit 1; }
done

mkdir "$work/bin"; ln -s "$bin" "$work/bin/gengfu"
cd "$work"
# A newcomer has no setting of ours.
for name in $(compgen -e | grep -E '^(GENGFU|TENCENTCLOUD)_' || true); do unset "$name"; done
export PATH="$work/bin:$PATH" GENGFU_LOG=warn
gengfu demo >demo.txt
while IFS= read -r line; do
  grep -qxF -- "$line" demo.txt || { printf 'the demo does not print, as the README says:\n%s\n' "$line"; exit 1; }
done < <(marked "$here/README.md" demo)

echo 'set -euo pipefail' >commands.sh
marked "$here/README.md" run >>commands.sh
bash commands.sh >commands.txt
grep -qF '镜像标签不存在' commands.txt
[ -s day.html ] && [ -s sample-data/analysis_results/default/*/llm_summary.txt ]
gengfu token >/dev/null
echo 'the READMEs are true'
