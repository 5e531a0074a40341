"""What must be true of jobs and their runs, whatever breaks. Each rule is a function that asserts it.

They read plain items and plain records of runs and know nothing of the fakes: the simulation calls them on every
write and every start, and a suite of real processes may call them on tables and runs that it dumped.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Item = Mapping[str, Any]

MOVES = {("SUBMITTED", "RUNNING"), ("RUNNING", "SUCCEEDED"), ("RUNNING", "FAILED")}
ENDED = ("SUCCEEDED", "FAILED")
OVER = ("SUCCESS", "FAILED", "CANCELLED")
FINAL_FIELDS = ("status", "failureReason", "finishedAt", "attempt", "runId", "manifestSha256")
# What an ended job may owe.
DUTIES = ("dlqPending", "scanPending", "billPending")
HISTORY_ENTRIES = 50
ATTEMPT_RECORDS = 20
BILL_TRIES = 6
ITEM_BYTES = 64 * 1024
# Who ends a job by a report of its own program.
REPORTER = "callback"
LONGEST_BACKOFF_MS = 900_000
# Between two looks at a job whose limit is reached: a hold, and what clocks and the due index may differ by.
LONGEST_HOLD_MS = 150_000
# What the clocks of a worker and of EMR may differ by costs this much.
CLOCKS_DIFFER_USD = 0.008
# Of a fact about a run that nobody kept.
UNKNOWN = ""


@dataclass(frozen=True)
class RunRecord:
    """A run as EMR Serverless itself knows it. Times are epoch milliseconds.

    `failure` is what kind of failure the world gave it: capacity, transient, memory or user; empty if nobody knows.
    `manifest` is the checksum of the one that it leaves if it succeeds, None if it leaves none.
    `asked` is how large it was asked for: spark-submit's parameters; empty if nobody knows.
    `cost_usd` is what it has cost so far: by its time at its size, or by what EMR told of it, whichever is more.
    """

    run_id: str
    name: str
    state: str
    created_at: int
    failure: str = UNKNOWN
    manifest: str | None = UNKNOWN
    asked: str = UNKNOWN
    cost_usd: float = 0.0

    @property
    def is_live(self) -> bool:
        """Whether it may still do anything."""
        return self.state not in OVER

    @property
    def succeeded(self) -> bool:
        """Whether it ended well, and left what its readers go by."""
        return self.state == "SUCCESS" and self.manifest is not None

    @property
    def job_id(self) -> str:
        """The job that it belongs to by its name."""
        return self.name.rpartition(".")[0]


Runs = Sequence[RunRecord]


def run_name(item: Item) -> str:
    """The name of the run of the job's current attempt."""
    return f"{item['jobId']}.{item['attempt']}"


def ended_by_report(item: Item) -> bool:
    """Whether the program's own report ended the job."""
    return item["status"] in ENDED and item["history"][-1]["by"] == REPORTER


def may_go_bigger(item: Item) -> bool:
    """Whether a bigger attempt may follow one that lacked memory."""
    return "bigger" in item["spec"] and not item.get("wentBigger")


def goes_bigger(old: Item, new: Item) -> bool:
    """Whether this write makes the job's runs bigger."""
    return not old.get("wentBigger") and bool(new.get("wentBigger"))


def must_stop(item: Item, now: int) -> bool:
    """Whether the job was to end, at this time."""
    return "cancelRequestedAt" in item or now >= item["deadlineAt"]


# Of one item at any time, whoever looks.


def i1_history_tells_only_legal_moves(item: Item, runs: Runs) -> None:
    """I1: SUBMITTED, RUNNING, then SUCCEEDED or FAILED, in the audit trail as in the status."""
    history = item["history"]
    assert "from" not in history[0], f"the first entry moves from {history[0]['from']}"
    assert history[0]["to"] == "SUBMITTED", f"the history begins with {history[0]['to']}"
    at = "SUBMITTED"
    for entry in history[1:]:
        if len(history) < HISTORY_ENTRIES:
            assert entry["from"] == at, f"the history moves from {entry['from']} after {at}"
        assert entry["from"] == entry["to"] or (entry["from"], entry["to"]) in MOVES, f"the history says {entry}"
        at = entry["to"]
    assert at == item["status"], f"the history ends with {at}, the status is {item['status']}"


