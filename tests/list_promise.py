"""What a list promises (docs/api/lists.md), held against jobs that were added and changed while it was read."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf
from typing import Any
from urllib.parse import parse_qs

from flask.testing import FlaskClient

from shared.job_store import JobStore, Won
from shared.lifecycle import claimed, failed, succeeded, waiting
from shared.models import FailureReason, Job
from shared.settings import Settings
from shared.transitions import JobStatus
from tests.fakes.jobs import submitted_job

SETTINGS = Settings()
RARE = "rare=yes"
# One job in so many has the rare tag.
RARENESS = 20


@dataclass
class Stay:
    """A status that a job had: when the write of it began, and when that was done."""

    status: JobStatus
    begun: float
    done: float = inf


class Lives:
    """All that befell the jobs, as those who wrote it know it. Times are those of `now`.

    `lag_seconds` is how long an index may take to show a write.
    """

    def __init__(self, now: Callable[[], float], lag_seconds: float = 0.0) -> None:
        self._now = now
        self._lag = lag_seconds
        self._stays: dict[str, list[Stay]] = {}
        self.jobs: dict[str, Job] = {}

    def write(self, wanted: Job, write: Callable[[], Any]) -> Job:
        """Make a write of a job, and remember when."""
        stay = Stay(wanted.status, self._now())
        self.jobs.setdefault(wanted.job_id, wanted)
        self._stays.setdefault(wanted.job_id, []).append(stay)
        outcome = write()
        assert isinstance(outcome, Won), outcome
        stay.done = self._now()
        return outcome.job

    def lasting(self, statuses: set[str], since: float, until: float) -> set[str]:
        """The jobs that existed at `since`, and had one of these statuses from then until `until` for certain."""
        return {
            job_id
            for job_id, stays in list(self._stays.items())
            if stays[0].done + self._lag < since and self._held(stays, since, until) <= statuses
        }

    def _held(self, stays: list[Stay], since: float, until: float) -> set[str]:
        """The statuses that a job may have had, or that an index may have shown, in that time."""
        left_at = [following.done + self._lag for following in stays[1:]] + [inf]
        return {
            str(stay.status)
            for stay, left in zip(list(stays), left_at, strict=False)
            if stay.begun <= until and left >= since
        }


class Writer:
    """Adds `to_add` jobs of one owner, and moves its jobs along, one write a step."""

    def __init__(self, store: JobStore, lives: Lives, owner_id: str, to_add: int, seed: int) -> None:
        self._store = store
        self._lives = lives
        self._owner_id = owner_id
        self._random = random.Random(seed)
        self._open: list[Job] = []
        self.to_add = to_add

    def step(self, now: datetime) -> None:
        """One write."""
        if self.to_add and (not self._open or self._random.random() < 0.4):
            self.add(now)
        elif self._open:
            self._move(now)

    def add(self, now: datetime) -> None:
        """Submit a job."""
        job_id = f"{self._random.getrandbits(32):08x}-0000-7000-8000-{self._random.getrandbits(48):012x}"
        job = submitted_job(at=now, job_id=job_id, owner_id=self._owner_id)
        tags = {"rare": "yes"} if self._random.randrange(RARENESS) == 0 else {}
        job = replace(job, request=replace(job.request, tags=tags))
        self._open.append(self._lives.write(job, lambda: self._store.create(job)))
        self.to_add -= 1

    def _move(self, now: datetime) -> None:
        job = self._open.pop(self._random.randrange(len(self._open)))
        moved = self._next(job, now)
        stored = self._lives.write(moved, lambda: self._store.update(job, moved))
        if not stored.status.is_terminal:
            self._open.append(stored)

    def _next(self, job: Job, now: datetime) -> Job:
        if self._random.random() < 0.1:  # a write that changes nothing that lists look at
            return waiting(job, now, now + timedelta(seconds=60))
        if job.status is JobStatus.SUBMITTED:
            return claimed(job, now, SETTINGS)
        if self._random.random() < 0.5:
            return succeeded(job, now, "worker", "Done.", now)
        return failed(job, now, "worker", FailureReason.RUN_FAILED, "It fell over.", now)


def read_and_check(
    http: FlaskClient, query: str, headers: Mapping[str, str], lives: Lives, now: Callable[[], float]
) -> int:
    """Read a whole list along its Link headers, hold it to what it promises, and say how many pages it had."""
    since, path, items, pages = now(), f"/jobs?{query}", [], 0
    while path:
        response = http.get(path, headers=dict(headers))
        assert response.status_code == 200, response.text
        items += response.get_json()["items"]
        path = response.headers.get("Link", "").removeprefix("<").removesuffix('>; rel="next"')
        pages += 1
    check(items, query, lives, since, now())
    return pages


def check(items: list[dict[str, Any]], query: str, lives: Lives, since: float, until: float) -> None:
    """Hold what was listed between two times to what a list promises."""
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    statuses = set(asked["status"].split(",") if "status" in asked else map(str, JobStatus))
    places = [(item["createdAt"], item["jobId"]) for item in items]
    assert len(set(places)) == len(places), f"listed twice ({query})"
    assert places == sorted(places, reverse=asked.get("order") != "oldest"), f"not in order ({query})"
    assert {item["status"] for item in items} <= statuses, f"of another status ({query})"
    wanted = {
        job_id
        for job_id in lives.lasting(statuses, since, until)
        if "tag" not in asked or "rare" in lives.jobs[job_id].request.tags
    }
    missed = wanted - {item["jobId"] for item in items}
    assert not missed, f"{len(missed)} of {len(wanted)} missed ({query}): {sorted(missed)[:3]}"
