"""The process of one Spark run: fetch its inputs, run spark-submit, put what it wrote, say how it ended.

`python -m local.emr.run_process FOLDER`, in a session of its own, so that it outlives the service that started
it. It inherits a lock (see spark_runs.py) that nobody else may hold for as long as it lives.
"""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.emr.details import last_exception
from local.emr.rights import rights_of
from local.emr.s3_uris import locations_of, output_of
from local.emr.simulation import arguments_of
from local.emr.spark_command import driver_variables, spark_submit
from local.emr.spark_runs import RUN_MARK, SPARK_BIN, STOP_GRACE_SECONDS, Exit, RunFolder, RunOrder
from local.emr.staging import make_s3_client, new_files, snapshot, stage, upload, upload_logs
from local.marked import end_marked

log = logging.getLogger(__name__)
POLL_SECONDS = 0.1
# How often the logs of a run that goes on are put; EMR Serverless puts them from time to time, too.
LOG_SECONDS = 10.0
LOG_TAIL_BYTES = 64 * 1024
KEPT_VARIABLES = ("HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LOCAL_CLOUD", RUN_MARK)


def main() -> None:
    """Carry out the order in the folder that the command line names."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    folder = RunFolder(Path(sys.argv[1]))
    order = RunOrder(**json.loads(folder.order.read_text()))
    try:
        ended = carry_out(order, folder, make_s3_client())
    except Exception as error:  # the outermost level: whatever went wrong is this run's failure
        log.exception("the run failed outside of Spark")
        ended = Exit(1, False, f"{type(error).__name__}: {error}")
    write_exit(folder, ended)


def carry_out(order: RunOrder, folder: RunFolder, s3: Any) -> Exit:
    """Do everything that a run does; returns how it ended."""
    arguments = arguments_of(order.request)
    locations = locations_of(order.request)
    folder.s3.mkdir(exist_ok=True)
    rights = rights_of(order.request)
    stage(s3, folder.s3, locations, output_of(arguments), rights)
    before = snapshot(folder.s3)
    ended = run_spark(order, folder, {location.bucket for location in locations}, lambda: put_logs(s3, order, folder))
    if not ended.cancelled:
        written = new_files(folder.s3, before)
        log.info("putting %d files", len(written))
        upload(s3, folder.s3, written, rights)
    put_logs(s3, order, folder)
    return ended


def run_spark(order: RunOrder, folder: RunFolder, buckets: set[str], put_so_far: Callable[[], None]) -> Exit:
    """Run spark-submit to its end, or until the run is cancelled; `put_so_far` puts its logs from time to time."""
    command = spark_submit(SPARK_BIN, order.request, folder.s3, sorted(buckets), order.max_driver_memory_mib)
    folder.work.mkdir(exist_ok=True)
    folder.events.mkdir(exist_ok=True)
    with folder.log("stdout").open("wb") as stdout, folder.log("stderr").open("wb") as stderr:
        process = subprocess.Popen(
            command,
            cwd=folder.work,
            env=spark_environment(order, folder),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
        logs_due = time.monotonic() + LOG_SECONDS
        while True:
            try:
                exit_code = process.wait(POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                if folder.stop.exists():
                    end_marked(RUN_MARK, order.run_id, STOP_GRACE_SECONDS)
                    process.wait()
                    return Exit(process.returncode, True, "")
                if time.monotonic() >= logs_due:
                    put_so_far()
                    logs_due = time.monotonic() + LOG_SECONDS
    if exit_code == 0:
        return Exit(0, False, "")
    told = last_exception(tail_of(folder.log("stdout")), tail_of(folder.log("stderr")))
    return Exit(exit_status(exit_code), False, told)


def exit_status(returncode: int) -> int:
    """The exit code as a shell and EMR Serverless say it: of a process that a signal ended, 128 and its number."""
    return returncode if returncode >= 0 else 128 - returncode


def spark_environment(order: RunOrder, folder: RunFolder) -> Mapping[str, str]:
    """What Spark sees: its own Python and Java, and none of the machine's or of the platform's settings."""
    python = str(SPARK_BIN / "python")
    return {
        **{name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ},
        **driver_variables(order.request),
        "PATH": f"{SPARK_BIN}:{order.java_home}/bin:/usr/local/bin:/usr/bin:/bin",
        "JAVA_HOME": order.java_home,
        "PYSPARK_PYTHON": python,
        "PYSPARK_DRIVER_PYTHON": python,
        "PYTHONDONTWRITEBYTECODE": "1",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder.work),
    }


def put_logs(s3: Any, order: RunOrder, folder: RunFolder) -> None:
    """Put the driver's logs where the run's monitoring configuration wants them."""
    overrides = order.request.get("configurationOverrides", {})
    log_uri = overrides.get("monitoringConfiguration", {}).get("s3MonitoringConfiguration", {}).get("logUri")
    if not log_uri:
        return
    logs = {name: folder.log(name) for name in ("stdout", "stderr")}
    try:
        upload_logs(s3, log_uri, order.application_id, order.run_id, logs)
    except (BotoCoreError, ClientError) as error:  # as on AWS, a run does not fail for want of its logs
        log.info("the logs could not be put to %s: %s", log_uri, error)


def tail_of(path: Path) -> str:
    """The last part of a log."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_TAIL_BYTES))
        return file.read().decode(errors="replace")


def write_exit(folder: RunFolder, ended: Exit) -> None:
    """Leave the exit record, all of it or none."""
    written = folder.exit.with_suffix(".new")
    written.write_text(json.dumps(asdict(replace(ended, last_exception=ended.last_exception[:2000]))))
    written.replace(folder.exit)


if __name__ == "__main__":
    main()
