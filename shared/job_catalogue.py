"""Which job types this environment offers."""

from collections.abc import Mapping

from shared.job_types import JOB_TYPES, JobType
from shared.settings import Settings


def available_types(settings: Settings) -> Mapping[str, JobType]:
    """The job types that may be asked for here: those for trials only where people try things."""
    return {name: each for name, each in JOB_TYPES.items() if settings.is_development or not each.local_only}
