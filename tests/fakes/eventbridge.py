"""EventBridge in memory: it tells a queue when runs have ended; it may lose, repeat, delay and reorder."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from tests.fakes.clock import Clock
from tests.fakes.emr import OVER, FakeEMR, FakeRun
from tests.fakes.sqs import FakeSQS

# After how many seconds each copy of the event of a run's end is delivered; none: it is lost.
Deliveries = Callable[[FakeRun], tuple[float, ...]]


def once(_run: FakeRun) -> tuple[float, ...]:
    """One event, a second after the end."""
    return (1.0,)


# What is billed of each run: the vCPU-hours that its events tell, after so many seconds.
Utilization = Callable[[FakeRun], tuple[tuple[float, float], ...]]


def untold(_run: FakeRun) -> tuple[tuple[float, float], ...]:
    """No event of utilization ever comes."""
    return ()


class FakeEventBridge:
    """Watches the runs of an EMR; `deliver` puts the events that are due into the queue."""

    def __init__(
        self,
        emr: FakeEMR,
        sqs: FakeSQS,
        queue: str,
        clock: Clock,
        deliveries: Deliveries = once,
        utilization: Utilization = untold,
    ) -> None:
        self._emr = emr
        self._sqs = sqs
        self._queue = queue
        self._clock = clock
        self.deliveries = deliveries
        self.utilization = utilization
        self._told: set[tuple[str, float]] = set()
        self._announced: set[str] = set()
        self._pending: list[tuple[datetime, str, str]] = []

    def next_at(self) -> datetime | None:
        """When there is something to do next: a run to be seen ending, or an event to be delivered."""
        ends = [self._emr.ends_at(run) for run in self._emr.runs.values() if run.run_id not in self._announced]
        times = [end for end in ends if end is not None] + [at for at, _, _ in self._pending]
        return min(times + [at for at, _, _ in self._untold()], default=None)

    def _untold(self) -> list[tuple[datetime, FakeRun, float]]:
        return [
            (run.created_at + timedelta(seconds=after), run, vcpu_hours)
            for run in self._emr.runs.values()
            for after, vcpu_hours in self.utilization(run)
            if (run.run_id, vcpu_hours) not in self._told
        ]

    def deliver(self) -> None:
        """Notice the runs that ended, and put the events that are due into the queue."""
        now = self._clock()
        for run in list(self._emr.runs.values()):
            if run.run_id not in self._announced and self._emr.state_of(run) in OVER:
                self._announced.add(run.run_id)
                body = json.dumps(self._emr.event_of(run))
                self._pending += [(now + timedelta(seconds=s), run.run_id, body) for s in self.deliveries(run)]
        for at, run, vcpu_hours in self._untold():
            if at <= now:
                self._told.add((run.run_id, vcpu_hours))
                told = json.dumps(self._emr.utilization_event(run, vcpu_hours))
                self._sqs.send_message(QueueUrl=self._queue, MessageBody=told)
        for event in sorted(self._pending):
            if event[0] <= now:
                self._pending.remove(event)
                self._sqs.send_message(QueueUrl=self._queue, MessageBody=event[2])
