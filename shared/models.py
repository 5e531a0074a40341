"""The job: what a user asked for, where it is, and all that happened to it. Plain frozen data.

Items hold camelCase names and epoch milliseconds, and an absent value is an absent attribute; in here times are
aware UTC datetimes. `job_to_item` and `job_from_item` are the only places that know both.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.attempts import AttemptRecord, attempt_from_item, attempt_to_item
from shared.delays import StartDelay, delay_from_item, delay_to_item
from shared.errors import StoredJobUnreadable
from shared.moments import epoch_ms, from_epoch_ms
from shared.schema_versions import reads
from shared.sizes import JobSize, Size, name_of, size_from_json, size_to_json, workers_of
from shared.transitions import JobStatus

SCHEMA_VERSION = 1
DUE_SHARDS = 16
STATUS_SHARDS = 16
CREATED_SHARDS = 16
# What an index holds of a tag: long enough that two seldom share it, short whatever the tag is.
TAG_WORD_BYTES = 8
# An item may hold 400 KB; the history must never be what stops a job, so it is bounded far below.
HISTORY_ENTRIES = 50
HISTORY_MESSAGE_CHARACTERS = 256
DETAIL_CHARACTERS = 1024
# How a job names a dataset as an input.
DATASET_REFERENCE = "dataset:"

Item = dict[str, Any]


class FailureReason(StrEnum):
    """Why a job FAILED."""

    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"
    RUN_FAILED = "RUN_FAILED"
    INVALID_INPUT = "INVALID_INPUT"
    CAPACITY = "CAPACITY"
    START_REJECTED = "START_REJECTED"
    CANCELLED_EXTERNALLY = "CANCELLED_EXTERNALLY"
    RUN_LOST = "RUN_LOST"
    REPORTED = "REPORTED"
    COST_LIMIT = "COST_LIMIT"


class Capacity(StrEnum):
    """What a job's executors run on: capacity that is theirs, or cheaper spare capacity, which AWS may take back."""

    STANDARD = "standard"
    FLEX = "flex"


class OnOutOfMemory(StrEnum):
    """What follows when a run ran out of memory: the job's end, or one more attempt with the next size."""

    FAIL = "fail"
    RETRY_BIGGER = "retry-bigger"


@dataclass(frozen=True)
class JobInput:
    """One named input: an S3 object or a prefix, or the object of the dataset by which it was named."""

    name: str
    uri: str
    dataset_id: str | None = None

    @property
    def asked_uri(self) -> str:
        """How it was named, whatever it was found to be since."""
        return self.uri if self.dataset_id is None else f"{DATASET_REFERENCE}{self.dataset_id}"


@dataclass(frozen=True)
class ContractRef:
    """The version of a contract that a job's input is held to, and where and what its document is."""

    name: str
    version: str
    sha256: str
    uri: str

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


@dataclass(frozen=True)
class JobRequest:
    """What the user asked for, as it was accepted."""

    job_type: str
    job_type_version: str
    inputs: tuple[JobInput, ...]
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]
    size: JobSize
    timeout_seconds: int
    contract: ContractRef | None = None
    capacity: Capacity = Capacity.STANDARD
    on_out_of_memory: OnOutOfMemory = OnOutOfMemory.FAIL
    max_cost_usd: float | None = None


@dataclass(frozen=True)
class BiggerRun:
    """The next size of a job's runs: what it is called, its workers, and spark-submit's parameters with them."""

    size_name: str
    size: Size
    spark_submit_parameters: str


