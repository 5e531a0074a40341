"""Every change that is asked for, and every refusal, leaves a line: who, what, from where, with which outcome."""

from typing import Any

import pytest
import structlog

from tests.unit.api.service import Api

JOB = {"jobType": "simulated"}


def audited(api: Api, method: str, path: str, **options: Any) -> list[dict[str, Any]]:
    """The audit's lines of one request, with what the context adds to them."""
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        getattr(api, method)(path, **options)
    told = ("owner", "action", "client", "outcome", "status")
    return [{name: line.get(name) for name in told} for line in lines if line["event"] == "audit"]


@pytest.mark.parametrize(
    ("method", "path", "options", "action", "outcome", "status"),
    [
        ("post", "/jobs", {"json": JOB}, "POST /jobs", "done", 202),
        ("post", "/jobs", {"json": {"jobType": "none"}}, "POST /jobs", "refused", 422),
        ("post", "/jobs/no-such-job/cancel", {}, "POST /jobs/<job_id>/cancel", "refused", 404),
        ("get", "/jobs/no-such-job", {}, "GET /jobs/<job_id>", "refused", 404),
        ("get", "/nothing", {}, "GET an unknown path", "refused", 404),
    ],
)
def test_a_change_and_a_refusal_leave_one_line(method, path, options, action, outcome, status):
    (line,) = audited(Api(), method, path, **options)

    assert (line["action"], line["outcome"], line["status"]) == (action, outcome, status)
    assert line["client"] == "127.0.0.1"
    assert line["owner"] == (None if path == "/nothing" else "local")


def test_a_failure_of_ours_is_no_refusal():
    api = Api()
    api.seam.fail_before("transact_write_items", RuntimeError("a defect"))

    (line,) = audited(api, "post", "/jobs", json=JOB)

    assert (line["outcome"], line["status"]) == ("failed", 500)


@pytest.mark.parametrize("path", ["/jobs", "/job-types", "/health/live"])
def test_reading_leaves_none(path: str):
    assert audited(Api(), "get", path) == []


def test_lines_about_a_job_have_its_id():
    api = Api()
    job_id = api.post("/jobs", json=JOB).get_json()["jobId"]

    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        api.get(f"/jobs/{job_id}/history")

    assert {line["job_id"] for line in lines} == {job_id}
