"""What logs, metrics and traces cost: CPU of API and worker with all of them on, against all of them off, in one run.

Run by `make bench`, some minutes. Both sides are the processes as they are started everywhere, gunicorn and a worker,
each with a local cloud of its own. They take turns by single requests, and their workers work at the same time, since
the speed of a machine wavers: so each round compares the two, and medians are of the rounds' ratios. "On" is JSON lines
to a file, metrics, and traces sent to a collector: of the part of the requests that is the product's default, or of
`--ratio`. "Off" is LOG_LEVEL=ERROR, no TRACES_ENDPOINT, and `benchmarks.unobserved`, which leaves the metrics out.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.client import ApiClient
from local.cloud import LocalCloud, start_cloud
from local.marked import wait_until
from local.observe.collector import Collector, collecting
from local.ports import HOST, free_ports
from local.processes import Child, ProcessPlan
from local.variables import process_environment
from shared.settings import Settings

ROUNDS, JOBS_A_ROUND, READS_A_ROUND = 5, 40, 300
# The first round of each side also pays for what is built once.
WARM_UP_ROUNDS = 1
MOST = 1.15
# Longer than the pause between two batches of spans, so that the work for them falls into the round that caused it.
SETTLE_SECONDS = 2.6
JOBS_PATIENCE_SECONDS = 60
JOB = {"jobType": "simulated", "inputs": [], "parameters": {"seconds": 0}}
UNLIMITED = {
    **{f"LOCAL_EMR_{call}_{limit}": "100000" for call in ("START", "GET", "LIST") for limit in ("RATE", "BURST")},
    "LOCAL_EMR_STATE_SECONDS": "0.01",
    "LOCAL_EMR_MAX_VCPU": "100000",
    "LOCAL_EMR_MAX_CONCURRENT_RUNS": "100000",
    "START_RATE": "1000",
    "START_BURST": "1000",
    "QUOTA_ACTIVE_JOBS": "100000",
    **{f"RATE_{kind}_{limit}": "1000" for kind in ("READS", "WRITES") for limit in ("PER_SECOND", "BURST")},
    "API_PROCESSES": "1",
    "LOG_FORMAT": "json",
}
QUIET = {"LOG_LEVEL": "ERROR"}


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds of one request, and of one job in the worker."""

    read: float
    submission: float
    job: float


@dataclass(frozen=True)
class Side:
    """An API and a worker that run, and what asks the API."""

    api: Child
    worker: Child
    client: ApiClient


