"""`kill -9` of any one process while jobs run: every job still ends right, and each attempt has one run."""

from collections import Counter

import pytest

from tests.acceptance.conftest import Platform

TRANSIENT = "ExecutorLostFailure: the simulated executor went away"


@pytest.mark.parametrize("victim", ["worker-1", "api", "emr"])
def test_jobs_end_right_though_a_process_is_killed(platform: Platform, victim):
    good = platform.submit_simulated(6, seconds=3)
    flaky = platform.submit_simulated(2, seconds=1, fail=TRANSIENT, failAttempts=1)
    hopeless = platform.submit_simulated(2, seconds=2, fail="no words that anybody knows")

    platform.cloud.kill(victim)
    platform.cloud.restart(victim)

    assert [platform.wait(job)["status"] for job in good] == ["SUCCEEDED"] * 6
    retried = [platform.wait(job) for job in flaky]
    assert [(job["status"], job["attempt"]) for job in retried] == [("SUCCEEDED", 2)] * 2
    assert [platform.wait(job)["failureReason"] for job in hopeless] == ["RUN_FAILED"] * 2
    ours = {job["jobId"] for job in (*good, *flaky, *hopeless)}
    runs = Counter(name for name in platform.run_names() if name.partition(".")[0] in ours)
    attempts = {f"{job['jobId']}.{n}" for job in (*good, *hopeless) for n in [1]}
    attempts |= {f"{job['jobId']}.{n}" for job in flaky for n in [1, 2]}
    assert runs == Counter(dict.fromkeys(attempts, 1))
    letters = Counter(letter["jobId"] for letter in platform.dead_letters() if letter["jobId"] in ours)
    assert letters == Counter({job["jobId"]: 1 for job in hopeless})


def test_a_worker_killed_between_claim_and_record_leaves_nothing_behind(platform: Platform):
    """Both workers die while the jobs are being started; what they left is taken over when one comes back."""
    jobs = platform.submit_simulated(10, seconds=1)

    platform.cloud.kill("worker-1")
    platform.cloud.kill("worker-2")
    platform.cloud.restart("worker-1")

    assert [platform.wait(job)["status"] for job in jobs] == ["SUCCEEDED"] * 10
    names = Counter(platform.run_names())
    assert all(names[f"{job['jobId']}.1"] == 1 for job in jobs)
    platform.cloud.restart("worker-2")