@dataclass(frozen=True)
class RunSpec:
    """What EMR Serverless is asked for: all of StartJobRun but what differs between attempts.

    `session_policy` bounds the rights of its runs, `size` is the workers they get; None in items that were stored
    without one. `is_flex`: the executors run on spare capacity. `callbacks_uri` is where its programs look for whom to
    report to; None if they do not report.
    `bigger` is what runs get instead once memory ran out; None if the job does not allow it or nothing is bigger.
    """

    application_id: str
    execution_role_arn: str
    job_driver: Mapping[str, Any]
    configuration_overrides: Mapping[str, Any]
    tags: Mapping[str, str]
    timeout_minutes: int
    session_policy: str | None = None
    size: Size | None = None
    is_flex: bool = False
    callbacks_uri: str | None = None
    bigger: BiggerRun | None = None

    def made_bigger(self) -> "RunSpec":
        """The same for runs of the next size, if there is one."""
        if self.bigger is None:
            return self
        submit = {**self.job_driver["sparkSubmit"], "sparkSubmitParameters": self.bigger.spark_submit_parameters}
        return replace(self, job_driver={"sparkSubmit": submit}, size=self.bigger.size, bigger=None)


@dataclass(frozen=True)
class RetryPolicy:
    """How often a job's failures are tried again, and how long is waited before."""

    max_attempts: int
    base_seconds: int
    cap_seconds: int


@dataclass(frozen=True)
class HistoryEntry:
    """One thing that happened to a job. `moved_from` is absent at its creation."""

    at: datetime
    moved_from: JobStatus | None
    moved_to: JobStatus
    by: str
    attempt: int
    message: str
    correlation_id: str


@dataclass(frozen=True)
class FailureReport:
    """A failure that the attempt itself reported, kept until its run has ended and another attempt may begin."""

    attempt: int
    failure_class: str
    at: datetime
    message: str


@dataclass(frozen=True)
class Progress:
    """How far the current attempt is by its own report: of the stages that Spark knows so far, how many are done."""

    stages_done: int
    stages_total: int
    at: datetime


