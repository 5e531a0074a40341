"""Who expects no malformed row is served at nearly Spark's own speed, and like everybody else if there is one."""

import gzip
import json
from contextlib import suppress
from threading import Thread, Timer

import pytest
from conftest import ROOT, own_lines
from py4j.protocol import Py4JJavaError
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention

from spark_jobs import csv_to_parquet
from spark_jobs.failed_tasks import LOGGERS, TasksGoOn, is_any_running, rows_unsaid, wait_for_tasks
from spark_jobs.inputs import find_input
from spark_jobs.job import Input
from spark_jobs.object_store import ObjectStore
from spark_jobs.result import Result
from spark_jobs.writing import write_and_count

COLUMNS = [{"name": "id", "type": "int"}, {"name": "name", "type": "string"}]
TYPED = {"columns": COLUMNS}
HEADER = "id,name\n1,ant\n"


@pytest.fixture
def is_read_strictly(platform):
    """Whether Spark is to fail at a malformed row, and something stands in if it does."""

    def ask(parameters, key, content):
        source = find_input(ObjectStore(platform.spark), Input("table", platform.put(key, content)))
        return csv_to_parquet.run(platform.spark, [source], parameters).otherwise is not None

    return ask


# Parameters, a file and its content, and whether it is read strictly.
WAYS = {
    "nothing is said of malformed rows": ({}, "t.csv", HEADER, True),
    "none is allowed": ({"maxRejectedRows": 0}, "t.csv", HEADER, True),
    "no share of the rows is allowed": ({"maxRejectedFraction": 0.0}, "t.csv", HEADER, True),
    "some are, but no share of the rows": ({"maxRejectedRows": 5, "maxRejectedFraction": 0}, "t.csv", HEADER, True),
    "one is allowed, so one is expected": ({"maxRejectedRows": 1}, "t.csv", HEADER, False),
    "a share of the rows is allowed": ({"maxRejectedFraction": 0.01}, "t.csv", HEADER, False),
    "a task reads a whole file, for quotes over lines": ({"multiLine": True}, "t.csv", HEADER, False),
    "a task reads a whole file, to unpack it": ({}, "t.csv.gz", gzip.compress(HEADER.encode()), False),
}


@pytest.mark.parametrize(("parameters", "key", "content", "is_strict"), WAYS.values(), ids=WAYS.keys())
def test_malformed_rows_are_looked_for_from_the_start_where_somebody_expects_them(
    is_read_strictly, parameters, key, content, is_strict
):
    assert is_read_strictly({**TYPED, **parameters}, key, content) is is_strict


def test_good_rows_are_written_and_counted_by_folder(platform, capsys):
    attempt = platform.convert(HEADER + "2,bee\n,\n", {**TYPED, "partitionBy": ["name"]})

    assert platform.tuples(attempt) == [(1, "ant"), (2, "bee"), (None, None)]
    assert attempt.counts == {"rowsRead": 3, "rowsWritten": 3, "rowsRejected": 0}
    assert attempt.manifest["metrics"]["spark"]["failedTasks"] == 0
    assert events(capsys.readouterr().err) == ["program_began", "program_succeeded"]


def test_types_are_inferred_too(platform):
    attempt = platform.convert(HEADER)

    assert platform.tuples(attempt) == [(1, "ant")]
    assert [field["type"] for field in attempt.manifest["schema"]["fields"]] == ["integer", "string"]


def test_stated_columns_are_read_in_one_go(platform):
    attempt = platform.convert(HEADER, TYPED)

    assert attempt.manifest["metrics"]["spark"]["stages"] == 1


# What a file starts with, in front of a row, and the parameters; the columns are stated.
TOPS = {
    "the header": ("id,name\n", {}),
    "the header in capitals": ("ID,Name\n", {}),
    "the header in quotes": ('"id","name"\n', {}),
    "the header behind blank lines": ("\n\nid,name\n", {}),
    "the header behind a byte order mark": ("\ufeffid,name\n", {}),
    "the header with spaces": ("id, name \n", {}),
    "no header": ("\n", {"header": False}),
    "a header where none is said to be": ("id,name\n", {"header": False}),
    "no header where one is said to be": ("\n", {}),
    "another header": ("id,title\n", {}),
    "another order": ("name,id\n", {}),
    "a field too few": ("id\n", {}),
    "a field too many": ("id,name,price\n", {}),
    "a column without a name": ("id,\n", {}),
    "a column without a name, where NULL is a word": ("id,\n", {"nullValue": "NA"}),
    "a column named like NULL": ("id,NA\n", {"nullValue": "NA"}),
    "the header, with NULL named like a column": ("id,name\n", {"nullValue": "name"}),
    "a column named twice": ("id,id\n", {}),
    "bytes that are not UTF-8": ("id,nam\udce9\n", {}),
}
ROWS = {"a row": "1,ant\n", "no row": ""}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS.keys())
@pytest.mark.parametrize(("top", "parameters"), TOPS.values(), ids=TOPS.keys())
def test_a_header_that_was_not_looked_at_is_held_to_the_columns_all_the_same(platform, top, parameters, rows):
    content = (top + rows).encode(errors="surrogateescape")

    strictly = platform.convert(content, {**TYPED, **parameters})
    whole = platform.convert(gzip.compress(content), {**TYPED, **parameters}, key="table.csv.gz")

    assert outcome(platform, strictly) == outcome(platform, whole)


