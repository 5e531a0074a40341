"""Dashboards of runs: addresses that lead to Spark's history server once and for an hour, as AWS's do."""

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local.emr.history_server import HistoryServer
from local.emr.runs import Run, RunState
from local.emr.spark_runs import SparkRuns
from local.emr.wire import Answer
from local.ports import HOST

LIFE_MS = 3600 * 1000
# AWS refuses the others: "Dashboard cannot be served for job in PENDING state".
SHOWN_STATES = frozenset({RunState.RUNNING, RunState.CANCELLING, RunState.SUCCESS, RunState.FAILED, RunState.CANCELLED})


@dataclass(frozen=True)
class Ticket:
    """What an address opens, and until when."""

    run: Run
    until_ms: int


class Dashboards:
    """Gives addresses away, and leads those who follow one. The history server starts with the first of them."""

    def __init__(self, spark: SparkRuns, history: HistoryServer, port: int, now_ms: Callable[[], int]) -> None:
        self._spark, self._history, self._port, self._now_ms = spark, history, port, now_ms
        self._tickets: dict[str, Ticket] = {}
        self._lock = threading.Lock()

    def address_of(self, run: Run) -> str:
        """A new address for a run."""
        word, now = secrets.token_urlsafe(24), self._now_ms()
        with self._lock:
            self._tickets = {key: each for key, each in self._tickets.items() if each.until_ms > now}
            self._tickets[word] = Ticket(run, now + LIFE_MS)
        return f"http://{HOST}:{self._port}/_local/dashboards/{word}"

    def follow(self, word: str) -> Answer:
        """Where the address leads: to Spark's pages, or to what this service knows of a run without any."""
        with self._lock:
            ticket = self._tickets.pop(word, None)
        if ticket is None or ticket.until_ms <= self._now_ms():
            return _text(410, "This address was used already, or is older than an hour. Ask for a new one.")
        event_log = self._spark.event_log(ticket.run.run_id)
        if event_log is None:
            return _led_to(f"/_local/runs/{ticket.run.run_id}")
        page = self._history.page_of(event_log)
        return _text(503, "Spark's history server does not show the run yet.") if page is None else _led_to(page)


def _led_to(address: str) -> Answer:
    return Answer(302, b"", {"Location": address})


def _text(status: int, sentence: str) -> Answer:
    headers: Mapping[str, str] = {"Content-Type": "application/json"}
    return Answer(status, json.dumps({"message": sentence}).encode(), headers)
