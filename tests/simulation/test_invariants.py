"""Each invariant notices what it is there for, and lets a job that is right pass."""

from dataclasses import replace

import pytest

from shared.models import FailureReason, job_to_item
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.jobs import (
    ended_job,
    idle_job,
    job_id,
    starting_job,
    submitted_job,
    tracking_job,
    with_bigger,
    with_limit,
)
from tests.simulation import invariants as rules
from tests.simulation.invariants import RunRecord

LIVE = RunRecord("run-1", f"{job_id()}.1", "RUNNING", 0)
SUCCEEDED = replace(LIVE, state="SUCCESS")
LEFT_ONE = replace(SUCCEEDED, manifest="abc")
BROKEN = replace(LIVE, state="FAILED", failure="transient")
HOPELESS = replace(BROKEN, failure="user")
STARVED = replace(BROKEN, failure="capacity")
SHORT = replace(BROKEN, failure="memory")


def item(job, **changes):
    """A job's item with some fields changed, or removed if None."""
    changed = {**job_to_item(job), **changes}
    return {name: value for name, value in changed.items() if value is not None}


def failed(reason=FailureReason.RUN_FAILED, **changes):
    """The item of a job that FAILED and owes its dead letter."""
    job = ended_job(JobStatus.FAILED, failure_reason=reason, dlq_pending=True, due_at=NOON)
    return item(job, **changes)


SEEN, STARTING, TRACKING = item(submitted_job()), item(starting_job()), item(tracking_job())
IDLE, DONE = item(idle_job(rev="new")), item(ended_job(rev="new"))
MAY_GROW, GROWN_IDLE = item(with_bigger(tracking_job())), item(with_bigger(idle_job(went_bigger=True, rev="new")))
GROWN = {**MAY_GROW, "wentBigger": True}
RECORD = {"attempt": 1, "outcome": "SUCCEEDED", "runId": "run-1", "startedAt": 0, "endedAt": 1}
BILLED = {**RECORD, "bill": {"amount": "0.01"}}
COSTLY = replace(LIVE, state="CANCELLED", cost_usd=0.4)
LIMITED = {"request": item(with_limit(0.4))["request"], "finishedAt": 1}
TOO_DEAR = failed(FailureReason.COST_LIMIT, **LIMITED, costLimitAt=1)
MOVED = [*SEEN["history"], {"from": "SUBMITTED", "to": "SUCCEEDED", "by": "worker"}]

OF_ITEMS = [
    (rules.i1_history_tells_only_legal_moves, {**DONE, "history": MOVED}, []),
    (rules.i1_history_tells_only_legal_moves, DONE, []),
    (rules.i5_an_ended_job_has_no_live_run, DONE, [LIVE]),
    (rules.i6_the_outcome_is_what_the_run_or_its_report_said, DONE, [BROKEN]),
    (rules.i6_the_outcome_is_what_the_run_or_its_report_said, DONE, [replace(SUCCEEDED, run_id="another")]),
    (rules.i6_the_outcome_is_what_the_run_or_its_report_said, failed(), [SUCCEEDED]),
    (rules.i6_the_outcome_is_what_the_run_or_its_report_said, DONE, [replace(SUCCEEDED, manifest=None)]),
    (rules.i17_a_success_holds_the_checksum_of_its_manifest, DONE, [LEFT_ONE]),
    (rules.i17_a_success_holds_the_checksum_of_its_manifest, {**DONE, "manifestSha256": "0"}, [LEFT_ONE]),
    (rules.i17_a_success_holds_the_checksum_of_its_manifest, {**TRACKING, "manifestSha256": "abc"}, []),
    (rules.i7_a_job_is_due_if_and_only_if_work_is_owed, item(tracking_job(), dueAt=None), []),
    (rules.i7_a_job_is_due_if_and_only_if_work_is_owed, item(tracking_job(), dueShard=None), []),
    (rules.i7_a_job_is_due_if_and_only_if_work_is_owed, {**DONE, "dueAt": 1, "dueShard": "00"}, []),
    (rules.i7_a_job_is_due_if_and_only_if_work_is_owed, failed(dueAt=None), []),
    (rules.i8_only_a_failed_job_owes_a_dead_letter, {**DONE, "dlqPending": True}, []),
    (rules.i7_a_job_is_due_if_and_only_if_work_is_owed, {**DONE, "scanOf": "d", "scanPending": True}, []),
    (rules.i8_only_an_ended_scan_owes_a_dataset_anything, {**DONE, "scanPending": True}, []),
    (rules.i8_only_an_ended_scan_owes_a_dataset_anything, {**TRACKING, "scanOf": "d", "scanPending": True}, []),
    (rules.i9_no_failure_is_charged_twice, {**IDLE, "chargedFailures": 2}, [BROKEN]),
    (rules.i9_no_failure_is_charged_twice, {**IDLE, "chargedFailures": 3}, [BROKEN] * 3),
    (rules.i13_an_item_stays_small, {**SEEN, "history": SEEN["history"] * 51}, []),
    (rules.i13_an_item_stays_small, {**SEEN, "spec": "x" * 70_000}, []),
    (rules.i19_bills_are_there_or_owed_or_given_up, {**TRACKING, "billPending": True}, []),
    (rules.i19_bills_are_there_or_owed_or_given_up, {**DONE, "billPending": True}, []),
    (rules.i19_bills_are_there_or_owed_or_given_up, {**DONE, "attempts": [RECORD]}, []),
    (rules.i19_bills_are_there_or_owed_or_given_up, {**DONE, "attempts": [RECORD], "billTries": 5}, []),
    (rules.i20_a_job_ends_for_its_cost_only_if_it_cost_so_much, failed(FailureReason.COST_LIMIT), [COSTLY]),
    (rules.i20_a_job_ends_for_its_cost_only_if_it_cost_so_much, {**TOO_DEAR, "costLimitAt": 2}, [COSTLY]),
    (rules.i20_a_job_ends_for_its_cost_only_if_it_cost_so_much, TOO_DEAR, [replace(COSTLY, cost_usd=0.39)]),
    (rules.i20_a_limit_is_looked_at_in_time, {**TRACKING, "costLimitAt": 0, "dueAt": 150_001, "updatedAt": 0}, []),
    (rules.q1_every_job_has_ended_and_owes_nothing, {**DONE, "billPending": True}, []),
    (rules.q1_every_job_has_ended_and_owes_nothing, TRACKING, []),
    (rules.q1_every_job_has_ended_and_owes_nothing, failed(), []),
    (rules.q1_every_job_has_ended_and_owes_nothing, {**DONE, "scanPending": True}, []),
    (rules.q2_every_run_has_ended, DONE, [LIVE]),
    (rules.q5_a_cancelled_job_says_so, failed(cancelRequestedAt=1), []),
]


