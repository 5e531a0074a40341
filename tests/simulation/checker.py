"""Calls the invariants on every write, every start and every dead letter, and tells what led to a violation."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.settings import Settings
from tests.fakes.emr import FakeEMR, FakeRun
from tests.fakes.s3 import FakeS3
from tests.simulation import invariants
from tests.simulation.invariants import UNKNOWN, Item, RunRecord, runs_of

# How often each invariant was checked, in all schedules of this process.
CHECKED: Counter[str] = Counter()
TRACE_LINES = 70
START_BUCKET = "BUCKET#start"
QUOTA = "QUOTA#"
# A vCPU-hour, and 6 of them with 15 GB-hours: by the settings' own prices, reckoned by hand.
VCPU_HOUR_USD = 0.052624
SMALL_USD_AN_HOUR = 0.4024215


class Violated(AssertionError):
    """An invariant does not hold; the text has what happened before."""


class Trace:
    """The last things that happened, kept cheaply and told at length only when somebody asks."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._began = now_ms()
        self.events: list[tuple[int, str, str, Any]] = []

    def add(self, who: str, what: str, detail: Any = None) -> None:
        """Note that somebody did something."""
        self.events.append((self._now_ms(), who, what, detail))

    def told(self) -> str:
        """The last events, one a line: seconds since the beginning, who, what."""
        lines = [
            f"{(at - self._began) / 1000:10.1f} s  {who:<9} {what} {_told(detail)}".rstrip()
            for at, who, what, detail in self.events[-TRACE_LINES:]
        ]
        left_out = len(self.events) - len(lines)
        return "\n".join([f"  ... {left_out} earlier events", *lines] if left_out else lines)


def _told(detail: Any) -> str:
    if isinstance(detail, tuple):  # the item before a write, and after it
        old, new = detail
        return ", ".join(_changes(old or {}, new))
    return "" if detail is None else str(detail)


def _changes(old: Item, new: Item) -> list[str]:
    hidden = {
        "rev",
        "updatedAt",
        "history",
        "ownerStatus",
        "statusShard",
        "dueShard",
        "spec",
        "request",
        "statusMessage",
    }
    return [
        f"{name}: {old.get(name, '-')} -> {new.get(name, '-')}" if old else f"{name}={new[name]}"
        for name in sorted({*old, *new} - hidden)
        if old.get(name) != new.get(name)
    ]


