"""What a manifest tells beside the files: marks of the store, the code that ran, and how much Spark worked."""

import hashlib
import json

import pytest

from spark_jobs import spark_work
from spark_jobs.deployed_code import code_sha256
from spark_jobs.manifest import Output
from spark_jobs.object_store import read_statuses
from spark_jobs.spark_work import Work, work_since, work_so_far

# What S3A, which is no part of pip's Spark, tells of an object.
S3A_STATUS = """
package org.apache.hadoop.fs.s3a;
public class S3AFileStatus extends org.apache.hadoop.fs.FileStatus implements org.apache.hadoop.fs.EtagSource {
    public S3AFileStatus() { super(7, false, 1, 1, 2000, new org.apache.hadoop.fs.Path("s3://raw/table.csv")); }
    public String getEtag() { return "\\"0123abc-2\\""; }
    public String getVersionId() { return "v7"; }
}
"""


def test_etag_and_version_are_told_where_the_file_system_knows_them(spark):
    jvm, gateway = spark._jvm, spark._sc._gateway
    compiler = jvm.org.codehaus.janino.SimpleCompiler()
    compiler.setParentClassLoader(jvm.java.lang.Thread.currentThread().getContextClassLoader())
    compiler.cook(S3A_STATUS)
    kind = compiler.getClassLoader().loadClass("org.apache.hadoop.fs.s3a.S3AFileStatus")
    status = kind.getConstructor(gateway.new_array(jvm.Class, 0)).newInstance(gateway.new_array(jvm.Object, 0))
    listing = jvm.org.apache.hadoop.util.functional.RemoteIterators.remoteIteratorFromSingleton(status)

    (file,) = read_statuses(listing)

    assert (file.uri, file.size_bytes, file.etag, file.version_id) == ("s3://raw/table.csv", 7, "0123abc-2", "v7")


def test_the_manifest_says_how_much_spark_worked_for_this_attempt_alone(platform):
    platform.convert("id\n1\n2\n", key="first.csv")
    query = platform.query("SELECT word, count(*) AS n FROM numbers GROUP BY word")

    metrics, spark = query.manifest["metrics"], query.manifest["metrics"]["spark"]
    files = query.files_on_disk("data")
    assert metrics["bytesWritten"] == sum(file["sizeBytes"] for file in files)
    assert metrics["startedAt"] < query.manifest["createdAt"]
    assert metrics["durationSeconds"] > 0
    assert 1 <= spark["stages"] <= spark["tasks"] <= 20
    assert spark["failedTasks"] == 0
    assert spark["taskSeconds"] > 0
    # 33 bytes, read for the types, for the count and for the query.
    assert 33 <= spark["bytesRead"] <= 200
    assert spark["shuffleBytesRead"] == spark["shuffleBytesWritten"] > 0


def test_where_no_task_ran_no_work_was_done(spark):
    spark.range(10).count()

    assert work_since(spark, work_so_far(spark)) == Work(0, 0, 0, 0, 0, 0, 0)


def test_a_spark_that_does_not_count_in_time_gives_no_figures_and_fails_nothing(platform, spark, monkeypatch):
    class Busy:
        """A session whose events are never all counted."""

        _jsc = property(lambda self: self)

        def sc(self):
            return self

        def listenerBus(self):  # noqa: N802  Spark's own names, here and below
            return self

        def waitUntilEmpty(self, milliseconds):  # noqa: N802
            spark._jvm.java.util.ArrayDeque().getFirst()  # fails, as a wait that took too long does

    assert work_so_far(Busy()) is None
    monkeypatch.setattr(spark_work, "work_so_far", lambda _: None)

    attempt = platform.convert("id\n1\n")

    assert attempt.manifest["metrics"]["spark"] is None


def test_code_is_known_by_the_zip_it_was_shipped_as(tmp_path):
    archive = tmp_path / "spark_jobs.zip"
    archive.write_bytes(b"a zip")

    assert code_sha256(archive / "spark_jobs") == hashlib.sha256(b"a zip").hexdigest()
    assert code_sha256() is None


def test_a_manifest_of_the_first_days_is_still_read():
    old = {
        "manifestVersion": 1,
        "files": [{"path": "data/a.parquet", "sizeBytes": 7, "rows": 2, "sha256": "0" * 64}],
        "schema": {"type": "struct", "fields": []},
    }

    assert Output.from_json(json.dumps(old)).rows == 2


@pytest.mark.parametrize("version", [0, 2, "1"])
def test_a_manifest_of_another_version_is_refused(version):
    with pytest.raises(ValueError, match=str(version)):
        Output.from_json(json.dumps({"manifestVersion": version}))
