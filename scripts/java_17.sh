#!/bin/sh
# Print the home of a whole Java 17: that of JAVA_HOME, of the path, or one in the folder that is named.
# Spark 4 wants the module jdk.incubator.vector, which the Java that comes from PyPI leaves out.
set -u
folder=$1
for java in "${JAVA_HOME:+$JAVA_HOME/bin/java}" "$(command -v java)" "$folder"/*/bin/java; do
    [ -x "$java" ] || continue
    said=$("$java" -XshowSettings:properties -version 2>&1) || continue
    case "$said" in *"java.specification.version = 17"*) ;; *) continue ;; esac
    "$java" --list-modules | grep -q '^jdk\.incubator\.vector@' || continue
    printf '%s\n' "$said" | sed -n 's/^ *java\.home = //p'
    exit 0
done
echo "make spark4: Java 17 with the module jdk.incubator.vector is needed, and neither JAVA_HOME nor the path nor" \
    "$folder has one; install it (Debian: openjdk-17-jre-headless) or set JAVA_HOME." >&2
exit 1