def i5_an_ended_job_has_no_live_run(item: Item, runs: Runs) -> None:
    """I5: no terminal job has a live run, but for one that ended by its own report."""
    if item["status"] in ENDED and not ended_by_report(item):
        live = [run for run in runs if run.is_live]
        assert not live, f"the job is {item['status']} and {live[0]} lives"


def i6_the_outcome_is_what_the_run_or_its_report_said(item: Item, runs: Runs) -> None:
    """I6: SUCCEEDED only if the current attempt's run succeeded, FAILED only if not, or as its own report said.

    A run that left no manifest has not succeeded, whatever EMR says.
    """
    if item["status"] not in ENDED or ended_by_report(item):
        return
    succeeded = [run for run in runs if run.name == run_name(item) and run.succeeded]
    if item["status"] == "SUCCEEDED":
        assert any(run.run_id == item.get("runId") for run in succeeded), f"SUCCEEDED without a success: {runs}"
    else:
        assert not succeeded, f"FAILED although {succeeded[0]} succeeded"


def i17_a_success_holds_the_checksum_of_its_manifest(item: Item, runs: Runs) -> None:
    """I17: a job that SUCCEEDED by its run's end holds the checksum of that run's manifest; no other holds any."""
    if item["status"] != "SUCCEEDED" or ended_by_report(item):
        assert "manifestSha256" not in item or item["status"] == "SUCCEEDED", "a job that did not succeed holds one"
        return
    (manifest,) = {run.manifest for run in runs if run.run_id == item.get("runId")} or {UNKNOWN}
    held = item.get("manifestSha256")
    assert manifest in (UNKNOWN, held), f"the job holds {held}, and the manifest's checksum is {manifest}"


def i7_a_job_is_due_if_and_only_if_work_is_owed(item: Item, runs: Runs) -> None:
    """I7: `dueAt` is there while the job has not ended or owes something, and `dueShard` with it."""
    duties = [name for name in DUTIES if item.get(name)]
    owed = item["status"] not in ENDED or bool(duties)
    assert ("dueAt" in item) == owed, f"status {item['status']}, owed {duties}: dueAt is wrong"
    assert ("dueShard" in item) == owed, "dueShard does not go with dueAt"


def i8_only_a_failed_job_owes_a_dead_letter(item: Item, runs: Runs) -> None:
    """I8: no dead letter is owed unless the job FAILED."""
    assert not item.get("dlqPending") or item["status"] == "FAILED", f"a {item['status']} job owes a dead letter"


def i8_only_an_ended_scan_owes_a_dataset_anything(item: Item, runs: Runs) -> None:
    """I8: nothing is owed to a dataset unless the job is its scan, and has ended."""
    if item.get("scanPending"):
        assert item["status"] in ENDED, f"a {item['status']} job owes a dataset its scan"
        assert "scanOf" in item, "a job that scans no dataset owes one its scan"


def i9_no_failure_is_charged_twice(item: Item, runs: Runs) -> None:
    """I9: at most one charge for each failed run, and never for the last attempt that the policy allows."""
    charged, most = item["chargedFailures"], item["retryPolicy"]["maxAttempts"]
    assert 0 <= charged < most, f"{charged} failures are charged of {most} attempts"
    failed = [run for run in runs if run.state == "FAILED"]
    assert charged <= len(failed), f"{charged} failures are charged for {len(failed)} failed runs"


def i19_bills_are_there_or_owed_or_given_up(item: Item, runs: Runs) -> None:
    """I19: an ended job has the bill of each of its runs, owes it, or has asked for it often; no other owes any."""
    lacking = [record for record in item.get("attempts", []) if "runId" in record and "bill" not in record]
    if item["status"] not in ENDED:
        assert not item.get("billPending"), "a bill is owed of a job that has not ended"
    elif item.get("billPending"):
        assert lacking, "a bill is owed, and none is lacking"
    else:
        assert not lacking or item.get("billTries", 0) >= BILL_TRIES, f"the bill of {lacking[0]} was forgotten"


