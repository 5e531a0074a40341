"""Several workers, the API and AWS on one virtual clock; time jumps to the next thing that can happen.

A process is a thread of nobody: it runs until its turn ends. What others do meanwhile happens inside its calls to AWS,
where a fault may let time pass, let the others have their turn, or end it.
"""

import heapq
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from api.jobs.cancellation import cancelled
from api.jobs.reports import apply_report
from api.jobs.schemas import Report, StagesDone
from shared.errors import (
    AppError,
    InvalidTransition,
    JobAlreadyEnded,
    JobNotFound,
    QueueUnavailable,
    ReportRefused,
    ServiceUnavailable,
)
from shared.job_changes import change_job
from shared.job_queue import JobQueue, job_message
from shared.job_store import JobStore
from shared.lifecycle import waiting
from shared.models import DUE_SHARDS, FailureReason, Job, shard_of
from shared.moments import epoch_ms, from_epoch_ms
from shared.settings import Settings
from shared.transitions import JobStatus, JobStatusTransitionValidator
from tests.fakes.clock import NOON, Clock, SkewedClock
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.emr import FakeEMR, FakeRun
from tests.fakes.eventbridge import Deliveries, FakeEventBridge, Utilization, once, untold
from tests.fakes.jobs import job_id, submitted_job
from tests.fakes.s3 import FakeS3
from tests.fakes.scans import leave_report, scanned_dataset, store_dataset
from tests.fakes.seam import Client, Seam
from tests.fakes.sqs import FakeSQS
from tests.fakes.worker import FakeWorker
from tests.simulation.checker import Checker, Trace
from tests.simulation.faults import AFTER, BEFORE, SENDING, Crash, Fault

TIMER_MS = 5000
# A jobs consumer without a permit, or without work that it may do, asks again after this.
PERMIT_PAUSE_MS = 2000
RETRY_MS = 5000
GIVE_UP_AFTER = timedelta(hours=48)
MOST_STEPS = 20_000
# More attempts than any scan has.
MOST_REPORTS = 9
VALIDATOR = JobStatusTransitionValidator()


def never() -> bool:
    """Nobody is stopping."""
    return False


@dataclass(frozen=True)
class Submit:
    """The client submits a job; `hint` is false when the API dies before it sends the message."""

    at: float = 0.0
    number: int = 1
    hint: bool = True


@dataclass(frozen=True)
class Cancel:
    """The owner cancels a job."""

    at: float
    number: int = 1


@dataclass(frozen=True)
class Forget:
    """EMR forgets a run."""

    run_id: str


@dataclass(frozen=True)
class Put:
    """Somebody puts a message into a queue: `jobs` or `events`."""

    at: float
    queue: str
    body: str


@dataclass(frozen=True)
class Says:
    """What the program of an attempt reports, so many seconds after its run began; `late` even if it is over then."""

    attempt: int
    after: float
    status: JobStatus
    message: str | None = None
    reason: FailureReason | None = None
    late: bool = False
    number: int = 1
    stages: StagesDone | None = None


@dataclass(frozen=True)
class Told:
    """A report on its way to the API."""

    at: float
    number: int
    report: Report


Action = Submit | Cancel | Forget | Put | Told


@dataclass(frozen=True)
class Setup:
    """What happens in a simulation if nothing goes wrong, and how AWS is."""

    actions: tuple[Action, ...] = (Submit(),)
    plans: Mapping[Any, Any] = field(default_factory=dict)  # of an attempt, or of (job number, attempt)
    says: tuple[Says, ...] = ()
    left_behind: Mapping[int, Mapping[str, str]] = field(default_factory=dict)  # _failure.json of an attempt
    leaves_manifests: bool = True  # whether runs that succeed do
    job: Mapping[str, Any] = field(default_factory=dict)
    scans: bool = False  # the job is the scan of a dataset
    deadline_seconds: float = 24 * 3600
    workers: int = 2
    skews: tuple[float, ...] = (0.0, 0.0, 0.0)
    aws: Mapping[str, Any] = field(default_factory=dict)  # of FakeEMR
    forgotten_after: float | None = None  # seconds after which EMR forgets a run
    deliveries: Deliveries = once
    utilization: Utilization = untold
    message_delays: Callable[[str], tuple[float, ...]] | None = None
    index_lag: Callable[[], float] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Loop:
    """One of a worker's loops, and when it turns next at the earliest."""

    name: str
    step: Any
    next_at: int
    failures: int = 0


