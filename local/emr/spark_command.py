"""The spark-submit command of a run on this machine: what was asked, minus what only EMR has, within our size."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from local.emr.s3_uris import SCHEME, locations_in, parts_of
from local.emr.simulation import arguments_of
from local.emr.sizes import DEFAULT_MEMORY_GIB, gib, spark_conf, words_of

# Flags that take code or files, which are passed as the staged copies.
FILE_FLAGS = frozenset({"--py-files", "--jars", "--files", "--archives"})
# Where and how large Spark runs is decided here.
LOCAL_FLAGS = frozenset({"--master", "--deploy-mode", "--driver-memory", "--executor-memory", "--num-executors"})
# Properties that name what only EMR has: its images' environment, and the Glue catalogue.
EMR_ONLY = ("spark.emr-serverless.", "spark.hadoop.hive.metastore.client.factory.class")
DRIVER_ENVIRONMENT = "spark.emr-serverless.driverEnv."
# s3:// as given, read and written below a folder for each bucket: no S3 client is in pip's Spark.
S3_AS_FOLDERS = {
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
    "spark.hadoop.fs.viewfs.overload.scheme.target.s3.impl": "org.apache.hadoop.fs.LocalFileSystem",
}
# What a run may set otherwise, and what it may not.
SMALL = {"spark.sql.shuffle.partitions": "4", "spark.default.parallelism": "2"}
# A JVM that lives for seconds starts sooner without its slow compiler and with the simplest collector.
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
FIXED = {
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.dynamicAllocation.enabled": "false",
    "spark.shuffle.service.enabled": "false",
    # What the history server shows of a run, living or over.
    "spark.eventLog.enabled": "true",
    "spark.eventLog.rolling.enabled": "false",
    "spark.eventLog.compress": "false",
}


def spark_submit(
    spark_bin: Path, request: Mapping[str, Any], folder: Path, buckets: Iterable[str], max_memory_mib: int
) -> list[str]:
    """The whole command; `folder` holds one folder for each of `buckets`."""
    submit = request["jobDriver"]["sparkSubmit"]
    asked_gib = gib(spark_conf(request).get("spark.driver.memory", f"{DEFAULT_MEMORY_GIB:.0f}g"))
    memory_mib = min(max_memory_mib, round(asked_gib * 1024))
    java = {"spark.driver.defaultJavaOptions": f"{QUICK_JAVA} -Djava.io.tmpdir={folder.parent / 'work'}"}
    conf = {**SMALL, **java, **_overrides(request), **_s3_conf(folder, buckets)}
    return [
        str(spark_bin / "spark-submit"),
        *_conf_flags(conf),
        *_parameters(words_of(submit.get("sparkSubmitParameters", "")), folder),
        *_conf_flags({**FIXED, "spark.eventLog.dir": f"file://{folder.parent / 'events'}"}),
        *("--master", "local[2]", "--driver-memory", f"{memory_mib}m"),
        staged(submit["entryPoint"], folder),
        *arguments_of(request),
    ]


def staged(text: str, folder: Path) -> str:
    """A word in which each s3:// URI, parted by commas, has become the path of its staged copy."""
    return ",".join(_staged_path(part, folder) for part in parts_of(text))


def _staged_path(text: str, folder: Path) -> str:
    found = locations_in(text) if text.startswith(SCHEME) else []
    return str(folder / found[0].bucket / found[0].key) if found else text


def driver_variables(request: Mapping[str, Any]) -> dict[str, str]:
    """The environment variables that a run sets for its driver, as EMR's own properties do."""
    given = {
        name.removeprefix(DRIVER_ENVIRONMENT): value
        for name, value in spark_conf(request).items()
        if name.startswith(DRIVER_ENVIRONMENT)
    }
    return {name: value for name, value in given.items() if not name.startswith(("PYSPARK_", "JAVA_HOME"))}


def _parameters(words: Sequence[str], folder: Path) -> Iterator[str]:
    position = 0
    while position < len(words):
        flag, value = words[position], words[position + 1] if position + 1 < len(words) else ""
        takes_value = flag.startswith("-") and position + 1 < len(words) and flag not in ("--verbose", "-v")
        position += 2 if takes_value else 1
        if flag in LOCAL_FLAGS or (flag in ("--conf", "-c") and value.startswith(EMR_ONLY)):
            continue
        yield flag
        if takes_value:
            yield _parameter_value(flag, value, folder)


def _parameter_value(flag: str, value: str, folder: Path) -> str:
    if flag in FILE_FLAGS:
        return staged(value, folder)
    name, equals, setting = value.partition("=")
    if flag in ("--conf", "-c") and name in ("spark.submit.pyFiles", "spark.jars", "spark.files", "spark.archives"):
        return f"{name}{equals}{staged(setting, folder)}"
    return value


def _overrides(request: Mapping[str, Any]) -> dict[str, str]:
    defaults: dict[str, str] = {}
    for entry in request.get("configurationOverrides", {}).get("applicationConfiguration", []):
        if entry.get("classification") == "spark-defaults":
            defaults.update(entry.get("properties", {}))
    return {name: value for name, value in defaults.items() if not name.startswith(EMR_ONLY)}


def _s3_conf(folder: Path, buckets: Iterable[str]) -> dict[str, str]:
    mounts = {f"spark.hadoop.fs.viewfs.mounttable.{b}.linkFallback": f"file://{folder / b}" for b in buckets}
    return {**S3_AS_FOLDERS, **mounts}


def _conf_flags(conf: Mapping[str, str]) -> list[str]:
    return [word for name, value in conf.items() for word in ("--conf", f"{name}={value}")]
