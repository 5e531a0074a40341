"""The tasks of the API and the workers as ECS and a balancer handle them: first new ones, then old ones are drained."""

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.client import ApiClient
from local.cloud import LocalCloud
from local.marked import wait_until
from local.ports import HOST, free_ports
from local.processes import PRODUCT_BIN, Child, ProcessPlan
from local.variables import process_environment

EACH = 2
DRAIN_SECONDS = 30
COMMANDS = {
    "api": ("-m", "gunicorn", "--config", "api/gunicorn.conf.py"),
    "worker": ("-m", "worker"),
}
HEALTH = {"api": ("API_PORT", "/health/ready"), "worker": ("HEALTH_PORT", "/healthz")}


@dataclass(eq=False)
class Task:
    """A process of a service, and how many requests it has in hand."""

    child: Child
    url: str
    in_hand: int = 0


class Fleet:
    """Two tasks of each service, and the balancer in front of the API's."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._tasks: dict[str, list[Task]] = {"api": [], "worker": []}
        self._lock = threading.Lock()
        self._turns = itertools.count()
        self._numbers = itertools.count(1)

    def roll(self, service: str, folder: Path, variables: Mapping[str, str] | None = None) -> None:
        """Replace the tasks of a service by new ones, of the code in a folder and told these variables."""
        with ThreadPoolExecutor(EACH) as starting:
            new = list(starting.map(lambda _: self._start(service, folder, variables or {}), range(EACH)))
        with self._lock:
            old, self._tasks[service] = self._tasks[service], new
        for task in old:
            assert wait_until(lambda task=task: task.in_hand == 0, DRAIN_SECONDS), (
                f"{task.child.plan.name} did not drain"
            )
        self._end(old)

    def ask(self, question: Callable[[ApiClient], Any]) -> Any:
        """Let the API's tasks answer in turn."""
        with self.task() as task:
            return question(ApiClient(task.url))

    def stop(self) -> None:
        """End all tasks."""
        with self._lock:
            left = [task for tasks in self._tasks.values() for task in tasks]
        self._end(left)

    @contextmanager
    def task(self) -> Iterator[Task]:
        """The API's task whose turn it is; it is not ended before this is over."""
        with self._lock:
            task = self._tasks["api"][next(self._turns) % EACH]
            task.in_hand += 1
        try:
            yield task
        finally:
            with self._lock:
                task.in_hand -= 1

    def _start(self, service: str, folder: Path, variables: Mapping[str, str]) -> Task:
        (port,), (variable, path) = free_ports(1), HEALTH[service]
        url = f"http://{HOST}:{port}"
        # The code is found where the process is started.
        command = ("env", "-C", str(folder), str(PRODUCT_BIN / "python"), *COMMANDS[service])
        plan = ProcessPlan(f"{service}-{next(self._numbers)}", command, {variable: str(port), **variables}, url + path)
        told = process_environment(self._cloud.environment)
        child = Child(plan, told, self._cloud.directory / "logs" / f"{plan.name}.log")
        child.start()
        child.wait_until_ready()
        return Task(child, url)

    def _end(self, tasks: list[Task]) -> None:
        for task in tasks:
            task.child.begin_stop()
        for task in tasks:
            task.child.finish_stop()
        ended = {task.child.plan.name: task.child.exit_code for task in tasks}
        assert set(ended.values()) <= {0}, f"not all ended in order: {ended}"