def i20_a_job_ends_for_its_cost_only_if_it_cost_so_much(item: Item, runs: Runs) -> None:
    """I20: COST_LIMIT only with a limit, which the job's runs together have reached."""
    if item.get("failureReason") == "COST_LIMIT":
        assert "maxCostUsd" in item["request"], "the job has no limit"
        assert item["costLimitAt"] <= item["finishedAt"], "the job ended before its limit"
        cost, limit = sum(run.cost_usd for run in runs), float(item["request"]["maxCostUsd"])
        assert cost + CLOCKS_DIFFER_USD >= limit, f"the job cost {cost} of {limit}"


def i20_a_limit_is_looked_at_in_time(item: Item, runs: Runs) -> None:
    """I20: while a run is on its way to the job's limit, the job is due when that is reached, or in a hold."""
    if item["status"] == "RUNNING" and "costLimitAt" in item:
        latest = max(item["costLimitAt"], item["updatedAt"] + LONGEST_HOLD_MS)
        assert item["dueAt"] <= latest, (
            f"the job is due {(item['dueAt'] - item['costLimitAt']) / 1000} s after its limit"
        )


def i13_an_item_stays_small(item: Item, runs: Runs) -> None:
    """I13: at most 50 entries of history and 64 KiB."""
    assert len(item["history"]) <= HISTORY_ENTRIES, f"{len(item['history'])} entries of history"
    size = len(json.dumps(item))
    assert size <= ITEM_BYTES, f"the item has {size} bytes"


# Of one write: the item before it (None if there was none), the item after it, the job's runs at that time.


def i1_a_job_moves_by_the_table(old: Item | None, new: Item, runs: Runs) -> None:
    """I1: SUBMITTED to RUNNING to SUCCEEDED or FAILED, and no other move."""
    before = old["status"] if old is not None else None
    if before is None:
        assert new["status"] == "SUBMITTED", f"a job begins as {new['status']}"
    else:
        assert before == new["status"] or (before, new["status"]) in MOVES, f"{before} became {new['status']}"


def i1_what_ended_never_changes(old: Item | None, new: Item, runs: Runs) -> None:
    """I1: a terminal job keeps its status, reason, time, attempt and run."""
    if old is not None and old["status"] in ENDED:
        for name in FINAL_FIELDS:
            assert old.get(name) == new.get(name), (
                f"{name} of an ended job went from {old.get(name)} to {new.get(name)}"
            )


def i4_a_run_is_not_dropped_while_it_lives(old: Item | None, new: Item, runs: Runs) -> None:
    """I4: `runId` never goes while its run lives."""
    if old is not None and "runId" in old and old["runId"] != new.get("runId"):
        live = [run for run in runs if run.run_id == old["runId"] and run.is_live]
        assert not live, f"{live[0]} lives and was dropped"


def i8_a_failure_owes_its_dead_letter_at_once(old: Item | None, new: Item, runs: Runs) -> None:
    """I8: the write that makes a job FAILED also owes the dead letter."""
    if old is not None and old["status"] != "FAILED" and new["status"] == "FAILED":
        assert new.get("dlqPending") is True, "FAILED without owing a dead letter"


def i8_the_end_of_a_scan_owes_its_dataset_at_once(old: Item | None, new: Item, runs: Runs) -> None:
    """I8: the write that ends a scan also owes its dataset what it found."""
    if old is not None and old["status"] not in ENDED and new["status"] in ENDED and "scanOf" in new:
        assert new.get("scanPending") is True, "a scan ended without owing its dataset anything"


