"""Breaks one rule of the worker's protocol at a time, and shows which test notices.

Each mutant is a patch of the real code, applied in a scratch copy: the text must be there exactly once, so that a
mutant which no longer applies is noticed. Exits with 1 if any mutant survives or no longer applies.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("api", "shared", "worker", "tests/fakes", "tests/simulation", "tests/unit/worker")
KEPT = ("pyproject.toml", "tests/__init__.py", "tests/unit/__init__.py")
# In the order in which they are tried: what is quick first.
TESTS = (
    "tests/unit/worker",
    "tests/simulation/test_races.py",
    "tests/simulation/test_random_schedules.py",
    "tests/simulation/test_crash_points.py",
)
PROCESSES = 2
TIMEOUT_SECONDS = 600
FAILED = re.compile(r"^FAILED (\S+?::.+?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Mutant:
    """One rule broken: in which file, which text becomes which."""

    number: int
    name: str
    path: str
    old: str
    new: str


ADVANCE, DECIDE, LIFECYCLE = "worker/advance.py", "worker/decide.py", "shared/lifecycle.py"
STORE, RUNNER, CONTROL = "shared/job_store.py", "shared/spark_runner.py", "shared/control_store.py"
CONSUMER, TIMER, REPORTS, RETRY = "worker/consumer.py", "worker/timer.py", "api/jobs/reports.py", "shared/retry.py"
LIMITS = "shared/cost_limits.py"
CONDITION = '"ConditionExpression": f"#rev = :seen AND #status IN ({allowed})",'

MUTANTS = (
    Mutant(
        1,
        "StartJobRun before Claim",
        ADVANCE,
        "        written = self._try_to_write(turn, wanted)\n"
        "        if not isinstance(written, Job):\n"
        "            return written\n"
        "        if written.intent_at is None:",
        "        if wanted.intent_at is not None:\n"
        "            self._runner.start(wanted, now + START_WINDOW)\n"
        "        written = self._try_to_write(turn, wanted)\n"
        "        if not isinstance(written, Job):\n"
        "            return written\n"
        "        if written.intent_at is None:",
    ),
    Mutant(
        2,
        "Claim without a condition",
        STORE,
        CONDITION,
        '"ConditionExpression": f"#status IN ({allowed}, :status)" if before["status"] == "SUBMITTED" '
        'and after["status"] == "RUNNING" else f"#rev = :seen AND #status IN ({allowed})",',
    ),
    Mutant(3, "no rev in conditions", STORE, CONDITION, '"ConditionExpression": f"#status IN ({allowed})",'),
    Mutant(
        4,
        "its own lost answer is taken for a loss",
        STORE,
        "return Won(stored) if stored.rev == wanted.rev else Refused(stored)",
        "return Refused(stored)",
    ),
    Mutant(
        5,
        "restart without Find",
        DECIDE,
        "    if seen.absence is not Absence.NONE:  # 18",
        "    if seen.absence is not Absence.NONE and stop_reason(job, now):  # 18",
    ),
    Mutant(
        6,
        "a fresh clientToken for each call",
        RUNNER,
        '"clientToken": name,',
        '"clientToken": __import__("uuid").uuid4().hex,',
    ),
    Mutant(
        7,
        "a cancellation ends the job inside the fence",
        DECIDE,
        'return Fail(stop, "No run had begun.") if now >= fence else Wait(fence)',
        'return Fail(stop, "No run had begun.")',
    ),
    Mutant(
        8,
        "no start deadline",
        RUNNER,
        'start_client.meta.events.register("before-send.emr-serverless.StartJobRun", refuse_late_start)',
        "pass",
    ),
    Mutant(
        9,
        "a refusal clears an intent that is not alone",
        LIFECYCLE,
        "    if not alone and job.intent_at is not None:",
        "    if False:",
    ),
    Mutant(
        10,
        "an unsure start clears its intent",
        ADVANCE,
        "            self._gate.unsure()\n            return None",
        "            self._gate.unsure()\n"
        "            return self._refuse(own, error, DelayCause.EMR_REFUSAL, FORBIDDEN_WAIT_SECONDS, alone=alone)",
    ),
    Mutant(11, "botocore resends StartJobRun", "shared/aws_clients.py", "START_ATTEMPTS = 1", "START_ATTEMPTS = 3"),
    Mutant(
        12,
        "a throttled start ends the job",
        ADVANCE,
        "return self._refuse(own, error, DelayCause.EMR_CAPACITY, THROTTLED_WAIT_SECONDS, alone=alone)",
        "return self._fail(own, self._clock(), FailureReason.CAPACITY, error.detail)",
    ),
    Mutant(
        13,
        "Find takes the first page for all",
        RUNNER,
        'if not page.get("nextToken"):\n                return _earliest',
        "if True:\n                return _earliest",
    ),
    Mutant(
        14,
        "a run is applied without its runId",
        DECIDE,
        "    if seen.run is not None and seen.run.run_id == job.run_id:",
        "    if seen.run is not None:",
    ),
    Mutant(
        15,
        "Record without the attempt's name",
        DECIDE,
        "    if seen.run is not None and seen.run.name == job.run_name:  # 16",
        "    if seen.run is not None:  # 16",
    ),
    Mutant(
        16,
        "CANCELLING is taken for over",
        RUNNER,
        'return self.state in ("SUCCESS", "FAILED", "CANCELLED")',
        'return self.state in ("SUCCESS", "FAILED", "CANCELLED", "CANCELLING")',
    ),
    Mutant(
        17,
        "a report of an older attempt is heard",
        REPORTS,
        "    if report.attempt != job.attempt:",
        "    if report.attempt > job.attempt:",
    ),
    Mutant(
        18,
        "a report of an attempt that is over is heard",
        REPORTS,
        "    if job.is_idle:\n        raise",
        "    if False:\n        raise",
    ),
    Mutant(
        19,
        "a report of a passing failure ends the job",
        REPORTS,
        "    if job.is_idle or not may_retry(job, failure_class, now):",
        "    if True:",
    ),
    Mutant(
        20,
        "a final report waits for EMR",
        REPORTS,
        "        return succeeded(job, now, REPORTER, message_of(report), now, report.manifest_sha256)",
        "        return with_progress(job, report, now)",
    ),
    Mutant(
        21,
        "a report of a failure retries at once",
        REPORTS,
        "    return failure_reported(job, now, noted)",
        '    return __import__("shared.lifecycle", fromlist=["x"]).retrying(job, now, failure_class, detail)',
    ),
    Mutant(
        22,
        "every failure is retried",
        RETRY,
        "    return failure_class is FailureClass.CAPACITY\n",
        "    return True\n",
    ),
    Mutant(
        23, "Retry keeps runId", LIFECYCLE, "        run_id=None,\n        intent_at=None,", "        intent_at=None,"
    ),
    Mutant(
        24,
        "a lack of capacity is charged",
        LIFECYCLE,
        "job.charged_failures + (failure_class not in UNCHARGED)",
        "job.charged_failures + 1",
    ),
    Mutant(
        25,
        "one 404 means that the run is lost",
        DECIDE,
        "return Find() if now >= patient_until else Wait(now + GONE_RETRY)",
        'return Fail(FailureReason.RUN_LOST, "gone")',
    ),
    Mutant(
        26,
        "Fail drops dueAt",
        LIFECYCLE,
        "        reported=None,\n        due_at=due_at,",
        "        reported=None,\n        due_at=None,",
    ),
    Mutant(27, "Fail drops the duty", LIFECYCLE, "        dlq_pending=True,", "        dlq_pending=False,"),
    Mutant(
        28,
        "the duty is cleared before the send",
        ADVANCE,
        "        try:\n            self._dead_letters.send(failed_job_envelope(turn.job, self._settings))",
        "        self._try_to_write(turn, dead_letter_sent(turn.job, now, self._hold(now)))\n"
        "        try:\n            self._dead_letters.send(failed_job_envelope(turn.job, self._settings))",
    ),
    Mutant(
        29,
        "Wait loses dueAt",
        LIFECYCLE,
        "    return replace(job, updated_at=now, due_at=until)",
        "    return replace(job, updated_at=now, due_at=None)",
    ),
    Mutant(
        30,
        "a cancellation leaves dueAt as it was",
        LIFECYCLE,
        "cancel_requested_at=now, due_at=now)",
        "cancel_requested_at=now)",
    ),
    Mutant(
        31,
        "poison is left in the queue",
        CONSUMER,
        '        DEAD_LETTERS.labels("message").inc()\n        return True',
        '        DEAD_LETTERS.labels("message").inc()\n        return False',
    ),
    Mutant(
        32,
        "the start bucket is written blindly",
        CONTROL,
        '            request["ConditionExpression"] = "rev = :seen"\n',
        "",
    ),
    Mutant(
        33,
        "a throttle leaves the bucket full",
        ADVANCE,
        "            self._control.empty_start_bucket(self._clock())\n",
        "",
    ),
    Mutant(
        34,
        "the message is taken before the permit",
        CONSUMER,
        "if not self._advance.may_start() or not self._permit.take():",
        "if not self._advance.may_start():",
    ),
    Mutant(
        35,
        "an event is trusted without GetJobRun",
        CONSUMER,
        '        job_id, _, _ = run.name.partition(".")',
        '        run = __import__("dataclasses").replace(run, state=json.loads(message.body)["detail"]["state"])\n'
        '        job_id, _, _ = run.name.partition(".")',
    ),
    Mutant(
        36,
        "Record gives up when a cancellation got between",
        ADVANCE,
        "        return self._write(Turn(job, Observation(run=run), mine=True), wanted)",
        "        self._try_to_write(Turn(job, Observation(run=run), mine=True), wanted)\n        return None",
    ),
    Mutant(
        37,
        "the timer acts without Take",
        TIMER,
        "        taken = self._store.update(job, taken_over(job, now, self._settings))",
        "        taken = Won(job)",
    ),
    Mutant(
        38,
        "an idle job is acted on by one who did not take it",
        DECIDE,
        "    if not mine:  # 21",
        "    if False:  # 21",
    ),
    Mutant(
        39,
        "SUBMITTED ends without RUNNING",
        DECIDE,
        "        return Claim()",
        '        stop = stop_reason(job, now)\n        return Fail(stop, "Not begun.") if stop else Claim()',
    ),
    Mutant(
        40,
        "the message is deleted before it is handled",
        CONSUMER,
        "        for message in messages:\n            note_lag(",
        "        self._queue.delete(messages)\n        for message in messages:\n            note_lag(",
    ),
    Mutant(
        41,
        "a cancellation is stronger than a success",
        DECIDE,
        '    if run.state == "SUCCESS" and seen.missing_manifest is None:  # 5: whatever was asked meanwhile',
        '    if run.state == "SUCCESS" and seen.missing_manifest is None and not stop_reason(job, now):',
    ),
    Mutant(
        42,
        "a permit serves many starts",
        "worker/permits.py",
        '        """A start is about to be made with the permit in hand."""\n        self._held = False',
        '        """A start is about to be made with the permit in hand."""',
    ),
    Mutant(
        43,
        "the end of a job is not counted off",
        STORE,
        'writes = [{"Update": request}, freeing_job(self._control_table, seen.owner_id)]',
        'writes: list[Item] = [{"Update": request}]',
    ),
    Mutant(
        44,
        "a job is counted off before it ends",
        STORE,
        "            return next(iter(write_all(self._client, writes, self._pause)), None)",
        "            write_all(self._client, writes[1:], self._pause)\n"
        "            return next(iter(write_all(self._client, writes[:1], self._pause)), None)",
    ),
    Mutant(
        45,
        "a job that is there already is counted again",
        "shared/limits/quota_items.py",
        '        verdicts = write_all(client, [{"Put": put}, counting], pause)',
        '        write_all(client, [counting], pause)\n        verdicts = write_all(client, [{"Put": put}], pause)',
    ),
    Mutant(
        46,
        "a success without its manifest is a success",
        DECIDE,
        '    if run.state == "SUCCESS" and seen.missing_manifest is None:  # 5: whatever was asked meanwhile',
        '    if run.state == "SUCCESS":',
    ),
    Mutant(
        47,
        "the manifest's checksum is not stored with the success",
        LIFECYCLE,
        "        manifest_sha256=manifest_sha256,\n",
        "",
    ),
    Mutant(
        48,
        "an S3 that does not answer holds no manifest",
        "worker/manifests.py",
        "        sha256 = objects.sha256(uri)\n    except",
        "        sha256 = objects.sha256(uri)\n"
        '    except __import__("shared.errors", fromlist=["x"]).ObjectsUnavailable:\n'
        "        return Observation(run=run, missing_manifest=uri)\n"
        "    except",
    ),
    Mutant(
        49,
        "a scan's duty is cleared before the dataset is told",
        ADVANCE,
        "        try:\n            self._scans.note(turn.job)",
        "        self._try_to_write(turn, scan_noted(turn.job, now, self._hold(now)))\n"
        "        try:\n            self._scans.note(turn.job)",
    ),
    Mutant(
        50,
        "a bill is not owed by the write that ends the job",
        LIFECYCLE,
        "        bill_pending=lacks_bills(attempts),\n        manifest_sha256=manifest_sha256,",
        "        manifest_sha256=manifest_sha256,",
    ),
    Mutant(
        51,
        "a bill that never comes is asked for for ever",
        LIFECYCLE,
        "is_over = not lacks_bills(attempts) or tries > len(BILL_WAITS)",
        "tries = min(tries, len(BILL_WAITS))\n    is_over = not lacks_bills(attempts)",
    ),
    Mutant(
        52,
        "the dead letter's end forgets the bill",
        LIFECYCLE,
        "later = max(now, bills_due_at(job)) if job.bill_pending else None",
        "later = None",
    ),
    Mutant(
        53,
        "a job goes bigger again and again",
        "shared/models.py",
        "return self.spec.bigger is not None and not self.went_bigger",
        "return self.spec.bigger is not None",
    ),
    Mutant(
        54,
        "a lack of memory is charged",
        RETRY,
        "UNCHARGED = (FailureClass.CAPACITY, FailureClass.MEMORY)",
        "UNCHARGED = (FailureClass.CAPACITY,)",
    ),
    Mutant(55, "the bigger attempt has the old size", RUNNER, "job.run_spec, job.attempt", "job.spec, job.attempt"),
    Mutant(
        56,
        "a job goes bigger after any failure",
        LIFECYCLE,
        "went_bigger=job.went_bigger or failure_class is FailureClass.MEMORY",
        "went_bigger=True",
    ),
    Mutant(
        60,
        "a key that cannot be handed over stops the start",
        "worker/callback_keys.py",
        '            log.warning("callback_key_not_handed_over", attempt=job.attempt, reason=error.detail)',
        "            raise error",
    ),
    Mutant(
        61,
        "a report of progress brings the timer",
        LIFECYCLE,
        "status_message=clean_text(message)[:DETAIL_CHARACTERS], progress=progress)",
        "status_message=clean_text(message)[:DETAIL_CHARACTERS], progress=progress, due_at=now)",
    ),
    Mutant(
        62,
        "an ended job keeps its progress",
        LIFECYCLE,
        "        manifest_sha256=manifest_sha256,\n        scan_pending=job.scan_of is not None,\n"
        "        intent_at=None,\n        progress=None,",
        "        manifest_sha256=manifest_sha256,\n        scan_pending=job.scan_of is not None,\n"
        "        intent_at=None,",
    ),
    Mutant(
        63,
        "nobody looks at a run when its limit is reached",
        LIFECYCLE,
        "moments if cost_look is None else [*moments, cost_look]",
        "moments",
    ),
    Mutant(
        64,
        "earlier attempts count for nothing",
        LIMITS,
        "left = exact(limit) - spent_before(job)",
        "left = exact(limit)",
    ),
    Mutant(
        65,
        "what EMR bills counts for nothing",
        LIMITS,
        "if run.usage is not None:",
        "if run.usage is None and run.is_over:",
    ),
    Mutant(
        66,
        "a run that ended in time is held to a limit that passed since",
        DECIDE,
        "    job = replace(job, cost_limit_at=limit_at_end(job, run, now, prices_of(settings)))\n",
        "",
    ),
    Mutant(
        67,
        "the next attempt begins at the limit of the one before",
        LIFECYCLE,
        "        intent_at=None,\n        cost_limit_at=None,\n",
        "        intent_at=None,\n",
    ),
)


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: the test that killed it, or why none did."""

    mutant: Mutant
    killed_by: str | None
    remark: str
    seconds: float


