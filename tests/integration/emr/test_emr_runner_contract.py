"""What the worker relies on in EMR Serverless, through the worker's own runner: the service and the fake alike."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest

from local.cloud import LocalCloud
from local.deploy import make_client
from shared.bills import Usage
from shared.errors import SparkUnavailable
from shared.models import Job
from shared.moments import utc_now
from shared.spark_runner import Absence, Run, SparkRunner
from tests.fakes.clock import Clock
from tests.fakes.emr import FakeEMR, fails, runs_for
from tests.fakes.jobs import APPLICATION, starting_job
from tests.fakes.seam import Client, Seam
from tests.integration.emr.waiting import wait_for

SENTENCE = "the simulated program found nothing to do"


@dataclass
class Engine:
    """One of the two: its runner, its application, and how time passes in it."""

    runner: SparkRunner
    application_id: str
    fake: FakeEMR | None = None

    def job(self, seconds: float = 0.2, fail: str | None = None) -> Job:
        """A job whose first attempt is intended; its run lasts so long, and fails if it is told to."""
        job = replace(starting_job(), job_id=str(uuid4()), intent_at=self.fake.clock() if self.fake else utc_now())
        parameters = {"seconds": seconds, **({"fail": fail} if fail else {})}
        program = json.dumps({"jobId": job.job_id, "parameters": parameters})
        submit = {"entryPoint": "simulated", "entryPointArguments": ["--job", program]}
        if self.fake:
            self.fake.plans[f"{job.job_id}.1"] = fails(fail, seconds) if fail else runs_for(seconds)
        return replace(
            job, spec=replace(job.spec, application_id=self.application_id, job_driver={"sparkSubmit": submit})
        )

    def start(self, job: Job) -> str:
        return self.runner.start(job, utc_now() if self.fake is None else self.fake.clock())

    def until(self, look: Callable[[], bool]) -> None:
        """Let time pass until something is so."""
        if self.fake is None:
            wait_for(look, "the run to get there")
            return
        for _ in range(1000):
            if look():
                return
            self.fake.clock.forward(0.5)
        raise AssertionError("the run never got there")

    def usage(self, run_id: str) -> Usage | None:
        run = self.runner.look(self.application_id, run_id)
        assert isinstance(run, Run)
        return run.usage

    def state(self, run_id: str) -> str:
        run = self.runner.look(self.application_id, run_id)
        assert isinstance(run, Run)
        return run.state


@pytest.fixture(params=["fake", "local"])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "fake":
        fake = FakeEMR(Clock(), bill_seconds=5)
        client = Client(fake, Seam(), fake.clock)
        return Engine(SparkRunner(client, client), APPLICATION, fake)
    cloud: LocalCloud = request.getfixturevalue("cloud")
    first, second = (make_client("emr-serverless", cloud.environment) for _ in range(2))
    return Engine(SparkRunner(first, second), cloud.environment["EMR_APPLICATION_ID"])


def test_the_same_attempt_started_twice_is_one_run(engine: Engine) -> None:
    job = engine.job()

    assert engine.start(job) == engine.start(job)


def test_the_same_attempt_with_another_request_says_nothing_of_the_run(engine: Engine) -> None:
    job = engine.job()
    engine.start(job)

    with pytest.raises(SparkUnavailable):
        engine.start(replace(job, spec=replace(job.spec, timeout_minutes=7)))


def test_a_started_run_is_seen_by_its_id_and_found_by_its_name(engine: Engine) -> None:
    job = engine.job(seconds=30)
    run_id = engine.start(job)

    seen = engine.runner.look(engine.application_id, run_id)
    engine.until(lambda: isinstance(engine.runner.find(job), Run))
    found = engine.runner.find(job)

    assert isinstance(seen, Run)
    assert (seen.run_id, seen.name, seen.is_over) == (run_id, job.run_name, False)
    assert isinstance(found, Run)
    assert found.run_id == run_id
    engine.runner.cancel(engine.application_id, run_id)


def test_a_run_that_never_was_is_gone_and_its_name_is_none(engine: Engine) -> None:
    assert engine.runner.look(engine.application_id, "00nosuchrun00000") is Absence.GONE
    assert engine.runner.find(engine.job()) is Absence.NONE


def test_a_run_ends_in_success(engine: Engine) -> None:
    run_id = engine.start(engine.job())

    engine.until(lambda: engine.state(run_id) == "SUCCESS")


def test_what_is_billed_of_a_run_comes_some_time_after_its_end(engine: Engine) -> None:
    run_id = engine.start(engine.job())
    engine.until(lambda: engine.state(run_id) == "SUCCESS")

    at_first = engine.runner.look(engine.application_id, run_id)
    engine.until(lambda: engine.usage(run_id) is not None)

    usage = engine.usage(run_id)
    assert isinstance(at_first, Run)
    assert at_first.usage is None
    assert usage is not None
    assert usage.vcpu_hours > 0
    assert usage.memory_gb_hours > usage.vcpu_hours
    assert usage.storage_gb_hours == 0


def test_a_run_that_fails_says_why(engine: Engine) -> None:
    run_id = engine.start(engine.job(fail=SENTENCE))

    engine.until(lambda: engine.state(run_id) == "FAILED")

    run = engine.runner.look(engine.application_id, run_id)
    assert isinstance(run, Run)
    assert SENTENCE in run.details


def test_a_cancelled_run_ends_cancelled_a_little_later_and_a_second_cancel_is_harmless(engine: Engine) -> None:
    run_id = engine.start(engine.job(seconds=300))

    engine.runner.cancel(engine.application_id, run_id)
    assert engine.state(run_id) in ("CANCELLING", "CANCELLED")
    engine.until(lambda: engine.state(run_id) == "CANCELLED")

    engine.runner.cancel(engine.application_id, run_id)
    assert engine.state(run_id) == "CANCELLED"


def test_a_cancel_of_a_run_that_is_over_changes_nothing(engine: Engine) -> None:
    run_id = engine.start(engine.job())
    engine.until(lambda: engine.state(run_id) == "SUCCESS")

    engine.runner.cancel(engine.application_id, run_id)

    assert engine.state(run_id) == "SUCCESS"
