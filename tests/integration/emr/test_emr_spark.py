"""Runs of real programs: what they read, what they leave, and that each runs once whatever happens to the service."""

import gzip
import json
import os
import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import LocalCloud, start_cloud
from local.deploy import make_client
from local.emr.history_server import MARK
from local.emr.spark_runs import RUN_MARK
from local.marked import marked_pids
from shared.session_policy import Reach, session_policy
from tests.integration.emr.conftest import VARIABLES
from tests.integration.emr.service import ONE_CORE, Emr
from tests.integration.emr.waiting import wait_for

RAW, PROCESSED = "cloud-data-platform-dev-raw", "cloud-data-platform-dev-processed"
ARTIFACTS, LOGS = "cloud-data-platform-dev-artifacts", "cloud-data-platform-dev-logs"
# Long enough for a Java to start on a busy machine.
SPARK_SECONDS = 90

READS_AND_WRITES = """
import json, sys
from pyspark.sql import SparkSession
job = json.loads(sys.argv[2])
spark = SparkSession.builder.appName("reads-and-writes").getOrCreate()
rows = spark.read.csv(job["inputs"][0]["uri"], header=True).count()
rows += spark.read.csv(job["inputs"][1]["uri"], header=True).count()
print("rows", rows)
spark.createDataFrame([(rows,)], "rows long").coalesce(1).write.parquet(sys.argv[4] + "attempt-1/data")
stream = spark._jvm.org.apache.hadoop.fs.Path(sys.argv[4] + "attempt-1/_manifest.json")
file = stream.getFileSystem(spark._jsc.hadoopConfiguration()).create(stream)
file.write(json.dumps({"rows": rows}).encode())
file.close()
"""

# It needs no Spark of its own either: it says what it finds, and writes where it is told.
PRIES = """
import pathlib, sys
for uri in sys.argv[1:3]:
    print(uri, pathlib.Path(uri.replace("s3://", "../s3/")).exists())
target = pathlib.Path(sys.argv[3].replace("s3://", "../s3/"))
target.parent.mkdir(parents=True, exist_ok=True)
target.write_text("written")
"""

FAILS = "raise ValueError('column qty is missing')"

# The driver is Java, which started this program; the kernel kills it so when memory is used up.
KILLS_ITS_DRIVER = "import os, signal; os.kill(os.getppid(), signal.SIGKILL)"

# It needs no Spark of its own: the process is what these tests are about.
WAITS = """
import pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
with (folder / "begun").open("a") as file:
    file.write("x")
while not (folder / "go").exists():
    time.sleep(0.02)
pathlib.Path(sys.argv[2].replace("s3://", "../s3/")).write_text("written")
"""


@pytest.fixture
def put_program(s3: Any) -> Callable[[str], str]:
    """Puts a program into the artifacts bucket; returns its URI."""

    def put(text: str) -> str:
        s3.put_object(Bucket=ARTIFACTS, Key="tests/program.py", Body=text.encode())
        return f"s3://{ARTIFACTS}/tests/program.py"

    return put


def driver(program: str, *arguments: str) -> dict[str, Any]:
    """A job driver of a small real run."""
    return {
        "sparkSubmit": {
            "entryPoint": program,
            "entryPointArguments": list(arguments),
            "sparkSubmitParameters": ONE_CORE,
        }
    }


