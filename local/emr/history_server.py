"""Spark's own history server, over the event logs of the runs: started when somebody first asks for it."""

import os
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path

from local.emr.spark_runs import SPARK_BIN, java_home
from local.marked import end_marked, wait_until
from local.ports import HOST, free_ports

MARK = "LOCAL_EMR_HISTORY"
IN_PROGRESS = ".inprogress"
KEPT_VARIABLES = ("HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LOCAL_CLOUD")
# About 220 MB in all: it holds what it shows of few runs at a time, and reads others again.
JAVA_FLAGS = ("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
SHOWN_AT_ONCE = 10
# On a busy machine its JVM takes a while, and it looks for new event logs every second.
READY_SECONDS = 60.0
STOP_SECONDS = 5.0


class HistoryServer:
    """At most one process, which ends with this service. It shows a run that goes on as far as its event log says."""

    def __init__(self, runs: Path) -> None:
        """`runs` holds the folders of all runs."""
        self._runs, self._lock = runs, threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def folder(self) -> Path:
        """The one folder that the server reads: links to the event logs that somebody asked for."""
        return self._runs / "history"

    def page_of(self, event_log: Path) -> str | None:
        """The address of what an event log says, once the server shows it; none if it does not in time."""
        application_id = event_log.name.removesuffix(IN_PROGRESS)
        with self._lock:
            self._link(event_log, application_id)
            if self._process is None or self._process.poll() is not None:
                self._start()
        page = f"http://{HOST}:{self._port}/history/{application_id}/jobs/"
        return page if wait_until(lambda: answers(page), READY_SECONDS, 0.2) else None

    def stop(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def _link(self, event_log: Path, application_id: str) -> None:
        self.folder.mkdir(exist_ok=True)
        link, earlier = self.folder / event_log.name, self.folder / f"{application_id}{IN_PROGRESS}"
        if link != earlier and earlier.exists():
            # Its session has ended and the log has its last name: a server that sees that has no page for a moment.
            self.stop()
            earlier.unlink()
        if not link.exists():
            os.link(event_log, link)

    def _start(self) -> None:
        # A service that was killed has left its own behind.
        end_marked(MARK, str(self.folder), STOP_SECONDS)
        (self._port,) = free_ports(1)
        with (self._runs / "history.log").open("wb") as output:
            self._process = subprocess.Popen(
                command(self.folder, self._port),
                env={**environment(), MARK: str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )


def command(folder: Path, port: int) -> list[str]:
    """The server as Spark's own script starts it; pip's Spark leaves that script out."""
    settings = {
        "spark.history.fs.logDirectory": f"file://{folder}",
        "spark.history.fs.update.interval": "1s",
        "spark.history.retainedApplications": str(SHOWN_AT_ONCE),
        "spark.history.ui.port": str(port),
    }
    jars = next((SPARK_BIN.parent / "lib").glob("python*/site-packages/pyspark/jars"))
    return [
        f"{java_home()}/bin/java",
        *JAVA_FLAGS,
        *(f"-D{name}={value}" for name, value in settings.items()),
        *("-cp", f"{jars}/*"),
        "org.apache.spark.deploy.history.HistoryServer",
    ]


def environment() -> dict[str, str]:
    """What the server sees: nothing of the platform's settings, and an address that only this machine reaches."""
    return {**{name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}, "SPARK_LOCAL_IP": HOST}


def answers(url: str) -> bool:
    """Whether there is a good answer at an address of this machine."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # our own URL
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