def i9_a_charge_comes_with_the_retry_of_a_failed_run(old: Item | None, new: Item, runs: Runs) -> None:
    """I9: a charge is one, and in the write that drops a run which failed, not for want of capacity or memory."""
    if old is None or old["chargedFailures"] == new["chargedFailures"]:
        return
    assert new["chargedFailures"] == old["chargedFailures"] + 1, "more than one failure charged at once"
    dropped = [run for run in runs if run.run_id == old.get("runId") and "runId" not in new]
    assert dropped, "a failure is charged, and no run is dropped"
    assert dropped[0].state == "FAILED", f"{dropped[0]} is charged as a failure"
    uncharged = dropped[0].failure in ("capacity", "memory") and "reported" not in old
    assert not uncharged, f"a lack of {dropped[0].failure} is charged"


def i9_only_what_may_pass_is_tried_again(old: Item | None, new: Item, runs: Runs) -> None:
    """I9: another attempt follows a failure for want of capacity or one that may pass, if there is time; no other."""
    if old is None or old["status"] != "RUNNING" or "runId" not in old:
        return
    decided_at = new["updatedAt"]
    failed = next((run for run in runs if run.run_id == old["runId"] and run.state == "FAILED"), None)
    kind = failed.failure if failed else ""
    if new["status"] == "RUNNING" and "runId" not in new:
        assert not must_stop(old, decided_at), "another attempt follows although the job must stop"
        assert failed is not None, "another attempt follows a run that has not failed"
        assert kind != "user" or "reported" in old, "a hopeless failure is tried again"
        assert kind != "memory" or "reported" in old or goes_bigger(old, new), "memory runs out at the same size again"
    elif new["status"] == "FAILED" and not ended_by_report(new) and "reported" not in old:
        time_left = not must_stop(old, decided_at) and decided_at + LONGEST_BACKOFF_MS < old["deadlineAt"]
        left = old["chargedFailures"] + 1 < old["retryPolicy"]["maxAttempts"]
        time_left = time_left and new["failureReason"] != "COST_LIMIT"  # whether it was reached, I20 says
        assert not (time_left and kind == "transient" and left), "a failure that may pass is not tried again"
        assert not (time_left and kind == "capacity"), "a lack of capacity is not waited out"
        assert not (time_left and kind == "memory" and may_go_bigger(old)), "a bigger attempt is not made"


def i18_a_job_goes_bigger_once_and_for_lack_of_memory(old: Item | None, new: Item, runs: Runs) -> None:
    """I18: only the retry of a run that lacked memory makes a job bigger, once, if it may; nothing makes it smaller.

    What it was asked for and what it may ask for stay as they were.
    """
    if old is None:
        assert not new.get("wentBigger"), "a job begins bigger than it was asked for"
        return
    assert (new["request"], new["spec"]) == (old["request"], old["spec"]), "request or spec changed"
    if old.get("wentBigger") == new.get("wentBigger"):
        return
    assert goes_bigger(old, new), "the job became smaller"
    assert may_go_bigger(old), "the job went bigger although it may not"
    dropped = [run for run in runs if run.run_id == old.get("runId") and "runId" not in new]
    assert dropped, "the job went bigger, and no run is dropped"
    assert dropped[0].state == "FAILED", f"the job went bigger although {dropped[0]} has not failed"
    assert dropped[0].failure == "memory" or "reported" in old, f"the job went bigger after {dropped[0]}"


def i10_a_cancellation_is_never_lost(old: Item | None, new: Item, runs: Runs) -> None:
    """I10: `cancelRequestedAt` stays as it was first written."""
    if old is not None and "cancelRequestedAt" in old:
        assert new.get("cancelRequestedAt") == old["cancelRequestedAt"], "the cancellation was lost"


def i10_nothing_is_intended_after_a_cancellation(old: Item | None, new: Item, runs: Runs) -> None:
    """I10: once a cancellation is asked for, no attempt is begun, and none begun again."""
    if old is not None and "cancelRequestedAt" in old:
        assert new["attempt"] <= old["attempt"], "an attempt began after the cancellation"
        assert "intentAt" not in new or new["intentAt"] == old.get("intentAt"), "a start was meant after it"


def i11_every_write_has_a_rev_of_its_own(old: Item | None, new: Item, runs: Runs) -> None:
    """I11: `rev` changes with each write."""
    assert old is None or old["rev"] != new["rev"], f"the rev {new['rev']} was written twice"


