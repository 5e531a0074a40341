"""The settings of the local cloud alone; what the product is told comes from shared.config."""

# ruff: noqa: E501  # one line for each setting reads as a table

from dataclasses import dataclass
from pathlib import Path

from environs import validate as valid

from shared.settings import setting

ROOT = Path(__file__).resolve().parent.parent
PORT = valid.Range(0, 65535)
POSITIVE = valid.Range(0.001, 1_000_000)
# As MiniStack has it; the account of everything local.
ACCOUNT_ID = "000000000000"


@dataclass(frozen=True)
class LocalSettings:
    """How the local cloud runs. The limits of its EMR Serverless service are AWS's own by default."""

    # fmt: off
    directory: str = setting("LOCAL_DIR", "Folder of the local cloud's state and logs", ".local", validate=valid.Length(min=1))
    aws_port: int = setting("LOCAL_AWS_PORT", "Port of DynamoDB, SQS and S3; 0 takes any free one", 4566, validate=PORT)
    emr_port: int = setting("LOCAL_EMR_PORT", "Port of EMR Serverless; 0 takes any free one", 4567, validate=PORT)
    workers: int = setting("LOCAL_WORKERS", "How many workers run", 2, validate=valid.Range(0, 32))
    max_vcpu: int = setting("LOCAL_EMR_MAX_VCPU", "vCPUs of all runs at a time; a run past it is accepted, then FAILED", 16, validate=valid.Range(1, 100_000))
    max_concurrent_spark: int = setting("LOCAL_EMR_MAX_CONCURRENT_SPARK", "Spark processes at a time on this machine; further runs wait as PENDING", 2, validate=valid.Range(1, 64))
    max_driver_memory_mib: int = setting("LOCAL_EMR_MAX_DRIVER_MEMORY_MIB", "Most memory that one Spark process gets here, whatever it asks for", 1024, validate=valid.Range(512, 65536))
    max_concurrent_runs: int = setting("LOCAL_EMR_MAX_CONCURRENT_RUNS", "Runs at a time of an application that sets no limit; further runs are QUEUED", 15, validate=valid.Range(1, 100_000))
    queue_timeout_minutes: int = setting("LOCAL_EMR_QUEUE_TIMEOUT_MINUTES", "How long a run may be QUEUED in an application that says nothing", 360, validate=valid.Range(1, 100_000))
    max_queued_runs: int = setting("LOCAL_EMR_MAX_QUEUED_RUNS", "Runs that may be QUEUED in all; past it a start is refused", 2000, validate=valid.Range(0, 100_000))
    state_seconds: float = setting("LOCAL_EMR_STATE_SECONDS", "Time spent in each of SUBMITTED, PENDING, SCHEDULED and CANCELLING", 0.1, validate=valid.Range(0, 600))
    bill_seconds: float = setting("LOCAL_EMR_BILL_SECONDS", "How long after a run's end GetJobRun says what was used and is billed", 5.0, validate=valid.Range(0, 600))
    utilization_seconds: float = setting("LOCAL_EMR_UTILIZATION_SECONDS", "How often an event tells what a run at work is billed so far", 1800.0, validate=valid.Range(1, 86_400))
    minute_seconds: float = setting("LOCAL_EMR_MINUTE_SECONDS", "How long a minute of a run's or a queue's timeout lasts; tests make it short", 60.0, validate=POSITIVE)
    start_rate: float = setting("LOCAL_EMR_START_RATE", "StartJobRun calls a second", 1.0, validate=POSITIVE)
    start_burst: int = setting("LOCAL_EMR_START_BURST", "StartJobRun calls at once", 25, validate=POSITIVE)
    get_rate: float = setting("LOCAL_EMR_GET_RATE", "GetJobRun calls a second", 10.0, validate=POSITIVE)
    get_burst: int = setting("LOCAL_EMR_GET_BURST", "GetJobRun calls at once", 50, validate=POSITIVE)
    list_rate: float = setting("LOCAL_EMR_LIST_RATE", "ListJobRuns calls a second", 1.0, validate=POSITIVE)
    list_burst: int = setting("LOCAL_EMR_LIST_BURST", "ListJobRuns calls at once", 25, validate=POSITIVE)
    cancel_rate: float = setting("LOCAL_EMR_CANCEL_RATE", "CancelJobRun calls a second", 1.0, validate=POSITIVE)
    cancel_burst: int = setting("LOCAL_EMR_CANCEL_BURST", "CancelJobRun calls at once", 25, validate=POSITIVE)
    dashboard_rate: float = setting("LOCAL_EMR_DASHBOARD_RATE", "GetDashboardForJobRun calls a second", 1.0, validate=POSITIVE)
    dashboard_burst: int = setting("LOCAL_EMR_DASHBOARD_BURST", "GetDashboardForJobRun calls at once", 2, validate=POSITIVE)
    other_rate: float = setting("LOCAL_EMR_OTHER_RATE", "Calls a second of each other operation", 10.0, validate=POSITIVE)
    other_burst: int = setting("LOCAL_EMR_OTHER_BURST", "Calls at once of each other operation", 50, validate=POSITIVE)
    faults: str = setting("LOCAL_EMR_FAULTS", "Faults of EMR Serverless from its start on, as JSON; local/emr/faults.py says which there are", "")
    # fmt: on

    @property
    def state_path(self) -> Path:
        """The folder of the local cloud, relative to the project unless it is absolute."""
        return ROOT / self.directory
