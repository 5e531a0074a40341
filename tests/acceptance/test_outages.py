"""A service that is down when it is needed."""

import pytest

from cli.client import Problem
from tests.acceptance.conftest import Platform


def test_a_job_accepted_while_sqs_is_down_is_run_once(platform: Platform):
    """A queue that is gone is a queue that cannot be sent to; the worker's timer needs none."""
    sqs = platform.aws("sqs")
    name = platform.cloud.environment["JOBS_QUEUE"]
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])

    (job,) = platform.submit_simulated(1, seconds=1)
    sqs.create_queue(QueueName=name)

    assert platform.wait(job)["status"] == "SUCCEEDED"
    assert platform.run_names().count(f"{job['jobId']}.1") == 1


def test_everything_ends_right_after_emr_was_away(platform: Platform):
    platform.cloud.kill("emr")
    jobs = platform.submit_simulated(3, seconds=1)
    assert [platform.api.get(job["jobId"])["status"] for job in jobs].count("FAILED") == 0

    platform.cloud.restart("emr")

    assert [platform.wait(job)["status"] for job in jobs] == ["SUCCEEDED"] * 3


def test_an_unknown_job_is_a_problem_that_says_so(platform: Platform):
    with pytest.raises(Problem, match="job_not_found"):
        platform.api.get("00000000-0000-7000-8000-000000000000")