class Process:
    """One process: its clock, and its clients, each of whose calls passes its seam."""

    def __init__(self, simulation: "Simulation", name: str, skew_seconds: float = 0.0) -> None:
        self.simulation = simulation
        self.name = name
        clock = simulation.clock
        self.clock = SkewedClock(clock, skew_seconds) if skew_seconds else clock
        self.dead = False
        self.busy = False
        self._fault: Fault | None = None
        self._seam = Seam()
        self._seam.before, self._seam.sending, self._seam.after = self._before, self._sending, self._after

    def client(self, service: Any, attempts: int = 1) -> Any:
        """A client of a fake service."""
        return Client(service, self._seam, self.clock, self.simulation.clock, attempts)

    def _before(self, operation: str, arguments: dict[str, Any]) -> None:
        if self.dead:
            raise Crash
        self._fault = self.simulation.called(self, operation)
        self._strike(operation, BEFORE)

    def _sending(self, operation: str, arguments: dict[str, Any]) -> None:
        self._strike(operation, SENDING)

    def _after(self, operation: str, arguments: dict[str, Any]) -> None:
        self._strike(operation, AFTER)

    def _strike(self, operation: str, where: str) -> None:
        fault = self._fault
        if fault is not None and fault.where == where:
            self._fault = None
            self.simulation.trace.add(self.name, f"! {fault.name}, {where}")
            fault.strike(self.simulation, self, operation)


class Worker(Process):
    """One worker process."""

    def __init__(self, simulation: "Simulation", name: str, skew_seconds: float, phase_ms: int) -> None:
        super().__init__(simulation, name, skew_seconds)
        self.skew_seconds = skew_seconds
        self.phase_ms = phase_ms
        now = simulation.now_ms
        parts = FakeWorker(
            simulation.settings,
            self.clock,
            self.client,
            simulation,
            shuffle=simulation.used_shards,
            new_rev=simulation.new_rev,
        )
        self.loops = [
            Loop("jobs", parts.jobs, now),
            Loop("events", parts.events, now),
            Loop("timer", parts.timer, now),
        ]


