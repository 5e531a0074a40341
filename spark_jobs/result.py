"""What a job type hands to the runner, which writes it: frames that are not computed yet, and the rows read."""

from dataclasses import dataclass, field
from typing import Callable, Mapping, Optional, Tuple

from pyspark.sql import DataFrame

from spark_jobs.limits import NO_LIMITS, Limits, SetAside


@dataclass(frozen=True)
class Result:
    """The data of a job, and the rows set aside if its type sets rows aside.

    `rows_read`, by the name of the input, is called once `data` has been written. `keeps_every_row` says that each of
    them must be found again, written or rejected: those that were not written are what `rejected` gives, which is
    called if there are any, and `check_rejected` once they have been written: it raises InvalidInput if they say
    that the data cannot be trusted. Beyond `limits` they fail the job.
    If the input turns out to be at fault while `data` is written, all is done anew by what `otherwise` gives.
    `reports` are whole documents by their file names, for people and programs; `report_on` makes those that
    tell what was set aside.
    """

    data: DataFrame
    rows_read: Callable[[], Mapping[str, int]]
    file_format: str = "parquet"
    partition_by: Tuple[str, ...] = ()
    rejected: Optional[Callable[[], DataFrame]] = None
    check_rejected: Optional[Callable[[], None]] = None
    otherwise: Optional[Callable[[], "Result"]] = None
    keeps_every_row: bool = False
    limits: Limits = NO_LIMITS
    reports: Mapping[str, str] = field(default_factory=dict)
    report_on: Optional[Callable[[SetAside], Mapping[str, str]]] = None