def i11_attempts_are_counted_one_by_one(old: Item | None, new: Item, runs: Runs) -> None:
    """I11: `attempt` moves by one at most, and back only if no run has its name."""
    if old is None:
        assert new["attempt"] == 0, f"a job begins with attempt {new['attempt']}"
        return
    assert abs(new["attempt"] - old["attempt"]) <= 1, f"attempt went from {old['attempt']} to {new['attempt']}"
    if new["attempt"] < old["attempt"]:
        begun = [run for run in runs if run.name == run_name(old)]
        assert not begun, f"{begun[0]} exists, and its attempt was taken back"


def i12_an_intent_never_moves_back(old: Item | None, new: Item, runs: Runs) -> None:
    """I12: within an attempt, `intentAt` only grows."""
    if old is not None and old["attempt"] == new["attempt"] and "intentAt" in old and "intentAt" in new:
        assert new["intentAt"] >= old["intentAt"], "an intent moved back in time"


def i16_what_ends_is_on_record(old: Item | None, new: Item, runs: Runs) -> None:
    """I16: the write that drops a run or ends the job keeps a record of the attempt, with a card if it failed.

    Records stay as they were.
    """
    if old is None:
        return
    before, after = old.get("attempts", []), new.get("attempts", [])
    dropped = "runId" in old and "runId" not in new
    ended = old["status"] not in ENDED and new["status"] in ENDED and ("runId" in old or "intentAt" in old)
    if not dropped and not ended:
        assert without_bills(after) == without_bills(before), "the records changed although nothing ended"
        return
    assert after, "the attempt has no record"
    assert after == [*before, after[-1]][-ATTEMPT_RECORDS:], "the record of another attempt was lost"
    last = after[-1]
    assert (last["attempt"], last.get("runId")) == (old["attempt"], old.get("runId")), f"the record is {last}"
    assert last["outcome"] == ("SUCCEEDED" if new["status"] == "SUCCEEDED" else "FAILED"), f"it ended as {last}"
    assert ("failure" in last) == (last["outcome"] == "FAILED"), f"its failure card does not fit: {last}"


def i19_a_bill_never_changes(old: Item | None, new: Item, runs: Runs) -> None:
    """I19: once an attempt has its bill it keeps it."""
    later = {record["attempt"]: record for record in new.get("attempts", [])}
    for record in (old or {}).get("attempts", []):
        if "bill" in record and record["attempt"] in later:
            assert later[record["attempt"]].get("bill") == record["bill"], f"the bill of {record} changed"


def i20_a_limit_comes_no_later(old: Item | None, new: Item, runs: Runs) -> None:
    """I20: what becomes known of an attempt's cost makes its limit no later; that its owner was warned stays."""
    if old is None:
        return
    if old["attempt"] == new["attempt"] and "runId" in new and "costLimitAt" in old:
        assert new.get("costLimitAt", old["costLimitAt"] + 1) <= old["costLimitAt"], "the limit was moved away"
    assert old.get("costWarnedAt", new.get("costWarnedAt")) == new.get("costWarnedAt"), "the warning was repeated"


def without_bills(records: Iterable[Item]) -> list[Item]:
    """Records of attempts as they were when they were made."""
    return [{name: value for name, value in record.items() if name != "bill"} for record in records]


def i9_no_attempt_begins_before_its_backoff(old: Item | None, new: Item, not_before: int) -> None:
    """I9: the attempt after a retry begins when its backoff is over. `not_before` is what the retry said."""
    if old is not None and new["attempt"] > old["attempt"]:
        early = not_before - new["intentAt"]
        assert early <= 0, f"attempt {new['attempt']} began {early} ms before its backoff was over"


def i18_progress_is_of_an_attempt_that_is_under_way(old: Item | None, new: Item, runs: Runs) -> None:
    """I18: `progress` is there only while an attempt is under way."""
    if "progress" in new:
        assert new["status"] == "RUNNING", f"a job that is {new['status']} is on its way"
        assert "runId" in new or "intentAt" in new, "a job between two attempts is on its way"