def body_of(s3: Any, bucket: str, key: str) -> bytes:
    """An object's content."""
    content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def test_a_program_reads_its_inputs_and_leaves_its_outputs_its_logs_and_its_history(
    cloud: LocalCloud, emr: Emr, s3: Any, put_program: Callable[[str], str]
) -> None:
    s3.put_object(Bucket=RAW, Key="one file.csv", Body=b"a,b\n1,2\n3,4\n")
    s3.put_object(Bucket=RAW, Key="folder/part 1.csv", Body=b"a,b\n5,6\n")
    s3.put_object(Bucket=RAW, Key="folder/part-2.csv", Body=b"a,b\n7,8\n")
    inputs = [{"uri": f"s3://{RAW}/one file.csv"}, {"uri": f"s3://{RAW}/folder/"}]
    job, output = json.dumps({"inputs": inputs}), f"s3://{PROCESSED}/jobs/real/"
    logs = {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": f"s3://{LOGS}/runs/"}}}

    run_id = emr.start(
        jobDriver=driver(put_program(READS_AND_WRITES), "--job", job, "--output", output),
        configurationOverrides=logs,
    )
    emr.wait_for_state(run_id, "SUCCESS", seconds=SPARK_SECONDS)

    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=PROCESSED, Prefix="jobs/real/")["Contents"]]
    assert json.loads(body_of(s3, PROCESSED, "jobs/real/attempt-1/_manifest.json")) == {"rows": 4}
    assert [key for key in keys if key.endswith(".parquet")]
    assert not [key for key in keys if key.endswith(".crc") or "_temporary" in key]
    log_prefix = f"runs/applications/{emr.application_id}/jobs/{run_id}/SPARK_DRIVER"
    assert b"rows 4" in gzip.decompress(body_of(s3, LOGS, f"{log_prefix}/stdout.gz"))
    assert gzip.decompress(body_of(s3, LOGS, f"{log_prefix}/stderr.gz"))
    url = emr.client.get_dashboard_for_job_run(applicationId=emr.application_id, jobRunId=run_id)["url"]
    with urllib.request.urlopen(url, timeout=SPARK_SECONDS) as answer:
        assert "reads-and-writes - Spark Jobs" in answer.read().decode()
    history = str(cloud.directory / "emr" / "runs" / "history")
    assert len(marked_pids(MARK, history)) == 1
    cloud.restart("emr")
    assert marked_pids(MARK, history) == []


