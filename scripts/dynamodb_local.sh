#!/bin/sh
# Fetch DynamoDB Local into .venv/dynamodb-local, once, and check every file of it. Needs Maven and Java 17.
set -eu
cd "$(dirname "$0")/.."
recipe=tests/integration/dynamodb_local
target="$PWD/.venv/dynamodb-local"
if ! (cd "$target" 2>/dev/null && sha256sum --status --check "$OLDPWD/$recipe/jars.sha256"); then
    command -v mvn >/dev/null || { echo "make contracts: Maven is needed to fetch DynamoDB Local." >&2; exit 1; }
    rm -rf "$target"
    mvn --quiet --batch-mode --file "$recipe/pom.xml" \
        org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory="$target"
    (cd "$target" && sha256sum --quiet --check "$OLDPWD/$recipe/jars.sha256")
fi