def main() -> int:
    """Measure both in turn, print the table; 1 if something costs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ratio", default=Settings().traces_ratio, type=float, help="the part of requests recorded")
    ratio = parser.parse_args().ratio
    with collecting() as collector, observed(collector, ratio) as on, unobserved() as off:
        rounds = [measured((on, off)) for _ in range(WARM_UP_ROUNDS + ROUNDS)][WARM_UP_ROUNDS:]
        spans = len(collector.spans)
    print(f"CPU in ms, medians of {ROUNDS} rounds of {READS_A_ROUND} reads and {JOBS_A_ROUND} jobs")
    print(f"TRACES_RATIO {ratio}, and {spans} spans came")
    print(f"{'':34}{'on':>8}{'off':>8}{'ratio':>8}   from    to")
    ratios = [
        shown(title, [(getattr(a, field), getattr(b, field)) for a, b in rounds])
        for title, field in (
            ("GET /jobs/{jobId}, API", "read"),
            ("POST /jobs, API", "submission"),
            ("a job, worker", "job"),
        )
    ]
    print(f"the most that is allowed is {MOST}")
    return 0 if max(ratios) <= MOST else 1


def shown(title: str, pairs: list[tuple[float, float]]) -> float:
    """Print a row of the table; its ratio."""
    on, off = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratios = [with_all / without for with_all, without in pairs]
    ratio = statistics.median(ratios)
    print(f"{title:34}{on:8.2f}{off:8.2f}{ratio:8.3f}{min(ratios):8.3f}{max(ratios):8.3f}")
    return ratio


def measured(sides: Sequence[Side]) -> list[Cost]:
    """What a round costs each side. They take turns by single requests, so both meet the machine in the same state."""
    jobs_began = [cpu_milliseconds(side.worker) for side in sides]
    began = [cpu_milliseconds(side.api) for side in sides]
    job_ids: list[list[str]] = [[] for _ in sides]
    for _ in range(JOBS_A_ROUND):
        for side, ids in zip(sides, job_ids, strict=True):
            ids.append(side.client.submit(JOB)["jobId"])
    time.sleep(SETTLE_SECONDS)
    submissions = spent([side.api for side in sides], began)
    for side, ids in zip(sides, job_ids, strict=True):
        await_ends(side.client, ids)
    time.sleep(SETTLE_SECONDS)
    jobs = spent([side.worker for side in sides], jobs_began)
    began = [cpu_milliseconds(side.api) for side in sides]
    for number in range(READS_A_ROUND):
        for side, ids in zip(sides, job_ids, strict=True):
            side.client.get(ids[number % JOBS_A_ROUND])
    time.sleep(SETTLE_SECONDS)
    reads = spent([side.api for side in sides], began)
    each = zip(reads, submissions, jobs, strict=True)
    return [Cost(read / READS_A_ROUND, post / JOBS_A_ROUND, job / JOBS_A_ROUND) for read, post, job in each]


def spent(children: Sequence[Child], began: Sequence[float]) -> list[float]:
    """CPU milliseconds of each since it had the given ones."""
    return [cpu_milliseconds(child) - before for child, before in zip(children, began, strict=True)]


def await_ends(client: ApiClient, job_ids: list[str]) -> None:
    """Return once all jobs have succeeded."""
    if not wait_until(lambda: have_ended(client, job_ids), JOBS_PATIENCE_SECONDS, every_seconds=0.5):
        raise SystemExit("benchmark: the jobs did not end")


def have_ended(client: ApiClient, job_ids: list[str]) -> bool:
    """Whether all jobs have succeeded."""
    return all(client.get(job_id)["status"] == "SUCCEEDED" for job_id in job_ids)


def cpu_milliseconds(child: Child) -> float:
    """CPU time of a process and its children since their start."""
    assert child.pid is not None
    children = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
    ticks = sum(ticks_of(int(pid)) for pid in (child.pid, *children))
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def ticks_of(pid: int) -> int:
    """User and system time of one process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@contextmanager
def observed(collector: Collector, ratio: float) -> Iterator[Side]:
    """The product as it is, with traces."""
    traced = {"TRACES_ENDPOINT": collector.url, "TRACES_RATIO": str(ratio)}
    with (
        start_cloud(("aws", "emr"), UNLIMITED) as cloud,
        running(cloud, "api.wsgi:app", "worker", traced) as side,
    ):
        yield side


@contextmanager
def unobserved() -> Iterator[Side]:
    """The product with nothing to be seen."""
    with (
        start_cloud(("aws", "emr"), UNLIMITED) as cloud,
        running(cloud, "benchmarks.unobserved:app", "benchmarks.unobserved", QUIET) as side,
    ):
        yield side


@contextmanager
def running(cloud: LocalCloud, app: str, worker: str, variables: dict[str, str]) -> Iterator[Side]:
    """An API and a worker on a cloud."""
    port, health_port = free_ports(2)
    told = {**cloud.environment, **variables, "API_PORT": str(port), "HEALTH_PORT": str(health_port)}
    url, environment, logs = f"http://{HOST}:{port}", process_environment(told), cloud.directory / "logs"
    gunicorn = (sys.executable, "-m", "gunicorn", "--config", "api/gunicorn.conf.py", app)
    plans = (
        ProcessPlan("api", gunicorn, ready_url=f"{url}/health/live"),
        ProcessPlan("worker", (sys.executable, "-m", worker), ready_url=f"http://{HOST}:{health_port}/healthz"),
    )
    api, child = (Child(plan, environment, logs / f"{plan.name}.log") for plan in plans)
    try:
        for each in (api, child):
            each.start()
            each.wait_until_ready()
        yield Side(api, child, ApiClient(url))
    finally:
        for each in (api, child):
            each.begin_stop()
            each.finish_stop()


if __name__ == "__main__":
    sys.exit(main())
