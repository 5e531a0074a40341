"""Looking, purging, orphans and stuck jobs, against MiniStack and the local EMR Serverless."""

import json
import uuid
from datetime import timedelta

from shared.job_store import Won
from shared.models import FailureReason, Job
from shared.moments import utc_now
from tests.fakes.jobs import ended_job, tracking_job
from tests.integration.ops.desk import HOLD, POISON, Desk


def items(out: str) -> list[dict]:
    found: list[dict] = json.loads(out)["items"]
    return found


def stored(desk: Desk, job: Job) -> Job:
    created = desk.store.create(job)
    assert isinstance(created, Won)
    return created.job


def start_run(desk: Desk, job_id: str) -> str:
    """A live run of a job's first attempt."""
    submit = {"entryPoint": "simulated", "entryPointArguments": ["--job", json.dumps(program(job_id))]}
    answer = desk.emr.start_job_run(
        applicationId=desk.settings.emr_application_id,
        clientToken=f"{job_id}.1",
        name=f"{job_id}.1",
        executionRoleArn=desk.variables["EMR_JOB_ROLE_ARN"],
        jobDriver={"sparkSubmit": submit},
    )
    return str(answer["jobRunId"])


def program(job_id: str) -> dict:
    return {"jobId": job_id, "jobType": "simulated", "parameters": {"seconds": 600}}


def test_everything_on_the_queue_is_listed_shown_purged_by_choice_and_nothing_else_is_touched(desk):
    desk.poison()
    first, second = desk.fail([FailureReason.CAPACITY, FailureReason.RUN_FAILED])
    desk.queue(desk.settings.dead_letter_queue).send({"schemaVersion": 1, "kind": "job", "jobId": str(uuid.uuid4())})

    listed = desk.cdp("dlq", "list", "--json", "--hold", HOLD)
    shown = desk.cdp("dlq", "show", first.job_id, "--hold", HOLD)
    table = desk.cdp("dlq", "list", "--hold", HOLD)
    purged = desk.cdp("dlq", "purge", "--reason", "CAPACITY", "--yes", "--json", "--hold", HOLD)
    swept = desk.cdp("dlq", "purge", "--kind", "redriven", "--kind", "unprocessable", "--yes", "--hold", HOLD)

    assert len(items(listed[1])) == len(POISON) + 3
    assert json.loads(items(shown[1])[0]["body"])["jobId"] == first.job_id
    assert table[1].count("\n") == len(POISON) + 3 + 1
    assert [item["jobId"] for item in items(purged[1])] == [first.job_id]
    assert [result[0] for result in (listed, shown, table, purged, swept)] == [0] * 5
    left = desk.dead_letters()
    assert sorted(body for body in left if body in POISON) == sorted(POISON[1:])
    assert [json.loads(body)["jobId"] for body in left if body not in POISON] == [second.job_id]


def test_orphans_on_both_sides_are_found_mended_and_gone(desk):
    hour_ago = utc_now() - timedelta(hours=1)
    over = stored(desk, ended_job(job_id=str(uuid.uuid4()), finished_at=hour_ago))
    application = {"application_id": desk.settings.emr_application_id}
    spec = tracking_job().spec.__class__(**{**vars(tracking_job().spec), **application})
    gone = stored(desk, tracking_job(job_id=str(uuid.uuid4()), run_id="00f0000000000000", spec=spec))
    owned_id = str(uuid.uuid4())
    owned_run = start_run(desk, owned_id)
    stored(desk, tracking_job(job_id=owned_id, run_id=owned_run, spec=spec))
    orphans = {start_run(desk, over.job_id), start_run(desk, str(uuid.uuid4()))}

    listed = desk.cdp("jobs", "orphans", "--json")
    fixed = desk.cdp("jobs", "orphans", "--fix", "--json")

    assert listed[0] == 1, listed[2]
    assert {item["runId"] for item in items(listed[1]) if item["runId"]} == orphans
    assert [item["jobId"] for item in items(listed[1]) if not item["runId"]] == [gone.job_id]
    assert fixed[0] == 0, fixed[2]
    assert all(item["mended"] for item in items(fixed[1]))
    desk.wait_for(lambda: {state_of(desk, run_id) for run_id in orphans} == {"CANCELLED"})
    assert state_of(desk, owned_run) in ("SUBMITTED", "PENDING", "SCHEDULED", "RUNNING")
    assert desk.store.get(gone.job_id).due_at <= utc_now()


def state_of(desk: Desk, run_id: str) -> str:
    answer = desk.emr.get_job_run(applicationId=desk.settings.emr_application_id, jobRunId=run_id)
    return str(answer["jobRun"]["state"])


def test_stuck_jobs_are_found_by_the_index(desk):
    late = stored(desk, tracking_job(job_id=str(uuid.uuid4()), due_at=utc_now() - timedelta(hours=1)))
    on_time = stored(desk, tracking_job(job_id=str(uuid.uuid4()), due_at=utc_now()))

    code, out, _ = desk.cdp("jobs", "stuck", "--json")

    found = {item["jobId"]: item["waitsFor"] for item in items(out)}
    assert code == 1
    assert found[late.job_id] == "A worker has to look at run run-1."
    assert on_time.job_id not in found
