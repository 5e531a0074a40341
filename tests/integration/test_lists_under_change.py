"""What lists promise while many jobs are added and change, with writers at work while a page is being read."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from shared.job_store import JobStore
from shared.moments import utc_now
from shared.settings import Settings
from shared.transitions import JobStatusTransitionValidator
from tests.list_promise import RARE, Lives, Writer, read_and_check
from tests.unit.api.issuing import bearer, callers, token
from tests.unit.api.service import Api

SETTINGS = Settings()
OPERATOR = bearer(token(sub="olga", scope="ops"))
AT_FIRST, WRITERS = 200, 2
# How many are added. MiniStack looks at the whole table for each query, so 2,000 take it minutes.
ADDED = {"fake": 2000, "ministack": 500, "dynamodb-local": 2000}
# How long an index may take to show a write. MiniStack and DynamoDB Local write both at once.
LAG_SECONDS = 0.2
# {owner} is the writers' own; for everybody's jobs those of other tests are listed too, and not checked.
LISTS = [
    "owner={owner}&limit=400",
    "owner={owner}&limit=1000&order=oldest",
    "owner={owner}&limit=37&status=SUBMITTED",
    "owner={owner}&limit=150&status=SUBMITTED,RUNNING",
    "owner={owner}&limit=150&status=RUNNING,SUBMITTED&order=oldest",
    "owner={owner}&limit=250&status=RUNNING,SUCCEEDED,FAILED&order=oldest",
    "owner={owner}&limit=1&status=SUBMITTED,RUNNING&tag=" + RARE,
    "owner={owner}&limit=10&order=oldest&tag=" + RARE,
    "owner=*&limit=700&status=SUBMITTED,RUNNING",
    "owner=*&limit=1000",
]


class Writers:
    """Threads that write until they are told to stop, or have nothing left to do."""

    def __init__(self, dynamodb: Any, lives: Lives, owner_id: str, seed: int, added: int) -> None:
        store = JobStore(dynamodb, SETTINGS.jobs_table, SETTINGS.control_table, JobStatusTransitionValidator())
        self.writers = [
            Writer(store, lives, owner_id, (AT_FIRST + added) // WRITERS, seed + number) for number in range(WRITERS)
        ]
        self.stop = threading.Event()

    def begin(self) -> None:
        """Add the jobs that are there before anybody reads."""
        for writer in self.writers:
            for _ in range(AT_FIRST // WRITERS):
                writer.add(utc_now())

    def work(self, writer: Writer) -> None:
        """Write on and on."""
        while not self.stop.is_set():
            writer.step(utc_now())

    @property
    def still_add(self) -> bool:
        """Whether more jobs are to come."""
        return any(writer.to_add for writer in self.writers)


@pytest.fixture
def added(request: pytest.FixtureRequest) -> int:
    """How many jobs are added on the DynamoDB of this test."""
    return ADDED[request.node.callspec.params["dynamodb"]]


@pytest.mark.timeout(900)
def test_a_list_keeps_its_promise_while_jobs_are_added_and_change(dynamodb: Any, added: int):
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # shown where the test fails
    order, lives, owner = random.Random(seed), Lives(time.monotonic, LAG_SECONDS), str(uuid4())
    api = Api(callers(), dynamodb=dynamodb, rate_reads_burst=10**6)
    writers = Writers(dynamodb, lives, owner, seed, added)
    writers.begin()
    read, to_read = 0, order.sample(LISTS, len(LISTS))

    with ThreadPoolExecutor(WRITERS) as threads:
        working = [threads.submit(writers.work, writer) for writer in writers.writers]
        try:
            while to_read or writers.still_add:
                assert not any(each.done() for each in working), "a writer has given up"
                query = to_read.pop() if to_read else order.choice(LISTS)
                read_and_check(api.http, query.format(owner=owner), OPERATOR, lives, time.monotonic)
                read += 1
        finally:
            writers.stop.set()
    for each in working:
        each.result()

    assert (len(lives.jobs), read >= len(LISTS)) == (AT_FIRST + added, True)
