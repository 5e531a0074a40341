"""Programs of the users' own, a script and a jar, with real Spark."""

import gzip
import urllib.request
from collections import Counter
from email.message import Message
from pathlib import Path

import pytest

from cli.client import Problem, Record
from tests.acceptance.conftest import Platform
from tests.spark.flights_data import flights_of_new_year

ROOT = Path(__file__).resolve().parents[2]
FLIGHTS, FLIGHTS_ROWS = flights_of_new_year("carrier", "flight")
SCRIPT = ROOT / "docs" / "how-to" / "count_by_carrier.py"


def written(platform: Platform, job: Record) -> dict[str, str]:
    """What lies below the folder of the job's attempt, by its path there."""
    bucket, _, prefix = f"{job['outputUri']}".removeprefix("s3://").partition("/")
    s3 = platform.aws("s3")
    keys = [row["Key"] for row in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]
    return {
        key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode(errors="replace")
        for key in keys
    }


def test_a_script_of_ones_own_reads_its_input_writes_below_its_attempt_and_can_be_looked_at(platform: Platform):
    job = script_job(platform, [])

    ended = platform.wait(platform.api.submit(job))

    assert ended["status"] == "SUCCEEDED", ended["statusMessage"]
    (text,) = [text for path, text in written(platform, ended).items() if path.endswith(".csv")]
    counted = Counter(row["carrier"] for row in FLIGHTS_ROWS)
    assert text.split() == ["carrier,count", *(f"{carrier},{rows}" for carrier, rows in sorted(counted.items()))]
    with pytest.raises(Problem, match="wrote no manifest"):
        platform.api.outputs(ended["jobId"])
    log = platform.api.logs(ended["jobId"], stream="stderr", tailLines=2)
    whole, headers = opened(log["url"])
    assert log["text"].count("\n") == 2
    assert gzip.decompress(whole).decode().endswith(log["text"])
    assert (headers["Content-Type"], headers["Content-Encoding"]) == ("text/plain; charset=utf-8", "gzip")
    page, _ = opened(platform.api.dashboard(ended["jobId"])["url"])
    assert b"Spark Jobs</title>" in page


def opened(url: str) -> tuple[bytes, Message]:
    """What lies at an address, and its headers."""
    with urllib.request.urlopen(url, timeout=90) as answer:
        return answer.read(), answer.headers


# The driver is Java, which starts the script. Here the size small is too small for it: it is killed as the kernel does.
HUNGRY = b"""
import os, pathlib, signal
if "spark.driver.cores=2" in pathlib.Path(f"/proc/{os.getppid()}/cmdline").read_text():
    os.kill(os.getppid(), signal.SIGKILL)
"""


def test_a_script_that_runs_out_of_memory_is_tried_once_with_the_next_size(platform: Platform):
    parameters = {"script": platform.upload("scripts/hungry.py", HUNGRY)}
    wishes = {"maxAttempts": 1, "onOutOfMemory": "retry-bigger"}

    ended = platform.wait(platform.api.submit({"jobType": "pyspark", "inputs": [], "parameters": parameters, **wishes}))

    assert ended["status"] == "SUCCEEDED", ended["statusMessage"]
    first, second = ended["attempts"]
    assert (first["size"], first["failure"]["class"], first["failure"]["exitCode"]) == ("small", "memory", 137)
    assert (second["size"], second["outcome"], ended["biggerSize"]) == ("medium", "SUCCEEDED", "medium")


def test_what_a_script_says_of_its_input_is_what_the_job_says(platform: Platform):
    failed = platform.wait(platform.api.submit(script_job(platform, ["--column", "city"])))

    assert (failed["status"], failed["failureReason"], failed["attempt"]) == ("FAILED", "INVALID_INPUT", 1)
    assert failed["failureDetail"] == "There is no column 'city'; there are carrier, flight."


def test_a_class_of_a_jar_is_run_and_told_where_to_write(platform: Platform):
    """The jar is one of Spark's own, a program with a main method as its distribution ships it.

    Its jar of examples is neither in the package of PyPI nor, for this release, on Maven Central. The class wants a
    master, a folder, and how many lines to write.
    """
    (jar,) = (ROOT / ".venv" / "spark").glob("lib/python3*/site-packages/pyspark/jars/spark-mllib_*.jar")
    parameters = {
        "jar": platform.upload("jars/spark-mllib.jar", jar.read_bytes()),
        "mainClass": "org.apache.spark.mllib.util.SVMDataGenerator",
        "arguments": ["local[2]", "{output}data", "7", "2", "1"],
    }

    ended = platform.wait(platform.api.submit({"jobType": "spark-jar", "inputs": [], "parameters": parameters}))

    assert ended["status"] == "SUCCEEDED", ended["statusMessage"]
    assert len(written(platform, ended)["data/part-00000"].splitlines()) == 7


def script_job(platform: Platform, arguments: list[str]) -> Record:
    """A job that runs the script of the documents."""
    script = platform.upload("scripts/count_by_carrier.py", SCRIPT.read_bytes())
    flights = platform.upload("acceptance/own/flights.csv", FLIGHTS)
    return {
        "jobType": "pyspark",
        "inputs": [{"name": "flights", "uri": flights}],
        "parameters": {"script": script, "arguments": arguments},
    }
