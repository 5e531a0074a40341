#!/bin/sh
# Resolve requirements/*.in into lock files: exact versions with hashes for every platform, and no addresses.
set -eu
cd "$(dirname "$0")/../requirements"
compile() {
    name=$1
    shift
    ../.venv/product/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" "$@" "$name.in" -o "$name.lock"
}
for name in build product dev ministack spark spark4 spark-tests node infra checkov; do compile "$name"; done
# Only the data files of this package are read, so what it would import is left out.
compile flights --no-deps
# The packages of Node, if the environment that has a Node was made.
if [ -x ../.venv/node/bin/npm ]; then
    PATH="$PWD/../.venv/node/bin:$PATH" npm install --package-lock-only --omit-lockfile-registry-resolved \
        --no-audit --no-fund --prefix node
fi