def i18_progress_changes_nothing_else(old: Item | None, new: Item, runs: Runs) -> None:
    """I18: the write that tells of progress leaves when the job is due, and all that is decided by."""
    if old is not None and "progress" in new and new["progress"] != old.get("progress"):
        told = {"rev", "updatedAt", "statusMessage", "progress"}
        if "runBeganAt" not in old:  # the first that is heard of the run
            told |= {"runBeganAt"}
        others = {name for name in {*old, *new} - told if old.get(name) != new.get(name)}
        assert not others, f"a report of progress changed {sorted(others)}"


# Of a run that begins: its record, the job's item, the job's other runs.


def i2_a_run_begins_only_for_the_current_attempt(run: RunRecord, item: Item | None, others: Runs) -> None:
    """I2: a run named `{job}.{n}` begins only while the job is RUNNING with attempt n."""
    assert item is not None, f"{run} began for no job"
    assert item["status"] == "RUNNING", f"{run} began while the job is {item['status']}"
    assert run.name == run_name(item), f"{run} began while the job is at attempt {item['attempt']}"
    assert "intentAt" in item, f"{run} began without an intent"


def i3_a_name_has_one_run(run: RunRecord, item: Item | None, others: Runs) -> None:
    """I3: at most one run for each name."""
    same = [other for other in others if other.name == run.name]
    assert not same, f"{run} began, and so did {same[0]}"


def i4_a_job_has_one_live_run(run: RunRecord, item: Item | None, others: Runs) -> None:
    """I4: at most one live run for each job."""
    live = [other for other in others if other.is_live]
    assert not live, f"{run} began while {live[0]} lives"


def i18_a_run_is_as_large_as_its_job_is_now(run: RunRecord, item: Item | None, others: Runs) -> None:
    """I18: a run is asked for with the size that was submitted, or with the next once its job went bigger."""
    assert item is not None, f"{run} began for no job"
    spec = item["spec"]
    of_size = spec["bigger"] if item.get("wentBigger") else spec["jobDriver"]["sparkSubmit"]
    assert run.asked == of_size["sparkSubmitParameters"], f"{run} was asked for with {run.asked}"


# Of a message on the dead-letter queue.


def i8_a_dead_letter_speaks_of_a_failed_job(letter: Mapping[str, Any], item: Item | None) -> None:
    """I8: no job's dead letter unless it FAILED, and for that reason."""
    assert item is not None, f"a dead letter of no job: {letter['jobId']}"
    assert item["status"] == "FAILED", f"a dead letter of a job that is {item['status']}"
    said, stored = letter["failureReason"], item["failureReason"]
    assert said == stored, f"the dead letter says {said}, the job {stored}"


# Of the fleet's pace.


def i14_starts_keep_the_pace(starts: Sequence[int], burst: int, rate: float, permits_in_hand: int) -> None:
    """I14: over any window, StartJobRun is called at most burst + permits in hand + rate x seconds times.

    `starts` are the times of the calls, in order. Only windows that end with the last call are looked at: asked at
    every call, that is all of them.
    """
    for number, first in enumerate(starts):
        calls = len(starts) - number
        allowed = burst + permits_in_hand + rate * (starts[-1] - first) / 1000
        assert calls <= allowed + 1e-6, f"{calls} starts in {(starts[-1] - first) / 1000} s; {allowed:.1f} are allowed"


def i14_the_bucket_holds_no_more_than_its_burst(milli_tokens: int, burst: int) -> None:
    """I14: the start bucket is within 0 and its burst."""
    assert 0 <= milli_tokens <= burst * 1000, f"{milli_tokens} thousandths of a token of {burst}"


def i15_active_jobs_are_counted_to_the_unit(counts: Item, jobs: Iterable[Item]) -> None:
    """I15: what an owner's item counts as active is the number of the owner's jobs that have not ended."""
    active = sum(job["status"] not in ENDED for job in jobs)
    assert counts["activeJobs"] == active, f"{counts['activeJobs']} jobs are counted, {active} have not ended"


# At rest: nothing is left to do, and nobody is stopped.


