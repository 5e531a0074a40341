"""How the worker scales: 10,000 tracked jobs on one process, and the pace of starts that a fleet shares.

Run by `python -m benchmarks.scale`, three to four minutes. The worker of the first part is the real process with its
default settings; its AWS is `memory_aws`, which runs in this process, so that what is read of the other is the
worker's alone. The pace is measured on the real wire, against MiniStack. With half of a quota 500 starts take a
quarter of an hour, so there time is virtual.
"""

import logging
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import structlog
from botocore.exceptions import ClientError

from benchmarks.memory_aws import MemoryAWS
from local.cloud import start_cloud
from local.deploy import make_client
from local.variables import process_environment
from shared.control_store import ControlStore
from shared.models import job_to_item
from shared.moments import utc_now
from shared.settings import Settings
from tests.fakes.jobs import job_id, submitted_job, tracking_job
from tests.fakes.world import World, never

JOBS = 10_000
REST_SECONDS, TRACKING_SECONDS = 30, 90
WORKERS, CONSUMERS_EACH, PACE_SECONDS = 8, 2, 60
# What one look at a run that goes on costs: GetItem, UpdateItem (Take), GetJobRun, UpdateItem (Wait).
FLOOR_OF_A_LOOK = 4
START_WORKER_SECONDS = 3
OUTSIDE_JOBS, OUTSIDE_SHARE, OUTSIDE_MOST_SECONDS = 500, 0.5, 10_000
# How many starts AWS takes at once.
BURST = 25