@pytest.mark.parametrize(("check", "wrong", "runs"), OF_ITEMS, ids=lambda value: getattr(value, "__name__", ""))
def test_an_item_that_is_wrong_is_noticed(check, wrong, runs):
    with pytest.raises(AssertionError):
        check(wrong, runs)


PROGRESS = {"progress": {"stagesDone": 1, "stagesTotal": 3, "at": 0}}
OF_WRITES = [
    (rules.i1_a_job_moves_by_the_table, SEEN, DONE, []),
    (rules.i1_a_job_moves_by_the_table, None, TRACKING, []),
    (rules.i1_what_ended_never_changes, DONE, {**DONE, "runId": "another"}, []),
    (rules.i4_a_run_is_not_dropped_while_it_lives, TRACKING, IDLE, [LIVE]),
    (rules.i8_a_failure_owes_its_dead_letter_at_once, TRACKING, failed(dlqPending=None), []),
    (rules.i8_the_end_of_a_scan_owes_its_dataset_at_once, TRACKING, {**DONE, "scanOf": "d"}, []),
    (rules.i9_a_charge_comes_with_the_retry_of_a_failed_run, TRACKING, IDLE, [STARVED]),
    (rules.i9_a_charge_comes_with_the_retry_of_a_failed_run, TRACKING, IDLE, [replace(BROKEN, state="CANCELLED")]),
    (rules.i9_a_charge_comes_with_the_retry_of_a_failed_run, TRACKING, {**IDLE, "chargedFailures": 2}, [BROKEN]),
    (rules.i9_only_what_may_pass_is_tried_again, TRACKING, IDLE, [HOPELESS]),
    (rules.i9_only_what_may_pass_is_tried_again, TRACKING, IDLE, [LIVE]),
    (rules.i9_only_what_may_pass_is_tried_again, {**TRACKING, "cancelRequestedAt": 1}, IDLE, [BROKEN]),
    (rules.i9_only_what_may_pass_is_tried_again, TRACKING, failed(), [BROKEN]),
    (rules.i9_only_what_may_pass_is_tried_again, TRACKING, failed(), [STARVED]),
    (rules.i9_only_what_may_pass_is_tried_again, TRACKING, IDLE, [SHORT]),
    (rules.i9_only_what_may_pass_is_tried_again, MAY_GROW, failed(), [SHORT]),
    (rules.i9_a_charge_comes_with_the_retry_of_a_failed_run, MAY_GROW, IDLE, [SHORT]),
    (rules.i10_a_cancellation_is_never_lost, {**TRACKING, "cancelRequestedAt": 1}, TRACKING, []),
    (
        rules.i10_nothing_is_intended_after_a_cancellation,
        {**IDLE, "cancelRequestedAt": 1},
        {**STARTING, "attempt": 2},
        [],
    ),
    (
        rules.i10_nothing_is_intended_after_a_cancellation,
        {**STARTING, "cancelRequestedAt": 1},
        {**STARTING, "intentAt": STARTING["intentAt"] + 1},
        [],
    ),
    (rules.i11_every_write_has_a_rev_of_its_own, SEEN, SEEN, []),
    (rules.i11_attempts_are_counted_one_by_one, SEEN, {**STARTING, "attempt": 2}, []),
    (rules.i11_attempts_are_counted_one_by_one, STARTING, {**IDLE, "attempt": 0}, [LIVE]),
    (rules.i11_attempts_are_counted_one_by_one, None, STARTING, []),
    (rules.i12_an_intent_never_moves_back, STARTING, {**STARTING, "intentAt": STARTING["intentAt"] - 1}, []),
    (rules.i19_a_bill_never_changes, {**DONE, "attempts": [BILLED]}, {**DONE, "attempts": [RECORD]}, []),
    (rules.i20_a_limit_comes_no_later, {**TRACKING, "costLimitAt": 1}, {**TRACKING, "costLimitAt": 2}, []),
    (rules.i20_a_limit_comes_no_later, {**TRACKING, "costLimitAt": 1}, TRACKING, []),
    (rules.i20_a_limit_comes_no_later, {**TRACKING, "costWarnedAt": 1}, TRACKING, []),
    (rules.i18_a_job_goes_bigger_once_and_for_lack_of_memory, None, {**SEEN, "wentBigger": True}, []),
    (rules.i18_a_job_goes_bigger_once_and_for_lack_of_memory, MAY_GROW, {**TRACKING, "wentBigger": True}, [SHORT]),
    (rules.i18_a_job_goes_bigger_once_and_for_lack_of_memory, GROWN, MAY_GROW, [SHORT]),
    (rules.i18_a_job_goes_bigger_once_and_for_lack_of_memory, TRACKING, {**IDLE, "wentBigger": True}, [SHORT]),
    (rules.i18_a_job_goes_bigger_once_and_for_lack_of_memory, MAY_GROW, GROWN, [SHORT]),
    (rules.i18_a_job_goes_bigger_once_and_for_lack_of_memory, MAY_GROW, GROWN_IDLE, [BROKEN]),
    (rules.i18_a_job_goes_bigger_once_and_for_lack_of_memory, MAY_GROW, GROWN_IDLE, []),
    (rules.i16_what_ends_is_on_record, TRACKING, DONE, []),
    (rules.i16_what_ends_is_on_record, TRACKING, IDLE, []),
    (rules.i16_what_ends_is_on_record, TRACKING, {**TRACKING, "attempts": [RECORD]}, []),
    (rules.i16_what_ends_is_on_record, TRACKING, {**DONE, "attempts": [{**RECORD, "outcome": "FAILED"}]}, []),
    (rules.i16_what_ends_is_on_record, TRACKING, {**DONE, "attempts": [{**RECORD, "runId": "another"}]}, []),
    (rules.i16_what_ends_is_on_record, TRACKING, {**IDLE, "attempts": [{**RECORD, "outcome": "FAILED"}]}, []),
    (rules.i16_what_ends_is_on_record, {**TRACKING, "attempts": [RECORD]}, {**DONE, "attempts": [RECORD]}, []),
    (rules.i18_progress_is_of_an_attempt_that_is_under_way, TRACKING, {**DONE, **PROGRESS}, []),
    (rules.i18_progress_is_of_an_attempt_that_is_under_way, TRACKING, {**IDLE, **PROGRESS}, []),
    (rules.i18_progress_changes_nothing_else, TRACKING, {**TRACKING, **PROGRESS, "dueAt": 1}, []),
]