def q1_every_job_has_ended_and_owes_nothing(item: Item, runs: Runs) -> None:
    """Q1: every job is terminal, without a duty and without `dueAt`."""
    assert item["status"] in ENDED, f"the job is still {item['status']}"
    assert not any(item.get(name) for name in DUTIES), "something is still owed"
    assert "dueAt" not in item, "the job is still due"


def q2_every_run_has_ended(item: Item, runs: Runs) -> None:
    """Q2: every run is over."""
    live = [run for run in runs if run.is_live]
    assert not live, f"{live[0]} still lives"


def q3_failed_jobs_and_no_others_have_dead_letters(item: Item, letters: Sequence[Mapping[str, Any]]) -> None:
    """Q3: a FAILED job has at least one dead letter, all with one id; a job that SUCCEEDED has none."""
    ids = {letter["id"] for letter in letters}
    expected = {f"{item['jobId']}.failed"} if item["status"] == "FAILED" else set()
    assert ids == expected, f"the job is {item['status']}, its dead letters are {sorted(ids)}"


def q7_a_dataset_is_told_what_its_scan_found(item: Item, dataset: Item, tags: Mapping[str, str]) -> None:
    """Q7: the dataset of a scan says what was found, or unknown if the scan failed; so do its object's tags."""
    expected = "found" if item["status"] == "SUCCEEDED" else "unknown"
    scan = dataset.get("scanResult", {})
    assert (scan.get("pii"), scan.get("jobId")) == (expected, item["jobId"]), f"the dataset says {scan}"
    assert dataset["scannedAt"] == item["finishedAt"], "the dataset does not say when its scan ended"
    assert tags.get("pii") == expected, f"the object is tagged {tags}"
    assert tags.get("team") == "ops", "a tag of somebody else's is gone"


def q5_a_cancelled_job_says_so(item: Item, runs: Runs) -> None:
    """Q5: if it was asked to cancel and did not succeed, the reason is that, or that EMR refused the run.

    A report that ended the job may have come with a reason of its own only before the cancellation.
    """
    if "cancelRequestedAt" in item and item["status"] == "FAILED":
        reason = item["failureReason"]
        assert reason in ("CANCELLED", "START_REJECTED"), f"it was asked to cancel, and failed for {reason}"


def q6_the_queues_are_empty(queues: Mapping[str, Sequence[str]]) -> None:
    """Q6: no message is left in the jobs queue and in the events queue."""
    for name, bodies in queues.items():
        assert not bodies, f"{name} still holds {bodies[0]}"


def q6_no_bad_message_is_lost(bad: Iterable[str], dead_letters: Sequence[str]) -> None:
    """Q6: what could not be handled lies on the dead-letter queue, in an envelope or as it was."""
    kept = {body for letter in dead_letters for body in (letter, json.loads(letter).get("body"))}
    lost = [body for body in bad if body not in kept]
    assert not lost, f"{lost[0]!r} is neither in a queue nor on the dead-letter queue"


OF_AN_ITEM = (
    i1_history_tells_only_legal_moves,
    i5_an_ended_job_has_no_live_run,
    i6_the_outcome_is_what_the_run_or_its_report_said,
    i17_a_success_holds_the_checksum_of_its_manifest,
    i7_a_job_is_due_if_and_only_if_work_is_owed,
    i8_only_a_failed_job_owes_a_dead_letter,
    i8_only_an_ended_scan_owes_a_dataset_anything,
    i9_no_failure_is_charged_twice,
    i13_an_item_stays_small,
    i19_bills_are_there_or_owed_or_given_up,
    i20_a_job_ends_for_its_cost_only_if_it_cost_so_much,
    i20_a_limit_is_looked_at_in_time,
)
OF_A_WRITE = (
    i1_a_job_moves_by_the_table,
    i1_what_ended_never_changes,
    i4_a_run_is_not_dropped_while_it_lives,
    i8_a_failure_owes_its_dead_letter_at_once,
    i8_the_end_of_a_scan_owes_its_dataset_at_once,
    i9_a_charge_comes_with_the_retry_of_a_failed_run,
    i9_only_what_may_pass_is_tried_again,
    i10_a_cancellation_is_never_lost,
    i10_nothing_is_intended_after_a_cancellation,
    i11_every_write_has_a_rev_of_its_own,
    i11_attempts_are_counted_one_by_one,
    i12_an_intent_never_moves_back,
    i18_a_job_goes_bigger_once_and_for_lack_of_memory,
    i16_what_ends_is_on_record,
    i18_progress_is_of_an_attempt_that_is_under_way,
    i18_progress_changes_nothing_else,
    i19_a_bill_never_changes,
    i20_a_limit_comes_no_later,
)
OF_A_START = (
    i18_a_run_is_as_large_as_its_job_is_now,
    i2_a_run_begins_only_for_the_current_attempt,
    i3_a_name_has_one_run,
    i4_a_job_has_one_live_run,
)
AT_REST = (
    q1_every_job_has_ended_and_owes_nothing,
    q2_every_run_has_ended,
    q5_a_cancelled_job_says_so,
)