def status_of(pid: int, field: str) -> int:
    """A number of /proc/PID/status: VmRSS in KiB, or Threads."""
    match = re.search(rf"^{field}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert match is not None
    return int(match.group(1))


def cpu_seconds(pid: int) -> float:
    """CPU time of a process since its start."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pause(seconds: float) -> None:
    """Let real time pass."""
    threading.Event().wait(seconds)


def start_worker(url: str) -> subprocess.Popen[bytes]:
    """The real worker with its default settings, told where its AWS is."""
    told = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    told |= {"EMR_APPLICATION_ID": "00app", "LOG_LEVEL": "WARNING", "LONG_POLL_SECONDS": "20"}
    command = [sys.executable, "-m", "worker"]
    return subprocess.Popen(command, env=process_environment(told), stdout=subprocess.DEVNULL)


def measure_calls(aws: MemoryAWS, pid: int, seconds: float) -> tuple[Counter[str], float, float]:
    """The calls of so many seconds, how long they were, and the share of a core that they cost the worker."""
    calls, cpu, began = Counter(aws.calls), cpu_seconds(pid), time.monotonic()
    pause(seconds)
    lasted = time.monotonic() - began
    return aws.calls - calls, lasted, (cpu_seconds(pid) - cpu) / lasted


def fill(aws: MemoryAWS) -> None:
    """10,000 jobs whose runs go on, each due at another moment of the poll interval."""
    settings, now = Settings(), utc_now()
    table = aws.dynamodb.items(settings.jobs_table)
    for number in range(1, JOBS + 1):
        due_at = now + timedelta(seconds=settings.poll_seconds * number / JOBS)
        job = tracking_job(number=number, at=now, intent_at=now, run_id=job_id(number), due_at=due_at)
        table[job.job_id] = job_to_item(job)


def measure_tracking() -> None:
    """One worker, first without a job, then with 10,000."""
    aws = MemoryAWS()
    worker = start_worker(aws.url)
    try:
        pause(START_WORKER_SECONDS)
        calls, lasted, cpu = measure_calls(aws, worker.pid, REST_SECONDS)
        rss = status_of(worker.pid, "VmRSS") / 1024
        print(f"at rest, no job: {sum(calls.values()) * 60 / lasted:.0f} calls a minute {shown(calls, lasted)}")
        print(f"  RSS {rss:.0f} MiB, {status_of(worker.pid, 'Threads')} threads, CPU {cpu:.1%} of a core")
        fill(aws)
        throttled = aws.throttled
        calls, lasted, cpu = measure_calls(aws, worker.pid, TRACKING_SECONDS)
        throttled = aws.throttled - throttled
        looks = calls["GetJobRun"] - throttled
        spent = calls["GetItem"] + calls["UpdateItem"] + calls["GetJobRun"]
        print(f"{JOBS} jobs tracked: {sum(calls.values()) * 60 / lasted:.0f} calls a minute {shown(calls, lasted)}")
        print(
            f"  RSS {status_of(worker.pid, 'VmRSS') / 1024:.0f} MiB, {status_of(worker.pid, 'Threads')} threads", end=""
        )
        print(f", CPU {cpu:.1%} of a core")
        print(f"  looks {looks / lasted:.1f}/s of {JOBS / Settings().poll_seconds:.1f}/s that are due, ", end="")
        print(f"{throttled} throttled; calls a look {spent / looks:.2f} (floor {FLOOR_OF_A_LOOK})")
    finally:
        worker.terminate()
        worker.wait()
        aws.close()


def shown(calls: Counter[str], seconds: float) -> str:
    """Calls a minute by operation."""
    parts = [f"{operation} {count * 60 / seconds:.0f}" for operation, count in calls.most_common()]
    return f"({', '.join(parts)})"


def measure_pace() -> None:
    """Permits that 8 workers of 2 consumers take from one bucket on the real wire, asking as the consumers do."""
    settings = Settings()
    rate, burst = settings.start_rate_per_second, settings.start_burst
    granted: list[float] = []
    over = threading.Event()

    with start_cloud(("aws",)) as cloud:

        def consume(seed: int) -> None:
            source = random.Random(seed)
            client = make_client("dynamodb", cloud.environment)
            table = cloud.environment["CONTROL_TABLE"]
            store = ControlStore(client, table, rate, burst, lambda tries: pause(source.uniform(0.02, 0.05 * tries)))
            while not over.is_set():
                if store.take_start_permit(utc_now()):
                    granted.append(time.monotonic())
                else:
                    over.wait(source.uniform(1 / rate, 5.0))

        threads = [threading.Thread(target=consume, args=(seed,)) for seed in range(WORKERS * CONSUMERS_EACH)]
        for thread in threads:
            thread.start()
        pause(PACE_SECONDS)
        over.set()
        for thread in threads:
            thread.join()

    granted.sort()
    seconds = granted[-1] - granted[0]
    steady = (len(granted) - burst) / (rate * seconds)
    worst = max(
        (later - earlier + 1) / (burst + rate * (granted[later] - granted[earlier]) + 1)
        for earlier in range(len(granted))
        for later in range(earlier, len(granted))
    )
    print(
        f"pace of {WORKERS} workers x {CONSUMERS_EACH} consumers for {seconds:.0f} s: {len(granted)} permits, ", end=""
    )
    print(f"{steady:.0%} of the rate after the burst, {worst:.0%} of what any window allows at most")


def measure_outside() -> None:
    """Somebody else takes half of the account's quota, and the fleet's starts are throttled now and then."""
    world = World()
    world.emr.start_quota = True
    jobs = [world.submit(submitted_job(number, at=world.clock())) for number in range(1, OUTSIDE_JOBS + 1)]
    ours, others, seconds = 0, 0, 0
    while ours < OUTSIDE_JOBS and seconds < OUTSIDE_MOST_SECONDS:
        if seconds % round(1 / OUTSIDE_SHARE) == 0:
            with suppress(ClientError):  # somebody else is throttled as well
                name = f"another-{seconds}"
                world.emr.start_job_run(clientToken=name, name=name, applicationId="00another")
                others += 1
        world.jobs.run_once(never)
        world.jobs.run_once(never)
        if seconds % 5 == 0:
            world.timer.run_once(never)
        world.clock.forward(1)
        seconds += 1
        ours = len(world.emr.runs) - others
    throttled = world.seam.calls.count("start_job_run") - ours
    stored = [world.job(job) for job in jobs]
    failed, attempts = sum(job.failure_reason is not None for job in stored), {job.attempt for job in stored}
    left = BURST + (1 - OUTSIDE_SHARE) * seconds
    print(
        f"half of the quota taken by others: {ours} starts in {seconds} s of virtual time, {ours / left:.0%} of what ",
        end="",
    )
    print(f"was left, {throttled} throttled, {failed} jobs failed, attempts {sorted(attempts)}")


def main() -> None:
    """All figures."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    measure_tracking()
    measure_pace()
    measure_outside()


if __name__ == "__main__":
    main()