@dataclass(frozen=True)
class Job:
    """A job as it is stored. `rev` is new with every write; `due_at` is when somebody must look at it again.

    `replay_of` is the failed job that this one repeats, `replayed_by` are the jobs that repeat this one; `attempts`
    are those that have ended, the oldest first. `scan_of` is the dataset that is told what the job finds. `keep_days`
    is how long the item stays after its end; None for ever.
    `went_bigger`: memory ran out, and its runs have the next size since.
    `cost_limit_at` is when the running attempt reaches the most that the job may cost, as far as is known; None without
    such a limit, before its run has begun, and between two attempts. `cost_warned_at` is when its history told that it
    comes near.
    `traceparent` is the trace of the request that made it, by which others go on with it; None outside of traces.
    `manifest_sha256` is the checksum of the manifest's bytes: None before the job SUCCEEDED, in items that were stored
    before it was kept, and where there is none or nobody could read it.
    `delay` is why the next start waits, `run_state` is EMR's word of the live run when a worker last looked at it, and
    `run_began_at` is when it had workers, by EMR's word or the program's; each None while nobody knows.
    """

    job_id: str
    rev: str
    status: JobStatus
    owner_id: str
    correlation_id: str
    created_at: datetime
    updated_at: datetime
    deadline_at: datetime
    status_message: str
    request: JobRequest
    request_digest: str
    spec: RunSpec
    retry_policy: RetryPolicy
    attempt: int
    charged_failures: int
    history: tuple[HistoryEntry, ...]
    due_at: datetime | None = None
    intent_at: datetime | None = None
    run_id: str | None = None
    cancel_requested_at: datetime | None = None
    reported: FailureReport | None = None
    progress: Progress | None = None
    finished_at: datetime | None = None
    failure_reason: FailureReason | None = None
    failure_detail: str | None = None
    dlq_pending: bool = False
    scan_pending: bool = False
    duty_tries: int = 0
    bill_pending: bool = False
    bill_tries: int = 0
    replay_of: str | None = None
    replayed_by: tuple[str, ...] = ()
    attempts: tuple[AttemptRecord, ...] = ()
    manifest_sha256: str | None = None
    scan_of: str | None = None
    keep_days: int | None = None
    went_bigger: bool = False
    cost_limit_at: datetime | None = None
    cost_warned_at: datetime | None = None
    traceparent: str | None = None
    delay: StartDelay | None = None
    run_state: str | None = None
    run_began_at: datetime | None = None

    @property
    def is_tracking(self) -> bool:
        """RUNNING, and its run is known."""
        return self.status is JobStatus.RUNNING and self.run_id is not None

    @property
    def is_starting(self) -> bool:
        """RUNNING, and a run was asked for, but whether it exists is not recorded."""
        return self.status is JobStatus.RUNNING and self.run_id is None and self.intent_at is not None

    @property
    def is_idle(self) -> bool:
        """RUNNING, and between two attempts, or before the first."""
        return self.status is JobStatus.RUNNING and self.run_id is None and self.intent_at is None

    @property
    def owes(self) -> bool:
        """Whether something that must follow its end is yet to be done."""
        return self.dlq_pending or self.scan_pending

    @property
    def expires_at(self) -> datetime | None:
        """When its item may go: so long after its end."""
        if self.finished_at is None or self.keep_days is None:
            return None
        return self.finished_at + timedelta(days=self.keep_days)

    @property
    def run_name(self) -> str:
        """The name and client token of the current attempt's run."""
        return f"{self.job_id}.{self.attempt}"

    @property
    def run_spec(self) -> RunSpec:
        """What its next run is asked for: as its spec says, or of the next size since memory ran out."""
        return self.spec.made_bigger() if self.went_bigger else self.spec

    @property
    def may_go_bigger(self) -> bool:
        """Whether an attempt of the next size may follow one that ran out of memory: once, if the job allows it."""
        return self.spec.bigger is not None and not self.went_bigger

    @property
    def workers(self) -> Size:
        """The workers that its runs may have."""
        return self.run_spec.size or workers_of(self.request.size)

    @property
    def bigger_size_name(self) -> str | None:
        """What the size is called that its runs have since memory ran out; None before."""
        return self.spec.bigger.size_name if self.spec.bigger and self.went_bigger else None

    @property
    def size_name(self) -> str:
        """What the size of its next run is called."""
        return self.bigger_size_name or name_of(self.request.size)

    @property
    def created_key(self) -> str:
        """Where the job stands in a list: by creation, then by id."""
        return f"{epoch_ms(self.created_at):013d}#{self.job_id}"


def shard_of(job_id: str, shards: int) -> str:
    """Which of an index's shards a job is in, as two digits."""
    return f"{zlib.crc32(job_id.encode()) % shards:02d}"


def owner_status_key(owner_id: str, status: JobStatus) -> str:
    """The partition of `byOwnerStatus` that holds an owner's jobs of one status."""
    return f"{owner_id}#{status}"


def texts_of(tags: Mapping[str, str]) -> list[str]:
    """Tags as lists are asked for them: `key=value`."""
    return [f"{key}={value}" for key, value in tags.items()]


def tag_word(text: str) -> str:
    """A short hash of a tag's `key=value`: an index holds it, so that long tags make no long entries."""
    return hashlib.blake2b(text.encode(), digest_size=TAG_WORD_BYTES).hexdigest()