class Checker:
    """Sees all that is stored, begun and sent, and holds it against the invariants."""

    def __init__(self, emr: FakeEMR, settings: Settings, s3: FakeS3, trace: Trace) -> None:
        self._emr = emr
        self._s3 = s3
        self._jobs_table = settings.jobs_table
        self._datasets_table = settings.datasets_table
        self._dead_letter_queue = settings.dead_letter_queue
        self._burst = settings.start_burst
        self.trace = trace
        self.violation: Violated | None = None
        self.items: dict[str, Item] = {}
        self.counts: dict[str, Item] = {}
        self.datasets: dict[str, Item] = {}
        self.letters: list[dict[str, Any]] = []
        # The checksum of the manifest that a run leaves if it succeeds; None if it leaves none.
        self.manifests: dict[str, str | None] = {}
        self._not_before: dict[str, int] = {}
        # When a job first meant to start an attempt, and when its run was recorded.
        self.meant_at: dict[tuple[str, int], int] = {}
        self.recorded_at: dict[tuple[str, int], int] = {}
        self.ended_at: dict[str, int] = {}

    def records(self) -> list[RunRecord]:
        """Every run, as EMR itself knows it now."""
        return [self._record(run) for run in self._emr.runs.values()]

    def _record(self, run: FakeRun) -> RunRecord:
        created_at = round(run.created_at.timestamp() * 1000)
        manifest = self.manifests.get(run.run_id, UNKNOWN)
        state, asked = self._emr.state_of(run), run.request["jobDriver"]["sparkSubmit"]["sparkSubmitParameters"]
        cost_usd = self._cost_of(run)
        return RunRecord(run.run_id, run.name, state, created_at, run.plan.failure, manifest, asked, cost_usd)

    def _cost_of(self, run: FakeRun) -> float:
        """What a run of the small size has cost, as EMR told it or by its time."""
        ended_at = min(self._emr.ends_at(run) or self._emr.clock(), self._emr.clock())
        return max(
            (ended_at - run.created_at).total_seconds() / 3600 * SMALL_USD_AN_HOUR,
            self._emr.told_vcpu_hours.get(run.run_id, 0.0) * VCPU_HOUR_USD,
        )

    def hold(self, check: Callable[..., None], *facts: Any) -> None:
        """Check one invariant. Raises: Violated."""
        CHECKED[check.__name__] += 1
        try:
            check(*facts)
        except AssertionError as error:
            opening = (check.__doc__ or check.__name__).partition("\n")[0]
            self.fail(f"{opening}\n{error}", error)

    def fail(self, text: str, cause: BaseException | None = None) -> None:
        """Say what is wrong, and what led to it. Remembered, in case somebody swallows it. Raises: Violated."""
        violation = Violated(f"{text}\n{self.trace.told()}")
        self.violation = self.violation or violation
        raise violation from cause

    def wrote(self, table: str, old: Item | None, new: Item) -> None:
        """An item was stored."""
        if table == self._datasets_table:
            self.trace.add("", "  told", new.get("scanResult"))
            self.datasets[new["datasetId"]] = new
            return
        if table != self._jobs_table:
            self._wrote_control(new)
            return
        job_id = new["jobId"]
        self.trace.add("", "  stored", (old, new))
        self.items[job_id] = new
        self._note_times(old, new)
        runs = runs_of(job_id, self.records())
        for check in invariants.OF_A_WRITE:
            self.hold(check, old, new, runs)
        for check in invariants.OF_AN_ITEM:
            self.hold(check, new, runs)
        self.hold(invariants.i9_no_attempt_begins_before_its_backoff, old, new, self._not_before.get(job_id, 0))
        if old is not None and "runId" in old and "runId" not in new:
            self._not_before[job_id] = new["dueAt"]

    def _wrote_control(self, new: Item) -> None:
        if new["key"] == START_BUCKET:
            self.hold(invariants.i14_the_bucket_holds_no_more_than_its_burst, new["milliTokens"], self._burst)
        if new["key"].startswith(QUOTA):
            self.counts[new["key"].removeprefix(QUOTA)] = new
            self.hold(invariants.i15_active_jobs_are_counted_to_the_unit, new, self._jobs_of(new))

    def _jobs_of(self, counts: Item) -> list[Item]:
        return [item for item in self.items.values() if item["ownerId"] == counts["key"].removeprefix(QUOTA)]

    def _note_times(self, old: Item | None, new: Item) -> None:
        now, attempt = new["updatedAt"], (new["jobId"], new["attempt"])
        if "intentAt" in new:
            self.meant_at.setdefault(attempt, now)
        if "runId" in new:
            self.recorded_at.setdefault(attempt, now)
        if new["status"] in invariants.ENDED:
            self.ended_at.setdefault(new["jobId"], now)

    def begun(self, run: FakeRun) -> None:
        """EMR accepted a start that is a new run."""
        record = self._record(run)
        self.trace.add("emr", "  begins", f"{record.name} as {record.run_id}")
        others = [other for other in runs_of(record.job_id, self.records()) if other.run_id != record.run_id]
        for check in invariants.OF_A_START:
            self.hold(check, record, self.items.get(record.job_id), others)

    def sent(self, queue: str, body: str) -> None:
        """A message was sent."""
        if queue != self._dead_letter_queue:
            return
        letter = json.loads(body)
        self.letters.append(letter)
        if letter.get("envelope") == "job-failed":
            self.trace.add("", "  dead letter", letter["failureReason"])
            self.hold(invariants.i8_a_dead_letter_speaks_of_a_failed_job, letter, self.items.get(letter["jobId"]))

    def at_rest(self, queues: Mapping[str, Sequence[str]], burst: int, rate: float, permits_in_hand: int) -> None:
        """Nothing is left to happen: what must be true then."""
        records = self.records()
        letters = [letter for letter in self.letters if letter.get("envelope") == "job-failed"]
        for job_id, item in self.items.items():
            runs = runs_of(job_id, records)
            for check in (*invariants.OF_AN_ITEM, *invariants.AT_REST):
                self.hold(check, item, runs)
            own = [letter for letter in letters if letter["jobId"] == job_id]
            if "scanOf" in item:
                dataset = self.datasets.get(item["scanOf"], {})
                tags = self._s3.tags.get((dataset.get("bucket", ""), dataset.get("objectKey", "")), {})
                self.hold(invariants.q7_a_dataset_is_told_what_its_scan_found, item, dataset, tags)
            self.hold(invariants.q3_failed_jobs_and_no_others_have_dead_letters, item, own)
        for counts in self.counts.values():
            self.hold(invariants.i15_active_jobs_are_counted_to_the_unit, counts, self._jobs_of(counts))
        self.hold(invariants.q6_the_queues_are_empty, queues)
        starts = [round(at.timestamp() * 1000) for at in self._emr.starts]
        for number in range(1, len(starts) + 1):
            self.hold(invariants.i14_starts_keep_the_pace, starts[:number], burst, rate, permits_in_hand)
