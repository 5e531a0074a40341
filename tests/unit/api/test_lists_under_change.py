"""What lists promise while jobs are added and change between any two calls, and the indexes lag behind."""

import random

import pytest

from shared.job_store import JobStore
from shared.transitions import JobStatusTransitionValidator
from tests.fakes.clock import NOON
from tests.list_promise import RARE, Lives, Writer, check, read_and_check
from tests.unit.api.issuing import bearer, callers, token
from tests.unit.api.service import Api

OPERATOR = bearer(token(sub="olga", scope="ops"))
LAG_SECONDS = 0.5
AT_FIRST, ADDED = 25, 40
LIMITS = (1, 3, 7, 12, 1000)
LISTS = [
    "owner=ann",
    "owner=ann&order=oldest",
    "owner=ann&status=SUBMITTED",
    "owner=ann&status=RUNNING&order=oldest",
    "owner=ann&status=SUBMITTED,RUNNING",
    "owner=ann&status=SUBMITTED,RUNNING&order=oldest",
    "owner=ann&status=RUNNING,SUCCEEDED,FAILED",
    "owner=ann&status=SUBMITTED,RUNNING,FAILED&order=oldest",
    f"owner=ann&tag={RARE}",
    f"owner=ann&status=SUBMITTED,RUNNING&tag={RARE}",
    "owner=*",
    "owner=*&order=oldest",
    "owner=*&status=SUBMITTED,RUNNING",
]


class Changing:
    """An API whose jobs change before each of its calls, at times that a seed decides."""

    def __init__(self, seed: int) -> None:
        self.api = Api(callers())
        self._random = random.Random(seed)
        self.lives = Lives(self.now, LAG_SECONDS)
        settings = self.api.settings
        store = JobStore(self.api.dynamodb, settings.jobs_table, settings.control_table, JobStatusTransitionValidator())
        self.api.dynamodb.index_lag = lambda: self._random.uniform(0, LAG_SECONDS)
        self.writer = Writer(store, self.lives, "ann", AT_FIRST + ADDED, seed)
        for _ in range(AT_FIRST):
            self.writer.add(self.api.clock())
            self._write_some()
        self.api.clock.forward(2 * LAG_SECONDS)
        self.api.seam.before = lambda operation, arguments: self._write_some()

    def now(self) -> float:
        """Seconds since the beginning."""
        return (self.api.clock() - NOON).total_seconds()

    def _write_some(self) -> None:
        for _ in range(self._random.randrange(4)):
            self.api.clock.forward(self._random.uniform(0, 0.05))
            self.writer.step(self.api.clock())


@pytest.mark.parametrize("query", LISTS)
def test_a_list_keeps_its_promise_whatever_changes_between_its_calls(query: str):
    for seed, limit in enumerate(LIMITS):
        changing = Changing(seed)

        try:
            read_and_check(changing.api.http, f"{query}&limit={limit}", OPERATOR, changing.lives, changing.now)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, limit {limit}: {error}") from None


def test_the_promise_is_one_that_a_wrong_list_breaks():
    changing = Changing(1)
    began = changing.now()
    items = changing.api.http.get("/jobs?owner=ann", headers=OPERATOR).get_json()["items"]
    last = {**items[-1], "status": "RUNNING"}

    check(items, "owner=ann", changing.lives, began, changing.now())
    for wrong in (items[:-1], [items[0], *items], items[::-1]):
        with pytest.raises(AssertionError):
            check(wrong, "owner=ann", changing.lives, began, changing.now())
    with pytest.raises(AssertionError, match="another status"):
        check([last], "owner=ann&status=SUBMITTED", changing.lives, began, changing.now())
