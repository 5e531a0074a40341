"""Moves runs through their states: one thread, and every move a write to the store.

All that is pending is in the database (each run says when it must be looked at next), so a service that was
killed goes on where it was: simulated runs by the clock, Spark runs by their processes' locks and exit records.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

from local.emr import details
from local.emr.events import EventOutbox
from local.emr.faults import FaultBox
from local.emr.manifests import ManifestWriter
from local.emr.runs import Run, RunState
from local.emr.sizes import vcpu_of
from local.emr.spark_runs import SparkRuns
from local.emr.store import Store
from local.emr.utilization import UtilizationEvents
from local.settings import LocalSettings

log = logging.getLogger(__name__)
LONGEST_WAIT_SECONDS = 1.0
SPARK_POLL_SECONDS = 0.1
DEFAULT_TIMEOUT_MINUTES = 720  # AWS's, for batch runs


class Scheduler:
    """The life of every run after StartJobRun has accepted it."""

    def __init__(
        self,
        store: Store,
        spark: SparkRuns,
        manifests: ManifestWriter,
        outbox: EventOutbox,
        faults: FaultBox,
        settings: LocalSettings,
        now_ms: Callable[[], int],
    ) -> None:
        self._store, self._spark, self._manifests, self._outbox = store, spark, manifests, outbox
        self._faults, self._settings, self._now_ms = faults, settings, now_ms
        self._utilization = UtilizationEvents(outbox, settings.utilization_seconds, now_ms)
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        """Begin moving runs, those of an earlier life of the service too."""
        self._thread.start()

    def wake(self) -> None:
        """Look at what is due now."""
        self._wake.set()

    def stop(self) -> None:
        """Move nothing more, and end the Spark processes: a service that is asked to stop leaves none."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)
        for run in self._store.launched_runs():
            self._spark.end(run.run_id)

    def cancel(self, run: Run) -> Run | None:
        """The run, now CANCELLING; none when it moved meanwhile."""
        changed = self._begin_cancelling(run, details.CANCELLED)
        self.wake()
        return changed

    def turn(self) -> None:
        """One look at everything that is due."""
        for run in self._store.launched_runs():
            self._follow_process(run)
        for run in self._store.due_runs(self._now_ms()):
            MOVES[run.state](self, run)
        self._admit_queued()
        self._utilization.tell(self._store)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            try:
                self.turn()
                wait_seconds = self._seconds_to_wait()
            except Exception:  # the outermost loop: the thread must live, and every run is still in the store
                log.exception("a turn of the scheduler failed")
                wait_seconds = LONGEST_WAIT_SECONDS
            self._wake.wait(wait_seconds)

    def _seconds_to_wait(self) -> float:
        due = self._store.next_due_ms()
        until_due = LONGEST_WAIT_SECONDS if due is None else (due - self._now_ms()) / 1000
        longest = SPARK_POLL_SECONDS if self._store.launched_runs() else LONGEST_WAIT_SECONDS
        return max(0.01, min(until_due, longest))

    # The moves out of each state

    def _leave_submitted(self, run: Run) -> None:
        application = self._store.application(run.application_id)
        if application is None:
            return
        limit = application.max_concurrent_runs(self._settings.max_concurrent_runs)
        queue_is_empty = self._store.queued_runs(run.application_id) == 0
        if queue_is_empty and self._store.admitted_runs(run.application_id) < limit:
            self._move(run, RunState.PENDING, next_ms=self._now_ms() + self._state_ms())
            return
        now = self._now_ms()
        timeout_minutes = application.queue_timeout_minutes(self._settings.queue_timeout_minutes)
        self._move(run, RunState.QUEUED, queued_ms=now, next_ms=now + self._minutes_ms(timeout_minutes))

    def _give_up_queued(self, run: Run) -> None:
        application = self._store.application(run.application_id)
        minutes = application.queue_timeout_minutes(self._settings.queue_timeout_minutes) if application else 0
        self._end(run, RunState.CANCELLED, details.queued_too_long(minutes))

    def _admit_queued(self) -> None:
        """Let the oldest runs of each queue in, as far as their application has room."""
        for application in self._store.applications():
            limit = application.max_concurrent_runs(self._settings.max_concurrent_runs)
            room = limit - self._store.admitted_runs(application.application_id)
            for run in self._store.oldest_queued(application.application_id, max(0, room)):
                now = self._now_ms()
                waited_ms = now - (run.queued_ms or now)
                self._move(run, RunState.PENDING, queue_wait_ms=waited_ms, next_ms=now + self._state_ms())

    def _leave_pending(self, run: Run) -> None:
        """Give the run its workers, if the machine has a place and the account and the application have vCPUs."""
        if not run.is_simulated and not self._has_place_for_spark():
            # Waiting for this machine is not a refusal: on AWS there is a machine for every run.
            self._store.change_run(run, next_ms=self._now_ms() + round(SPARK_POLL_SECONDS * 1000))
            return
        refusal = self._capacity_refusal(run)
        if refusal is not None:
            self._end(run, RunState.FAILED, refusal)
            return
        slow_ms = round(self._faults.faults.slow_start_seconds * 1000)
        self._move(run, RunState.SCHEDULED, next_ms=self._now_ms() + self._state_ms() + slow_ms)

    def _has_place_for_spark(self) -> bool:
        return self._store.held_places_for_spark() < self._settings.max_concurrent_spark

    def _capacity_refusal(self, run: Run) -> str | None:
        limit, held = self._settings.max_vcpu, self._store.held_vcpu()
        if self._faults.happens(self._faults.faults.capacity) or held + run.vcpu > limit:
            return details.account_capacity(run.vcpu, held, limit)
        application = self._store.application(run.application_id)
        maximum = application.request.get("maximumCapacity", {}).get("cpu") if application else None
        if maximum is not None and self._store.held_vcpu(run.application_id) + run.vcpu > vcpu_of(maximum):
            return details.application_capacity(maximum)
        return None

    def _leave_scheduled(self, run: Run) -> None:
        faults, now = self._faults.faults, self._now_ms()
        changes: dict[str, Any] = {"started_ms": now, "next_ms": now + self._timeout_ms(run)}
        if self._faults.happens(faults.fail_runs):
            if faults.fail_point == "start":
                self._end(run, RunState.FAILED, details.cut(faults.fail_text))
                return
            changes.update(fate_seconds=self._settings.state_seconds, fate_failure=faults.fail_text)
        elif not run.is_simulated:
            changes.update(launches=run.launches + 1)
        fate_seconds = changes.get("fate_seconds", run.fate_seconds)
        if fate_seconds is not None:
            changes["next_ms"] = min(changes["next_ms"], now + round(fate_seconds * 1000))
        started = self._move(run, RunState.RUNNING, **changes)
        if started is not None and started.launches:
            self._spark.launch(started)

    def _leave_running(self, run: Run) -> None:
        """Its time is over: a simulated run ends as its fate says, any run that was too long is cancelled."""
        lasted_ms = self._now_ms() - (run.started_ms or 0)
        if run.fate_seconds is not None and run.fate_seconds * 1000 <= self._timeout_ms(run):
            self._end_simulated(run)
        elif lasted_ms >= self._timeout_ms(run):
            self._begin_cancelling(run, details.timed_out(timeout_minutes(run)))

    def _begin_cancelling(self, run: Run, text: str) -> Run | None:
        """A run without a process ends a little later; one with a process when that is over."""
        next_ms = None if run.launches else self._now_ms() + self._state_ms()
        changed = self._move(run, RunState.CANCELLING, state_details=text, next_ms=next_ms)
        if changed is not None and changed.launches:
            self._spark.stop(changed.run_id)
        return changed

    def _end_simulated(self, run: Run) -> None:
        if run.fate_failure is not None:
            self._end(run, RunState.FAILED, details.job_failed(1, run.fate_failure))
        elif self._manifests.write(run):
            self._end(run, RunState.SUCCESS, "")

    def _leave_cancelling(self, run: Run) -> None:
        self._end(run, RunState.CANCELLED, run.state_details)

    def _follow_process(self, run: Run) -> None:
        """End a Spark run whose process is over, by the record that the process left."""
        if self._spark.is_alive(run.run_id):
            return
        ended = self._spark.exit_of(run.run_id)
        self._spark.clear(run.run_id)
        if ended is None:
            lost = run.state is RunState.RUNNING
            state = RunState.FAILED if lost else RunState.CANCELLED
            self._end(run, state, details.driver_lost(run.run_id) if lost else run.state_details)
        elif ended.cancelled:
            self._end(run, RunState.CANCELLED, run.state_details)
        elif ended.exit_code == 0:
            self._end(run, RunState.SUCCESS, "")
        else:
            self._end(run, RunState.FAILED, details.job_failed(ended.exit_code, ended.last_exception))

    # Writing a move

    def _move(self, run: Run, state: RunState, **changes: Any) -> Run | None:
        return self._store.change_run(run, state=state, updated_ms=self._now_ms(), **changes)

    def _end(self, run: Run, state: RunState, text: str) -> None:
        """Write a run's end and its event together."""
        now = self._now_ms()
        with self._store.transaction():
            ended = self._move(run, state, state_details=text, ended_ms=now, next_ms=None)
            if ended is not None:
                self._outbox.add(ended, run.state)
                log.info("run %s (%s) is %s: %s", run.run_id, run.name, state, text)

    def _state_ms(self) -> int:
        return round(self._settings.state_seconds * 1000)

    def _minutes_ms(self, minutes: int) -> int:
        return round(minutes * self._settings.minute_seconds * 1000)

    def _timeout_ms(self, run: Run) -> int:
        return self._minutes_ms(timeout_minutes(run))


def timeout_minutes(run: Run) -> int:
    """How long a run may be RUNNING."""
    return int(run.request.get("executionTimeoutMinutes", DEFAULT_TIMEOUT_MINUTES))


# What is done with a run whose time has come, by its state.
MOVES: dict[RunState, Callable[[Scheduler, Run], None]] = {
    RunState.SUBMITTED: Scheduler._leave_submitted,
    RunState.QUEUED: Scheduler._give_up_queued,
    RunState.PENDING: Scheduler._leave_pending,
    RunState.SCHEDULED: Scheduler._leave_scheduled,
    RunState.RUNNING: Scheduler._leave_running,
    RunState.CANCELLING: Scheduler._leave_cancelling,
}