@pytest.mark.parametrize(("target", "state"), [("mine/out.txt", "SUCCESS"), ("theirs/out.txt", "FAILED")])
def test_a_run_with_a_session_policy_sees_and_writes_what_that_allows_and_nothing_else(
    emr: Emr, s3: Any, put_program: Callable[[str], str], target: str, state: str
) -> None:
    for name in ("mine.csv", "theirs.csv"):
        s3.put_object(Bucket=RAW, Key=f"policy/{name}", Body=b"a")
    mine, theirs = (f"s3://{RAW}/policy/{name}" for name in ("mine.csv", "theirs.csv"))
    program, output = put_program(PRIES), f"s3://{PROCESSED}/policy/"
    policy = session_policy(Reach([mine, program], f"{output}mine/", f"s3://{LOGS}/policy/", "aws"))
    logs = {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": f"s3://{LOGS}/policy/"}}}

    run_id = emr.start(
        jobDriver=driver(program, mine, theirs, output + target),
        executionIamPolicy={"policy": policy},
        configurationOverrides=logs,
    )
    run = emr.wait_for_state(run_id, state, seconds=SPARK_SECONDS)

    written = [row["Key"] for row in s3.list_objects_v2(Bucket=PROCESSED, Prefix="policy/theirs").get("Contents", [])]
    assert written == []
    assert ("AccessDenied" in run["stateDetails"]) is (state == "FAILED")
    if state == "SUCCESS":
        key = f"policy/applications/{emr.application_id}/jobs/{run_id}/SPARK_DRIVER/stdout.gz"
        said = gzip.decompress(body_of(s3, LOGS, key)).decode()
        assert (f"{mine} True" in said, f"{theirs} False" in said) == (True, True)


def test_a_program_that_raises_ends_the_run_with_its_exception(emr: Emr, put_program: Callable[[str], str]) -> None:
    run_id = emr.start(jobDriver=driver(put_program(FAILS)))

    run = emr.wait_for_state(run_id, "FAILED", seconds=SPARK_SECONDS)

    assert run["stateDetails"] == (
        "Job failed, please check complete logs in configured logging destination. ExitCode: 1. "
        "Last few exceptions: ValueError: column qty is missing"
    )


def test_a_run_whose_driver_is_killed_says_so_by_its_exit_code(emr: Emr, put_program: Callable[[str], str]):
    run_id = emr.start(jobDriver=driver(put_program(KILLS_ITS_DRIVER)))

    run = emr.wait_for_state(run_id, "FAILED", seconds=SPARK_SECONDS)

    assert "ExitCode: 137. Last few exceptions: " in run["stateDetails"]


class WaitingRun:
    """A run of a program that begins, waits for a word, and writes an object."""

    def __init__(self, emr: Emr, program: str, folder: Path) -> None:
        self._folder = folder
        self.key = f"{folder.name}.txt"
        self.id = emr.start(jobDriver=driver(program, str(folder), f"s3://{PROCESSED}/{self.key}"))
        begun = folder / "begun"  # what it says, and not that it is there: a kill may come between the two
        wait_for(lambda: begun.exists() and begun.read_text(), "the program to begin", SPARK_SECONDS)

    def let_go(self) -> None:
        """Let the program write and end."""
        (self._folder / "go").touch()

    @property
    def beginnings(self) -> int:
        """How often the program was begun."""
        return len((self._folder / "begun").read_text())

    @property
    def pids(self) -> list[int]:
        """All its processes."""
        return marked_pids(RUN_MARK, self.id)


@pytest.fixture
def waiting(emr: Emr, put_program: Callable[[str], str], tmp_path: Path) -> WaitingRun:
    """A run that has begun and waits."""
    return WaitingRun(emr, put_program(WAITS), tmp_path)


def test_a_killed_service_finds_its_running_program_again_and_starts_it_only_once(
    cloud: LocalCloud, emr: Emr, s3: Any, waiting: WaitingRun
) -> None:
    pids = waiting.pids

    cloud.kill("emr")
    cloud.restart("emr")
    state = emr.get(waiting.id)["state"]
    still_there = waiting.pids
    waiting.let_go()
    emr.wait_for_state(waiting.id, "SUCCESS", seconds=SPARK_SECONDS)

    assert state == "RUNNING"
    assert still_there == pids
    assert body_of(s3, PROCESSED, waiting.key) == b"written"
    assert waiting.beginnings == 1


def test_a_program_that_ends_while_the_service_is_dead_is_a_success_afterwards(
    cloud: LocalCloud, emr: Emr, s3: Any, waiting: WaitingRun
) -> None:
    cloud.kill("emr")
    waiting.let_go()
    wait_for(lambda: not waiting.pids, "the program to end", SPARK_SECONDS)
    cloud.restart("emr")

    assert emr.wait_for_state(waiting.id, "SUCCESS")
    assert body_of(s3, PROCESSED, waiting.key) == b"written"
    assert waiting.beginnings == 1


def test_a_program_whose_processes_vanish_fails_as_lost_and_is_not_started_again(emr: Emr, waiting: WaitingRun) -> None:
    for pid in waiting.pids:
        os.kill(pid, signal.SIGKILL)

    run = emr.wait_for_state(waiting.id, "FAILED")

    assert run["stateDetails"].startswith("Job run lost its driver: ")
    assert waiting.beginnings == 1


def test_what_a_lost_driver_leaves_running_is_ended(cloud: LocalCloud, emr: Emr, waiting: WaitingRun) -> None:
    keeper = next(pid for pid in waiting.pids if b"run_process" in Path(f"/proc/{pid}/cmdline").read_bytes())

    os.kill(keeper, signal.SIGKILL)
    emr.wait_for_state(waiting.id, "FAILED")

    wait_for(lambda: not waiting.pids, "the program to be ended")


def test_a_service_that_is_asked_to_stop_ends_its_programs_first(
    cloud: LocalCloud, emr: Emr, waiting: WaitingRun
) -> None:
    cloud.processes["emr"].begin_stop()
    cloud.processes["emr"].finish_stop()
    left = waiting.pids
    cloud.restart("emr")

    assert left == []
    assert emr.wait_for_state(waiting.id, "FAILED")["stateDetails"].startswith("Job run lost its driver: ")


def test_a_cancelled_program_is_ended_and_leaves_no_output(emr: Emr, s3: Any, waiting: WaitingRun) -> None:
    emr.cancel(waiting.id)
    at_once = emr.get(waiting.id)["state"]
    emr.wait_for_state(waiting.id, "CANCELLED", seconds=30)

    assert at_once == "CANCELLING"
    assert waiting.pids == []
    with pytest.raises(ClientError):
        body_of(s3, PROCESSED, waiting.key)


def test_stopping_the_cloud_leaves_no_program_running(tmp_path: Path) -> None:
    with start_cloud(("aws", "emr"), VARIABLES) as cloud:
        emr = Emr(make_client("emr-serverless", cloud.environment))
        program = f"s3://{ARTIFACTS}/waits.py"
        make_client("s3", cloud.environment).put_object(Bucket=ARTIFACTS, Key="waits.py", Body=WAITS.encode())
        waiting = WaitingRun(emr, program, tmp_path)
        assert waiting.pids

    assert waiting.pids == []