@pytest.mark.parametrize(("check", "old", "new", "runs"), OF_WRITES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_write_that_is_wrong_is_noticed(check, old, new, runs):
    with pytest.raises(AssertionError):
        check(old, new, runs)


OF_STARTS = [
    (rules.i2_a_run_begins_only_for_the_current_attempt, None, []),
    (rules.i2_a_run_begins_only_for_the_current_attempt, DONE, []),
    (rules.i2_a_run_begins_only_for_the_current_attempt, {**STARTING, "attempt": 2}, []),
    (rules.i3_a_name_has_one_run, STARTING, [BROKEN]),
    (rules.i4_a_job_has_one_live_run, STARTING, [replace(LIVE, name=f"{job_id()}.2")]),
    (rules.i18_a_run_is_as_large_as_its_job_is_now, None, []),
    (rules.i18_a_run_is_as_large_as_its_job_is_now, GROWN, []),
]


@pytest.mark.parametrize(("check", "stored", "others"), OF_STARTS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_start_that_is_wrong_is_noticed(check, stored, others):
    with pytest.raises(AssertionError):
        check(replace(LIVE, run_id="run-2"), stored, others)


ENDED_SCAN = {**DONE, "finishedAt": 1}
TOLD = {"scanResult": {"pii": "found", "jobId": job_id()}, "scannedAt": 1}
TAGGED = {"pii": "found", "team": "ops"}

OTHER_WRONGS = [
    (rules.i8_a_dead_letter_speaks_of_a_failed_job, {"jobId": "x", "failureReason": "CANCELLED"}, None),
    (rules.i8_a_dead_letter_speaks_of_a_failed_job, {"failureReason": "CANCELLED"}, DONE),
    (rules.i8_a_dead_letter_speaks_of_a_failed_job, {"failureReason": "CANCELLED"}, failed()),
    (rules.i9_no_attempt_begins_before_its_backoff, IDLE, {**STARTING, "attempt": 2}, STARTING["intentAt"] + 1),
    (rules.i14_starts_keep_the_pace, [0, 0, 0, 1000], 1, 1.0, 1),
    (rules.i14_the_bucket_holds_no_more_than_its_burst, 15_001, 15),
    (rules.i14_the_bucket_holds_no_more_than_its_burst, -1, 15),
    (rules.i15_active_jobs_are_counted_to_the_unit, {"activeJobs": 1}, [DONE]),
    (rules.i15_active_jobs_are_counted_to_the_unit, {"activeJobs": 0}, [SEEN]),
    (rules.q3_failed_jobs_and_no_others_have_dead_letters, DONE, [{"id": f"{job_id()}.failed"}]),
    (rules.q3_failed_jobs_and_no_others_have_dead_letters, failed(), []),
    (rules.q6_the_queues_are_empty, {"jobs": ["{}"]}),
    (rules.q6_no_bad_message_is_lost, ["{no json"], []),
    (rules.q7_a_dataset_is_told_what_its_scan_found, ENDED_SCAN, {}, TAGGED),
    (
        rules.q7_a_dataset_is_told_what_its_scan_found,
        ENDED_SCAN,
        {**TOLD, "scanResult": {"pii": "unknown", "jobId": job_id()}},
        TAGGED,
    ),
    (rules.q7_a_dataset_is_told_what_its_scan_found, ENDED_SCAN, {**TOLD, "scannedAt": 2}, TAGGED),
    (rules.q7_a_dataset_is_told_what_its_scan_found, ENDED_SCAN, TOLD, {"team": "ops"}),
    (rules.q7_a_dataset_is_told_what_its_scan_found, ENDED_SCAN, TOLD, {"pii": "found"}),
    (rules.l1_a_lost_answer_costs_less_than_half_a_minute, 40_000, 10_000),
    (rules.l2_a_cancelled_run_ends_its_job_soon, 0, 120_001),
    (rules.l6_a_job_that_reaches_its_limit_ends_soon, 0, 120_001),
    (rules.l4_without_faults_nothing_is_done_twice, ["list_job_runs"], [], False),
    (rules.l4_without_faults_nothing_is_done_twice, [], ["1.failed", "1.failed"], True),
    (rules.l4_without_faults_nothing_is_done_twice, [], [], True),
    (rules.l5_a_start_is_recorded_soon, 0, 151_000, 90),
]


@pytest.mark.parametrize("wrong", OTHER_WRONGS, ids=lambda wrong: wrong[0].__name__)
def test_whatever_else_is_wrong_is_noticed(wrong):
    check, *facts = wrong

    with pytest.raises(AssertionError):
        check(*facts)


def test_every_invariant_is_shown_to_notice_something():
    tried = {case[0].__name__ for case in (*OF_ITEMS, *OF_WRITES, *OF_STARTS, *OTHER_WRONGS)}
    known = {name for name in vars(rules) if name[0] in "ilq" and name[1].isdigit()}

    assert tried == known


def test_dumped_tables_runs_and_queues_of_a_job_that_is_right_pass():
    history = [
        *SEEN["history"],
        {"from": "SUBMITTED", "to": "RUNNING", "by": "worker"},
        {"from": "RUNNING", "to": "SUCCEEDED", "by": "worker"},
    ]

    rules.check_at_rest([{**DONE, "history": history}], [SUCCEEDED], [{"envelope": "unprocessable"}], {"jobs": []})


def test_dumped_runs_that_share_a_name_are_noticed():
    history = [
        *SEEN["history"],
        {"from": "SUBMITTED", "to": "RUNNING", "by": "w"},
        {"from": "RUNNING", "to": "SUCCEEDED", "by": "w"},
    ]

    with pytest.raises(AssertionError, match="I3"):
        rules.check_at_rest([{**DONE, "history": history}], [SUCCEEDED, replace(SUCCEEDED, run_id="2")], [], {})
