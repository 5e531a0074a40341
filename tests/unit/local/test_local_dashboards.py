"""Addresses of dashboards: each leads somewhere once, and for an hour."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from local.emr.dashboards import LIFE_MS, Dashboards
from local.emr.history_server import HistoryServer
from local.emr.runs import Run, RunState
from local.emr.spark_runs import SparkRuns

RUN = Run("00run", "00app", "token", {}, RunState.SUCCESS, "", 0, 0, "emr-7.14.0", 1)
PAGE = "http://127.0.0.1:18080/history/local-1/jobs/"


class History(HistoryServer):
    """One that shows its page, or nothing, without a process."""

    def __init__(self, runs: Path, page: str | None) -> None:
        super().__init__(runs)
        self._page, self.shown = page, list[str]()

    def page_of(self, event_log: Path) -> str | None:
        self.shown.append(event_log.name)
        return self._page


class Desk:
    """Dashboards at a time that the test says."""

    def __init__(self, runs: Path, page: str | None = PAGE) -> None:
        self.now_ms, self.history, self._runs = 1_000, History(runs, page), runs
        self._dashboards = Dashboards(SparkRuns(runs, 1024), self.history, 4567, lambda: self.now_ms)

    def write_event_log(self, name: str, at: int = 0) -> None:
        path = self._runs / "00run" / "events" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (at, at))

    def word(self) -> str:
        return self._dashboards.address_of(RUN).rpartition("/")[2]

    def follow(self, word: str) -> tuple[int, Any]:
        answer = self._dashboards.follow(word)
        return answer.status, answer.headers.get("Location") or json.loads(answer.body)["message"]


@pytest.mark.parametrize("name", ["local-1", "local-1.inprogress"])
def test_an_address_leads_to_sparks_pages_once(tmp_path: Path, name: str) -> None:
    desk = Desk(tmp_path)
    desk.write_event_log(name)
    word = desk.word()

    assert desk.follow(word) == (302, PAGE)
    assert desk.follow(word)[0] == 410


def test_of_several_sessions_of_a_run_the_last_one_is_shown(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write_event_log("local-2", at=200)
    desk.write_event_log("local-1", at=100)

    desk.follow(desk.word())

    assert desk.history.shown == ["local-2"]


def test_a_run_without_spark_leads_to_what_is_known_of_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)

    assert desk.follow(desk.word()) == (302, "/_local/runs/00run")


@pytest.mark.parametrize(("age_ms", "status"), [(LIFE_MS - 1, 302), (LIFE_MS, 410)])
def test_an_address_lives_for_an_hour(tmp_path: Path, age_ms: int, status: int) -> None:
    desk = Desk(tmp_path)
    word = desk.word()

    desk.now_ms += age_ms

    assert desk.follow(word)[0] == status


def test_nobody_guesses_an_address(tmp_path: Path) -> None:
    assert Desk(tmp_path).follow("made-up")[0] == 410


def test_a_history_server_that_does_not_get_ready_is_said_to_be_so(tmp_path: Path) -> None:
    desk = Desk(tmp_path, page=None)
    desk.write_event_log("local-1")

    assert desk.follow(desk.word()) == (503, "Spark's history server does not show the run yet.")
