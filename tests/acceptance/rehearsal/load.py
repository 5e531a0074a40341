"""Clients that submit jobs, look at them and list them without a break, and keep every answer that was not right."""

import threading
from collections import Counter
from collections.abc import Callable

from cli.client import ApiClient, Problem, Record, Unreachable
from local.marked import wait_until
from tests.acceptance.rehearsal.fleet import Fleet

CLIENTS = 3
PAUSE_SECONDS = 0.4
PATIENCE_SECONDS = 60
# Jobs that are acknowledged in each part of the rehearsal, at the least.
MORE = 6
JOB = {"jobType": "simulated", "inputs": [], "parameters": {"seconds": 0.2}}


class Load:
    """The clients' threads. `wrong` are the answers that no client should get, each with when it was."""

    def __init__(self, fleet: Fleet) -> None:
        self.jobs: list[str] = []
        self.wrong: list[str] = []
        self.answers: Counter[str] = Counter()
        self.part = "before"
        self._fleet = fleet
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def go_on(self, part: str) -> None:
        """Return once this part of the rehearsal had its share of jobs."""
        self.part = part
        enough = len(self.jobs) + MORE
        assert wait_until(lambda: len(self.jobs) >= enough, PATIENCE_SECONDS), (
            f"{part}: no jobs were accepted; {self.wrong}"
        )

    def stop(self) -> None:
        """Return once every client had its last answer."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        turn = 0
        while not self._stop.wait(PAUSE_SECONDS):
            turn += 1
            try:
                self._turn(f"client-{number}-{turn}")
            except (Problem, Unreachable) as error:
                self.wrong.append(f"{self.part}: {error}")

    def _turn(self, key: str) -> None:
        job = self._ask("submit", lambda api: api.submit(JOB, key))
        self.jobs.append(job["jobId"])
        again = self._ask("submit again", lambda api: api.submit(JOB, key))
        if again["jobId"] != job["jobId"]:
            self.wrong.append(f"{self.part}: a second job for {key}")
        self._ask("get", lambda api: api.get(job["jobId"]))
        # One that another version may have written.
        self._ask("get", lambda api: api.get(self.jobs[len(self.jobs) // 2]))
        page = self._ask("list", lambda api: api.list_jobs(limit=2))
        if page["nextCursor"]:
            self._ask("next page", lambda api: api.list_jobs(limit=2, cursor=page["nextCursor"]))

    def _ask(self, what: str, question: Callable[[ApiClient], Record]) -> Record:
        answer: Record = self._fleet.ask(question)
        self.answers[what] += 1
        return answer
