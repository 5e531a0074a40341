#!/bin/sh
# Build oasdiff into .venv/oasdiff, once; Go checks what it fetches against its checksum database. Needs Go 1.26.
set -eu
cd "$(dirname "$0")/.."
version=v1.37.0
target="$PWD/.venv/oasdiff"
if [ "$(cat "$target/version" 2>/dev/null)" != "$version" ]; then
    command -v go >/dev/null || { echo "make api-changes: Go is needed to build oasdiff." >&2; exit 1; }
    echo "building oasdiff $version ..."
    GOBIN="$target" go install "github.com/oasdiff/oasdiff@$version"
    echo "$version" > "$target/version"
fi