def job_to_item(job: Job) -> Item:
    """The item of a job: plain strings, whole numbers, booleans, lists and maps; nothing that is None."""
    item = {
        "jobId": job.job_id,
        "schemaVersion": SCHEMA_VERSION,
        "rev": job.rev,
        "status": str(job.status),
        "ownerId": job.owner_id,
        "correlationId": job.correlation_id,
        "createdAt": epoch_ms(job.created_at),
        "updatedAt": epoch_ms(job.updated_at),
        "deadlineAt": epoch_ms(job.deadline_at),
        "statusMessage": job.status_message,
        "request": _request_to_item(job.request),
        "requestDigest": job.request_digest,
        "spec": _spec_to_item(job.spec),
        "retryPolicy": _policy_to_item(job.retry_policy),
        "attempt": job.attempt,
        "chargedFailures": job.charged_failures,
        "history": [_entry_to_item(entry) for entry in job.history],
        "runId": job.run_id,
        "intentAt": _ms_or_none(job.intent_at),
        "cancelRequestedAt": _ms_or_none(job.cancel_requested_at),
        "finishedAt": _ms_or_none(job.finished_at),
        "reported": _report_to_item(job.reported) if job.reported else None,
        "progress": _progress_to_item(job.progress) if job.progress else None,
        "failureReason": str(job.failure_reason) if job.failure_reason else None,
        "failureDetail": job.failure_detail,
        "dlqPending": True if job.dlq_pending else None,
        "scanPending": True if job.scan_pending else None,
        "dutyTries": job.duty_tries or None,
        "billPending": True if job.bill_pending else None,
        "billTries": job.bill_tries or None,
        "replayOf": job.replay_of,
        "replayedBy": list(job.replayed_by) or None,
        "attempts": [attempt_to_item(record) for record in job.attempts] or None,
        "manifestSha256": job.manifest_sha256,
        "scanOf": job.scan_of,
        "keepDays": job.keep_days,
        # In seconds: by this attribute DynamoDB deletes the item.
        "expiresAt": None if job.expires_at is None else epoch_ms(job.expires_at) // 1000,
        "wentBigger": True if job.went_bigger else None,
        "costLimitAt": _ms_or_none(job.cost_limit_at),
        "costWarnedAt": _ms_or_none(job.cost_warned_at),
        "traceparent": job.traceparent,
        "delay": delay_to_item(job.delay) if job.delay else None,
        "runState": job.run_state,
        "runBeganAt": _ms_or_none(job.run_began_at),
        **_index_keys(job),
    }
    return {name: value for name, value in item.items() if value is not None}


def job_from_item(item: Mapping[str, Any]) -> Job:
    """The job of an item. Raises: StoredJobUnreadable, naming what does not fit."""
    version = item.get("schemaVersion")
    if not reads(version, SCHEMA_VERSION):
        raise StoredJobUnreadable(
            f"Job {item.get('jobId')} has schemaVersion {version}; this code reads 1 to {SCHEMA_VERSION + 1}."
        )
    try:
        return _job_from_item(item)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise StoredJobUnreadable(f"Job {item.get('jobId')} cannot be read: {error!r}.") from error


def _job_from_item(item: Mapping[str, Any]) -> Job:
    return Job(
        job_id=item["jobId"],
        rev=item["rev"],
        status=JobStatus(item["status"]),
        owner_id=item["ownerId"],
        correlation_id=item["correlationId"],
        created_at=from_epoch_ms(item["createdAt"]),
        updated_at=from_epoch_ms(item["updatedAt"]),
        deadline_at=from_epoch_ms(item["deadlineAt"]),
        status_message=item["statusMessage"],
        request=request_from_item(item["request"]),
        request_digest=item["requestDigest"],
        spec=_spec_from_item(item["spec"]),
        retry_policy=_policy_from_item(item["retryPolicy"]),
        attempt=item["attempt"],
        charged_failures=item["chargedFailures"],
        history=tuple(_entry_from_item(entry) for entry in item["history"]),
        due_at=_moment(item.get("dueAt")),
        intent_at=_moment(item.get("intentAt")),
        run_id=item.get("runId"),
        cancel_requested_at=_moment(item.get("cancelRequestedAt")),
        reported=_report_from_item(item["reported"]) if "reported" in item else None,
        progress=_progress_from_item(item["progress"]) if "progress" in item else None,
        finished_at=_moment(item.get("finishedAt")),
        failure_reason=FailureReason(item["failureReason"]) if "failureReason" in item else None,
        failure_detail=item.get("failureDetail"),
        dlq_pending=item.get("dlqPending", False),
        scan_pending=item.get("scanPending", False),
        duty_tries=item.get("dutyTries", 0),
        bill_pending=item.get("billPending", False),
        bill_tries=item.get("billTries", 0),
        replay_of=item.get("replayOf"),
        replayed_by=tuple(item.get("replayedBy", ())),
        attempts=tuple(attempt_from_item(entry) for entry in item.get("attempts", ())),
        manifest_sha256=item.get("manifestSha256"),
        scan_of=item.get("scanOf"),
        keep_days=item.get("keepDays"),
        went_bigger=item.get("wentBigger", False),
        cost_limit_at=_moment(item.get("costLimitAt")),
        cost_warned_at=_moment(item.get("costWarnedAt")),
        traceparent=item.get("traceparent"),
        delay=delay_from_item(item["delay"]) if "delay" in item else None,
        run_state=item.get("runState"),
        run_began_at=_moment(item.get("runBeganAt")),
    )


