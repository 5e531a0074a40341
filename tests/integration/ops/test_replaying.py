"""200 failed jobs on the queue, poison between them, and whatever may happen to who replays them."""

import json
import signal
from collections import Counter

import pytest

from shared.models import FailureReason, Job
from shared.transitions import JobStatus
from tests.integration.ops.desk import HOLD, POISON, Desk

WANTED, OTHER = FailureReason.CAPACITY, FailureReason.RUN_FAILED
REPLAY = ("dlq", "replay", "--reason", str(WANTED), "--set", "size=medium", "--set", "parameters.delimiter=;", "--yes")
FAST = ("--rate", "1000", "--hold", HOLD, "--json")


def fill(desk: Desk, wanted: int, others: int) -> tuple[list[Job], list[Job]]:
    """Failed jobs of both reasons, mixed, with poison before, between and after them."""
    desk.poison()
    made = desk.fail([WANTED, OTHER] * min(wanted, others))
    desk.poison()
    made += desk.fail([WANTED] * (wanted - others) if wanted > others else [OTHER] * (others - wanted))
    desk.poison()
    return [job for job in made if job.failure_reason is WANTED], [job for job in made if job.failure_reason is OTHER]


def assert_replayed_once(desk: Desk, wanted: list[Job], others: list[Job]) -> None:
    """Each that was selected has one new job, with the edits; the others and the poison are still on the queue."""
    replays = desk.replays_of(wanted)
    assert Counter(job.replay_of for job in replays) == Counter({job.job_id: 1 for job in wanted})
    assert {(job.request.size, job.request.parameters["delimiter"], job.status) for job in replays} == {
        ("medium", ";", JobStatus.SUBMITTED)
    }
    links = {job.job_id: job.replayed_by for job in desk.store.get_many([job.job_id for job in wanted])}
    assert links == {job.replay_of: (job.job_id,) for job in replays}
    assert desk.replays_of(others) == []
    desk.wait_for(lambda: desk.hidden() == 0)
    left = desk.dead_letters()
    poison = [body for body in left if body in POISON]
    assert Counter(poison) == Counter(POISON * 3)
    rest = [json.loads(body)["jobId"] for body in left if body not in POISON]
    assert sorted(rest) == sorted(job.job_id for job in others)
    hints = Counter(json.loads(body)["jobId"] for body in desk.drain(desk.settings.jobs_queue))
    # A command that was killed between storing a job and telling the workers leaves it to their timer.
    assert set(hints) <= {job.job_id for job in replays}
    assert max(hints.values()) == 1


def test_two_hundred_jobs_are_replayed_with_edits_once_however_often_it_is_asked_for(desk):
    wanted, others = fill(desk, 120, 80)

    planned = desk.cdp(*REPLAY[:-1], *FAST)
    first = desk.cdp(*REPLAY, *FAST)
    second = desk.cdp(*REPLAY, *FAST)

    assert [code for code, _, _ in (planned, first, second)] == [0, 0, 0], first[2]
    counts = [json.loads(out)["counts"] for _, out, _ in (planned, first, second)]
    assert counts == [{"replayed": 120}, {"replayed": 120}, {}]
    assert_replayed_once(desk, wanted, others)


def test_two_operators_at_once_make_one_job_of_each_and_one_is_told_of_the_other(desk):
    wanted, others = fill(desk, 120, 80)

    both = [desk.start(*REPLAY, *FAST) for _ in range(2)]
    told = [process.communicate(timeout=90)[1] for process in both]

    assert sorted(process.returncode for process in both) == [0, 1], told
    assert sum("works on the dead-letter queue since" in err for err in told) == 1
    assert_replayed_once(desk, wanted, others)


@pytest.mark.parametrize("replayed_before_the_end", [1, 40])
def test_a_replay_that_is_killed_and_done_again_makes_one_job_of_each(desk, replayed_before_the_end):
    wanted, others = fill(desk, 120, 80)
    process = desk.start(*REPLAY, "--rate", "1000", "--hold", HOLD)
    for _ in range(replayed_before_the_end):
        assert "replayed" in process.stdout.readline()

    process.send_signal(signal.SIGKILL)
    process.wait(30)
    made = len(desk.replays_of(wanted))
    desk.wait_for(lambda: desk.hidden() == 0)
    code, out, err = desk.cdp_until_free(*REPLAY, *FAST)

    assert replayed_before_the_end <= made < 120, "it was killed in the middle"
    assert code == 0, err
    assert json.loads(out)["counts"]["replayed"] == 120 - made
    assert_replayed_once(desk, wanted, others)


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_replay_that_is_interrupted_gives_back_what_it_has_at_once(desk, signal_number):
    wanted, others = fill(desk, 60, 40)
    # A minute of work, so that it is interrupted in the middle of it on a slow machine, too.
    process = desk.start(*REPLAY, "--rate", "1", "--hold", "3600")
    assert "replayed" in process.stdout.readline()

    process.send_signal(signal_number)
    process.communicate(timeout=60)

    assert process.returncode == 1
    assert desk.hidden() == 0
    assert desk.cdp(*REPLAY, *FAST)[0] == 0
    assert_replayed_once(desk, wanted, others)


def test_a_slow_replay_keeps_what_it_holds_for_longer_than_the_hold(desk):
    (job, *_) = desk.fail([WANTED] * 8)

    slow = desk.start(*REPLAY, "--rate", "1", "--hold", "3", "--json")
    desk.wait_for(lambda: len(desk.store.get(job.job_id).replayed_by) == 1 or slow.poll() is not None)
    code, _, err = desk.cdp(*REPLAY, *FAST)
    out, _ = slow.communicate(timeout=60)

    assert (code, "works on the dead-letter queue" in err) == (1, True)
    assert json.loads(out)["counts"] == {"replayed": 8}
    assert desk.dead_letters() == []
