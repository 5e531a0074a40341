"""What lists rely on: indexes with filters, ranges and made-up places to begin, on each DynamoDB that there is."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.job_filter import JobFilter
from shared.job_lists import JobLists
from shared.job_store import JobStore
from shared.lifecycle import claimed, succeeded
from shared.models import Job
from shared.moments import epoch_ms
from shared.settings import Settings
from shared.transitions import JobStatus, JobStatusTransitionValidator
from tests.fakes.clock import NOON
from tests.fakes.jobs import job_id, submitted_job

SETTINGS = Settings()


def store_on(dynamodb: Any) -> JobStore:
    return JobStore(dynamodb, SETTINGS.jobs_table, SETTINGS.control_table, JobStatusTransitionValidator())


def lists_on(dynamodb: Any) -> JobLists:
    return JobLists(dynamodb, SETTINGS.jobs_table, store_on(dynamodb))


def make_jobs(dynamodb: Any) -> list[Job]:
    """Twelve jobs of a new owner, a second apart, in all statuses, of two types, with tags and without; numbered."""
    owner, store, jobs = str(uuid4()), store_on(dynamodb), []
    for number in range(12):
        job = submitted_job(at=NOON + timedelta(seconds=number), job_id=str(uuid4()), owner_id=owner)
        tags = {"number": str(number), **({"odd": "yes"} if number % 2 else {})} if number < 9 else {}
        request = replace(job.request, job_type="sql" if number % 3 == 0 else "csv-to-parquet", tags=tags)
        job = replace(job, request=request, replay_of=job_id(7) if number > 7 else None)
        moved = store.create(job).job
        if number >= 3:
            moved = store.update(moved, claimed(moved, NOON, SETTINGS)).job
        if number >= 7:
            moved = store.update(moved, succeeded(moved, NOON, "worker", "Done.", NOON)).job
        jobs.append(moved)
    return jobs


def walk(lists: JobLists, wanted: JobFilter, limit: int, known: Sequence[Job]) -> list[list[int]]:
    """The pages of a list, as the numbers of the jobs in it; those of others do not count."""
    numbers = {job.job_id: number for number, job in enumerate(known)}
    pages, after = [], None
    while True:
        page = lists.page(wanted, limit, after)
        pages.append([numbers[job.job_id] for job in page.jobs if job.job_id in numbers])
        after = page.next_position
        if after is None:
            return pages


SOME: dict[str, tuple[dict[str, Any], list[int]]] = {
    "all": ({}, [*range(12)]),
    "of a status": ({"statuses": (JobStatus.RUNNING,)}, [3, 4, 5, 6]),
    "of two statuses": ({"statuses": (JobStatus.SUBMITTED, JobStatus.SUCCEEDED)}, [0, 1, 2, 7, 8, 9, 10, 11]),
    "of all statuses": ({"statuses": tuple(JobStatus)}, [*range(12)]),
    "of a type": ({"job_type": "sql"}, [0, 3, 6, 9]),
    "with a tag": ({"tags": ("odd=yes",)}, [1, 3, 5, 7]),
    "with two tags": ({"tags": ("number=3", "odd=yes")}, [3]),
    "with no such tag": ({"tags": ("odd=ye",)}, []),
    "replays": ({"replay_of": job_id(7)}, [8, 9, 10, 11]),
    "from a time": ({"created_from_ms": epoch_ms(NOON) + 4000}, [4, 5, 6, 7, 8, 9, 10, 11]),
    "until a time": ({"created_until_ms": epoch_ms(NOON) + 4000}, [0, 1, 2, 3]),
    "of a second": ({"created_from_ms": epoch_ms(NOON) + 4000, "created_until_ms": epoch_ms(NOON) + 5000}, [4]),
    "of a moment without jobs": ({"created_from_ms": epoch_ms(NOON) + 1, "created_until_ms": epoch_ms(NOON) + 2}, []),
    "of everything": (
        {"statuses": (JobStatus.RUNNING,), "job_type": "sql", "tags": ("odd=yes",), "created_from_ms": 0},
        [3],
    ),
}


@pytest.mark.parametrize("what", SOME)
def test_a_list_holds_its_jobs_in_its_order_whatever_the_pages(dynamodb: Any, what: str):
    changes, numbers = SOME[what]
    jobs, lists = make_jobs(dynamodb), lists_on(dynamodb)
    wanted = JobFilter(jobs[0].owner_id, **changes)

    for limit in (1, 3, 100):
        newest = walk(lists, wanted, limit, jobs)
        oldest = walk(lists, replace(wanted, newest_first=False), limit, jobs)

        assert [number for page in newest for number in page] == numbers[::-1]
        assert [number for page in oldest for number in page] == numbers
        assert all(len(page) == limit for page in (*newest[:-1], *oldest[:-1]))


@pytest.mark.parametrize("statuses", [(), (JobStatus.SUBMITTED, JobStatus.RUNNING)])
def test_the_jobs_of_all_owners_are_one_list(dynamodb: Any, statuses: tuple[JobStatus, ...]):
    jobs, lists = make_jobs(dynamodb), lists_on(dynamodb)
    wanted = JobFilter(None, statuses, tags=("odd=yes",), created_from_ms=epoch_ms(NOON), newest_first=False)

    found = [number for page in walk(lists, wanted, 100, jobs) for number in page]

    assert found == [number for number in (1, 3, 5, 7) if not statuses or number < 7]


def test_an_update_of_a_job_leaves_in_the_indexes_what_lists_are_filtered_by(dynamodb: Any):
    jobs, lists = make_jobs(dynamodb), lists_on(dynamodb)
    done = store_on(dynamodb).update(jobs[3], succeeded(jobs[3], NOON, "worker", "Done.", NOON)).job

    page = lists.page(JobFilter(done.owner_id, (done.status,), "sql", ("number=3",)), 10, None)

    assert page.jobs == (done,)