def make_copy(folder: Path) -> None:
    """What the tests need of this checkout, in a folder of its own."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in KEPT:
        shutil.copy(ROOT / name, folder / name)


def apply(mutant: Mutant, folder: Path) -> bool:
    """Patch the copy; False if the text is not there exactly once."""
    path = folder / mutant.path
    text = path.read_text()
    if text.count(mutant.old) != 1:
        return False
    path.write_text(text.replace(mutant.old, mutant.new))
    return True


def try_mutant(mutant: Mutant, tests: tuple[str, ...]) -> Outcome:
    """Run the tests against one mutant until the first fails."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as scratch:
        folder = Path(scratch)
        make_copy(folder)
        if not apply(mutant, folder):
            return Outcome(mutant, None, "DOES NOT APPLY", time.monotonic() - began)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider", *tests]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "400"}
        environment.pop("PYTHONPATH", None)
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
            )
        except subprocess.TimeoutExpired:
            return Outcome(mutant, None, "TOOK TOO LONG", time.monotonic() - began)
    failed = FAILED.search(done.stdout)
    seconds = time.monotonic() - began
    if done.returncode == 0:
        return Outcome(mutant, None, "SURVIVED", seconds)
    if failed is None:
        return Outcome(mutant, None, f"DOES NOT RUN\n{done.stdout[-2000:]}{done.stderr[-2000:]}", seconds)
    return Outcome(mutant, failed[1].removeprefix("tests/"), "", seconds)


def main() -> int:
    """Try all mutants, or those whose numbers are given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int, help="only these mutants")
    parser.add_argument("--simulation", action="store_true", help="only with the tests of the simulation")
    asked = parser.parse_args()
    tests = TESTS[1:] if asked.simulation else TESTS
    mutants = [mutant for mutant in MUTANTS if not asked.numbers or mutant.number in asked.numbers]
    began, left = time.monotonic(), 0
    with ThreadPoolExecutor(PROCESSES) as pool:
        for outcome in pool.map(lambda mutant: try_mutant(mutant, tests), mutants):
            left += outcome.killed_by is None
            told = outcome.killed_by or outcome.remark
            print(f"{outcome.mutant.number:>3}  {outcome.mutant.name:<52} {outcome.seconds:5.1f} s  {told}", flush=True)
    print(f"{len(mutants)} mutants, {left} not killed, in {time.monotonic() - began:.0f} s")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