# What follows a good row, what rows are data in the end, and how many are not.
MALFORMED = {
    "a field too many": (b"2,bee,\n3,cat\n", [1, 3], 1),
    "bytes that are not UTF-8": (b"2,b\xe9e\n3,cat\n", [1, 3], 1),
    "values of another type in later tasks": (b"2,bee\n" * 5 + b"q,cat\n" * 2, [1, 2, 2, 2, 2, 2], 2),
}


@pytest.fixture(params=MALFORMED.values(), ids=MALFORMED.keys())
def malformed(platform, request):
    """A CSV file of several tasks, the ids of its good rows, and the number of the others."""
    platform.spark.conf.set("spark.sql.files.maxPartitionBytes", 32)
    rows, ids, rejected = request.param
    return HEADER.encode() + rows, ids, rejected


def test_malformed_rows_are_set_aside_as_if_they_had_been_looked_for_from_the_start(platform, malformed, capsys):
    content, ids, rejected = malformed

    strictly = platform.convert(content, TYPED)
    printed = capsys.readouterr().err
    whole = platform.convert(gzip.compress(content), TYPED, key="table.csv.gz")

    assert events(printed) == ["program_began", "input_read_again", "program_succeeded"]
    assert [row[0] for row in platform.tuples(strictly)] == ids
    assert platform.tuples(strictly) == platform.tuples(whole)
    assert strictly.rejected == whole.rejected
    assert strictly.counts == {"rowsRead": len(ids) + rejected, "rowsWritten": len(ids), "rowsRejected": rejected}


def test_a_malformed_row_where_none_is_allowed_fails_the_job_with_the_words_of_every_other_way(platform, malformed):
    content, ids, rejected = malformed
    none = {**TYPED, "maxRejectedRows": 0}

    strictly = platform.convert(content, none)
    whole = platform.convert(gzip.compress(content), none, key="table.csv.gz")

    assert strictly.failure == as_said_of(whole, strictly)
    assert f"{rejected} of {len(ids) + rejected} rows" in strictly.failure["message"]
    assert strictly.rejected == whole.rejected
    assert len(strictly.rejected) == rejected
    assert ids_in_data(platform, strictly) == ids
    assert strictly.manifest is None


def test_torn_rows_are_named_as_such(platform):
    attempt = platform.convert('name\n"two\nlines"\n')

    assert "say `multiLine: true`" in attempt.failure["message"]


def test_what_another_run_of_the_attempt_wrote_is_neither_deleted_nor_joined(platform):
    first = platform.run("csv-to-parquet", {"table": platform.put("t.csv", HEADER)}, TYPED, job_id="written-twice")
    (first.folder / "_manifest.json").unlink()

    second = platform.run(
        "csv-to-parquet", {"table": platform.put("t.csv", "id,name\n2,bee\n")}, TYPED, job_id="written-twice"
    )

    assert second.failure["failureReason"] == "RUN_FAILED"
    assert ids_in_data(platform, first) == [1]


def test_the_log_of_a_job_that_succeeds_holds_no_malformed_row(platform, submit, tmp_path):
    uri = platform.put("t.csv", HEADER + "planted,planted\n")
    arguments = platform.arguments("csv-to-parquet", {"t": uri}, TYPED, platform.prefix, 1)

    process = submit(tmp_path, str(ROOT / "spark_jobs" / "main.py"), *arguments)

    assert process.returncode == 0, process.stdout
    assert events(process.stdout) == ["program_began", "input_read_again", "program_succeeded"]
    assert "planted" not in process.stdout + process.stderr


def test_other_work_of_spark_is_logged_again_afterwards(spark):
    log4j = spark._jvm.org.apache.logging.log4j
    set_level, log = log4j.core.config.Configurator.setLevel, log4j.LogManager.getContext(False)
    before = levels_of(spark)
    try:
        for name, level in zip(LOGGERS, ("INFO", "WARN", "ERROR"), strict=True):
            set_level(name, log4j.Level.toLevel(level))

        with rows_unsaid(spark):
            within = levels_of(spark), log.getConfiguration().hasFilter()

        assert within == (["OFF", "OFF", "OFF"], True)
        assert (levels_of(spark), log.getConfiguration().hasFilter()) == (["INFO", "WARN", "ERROR"], False)
    finally:
        for name, level in zip(LOGGERS, before, strict=True):
            set_level(name, log4j.Level.toLevel(level))