# The latencies, of what a run of a scenario measured.


def l1_a_lost_answer_costs_less_than_half_a_minute(ended_at: int, ended_at_without: int) -> None:
    """L1: a write whose answer was lost, and which the SDK sent again, delays the job by less than 30 s."""
    assert ended_at - ended_at_without < 30_000, f"one lost answer cost {(ended_at - ended_at_without) / 1000} s"


def l2_a_cancelled_run_ends_its_job_soon(asked_at: int, ended_at: int) -> None:
    """L2: a job whose live run is cancelled ends within 120 s."""
    assert ended_at - asked_at <= 120_000, f"the cancellation took {(ended_at - asked_at) / 1000} s"


def l4_without_faults_nothing_is_done_twice(calls: Sequence[str], letters: Sequence[str], failed: bool) -> None:
    """L4: a run without faults does each duty exactly once, and lists nothing. `letters` are the dead letters' ids."""
    assert len(set(letters)) == len(letters), f"a dead letter was sent twice: {letters}"
    assert sum(letter.endswith(".failed") for letter in letters) == int(failed), f"the dead letters are {letters}"
    assert "list_job_runs" not in calls, "runs were listed"


def l6_a_job_that_reaches_its_limit_ends_soon(limit_at: int, ended_at: int) -> None:
    """L6: without faults, a job whose run reaches the most that it may cost ends within 120 s."""
    assert ended_at - limit_at <= 120_000, f"the job ended {(ended_at - limit_at) / 1000} s after its limit"


def l5_a_start_is_recorded_soon(begun_at: int, recorded_at: int, hold_seconds: int) -> None:
    """L5: whatever one fault befell StartJobRun, its run is recorded within the hold and a minute.

    `begun_at` is when the start was first meant.
    """
    took = (recorded_at - begun_at) / 1000
    assert took <= hold_seconds + 60, f"the run was recorded {took} s after it was first meant"


def runs_of(job_id: str, runs: Iterable[RunRecord]) -> list[RunRecord]:
    """The runs of one job, by their names."""
    return [run for run in runs if run.job_id == job_id]


def check_at_rest(
    items: Iterable[Item],
    runs: Sequence[RunRecord],
    letters: Iterable[Mapping[str, Any]],
    queues: Mapping[str, Sequence[str]],
) -> None:
    """All that must be true of dumped tables, runs and queues once nothing is left to do."""
    letters = [letter for letter in letters if letter.get("envelope") == "job-failed"]
    known = {item["jobId"]: item for item in items}
    for item in known.values():
        own = runs_of(item["jobId"], runs)
        for check in (*OF_AN_ITEM, *AT_REST):
            check(item, own)
        names = [run.name for run in own]
        assert len(set(names)) == len(names), f"I3: a name has several runs: {names}"
        q3_failed_jobs_and_no_others_have_dead_letters(item, [x for x in letters if x["jobId"] == item["jobId"]])
    for letter in letters:
        i8_a_dead_letter_speaks_of_a_failed_job(letter, known.get(letter["jobId"]))
    q6_the_queues_are_empty(queues)
