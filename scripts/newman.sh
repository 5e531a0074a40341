#!/bin/sh
# Run the Postman collection against an API: scripts/newman.sh URL [file with a token]
# The token goes by a file, since a command line can be read by others.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
[ -n "${1:-}" ] || { echo "make newman: say where: make newman URL=http://127.0.0.1:8000" >&2; exit 2; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
token=$(cat "${2:-/dev/null}")
cat > "$scratch/environment.json" <<END
{"values": [{"key": "baseUrl", "value": "$1"}, {"key": "bearerToken", "value": "$token"}]}
END
NODE_NO_WARNINGS=1 "$root/.venv/node/bin/node" "$root/.venv/node/node_modules/newman/bin/newman.js" run \
    "$root/docs/api/postman_collection.json" --environment "$scratch/environment.json" --color off