def levels_of(spark):
    log4j = spark._jvm.org.apache.logging.log4j
    return [log4j.LogManager.getLogger(name).getLevel().toString() for name in LOGGERS]


# For so long that a test that does not wake it would be seen to hang; of being cancelled it does not notice.
SLOW = "java_method('java.lang.Thread', 'sleep', 120000L)"
# The same, but a task that is woken goes on.
PARKED = "java_method('java.util.concurrent.locks.LockSupport', 'parkNanos', 120000000000L)"


def tasks_within(spark, method=None):
    """The threads of tasks, or of those that are within a method of Java."""
    stacks = spark._jvm.java.lang.Thread.getAllStackTraces()
    threads = [each for each in stacks.keySet() if each.getName().startswith("Executor task launch worker for task")]
    return [each for each in threads if method is None or method in [at.getMethodName() for at in stacks.get(each)]]


def wake_tasks(spark):
    """Let the tasks that sleep, or are about to, fail at once."""
    while is_any_running(spark):
        for thread in tasks_within(spark):
            thread.interrupt()


def let_parked_task_go_on_beside_a_sleeping_one(spark):
    """Wait until there is one of each, and let the parked one go on."""
    while not (tasks_within(spark, "sleep") and tasks_within(spark, "parkNanos")):
        pass
    for thread in tasks_within(spark, "parkNanos"):
        spark._jvm.java.util.concurrent.locks.LockSupport.unpark(thread)


class WatchedStore(ObjectStore):
    """A store that notes whether tasks ran when it deleted."""

    def delete(self, uri):
        self.had_tasks = is_any_running(self.spark)
        super().delete(uri)


@pytest.fixture
def uninterrupted(spark):
    """Tasks that are cancelled are not woken, as it is by default before Spark 4."""
    spark.sparkContext.setLocalProperty("spark.job.interruptOnCancel", "false")
    yield
    spark.sparkContext.setLocalProperty("spark.job.interruptOnCancel", None)


@pytest.mark.usefixtures("uninterrupted")
def test_data_is_written_anew_only_when_no_task_writes_any_more(platform):
    spark, folder = platform.spark, f"s3://processed/{platform.prefix}/data"
    store = WatchedStore(spark)
    store.spark = spark
    fails_while_another_goes_on = spark.range(0, 2, 1, 2).select(
        F.expr(f"if(id = 1, {SLOW}, cast(cast(concat('x', {PARKED}, id) as int) as string))").alias("id")
    )
    spark.conf.set("spark.sql.ansi.enabled", "true")
    first = Result(
        fails_while_another_goes_on,
        rows_read=dict,
        otherwise=lambda: Result(spark.range(3), rows_read=lambda: {"t": 3}),
    )
    running = []

    def tell_again():
        running.append(is_any_running(spark))
        Timer(1, wake_tasks, [spark]).start()

    Thread(target=let_parked_task_go_on_beside_a_sleeping_one, args=[spark]).start()
    result, rows_read, rows_written = write_and_count(spark, store, first, folder, tell_again)

    assert running == [True]
    assert store.had_tasks is False
    assert (rows_read, rows_written) == ({"t": 3}, 3)
    assert result.data.count() == spark.read.parquet(folder).count() == 3


def test_a_task_that_does_not_end_fails_the_job(spark):
    job = Thread(target=compute_in_vain, args=[spark.range(1).selectExpr(SLOW)])
    job.start()
    while not is_any_running(spark):
        pass

    with pytest.raises(TasksGoOn, match="still run after 0 s"):
        wait_for_tasks(spark, patience_seconds=0)

    wake_tasks(spark)
    wait_for_tasks(spark)
    job.join()


def compute_in_vain(frame):
    with suppress(Py4JJavaError):
        frame.collect()


def events(printed):
    """The events of the lines that a program logged."""
    return [line["event"] for line in own_lines(printed)]


def outcome(platform, attempt):
    """The rows and counts of a success, or the sentence of a failure, without the name of the file."""
    if attempt.manifest is not None:
        return platform.tuples(attempt), attempt.counts, attempt.rejected
    return attempt.failure["failureReason"], attempt.failure["message"].replace("table.csv.gz", "table.csv")


def ids_in_data(platform, attempt):
    """The ids in the data files that an attempt left, which has no manifest."""
    return sorted(row["id"] for row in platform.spark.read.parquet(attempt.uri + "data").collect())


def as_said_of(other, attempt):
    """The failure of another attempt, with this one's folder in its text."""
    return json.loads(json.dumps(other.failure).replace(other.uri, attempt.uri))
