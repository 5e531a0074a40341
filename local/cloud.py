"""One local cloud: its folder, its ports, its processes. For `python -m local up`, for tests and for the demo.

with start_cloud(("aws", "emr")) as cloud:
    client = boto3.client("emr-serverless", ...)   # cloud.environment has the variables
    cloud.kill("emr")
    cloud.restart("emr")
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType

from local.deploy import deploy_data, ensure_application, upload_spark_code
from local.marked import is_alive, wait_until
from local.ports import settle
from local.processes import CLOUD_MARK, Child, plan_processes
from local.settings import ROOT, LocalSettings
from local.variables import cloud_variables, process_environment, write_env_file
from shared.settings import Settings

# Longer than a reaper takes.
SWEEP_SECONDS = 20.0
PARTS = ("aws", "emr", "api", "workers")


class AlreadyRunning(Exception):
    """Another local cloud runs in the same folder; the text says so."""


class LocalCloud:
    """A running local cloud. `environment` has the variables for its clients; `processes` its processes by name."""

    def __init__(
        self,
        settings: LocalSettings,
        parts: Iterable[str] = PARTS,
        variables: Mapping[str, str] | None = None,
        api_port: int = 0,
        region: str = Settings().aws_region,
    ) -> None:
        self.settings, self.parts = settings, tuple(parts)
        self.directory = settings.state_path
        self.processes: dict[str, Child] = {}
        self.environment: dict[str, str] = {}
        self._given, self._api_port, self._region = dict(variables or {}), api_port, region
        self._mark = str(uuid.uuid4())
        self._lock: int | None = None
        self._reaper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "LocalCloud":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything; what was started ends again if that fails.

        Raises: AlreadyRunning, PortTaken, NotReady, DeployFailed.
        """
        self._take_folder()
        try:
            ports = settle(self._wanted_ports())
            shutil.rmtree(self.directory / "emr", ignore_errors=True)  # its AWS starts empty, so its runs do too
            shutil.rmtree(self.directory / "logs", ignore_errors=True)
            (self.directory / "logs").mkdir()
            self.environment = {**cloud_variables(ports, self.directory, self._region), **self._given}
            self._start_reaper()
            self._start_processes(ports)
        except BaseException:
            self.stop()
            raise

    def kill(self, name: str) -> None:
        """End one process at once, as a crash would; what it started lives on."""
        self.processes[name].kill()

    def restart(self, name: str) -> None:
        """Start one process again, with its state as it was left; one that runs is stopped first."""
        child = self.processes[name]
        child.begin_stop()
        child.finish_stop()
        child.start()
        child.wait_until_ready()
        self._prepare(name)

    def stop(self) -> None:
        """End every process, those of Spark too: first the product, which needs the cloud to stop in order."""
        product = [child for name, child in self.processes.items() if name not in PREPARATIONS]
        cloud = [child for name, child in self.processes.items() if name in PREPARATIONS]
        for group in (product, cloud):
            for child in group:
                child.begin_stop()
            for child in group:
                child.finish_stop()
        if self._reaper is not None and self._reaper.stdin is not None:
            self._reaper.stdin.close()
            self._reaper.wait()
            self._reaper = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take_folder(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / "run.pid"
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        owner = path.read_text().strip()
        # The reaper of an owner that was killed holds the lock while it sweeps.
        patience = 0.0 if is_alive(owner) else SWEEP_SECONDS
        if not wait_until(lambda: _locks(lock), patience):
            os.close(lock)
            taken = ", ".join(f"{port} ({variable})" for variable, port in self._wanted_ports().items())
            raise AlreadyRunning(
                f"A local cloud runs in {self.directory} already (process {owner}); its ports {taken} are taken. "
                "For another beside it, set those and LOCAL_DIR."
            )
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
        self._lock = lock

    def _wanted_ports(self) -> dict[str, int]:
        """The ports of the wanted parts; those of the others are free ones, which nobody will listen on."""
        return {
            "LOCAL_AWS_PORT": self.settings.aws_port if "aws" in self.parts else 0,
            "LOCAL_EMR_PORT": self.settings.emr_port if "emr" in self.parts else 0,
            "API_PORT": self._api_port if "api" in self.parts else 0,
        }

    def _start_reaper(self) -> None:
        assert self._lock is not None
        self._reaper = subprocess.Popen(
            [sys.executable, "-m", "local.reaper", self._mark],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(self._lock,),
        )

    def _start_processes(self, ports: Mapping[str, int]) -> None:
        """AWS and EMR at once, then what they hold, then the product, which is told about it."""
        plans = plan_processes(self.parts, ports, self.settings.workers)
        cloud_plans = [plan for plan in plans if plan.name in PREPARATIONS]
        for group in (cloud_plans, [plan for plan in plans if plan not in cloud_plans]):
            environment = self._process_environment(ports)
            children = [Child(plan, environment, self.directory / "logs" / f"{plan.name}.log") for plan in group]
            for child in children:
                self.processes[child.plan.name] = child
                child.start()
            for child in children:
                child.wait_until_ready()
                self._prepare(child.plan.name)
        write_env_file(self.directory / "env", self.environment)

    def _process_environment(self, ports: Mapping[str, int]) -> dict[str, str]:
        told = {
            **self.environment,
            "LOCAL_DIR": str(self.directory),
            **{variable: str(port) for variable, port in ports.items()},
            CLOUD_MARK: self._mark,
        }
        return process_environment(told)

    def _prepare(self, name: str) -> None:
        prepare = PREPARATIONS.get(name)
        if prepare is not None:
            prepare(self)

    def prepare_aws(self) -> None:
        """Fill an AWS that starts empty."""
        deploy_data(self.environment)
        upload_spark_code(self.environment)

    def prepare_emr(self) -> None:
        """Make the application that the product uses."""
        self.environment["EMR_APPLICATION_ID"] = ensure_application(self.environment)


def _locks(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# What must be done whenever one of the cloud's own processes has started.
PREPARATIONS: dict[str, Callable[[LocalCloud], None]] = {
    "aws": LocalCloud.prepare_aws,
    "emr": LocalCloud.prepare_emr,
}


class TemporaryCloud(LocalCloud):
    """A local cloud on free ports whose folder goes with it."""

    def stop(self) -> None:
        """End every process and remove the folder."""
        super().stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def start_cloud(
    parts: Iterable[str] = ("aws", "emr"), variables: Mapping[str, str] | None = None, workers: int = 2
) -> LocalCloud:
    """A started cloud on free ports in a folder of its own; use it in a `with` statement or stop it.

    `variables` go to all of its processes, settings of the product and of the local cloud alike.
    """
    folder = tempfile.mkdtemp(prefix="local-cloud-")
    settings = LocalSettings(directory=folder, aws_port=0, emr_port=0, workers=workers)
    cloud = TemporaryCloud(settings, parts, variables)
    cloud.start()
    return cloud
