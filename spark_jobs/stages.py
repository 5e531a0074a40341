"""How far a program is: how many of the stages that Spark knows are done, from its own status tracker."""

from typing import Any, Dict, Set

ENDED = {"SUCCEEDED", "FAILED"}


class Stages:
    """Counts stages. Spark forgets its oldest jobs, so what has ended is remembered, and not asked for again.

    Spark plans as it goes: each of its jobs brings stages of its own, and so the total grows. A stage whose result is
    there already is skipped, and counts as done when its job ends.
    """

    def __init__(self, tracker: Any) -> None:
        """`tracker` is what `SparkContext.statusTracker()` gives."""
        self._tracker = tracker
        self._ended_jobs: Set[int] = set()
        self._done: Set[int] = set()

    def progress(self) -> Dict[str, int]:
        """As a report says it: `stagesDone`, `stagesTotal`."""
        known = set(self._done)
        for job_id in self._tracker.getJobIdsForGroup(None):
            if job_id not in self._ended_jobs:
                known |= self._stages_of(job_id)
        return {"stagesDone": len(self._done), "stagesTotal": len(known | self._done)}

    def _stages_of(self, job_id: int) -> Set[int]:
        job = self._tracker.getJobInfo(job_id)
        if job is None:
            return set()
        stages = set(job.stageIds)
        if job.status in ENDED:
            self._ended_jobs.add(job_id)
            self._done |= stages
        self._done |= {stage for stage in stages - self._done if self._is_done(stage)}
        return stages

    def _is_done(self, stage_id: int) -> bool:
        stage = self._tracker.getStageInfo(stage_id)
        return stage is not None and 0 < stage.numTasks <= stage.numCompletedTasks
