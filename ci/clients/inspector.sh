#!/usr/bin/env bash
# inspector.sh URL TOKEN: the MCP inspector's command line, one process per question, as somebody who tries us out would ask.
set -euo pipefail
url=$1 token=$2
ask() { # method, further options...
  local method=$1; shift
  mcp-inspector --cli "$url" --transport http --header "Authorization: Bearer $token" --method "$method" "$@"
}
holds() { # what, wanted text, answer
  case $3 in *"$2"*) echo "inspector: $1";; *) printf 'inspector: %s: no %s in\n%s\n' "$1" "$2" "$3"; exit 1;; esac
}

# `--strict`: a schema that some clients cannot take is a failure.
tools=$(ask tools/list --strict)
holds tools/list '"summarize_day"' "$tools"
holds tools/call billing "$(ask tools/call --tool-name summarize_day --tool-arg detail=full)"
resources=$(ask resources/list)
holds resources/list 'llm_summary.txt' "$resources"
summary=$(sed -n 's/.*"uri": "\(gengfu:[^"]*llm_summary.txt\)".*/\1/p' <<<"$resources" | head -1)
holds resources/read '###' "$(ask resources/read --uri "$summary")"
holds resources/templates/list '{date}' "$(ask resources/templates/list)"
holds prompts/list '"broadcast"' "$(ask prompts/list)"
holds prompts/get '"messages"' "$(ask prompts/get --prompt-name broadcast)"