class Simulation:
    """One schedule: a setup, and the faults that strike at some of its calls."""

    def __init__(self, setup: Setup, faults: "Faults | None" = None, token_seconds: float = 720.0) -> None:
        self.setup = setup
        self.clock = Clock()
        self.settings = replace(Settings(), emr_application_id="00app", **setup.settings)
        self.dynamodb, self.s3 = FakeDynamoDB(self.clock), FakeS3()
        self.dynamodb.index_lag = setup.index_lag
        self.emr = FakeEMR(self.clock, **{"token_seconds": token_seconds, **setup.aws})
        self.sqs = FakeSQS(
            self.clock, [self.settings.jobs_queue, self.settings.events_queue], self.settings.dead_letter_queue
        )
        if setup.message_delays is not None:
            self.sqs.delays = setup.message_delays
        self.bridge = FakeEventBridge(
            self.emr, self.sqs, self.settings.events_queue, self.clock, setup.deliveries, setup.utilization
        )
        self.calls: list[str] = []
        self.faults = faults or Faults()
        self.trace = Trace(lambda: self.now_ms)
        self.checker = Checker(
            self.emr,
            self.settings,
            self.s3,
            self.trace,
        )
        self.dynamodb.watch, self.emr.watch, self.sqs.watch = self.checker.wrote, self._begun, self.checker.sent
        self._script: list[tuple[int, int, Action]] = []
        self._numbers = itertools.count()
        self._shards: dict[str, None] = {}
        self.jobs: dict[int, Job] = {}
        self._prepare()
        self.workers = [
            Worker(self, f"worker-{'ABC'[n]}", setup.skews[n], phase_ms=n * TIMER_MS // setup.workers)
            for n in range(setup.workers)
        ]
        self._give_up_at = self.now_ms + round(GIVE_UP_AFTER.total_seconds() * 1000)
        self._steps = 0

    def _prepare(self) -> None:
        for action in self.setup.actions:
            self._schedule(action, action.at)
            if isinstance(action, Submit):
                deadline_at = NOON + timedelta(seconds=action.at + self.setup.deadline_seconds)
                at = NOON + timedelta(seconds=action.at)
                job = submitted_job(action.number, at=at, **{"deadline_at": deadline_at, **self.setup.job})
                self.jobs[action.number] = job
                self._shards[shard_of(job.job_id, DUE_SHARDS)] = None
        for key, plan in self.setup.plans.items():
            number, attempt = key if isinstance(key, tuple) else (1, key)
            self.emr.plans[f"{job_id(number)}.{attempt}"] = plan
        if self.setup.scans:
            self._prepare_scan()
        for attempt, left in self.setup.left_behind.items():
            key = f"jobs/{job_id()}/attempt-{attempt}/_failure.json"
            self.s3.objects[self.settings.processed_bucket, key] = json.dumps(left).encode()

    def _prepare_scan(self) -> None:
        """The dataset that the first job scans, and what each of its attempts writes, which counts if it succeeds."""
        dataset = scanned_dataset(self.settings)
        store_dataset(self.dynamodb.items(self.settings.datasets_table), self.s3, dataset)
        self.jobs[1] = replace(self.jobs[1], scan_of=dataset.dataset_id)
        for attempt in range(1, MOST_REPORTS + 1):
            leave_report(self.s3, self.settings.processed_bucket, job_id(), attempt)

    @property
    def now_ms(self) -> int:
        """The true time."""
        return epoch_ms(self.clock.now)

    def new_rev(self) -> str:
        """The next `rev`: waits depend on it, and a schedule must be the same each time."""
        return f"rev-{next(self._numbers)}"

    def used_shards(self, shards: list[str]) -> None:
        """Keeps the shards that hold any job: looking at the others finds nothing and takes time."""
        shards[:] = list(self._shards)

    # What happens to calls.

    def called(self, process: Process, operation: str) -> Fault | None:
        """A process makes a call: note it, and say what befalls it."""
        self.calls.append(operation)
        self.trace.add(process.name, operation)
        return self.faults.at(len(self.calls) - 1, operation)

    def pass_time(self, seconds: float) -> None:
        """Time passes while somebody stands still, and all others go on."""
        self._run_to(self.now_ms + round(seconds * 1000))

    def turn_others(self) -> None:
        """Every worker that is not in the middle of something takes one turn of each loop, whether due or not."""
        for worker in self._free_workers():
            for loop in worker.loops:
                if not worker.dead:
                    self._turn(worker, loop)

    def repeat_messages(self) -> None:
        """SQS and EventBridge deliver once more what they delivered before, and an event that lies about the state."""
        for job in self.jobs.values():
            if job.job_id in self.checker.items:
                body = json.dumps(job_message(job.job_id))
                self.sqs.send_message(QueueUrl=self.settings.jobs_queue, MessageBody=body)
        for run in self.emr.runs.values():
            event = self.emr.event_of(run)
            event["detail"]["state"] = "SUCCESS"
            self.sqs.send_message(QueueUrl=self.settings.events_queue, MessageBody=json.dumps(event))

    def cancel_now(self) -> None:
        """The owner cancels the first job, as soon as it is there."""
        self._do(Cancel(0))

    def report_now(self, status: JobStatus, message: str | None, reason: FailureReason | None) -> None:
        """The program of the first job's live run reports, if there is one."""
        for run in list(self.emr.runs.values()):
            name, _, attempt = run.name.rpartition(".")
            if name == job_id() and self.emr.state_of(run) == "RUNNING":
                self._do(Told(0, 1, Report(status, int(attempt), message, reason)))

    # The clients.

    def _schedule(self, action: Action, at_seconds: float) -> None:
        at = epoch_ms(NOON) + round(at_seconds * 1000)
        heapq.heappush(self._script, (at, next(self._numbers), action))

    def _begun(self, run: FakeRun) -> None:
        """A run begins; its program will say what the setup wants it to say."""
        if run.plan.succeeds:
            self.checker.manifests[run.run_id] = self._left_manifest(run)
        self.checker.begun(run)
        since_noon = (run.created_at - NOON).total_seconds()
        if self.setup.forgotten_after is not None:
            self._schedule(Forget(run.run_id), since_noon + self.setup.forgotten_after)
        name, _, attempt = run.name.rpartition(".")
        for says in self.setup.says:
            if (job_id(says.number), says.attempt) != (name, int(attempt)):
                continue
            if says.late or says.after <= run.plan.ends_after:
                report = Report(says.status, says.attempt, says.message, says.reason, says.stages)
                self._schedule(Told(0, says.number, report), since_noon + says.after)

    def _left_manifest(self, run: FakeRun) -> str | None:
        """The checksum of the manifest that a run's program leaves. Nobody looks before the run has ended."""
        if not self.setup.leaves_manifests:
            return None
        return self.s3.leave_manifest(self.settings.processed_bucket, run.name)

    def _do(self, action: Action) -> None:
        """Do what a client wants; what was not answered is wanted again a little later."""
        self.trace.add("client", str(action))
        if isinstance(action, Forget):
            del self.emr.runs[action.run_id]
            return
        if isinstance(action, Put):
            queue = getattr(self.settings, f"{action.queue}_queue")
            self.sqs.send_message(QueueUrl=queue, MessageBody=action.body)
            return
        try:
            self._ask_api(action, Process(self, "api"))
        except (JobAlreadyEnded, InvalidTransition, ReportRefused):
            return
        except (Crash, ServiceUnavailable, JobNotFound):
            heapq.heappush(self._script, (self.now_ms + RETRY_MS, next(self._numbers), action))

    def _ask_api(self, action: Submit | Cancel | Told, api: Process) -> None:
        """What the API does for a request."""
        store = JobStore(
            api.client(self.dynamodb), self.settings.jobs_table, self.settings.control_table, VALIDATOR, self.new_rev
        )
        if isinstance(action, Submit):
            self._submit(action, store, api)
            return
        seen = store.get(job_id(action.number))
        if isinstance(action, Cancel):
            change_job(store, seen, lambda job: cancelled(job, api.clock(), "api:local", None))
        else:
            change_job(store, seen, lambda job: apply_report(job, action.report, api.clock(), VALIDATOR))

    def _submit(self, action: Submit, store: JobStore, api: Process) -> None:
        job = self.jobs[action.number]
        created = store.create(job)
        if not action.hint or created.job is None:
            return
        sqs = api.client(self.sqs)
        try:
            JobQueue(sqs, sqs, self.settings.jobs_queue).send(job_message(job.job_id))
        except QueueUnavailable:
            try:
                store.update(created.job, waiting(created.job, api.clock(), api.clock()))
            except AppError:
                return

    # Time.

    def run(self) -> None:
        """Until nothing is left to happen; then what must be true at rest."""
        self._run_to(None)
        self.clock.now += timedelta(seconds=2500)  # whoever stood still has woken by then
        self._run_to(None)
        queues = {name: self.sqs.bodies(name) for name in (self.settings.jobs_queue, self.settings.events_queue)}
        skew = max(map(abs, self.setup.skews))
        in_hand = 2 * len(self.workers) + round(skew * self.settings.start_rate_per_second + 0.5)
        self.checker.at_rest(queues, self.settings.start_burst, self.settings.start_rate_per_second, in_hand)

    def _run_to(self, until_ms: int | None) -> None:
        """Let everything happen that happens before a time, or everything there is."""
        while (upcoming := min(self._upcoming(), key=lambda entry: entry[0], default=None)) is not None:
            at, happen = upcoming
            if until_ms is not None and at > until_ms:
                break
            self._steps += 1
            if at > self._give_up_at or self._steps > MOST_STEPS:
                self.checker.fail("It does not come to rest.")
            self.clock.now = max(self.clock.now, from_epoch_ms(at))
            happen()
            if self.checker.violation is not None:
                raise self.checker.violation
        if until_ms is not None:
            self.clock.now = max(self.clock.now, from_epoch_ms(until_ms))

    def _upcoming(self) -> Iterator[tuple[int, Callable[[], None]]]:
        """What can happen next: when, and what."""
        if self._script:
            yield self._script[0][0], lambda: self._do(heapq.heappop(self._script)[2])
        next_event = self.bridge.next_at()
        if next_event is not None:
            yield -int(-next_event.timestamp() * 1000 // 1), self.bridge.deliver
        work = self._work()
        for worker in self._free_workers():
            for loop in worker.loops:
                if loop.name in work:
                    at = max(loop.next_at, work[loop.name], self.now_ms)
                    if loop.name == "timer":
                        at += (worker.phase_ms - at) % TIMER_MS
                    yield at, lambda worker=worker, loop=loop: self._turn(worker, loop)

    def _work(self) -> dict[str, int]:
        """When there is something to do for each kind of loop, if ever."""
        work = {}
        for name, queue in (("jobs", self.settings.jobs_queue), ("events", self.settings.events_queue)):
            if messages := self.sqs.queues[queue]:
                work[name] = epoch_ms(min(message.visible_at for message in messages))
        due = [item["dueAt"] for item in self.checker.items.values() if "dueAt" in item]
        if due:
            work["timer"] = min(due)
        return work

    def _free_workers(self) -> Sequence[Worker]:
        return [worker for worker in self.workers if not worker.busy]

    def _turn(self, worker: Worker, loop: Loop) -> None:
        """One turn of a loop, as `worker.loops` does it; a worker that dies is replaced by a new one."""
        worker.busy = True
        try:
            goes_on = loop.step.run_once(never)
        except Crash:
            place = self.workers.index(worker)
            self.workers[place] = Worker(self, worker.name, worker.skew_seconds, worker.phase_ms)
            return
        except ServiceUnavailable as error:
            self.trace.add(worker.name, f"  {loop.name} backs off:", error.detail[:60])
            loop.failures += 1
            loop.next_at = self.now_ms + 750 * 2 ** min(loop.failures, 5)
            return
        finally:
            worker.busy = False
        loop.failures = 0
        if loop.name == "timer":
            loop.next_at = self.now_ms + 1
        else:
            loop.next_at = self.now_ms if goes_on else self.now_ms + PERMIT_PAUSE_MS


@dataclass(frozen=True)
class Faults:
    """Which faults strike: at the n-th call of all, or at the n-th call of an operation (both from 0)."""

    by_index: Mapping[int, Fault] = field(default_factory=dict)
    by_operation: Mapping[tuple[str, int], Fault] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)

    def at(self, index: int, operation: str) -> Fault | None:
        """What befalls this call."""
        number = self._seen.get(operation, 0)
        self._seen[operation] = number + 1
        return self.by_index.get(index) or self.by_operation.get((operation, number))
