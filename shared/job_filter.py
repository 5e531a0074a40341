"""Which jobs a list is of, and in which order. Pure: an index nominates by it, the job itself decides by it."""

from dataclasses import dataclass

from shared.models import Job, texts_of
from shared.moments import epoch_ms
from shared.transitions import JobStatus


@dataclass(frozen=True)
class JobFilter:
    """All that is set must hold of a job. `owner_id` None is everybody; no statuses are all of them.

    `tags` are `key=value`, and a job must have each. `created_from_ms` is the first millisecond since 1970 that counts,
    `created_until_ms` the first that does not any more.
    """

    owner_id: str | None
    statuses: tuple[JobStatus, ...] = ()
    job_type: str | None = None
    tags: tuple[str, ...] = ()
    created_from_ms: int | None = None
    created_until_ms: int | None = None
    replay_of: str | None = None
    newest_first: bool = True

    def admits(self, job: Job) -> bool:
        """Whether a job belongs to the list as it is now."""
        created_ms = epoch_ms(job.created_at)
        return (
            self.owner_id in (None, job.owner_id)
            and (not self.statuses or job.status in self.statuses)
            and self.job_type in (None, job.request.job_type)
            and set(self.tags) <= set(texts_of(job.request.tags))
            and (self.created_from_ms is None or created_ms >= self.created_from_ms)
            and (self.created_until_ms is None or created_ms < self.created_until_ms)
            and self.replay_of in (None, job.replay_of)
        )