def _index_keys(job: Job) -> Item:
    keys: Item = {
        "createdKey": job.created_key,
        "createdShard": shard_of(job.job_id, CREATED_SHARDS),
        "jobType": job.request.job_type,
        "tagWords": [tag_word(text) for text in texts_of(job.request.tags)] or None,
        "ownerStatus": owner_status_key(job.owner_id, job.status),
        "statusShard": f"{job.status}#{shard_of(job.job_id, STATUS_SHARDS)}",
    }
    if job.due_at is not None:
        keys |= {"dueAt": epoch_ms(job.due_at), "dueShard": shard_of(job.job_id, DUE_SHARDS)}
    return keys


def _ms_or_none(moment: datetime | None) -> int | None:
    return None if moment is None else epoch_ms(moment)


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_epoch_ms(milliseconds)


def _request_to_item(request: JobRequest) -> Item:
    named = {} if request.contract is None else {"contract": contract_to_item(request.contract)}
    special = {} if request.capacity is Capacity.STANDARD else {"capacity": str(request.capacity)}
    if request.on_out_of_memory is not OnOutOfMemory.FAIL:
        special["onOutOfMemory"] = str(request.on_out_of_memory)
    if request.max_cost_usd is not None:
        special["maxCostUsd"] = str(request.max_cost_usd)
    return {
        "jobType": request.job_type,
        "jobTypeVersion": request.job_type_version,
        "inputs": [_input_to_item(entry) for entry in request.inputs],
        # As text: DynamoDB's numbers hold neither every float nor the difference between 1 and 1.0.
        "parameters": json.dumps(request.parameters, ensure_ascii=False),
        "tags": dict(request.tags),
        "size": size_to_json(request.size),
        "timeoutSeconds": request.timeout_seconds,
        **named,
        **special,
    }


def contract_to_item(contract: ContractRef) -> Item:
    """A reference to a contract, as an item and a Spark program's job hold it."""
    return {"name": contract.name, "version": contract.version, "sha256": contract.sha256, "uri": contract.uri}


def _input_to_item(entry: JobInput) -> Item:
    named = {} if entry.dataset_id is None else {"datasetId": entry.dataset_id}
    return {"name": entry.name, "uri": entry.uri, **named}


def request_from_item(item: Mapping[str, Any]) -> JobRequest:
    """What was asked for, as an item or a dead letter holds it. Raises what reading a wrong one raises."""
    return JobRequest(
        job_type=item["jobType"],
        job_type_version=item["jobTypeVersion"],
        inputs=tuple(JobInput(entry["name"], entry["uri"], entry.get("datasetId")) for entry in item["inputs"]),
        parameters=json.loads(item["parameters"]),
        tags=item["tags"],
        size=size_from_json(item["size"]),
        timeout_seconds=item["timeoutSeconds"],
        contract=ContractRef(**item["contract"]) if "contract" in item else None,
        capacity=Capacity(item.get("capacity", Capacity.STANDARD)),
        on_out_of_memory=OnOutOfMemory(item.get("onOutOfMemory", OnOutOfMemory.FAIL)),
        max_cost_usd=float(item["maxCostUsd"]) if "maxCostUsd" in item else None,
    )


