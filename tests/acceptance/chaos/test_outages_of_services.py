"""A service that is away while jobs run: said once, waited for at no cost, and then everything ends right."""

import threading
import time
from collections import Counter
from collections.abc import Sequence

import pytest

from local.marked import wait_until
from tests.acceptance.chaos.conftest import say
from tests.acceptance.chaos.test_killer import HOPELESS, TRANSIENT, ended_as
from tests.acceptance.chaos.trial import ENDPOINTS, PATIENCE_SECONDS, Trial

MOST_CPU = 0.05
# A loop that waits longest when a service comes back, a hold, and the jobs' own time.
RECOVERY_SECONDS = 90.0
SAID_ONCE = ("loop_pauses", "service_is_silent")


def start_jobs(trial: Trial, name: str, seconds: float) -> dict[str, tuple[str, int, str | None]]:
    """Jobs whose runs end before, during and after the outage, and how each must end."""
    kinds = [
        *[({"seconds": round(seconds * part, 1)}, ("SUCCEEDED", 1, None)) for part in (0.1, 0.3, 0.5, 0.8, 1.2)],
        ({"seconds": 3, "fail": TRANSIENT, "failAttempts": 1}, ("SUCCEEDED", 2, None)),
        ({"seconds": 3, "fail": HOPELESS}, ("FAILED", 1, "RUN_FAILED")),
    ]
    return {trial.submit(f"{name}-{n}", **parameters): ends for n, (parameters, ends) in enumerate(kinds)}


def are_running(trial: Trial, job_ids: Sequence[str]) -> bool:
    items = {item["jobId"]: item for item in trial.items()}
    return all("runId" in items[job_id] for job_id in job_ids)


@pytest.mark.parametrize(
    "away",
    [("dynamodb",), ("sqs",), ("emr",), tuple(ENDPOINTS)],
    ids=["dynamodb", "sqs", "emr", "all-at-once"],
)
def test_a_service_that_is_away_costs_a_line_and_no_cpu_and_everything_ends_right_afterwards(
    trial: Trial, away: tuple[str, ...], outage_seconds: float, capsys, request
):
    name = f"outage-{request.node.callspec.id}-{outage_seconds:g}"
    wished = start_jobs(trial, name, outage_seconds)
    assert wait_until(lambda: are_running(trial, list(wished)), PATIENCE_SECONDS)
    late = {trial.submit(f"{name}-late-{n}", seconds=1): ("SUCCEEDED", 1, None) for n in range(4)}

    lines_before = {worker: len(trial.log_lines(worker)) for worker in trial.workers}
    cpu_before = {worker: trial.cpu_seconds(worker) for worker in trial.workers}
    began = time.monotonic()
    for service in away:
        trial.proxies[service].refuse()
    threading.Event().wait(outage_seconds)
    lasted = time.monotonic() - began
    cpu = {worker: (trial.cpu_seconds(worker) - cpu_before[worker]) / lasted for worker in trial.workers}
    said = {worker: trial.log_lines(worker)[lines_before[worker] :] for worker in trial.workers}
    for service in away:
        trial.proxies[service].forward()
    items = trial.wait_for_end([*wished, *late], RECOVERY_SECONDS)

    recovered = time.monotonic() - began - lasted
    shares = ", ".join(f"{share:.1%}" for share in cpu.values())
    say(capsys, f"{'+'.join(away)} away for {lasted:.0f} s: CPU {shares} of a core, all ended {recovered:.0f} s later")
    assert {job_id: ended_as(item) for job_id, item in items.items()} == wished | late
    assert Counter(run["name"] for run in trial.runs()).most_common(1)[0][1] == 1
    assert max(cpu.values()) < MOST_CPU
    for lines in said.values():
        repeated = Counter(
            (line["event"], line.get("loop") or line.get("service")) for line in lines if line["event"] in SAID_ONCE
        )
        assert set(repeated.values()) <= {1}, repeated
        warnings = [line for line in lines if line["level"] not in ("debug", "info")]
        assert len(warnings) <= 2 * len(late) + 6, warnings
