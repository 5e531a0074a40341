"""The processes of a local cloud: what each is, as data, and one that runs."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.marked import wait_until
from local.ports import HOST
from local.settings import ROOT

CLOUD_MARK = "LOCAL_CLOUD"
READY_SECONDS = 60
STOP_SECONDS = 15
MINISTACK = ROOT / ".venv" / "ministack" / "bin" / "python"
PRODUCT_BIN = ROOT / ".venv" / "product" / "bin"


@dataclass(frozen=True)
class ProcessPlan:
    """One process: its name, what to run, in which environment, and which URL answers once it is ready."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_url: str | None = None


class NotReady(Exception):
    """A process ended or stayed silent instead of getting ready; the text says which and where its log is."""


def plan_processes(parts: tuple[str, ...], ports: Mapping[str, int], workers: int) -> list[ProcessPlan]:
    """The processes of the wanted parts (aws, emr, api, workers), in the order of their start."""
    python = str(PRODUCT_BIN / "python") if (PRODUCT_BIN / "python").exists() else sys.executable
    aws_port, emr_port, api_port = ports["LOCAL_AWS_PORT"], ports["LOCAL_EMR_PORT"], ports["API_PORT"]
    aws = ProcessPlan(
        "aws",
        (str(MINISTACK), "-m", "ministack"),
        # The scheme of a table's or queue's address must be one that no name server is asked for.
        {"BIND_HOST": HOST, "GATEWAY_PORT": str(aws_port), "MINISTACK_HOST": HOST, "LOG_LEVEL": "WARNING"},
        f"http://{HOST}:{aws_port}/_ministack/health",
    )
    emr = ProcessPlan("emr", (python, "-m", "local.emr"), {}, f"http://{HOST}:{emr_port}/_local/health")
    api = ProcessPlan(
        "api",
        (python, "-m", "gunicorn", "--config", "api/gunicorn.conf.py", "api.wsgi:app"),
        {"API_PORT": str(api_port)},
        f"http://{HOST}:{api_port}/health/live",
    )
    each_worker = [ProcessPlan(f"worker-{n}", (python, "-m", "worker")) for n in range(1, workers + 1)]
    by_part = {"aws": [aws], "emr": [emr], "api": [api], "workers": each_worker}
    return [plan for part, plans in by_part.items() if part in parts for plan in plans]


class Child:
    """One process of a plan, in a process group of its own, with its output in a log file."""

    def __init__(self, plan: ProcessPlan, environment: Mapping[str, str], log_path: Path) -> None:
        self.plan, self.log_path = plan, log_path
        self._environment = {**environment, **plan.environment}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id, while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How it ended; none while it runs and before its first start."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it; wait_until_ready says when it can be used."""
        with self.log_path.open("ab") as output:
            self._process = subprocess.Popen(
                list(self.plan.command),
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Return once its URL answers.

        Raises: NotReady.
        """
        if self.plan.ready_url is None:
            return
        ready = wait_until(lambda: self.exit_code is not None or self._answers(), READY_SECONDS)
        if self.exit_code is not None:
            raise NotReady(f"{self.plan.name} ended at its start (exit code {self.exit_code}): {self._last_words()}")
        if not ready:
            raise NotReady(f"{self.plan.name} did not get ready in {READY_SECONDS} s; its log is {self.log_path}.")

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def begin_stop(self) -> None:
        """Ask it to end."""
        self._signal(signal.SIGTERM)

    def finish_stop(self) -> None:
        """Wait for its end, and end it for good when it takes too long."""
        if self._process is None:
            return
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _signal(self, number: int) -> None:
        if self.pid is not None:
            os.killpg(self.pid, number)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(str(self.plan.ready_url), timeout=2) as answer:  # noqa: S310  # our own URL
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _last_words(self) -> str:
        lines = [line for line in self.log_path.read_text(errors="replace").splitlines() if line.strip()]
        return f"{lines[-1] if lines else 'it said nothing'} (log: {self.log_path})"