def _spec_to_item(spec: RunSpec) -> Item:
    return {
        "applicationId": spec.application_id,
        "executionRoleArn": spec.execution_role_arn,
        "jobDriver": spec.job_driver,
        "configurationOverrides": spec.configuration_overrides,
        "tags": dict(spec.tags),
        "timeoutMinutes": spec.timeout_minutes,
        **({"sessionPolicy": spec.session_policy} if spec.session_policy else {}),
        **({"size": size_to_json(spec.size)} if spec.size else {}),
        **({"flex": True} if spec.is_flex else {}),
        **({"callbacksUri": spec.callbacks_uri} if spec.callbacks_uri else {}),
        **({"bigger": _bigger_to_item(spec.bigger)} if spec.bigger else {}),
    }


def _bigger_to_item(bigger: BiggerRun) -> Item:
    return {
        "sizeName": bigger.size_name,
        "size": size_to_json(bigger.size),
        "sparkSubmitParameters": bigger.spark_submit_parameters,
    }


def _bigger_from_item(item: Mapping[str, Any]) -> BiggerRun:
    return BiggerRun(item["sizeName"], workers_of(size_from_json(item["size"])), item["sparkSubmitParameters"])


def _spec_from_item(item: Mapping[str, Any]) -> RunSpec:
    return RunSpec(
        application_id=item["applicationId"],
        execution_role_arn=item["executionRoleArn"],
        job_driver=item["jobDriver"],
        configuration_overrides=item["configurationOverrides"],
        tags=item["tags"],
        timeout_minutes=item["timeoutMinutes"],
        session_policy=item.get("sessionPolicy"),
        size=workers_of(size_from_json(item["size"])) if "size" in item else None,
        is_flex=item.get("flex", False),
        callbacks_uri=item.get("callbacksUri"),
        bigger=_bigger_from_item(item["bigger"]) if "bigger" in item else None,
    )


def _policy_to_item(policy: RetryPolicy) -> Item:
    return {
        "maxAttempts": policy.max_attempts,
        "baseSeconds": policy.base_seconds,
        "capSeconds": policy.cap_seconds,
    }


def _policy_from_item(item: Mapping[str, Any]) -> RetryPolicy:
    return RetryPolicy(item["maxAttempts"], item["baseSeconds"], item["capSeconds"])


def _entry_to_item(entry: HistoryEntry) -> Item:
    item = {
        "at": epoch_ms(entry.at),
        "from": str(entry.moved_from) if entry.moved_from else None,
        "to": str(entry.moved_to),
        "by": entry.by,
        "attempt": entry.attempt,
        "message": entry.message,
        "correlationId": entry.correlation_id,
    }
    return {name: value for name, value in item.items() if value is not None}


def _entry_from_item(item: Mapping[str, Any]) -> HistoryEntry:
    return HistoryEntry(
        at=from_epoch_ms(item["at"]),
        moved_from=JobStatus(item["from"]) if "from" in item else None,
        moved_to=JobStatus(item["to"]),
        by=item["by"],
        attempt=item["attempt"],
        message=item["message"],
        correlation_id=item["correlationId"],
    )


def _report_to_item(report: FailureReport) -> Item:
    return {
        "attempt": report.attempt,
        "class": report.failure_class,
        "at": epoch_ms(report.at),
        "message": report.message,
    }


def _report_from_item(item: Mapping[str, Any]) -> FailureReport:
    return FailureReport(item["attempt"], item["class"], from_epoch_ms(item["at"]), item["message"])


def _progress_to_item(progress: Progress) -> Item:
    return {
        "stagesDone": progress.stages_done,
        "stagesTotal": progress.stages_total,
        "at": epoch_ms(progress.at),
    }


def _progress_from_item(item: Mapping[str, Any]) -> Progress:
    return Progress(item["stagesDone"], item["stagesTotal"], from_epoch_ms(item["at"]))
