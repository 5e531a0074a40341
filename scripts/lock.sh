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
for name in build product dev ministack spark; do compile "$name"; done
# Only the data files of this package are read, so what it would import is left out.
compile flights --no-deps
