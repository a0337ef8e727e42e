# Sourced. demo_server BIN DIR [NAME=VALUE...]: starts the binary over the sample day, all its files in DIR; sets $server (its process)
# and $url once it listens.
demo_server() {
  local bin=$1 dir=$2; shift 2
  env -C "$dir" GENGFU_DATA_DIR="$dir/data" GENGFU_BIND=127.0.0.1:0 "$@" "$bin" demo --keep "$dir/demo" --serve >"$dir/out.txt" 2>"$dir/err.txt" & server=$!
  for _ in $(seq 600); do
    url=$(sed -n 's/.*\(http:\/\/127\.0\.0\.1:[0-9]*\/mcp\).*/\1/p' "$dir/out.txt" "$dir/err.txt" | head -1)
    [ -n "$url" ] && return
    kill -0 "$server" 2>/dev/null || { cat "$dir/err.txt"; return 1; }
    read -rt 0.1 <> <(:) || true
  done
  echo 'the server did not say where it listens'; cat "$dir/err.txt"; return 1
}
