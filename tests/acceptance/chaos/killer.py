"""A killer whose plan follows from a seed: what it does, to whom, when and for how long, and then all is mended."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.acceptance.chaos.trial import Trial

KILL, STOP, TERM, KILL_EMR, REFUSE, HANG = "kill", "stop", "term", "kill-emr", "refuse", "hang"
# How often each comes, and how many seconds it lasts: from shorter to longer than the workers' holds.
WEIGHTS = {KILL: 5, STOP: 5, TERM: 3, KILL_EMR: 2, REFUSE: 3, HANG: 2}
LASTING_SECONDS = {KILL: (0, 1), STOP: (0.5, 9), TERM: (0, 1), KILL_EMR: (0, 3), REFUSE: (0.5, 4), HANG: (0.5, 4)}
PAUSE_SECONDS = (0.3, 1.2)
# A victim is left alone for a moment after it was mended.
REST_SECONDS = 1.0
AWS = ("dynamodb", "sqs", "s3")


@dataclass(frozen=True)
class Disturbance:
    """One thing that is done to a process or a service, and undone after a while."""

    kind: str
    victim: str
    from_seconds: float
    until_seconds: float


def plan_disturbances(seed: int, seconds: float, workers: Sequence[str]) -> list[Disturbance]:
    """What happens in so many seconds; never two things to one victim at a time."""
    source = random.Random(seed)
    victims = {KILL: workers, STOP: workers, TERM: workers, KILL_EMR: ("emr",), REFUSE: AWS, HANG: AWS}
    free_from: dict[str, float] = {}
    plan = []
    at = 0.0
    while (at := at + source.uniform(*PAUSE_SECONDS)) < seconds:
        (kind,) = source.choices(list(WEIGHTS), list(WEIGHTS.values()))
        victim, lasting = source.choice(victims[kind]), source.uniform(*LASTING_SECONDS[kind])
        if free_from.get(victim, 0.0) <= at:
            free_from[victim] = at + lasting + REST_SECONDS
            plan.append(Disturbance(kind, victim, at, at + lasting))
    return plan


class Killer:
    """Carries a plan out in a thread of its own."""

    def __init__(self, trial: Trial, plan: Sequence[Disturbance]) -> None:
        self._trial, self._plan = trial, plan
        self._never = threading.Event()
        self._thread = threading.Thread(target=self._run, name="killer")
        self._errors: list[BaseException] = []
        self._begin: dict[str, Callable[[str], None]] = {
            KILL: trial.cloud.kill,
            STOP: lambda name: trial.signal(name, signal.SIGSTOP),
            TERM: lambda name: trial.child(name).begin_stop(),
            KILL_EMR: trial.cloud.kill,
            REFUSE: lambda service: trial.proxies[service].refuse(),
            HANG: lambda service: trial.proxies[service].hang(),
        }
        self._end: dict[str, Callable[[str], None]] = {
            KILL: trial.cloud.restart,
            STOP: lambda name: trial.signal(name, signal.SIGCONT),
            TERM: trial.cloud.restart,
            KILL_EMR: trial.cloud.restart,
            REFUSE: lambda service: trial.proxies[service].forward(),
            HANG: lambda service: trial.proxies[service].forward(),
        }

    def start(self) -> None:
        """Begin; `finish` waits for the end."""
        self._thread.start()

    def finish(self) -> None:
        """Return once the whole plan was carried out and all is mended."""
        self._thread.join()
        if self._errors:
            raise self._errors[0]

    def summary(self) -> str:
        """How often what was done."""
        return ", ".join(f"{count} x {kind}" for kind, count in sorted(Counter(d.kind for d in self._plan).items()))

    def _run(self) -> None:
        moments = [(d.from_seconds, self._begin[d.kind], d.victim) for d in self._plan]
        moments += [(d.until_seconds, self._end[d.kind], d.victim) for d in self._plan]
        started = time.monotonic()
        for at, act, victim in sorted(moments, key=lambda moment: moment[0]):
            self._never.wait(max(0.0, started + at - time.monotonic()))
            try:
                act(victim)
            except Exception as error:  # the rest of the plan mends what this one may have left
                self._errors.append(error)
