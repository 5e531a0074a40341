"""Reports how the attempt goes: that it began, how far it is, how it ended. Nothing here can fail a run.

Progress is told by a thread in the background, one report at a time; what cannot be told is dropped, for there will
be newer. The end waits for its report, but not for long, and leaves what was in vain beside the output.
"""

import json
import random
import threading
import time
from datetime import datetime
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from spark_jobs.callback import TRY_SECONDS, Answer, Callback, send

UNDELIVERED = "_reports.json"
END_SECONDS = 10.0
LEAVE_SECONDS = 5.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 4.0
# What the API takes (docs/api/callbacks.md).
MESSAGE_CHARACTERS, EXCEPTION_CHARACTERS = 1000, 4096
NO_REASON = "The program gave no reason."

Report = Dict[str, Any]
Clock = Callable[[], datetime]


class Reporter:
    """Tells the API about one attempt. Without a callback it tells nobody."""

    def __init__(
        self,
        callback: Optional[Callback],
        progress: Callable[[], Mapping[str, int]],
        leave: Callable[[str], None],
        clock: Clock,
        end_seconds: float = END_SECONDS,
    ) -> None:
        """`progress` gives the stages done and known; `leave` writes the text of `_reports.json`."""
        self._callback = callback
        self._progress = progress
        self._leave = leave
        self._clock = clock
        self._progress_seconds = callback.progress_seconds if callback is not None else 0.0
        self._end_seconds = end_seconds
        self._over = threading.Event()
        self._in_vain: Optional[Report] = None

    def begin(self) -> None:
        """Say that the attempt runs, and go on telling how far it is."""
        if self._callback is not None:
            threading.Thread(target=self._tell_progress, name="reports", daemon=True).start()

    def succeeded(self, manifest_sha256: str) -> None:
        """Say that all is written, and what the manifest's bytes come to."""
        end = {"status": "SUCCEEDED", "statusMessage": "The program reported success."}
        self._end({**end, "manifestSha256": manifest_sha256})

    def failed(self, reason: str, message: str, causes: Sequence[str]) -> None:
        """Say why the attempt failed: a reason of the platform's, a sentence, and the exceptions, outermost first."""
        end = {"status": "FAILED", "failureReason": reason}
        end["statusMessage"] = sendable(message)[:MESSAGE_CHARACTERS] or NO_REASON
        exceptions = sendable("\n".join(causes))[:EXCEPTION_CHARACTERS]
        self._end({**end, "exceptions": exceptions} if exceptions else end)

    def stop(self) -> None:
        """Say nothing more: the attempt's end is not this program's to tell."""
        self._over.set()

    def _tell_progress(self) -> None:
        report: Optional[Report] = {"status": "RUNNING", "statusMessage": "The program has begun."}
        told: Mapping[str, int] = {}
        while not self._over.is_set():
            began = time.monotonic()
            if report is not None:
                answer = self._deliver(report, self._progress_seconds, self._over.wait)
                self._in_vain = None if answer.why is None else self._noted(report, answer.why)
                if answer.why is None:
                    told = report.get("progress", told)
                elif not answer.may_pass and not self._over.is_set():
                    return  # this attempt is not heard any more
            self._over.wait(max(0.0, began + self._progress_seconds - time.monotonic()))
            report = self._next_progress(told)

    def _next_progress(self, told: Mapping[str, int]) -> Optional[Report]:
        try:
            progress = dict(self._progress())
        except Exception:  # Spark may be ending, and nobody waits for this
            return None
        if progress == told or not progress["stagesTotal"]:
            return None
        done, total = progress["stagesDone"], progress["stagesTotal"]
        sentence = f"{done} of the {total} stages that Spark knows so far are done."
        return {"status": "RUNNING", "statusMessage": sentence, "progress": progress}

    def _end(self, report: Report) -> None:
        self._over.set()
        if self._callback is None:
            return
        answers: List[Answer] = []
        nobody = threading.Event()  # to wait for, between two tries
        within(self._end_seconds, lambda: answers.append(self._deliver(report, self._end_seconds, nobody.wait)))
        why = answers[0].why if answers else f"there was no answer within {self._end_seconds:g} s."
        if why is not None:
            left = [*([self._in_vain] if self._in_vain else []), self._noted(report, why)]
            within(LEAVE_SECONDS, lambda: self._leave(json.dumps({"reports": left})))

    def _deliver(self, report: Report, seconds: float, wait: Callable[[float], Any]) -> Answer:
        """Try until it is taken or certainly refused, or until the time is over or `wait` says so."""
        assert self._callback is not None
        until, pause = time.monotonic() + seconds, FIRST_PAUSE_SECONDS
        while True:
            answer = send(self._callback, report, max(0.1, min(TRY_SECONDS, until - time.monotonic())))
            left = until - time.monotonic()
            if answer.why is None or not answer.may_pass or left <= pause:
                return answer
            if wait(random.uniform(pause / 2, pause)):
                return answer
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)

    def _noted(self, report: Report, why: str) -> Report:
        at = self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        return {**report, "at": at, "why": why}


def sendable(text: str) -> str:
    """The text as UTF-8 can hold it: JSON could say more, and the API would not take it."""
    return text.encode("utf-8", "replace").decode("utf-8")


def within(seconds: float, work: Callable[[], Any]) -> None:
    """Do something, and do not wait for it longer than so many seconds; an error of it is nobody's."""

    def quietly() -> None:
        try:
            work()
        except Exception:
            return

    thread = threading.Thread(target=quietly, daemon=True)
    thread.start()
    thread.join(seconds)
