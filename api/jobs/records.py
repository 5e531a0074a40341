"""Jobs as clients see them: camelCase, ISO 8601 in UTC with milliseconds, and null for what is not there."""

from datetime import datetime
from typing import Any

from marshmallow import Schema, fields, validate

from api.jobs.costs import JobCostSchema, job_cost
from api.jobs.schemas import STATUSES
from api.jobs.times import AttemptTimesSchema, JobTimesSchema, attempt_times, job_times
from api.jobs.waits import WaitSchema, wait_record
from api.protocol.answers import amount, iso, list_of, moment, number, open_object, text
from shared.attempts import ATTEMPT_RECORDS, AttemptRecord, Outcome
from shared.failure_cards import FailureCard, FailureClass
from shared.locations import attempt_uri, driver_log_of_run, driver_log_uri, failure_of_attempt_uri, manifest_uri
from shared.models import Capacity, FailureReason, HistoryEntry, Job, OnOutOfMemory, Progress
from shared.settings import Settings
from shared.sizes import CUSTOM, SIZES, name_of, size_to_json
from shared.transitions import JobStatus


def job_status(description: str, **options: Any) -> fields.String:
    """A status of a job."""
    return fields.String(
        required=True, validate=validate.OneOf(STATUSES), metadata={"description": description}, **options
    )


LinksSchema = Schema.from_dict(
    {
        "self": text("The job."),
        "history": text("What happened to it."),
        "outputs": text("What it wrote."),
        "logs": text("What its driver printed."),
        "dashboard": text("Its Spark pages."),
    },
    name="LinksSchema",
)

JobInputSchema = Schema.from_dict(
    {
        "name": text("What the job calls it."),
        "uri": text("Where it lies in S3."),
        "datasetId": text("The dataset by which it was named.", allow_none=True),
    },
    name="JobInputSchema",
)

WorkerSchema = Schema.from_dict(
    {
        "vcpu": number("Its vCPUs."),
        "memoryGb": number("All of its memory: Spark's heap, and what Spark needs beside the heap."),
        "diskGb": number("Its disk."),
    },
    name="WorkerSchema",
)

WorkersSchema = Schema.from_dict(
    {
        "driver": fields.Nested(WorkerSchema, required=True, metadata={"description": "The driver of a run."}),
        "executor": fields.Nested(WorkerSchema, required=True, metadata={"description": "Each executor of a run."}),
        "maxExecutors": number("How many executors a run may have at a time."),
    },
    name="WorkersSchema",
)

FailureCardSchema = Schema.from_dict(
    {
        "class": text(
            "What kind of failure it was; it decides whether another attempt follows.",
            validate=validate.OneOf([*map(str, FailureClass)]),
        ),
        "message": text("The program's own sentence, or EMR Serverless's where it left none.", allow_none=True),
        "exception": text("The first exception that is no mere wrapper of another, on one line.", allow_none=True),
        "exitCode": number("The exit code of its Spark driver; null where EMR Serverless names none.", allow_none=True),
        "whatToDo": text("What you can do about it."),
        "wholeCardUri": text(
            "What the program left of it, with all exceptions behind it; null where it could not.", allow_none=True
        ),
    },
    name="FailureCardSchema",
)

AttemptSchema = Schema.from_dict(
    {
        "attempt": number("Its number; the first is 1."),
        "outcome": text("How it ended.", validate=validate.OneOf([*map(str, Outcome)])),
        "size": text("What the size of its run is called.", allow_none=True),
        "runId": text("Its EMR Serverless job run; null if none was recorded.", allow_none=True),
        "startedAt": moment("When its start was asked for."),
        "runBeganAt": moment("When its run had workers; null if it had none, or nobody saw when.", allow_none=True),
        "endedAt": moment("When its end was recorded."),
        "times": fields.Nested(
            AttemptTimesSchema, required=True, metadata={"description": "How long it was in each state."}
        ),
        "driverLogUri": text("What its Spark driver printed; null without a run.", allow_none=True),
        "logs": text("Where to read that: GET this path."),
        "failure": fields.Nested(
            FailureCardSchema, required=True, allow_none=True, metadata={"description": "Why it failed, if it did."}
        ),
    },
    name="AttemptSchema",
)

ProgressSchema = Schema.from_dict(
    {
        "stagesDone": number("Stages that are done."),
        "stagesTotal": number("Stages that Spark knows so far, those included; it finds more as it goes."),
        "at": moment("When the program said so."),
    },
    name="ProgressSchema",
)

JobSchema = Schema.from_dict(
    {
        "jobId": text("A UUID."),
        "status": job_status("Where the job is; SUCCEEDED and FAILED are for ever."),
        "jobType": text("What kind of job it is."),
        "jobTypeVersion": text("The version of the type when the job was submitted."),
        "owner": text("Whose job it is."),
        "inputs": list_of(JobInputSchema, "What it reads."),
        "parameters": open_object("As they were given."),
        "tags": fields.Dict(
            keys=fields.String(), values=fields.String(), required=True, metadata={"description": "As they were given."}
        ),
        "contract": text("The contract that its input is held to: name/version.", allow_none=True),
        "size": text("What the size of its runs is called.", validate=validate.OneOf([*SIZES, CUSTOM])),
        "workers": fields.Nested(
            WorkersSchema, required=True, metadata={"description": "What its runs get; more since memory ran out."}
        ),
        "capacity": text(
            "What its executors run on: flex is spare capacity, cheaper, and AWS may take it back.",
            validate=validate.OneOf([*map(str, Capacity)]),
        ),
        "timeoutSeconds": number("How long one attempt may run."),
        "maxAttempts": number("How often failures that may pass are tried, the first time included."),
        "onOutOfMemory": text(
            "What follows when a run runs out of memory.", validate=validate.OneOf([*map(str, OnOutOfMemory)])
        ),
        "biggerSize": text("What the size is called that its runs have since memory ran out.", allow_none=True),
        "maxCostUsd": amount("The most that all its attempts may cost, in USD; null without a limit.", allow_none=True),
        "costLimitAt": moment(
            "When its attempt reaches or reached maxCostUsd, as far as is known; null while no run has begun.",
            allow_none=True,
        ),
        "costWarnedAt": moment("When 80 % of maxCostUsd were seen to be used up.", allow_none=True),
        "attempt": number("The current or last attempt; 0 before the first."),
        "runId": text("The EMR Serverless job run of the current attempt.", allow_none=True),
        "statusMessage": text("How the job is, as a sentence."),
        "waitingFor": fields.Nested(
            WaitSchema,
            required=True,
            allow_none=True,
            metadata={"description": "What has to happen before it goes on; null when it has ended."},
        ),
        "times": fields.Nested(
            JobTimesSchema, required=True, metadata={"description": "How long it was in each state."}
        ),
        "progress": fields.Nested(
            ProgressSchema,
            required=True,
            allow_none=True,
            metadata={"description": "How far its attempt is, if the program said so; null when the attempt is over."},
        ),
        "failureReason": text(
            "Why the job FAILED.", allow_none=True, validate=validate.OneOf([*map(str, FailureReason)])
        ),
        "failureDetail": text("What EMR Serverless or the program said about the failure.", allow_none=True),
        "cancelRequestedAt": moment("When its cancellation was asked for.", allow_none=True),
        "createdAt": moment("When it was submitted."),
        "updatedAt": moment("When anything about it changed last."),
        "finishedAt": moment("When it ended.", allow_none=True),
        "deadlineAt": moment("When it will be ended if it has not by then."),
        "replayOf": text("The failed job that this one repeats.", allow_none=True),
        "replayedBy": fields.List(
            text("A job."), required=True, metadata={"description": "The jobs that repeat this failed one."}
        ),
        "cost": fields.Nested(
            JobCostSchema,
            required=True,
            allow_none=True,
            metadata={
                "description": "What its runs cost; null while nothing is known, as in the minute after its end."
            },
        ),
        "outputUri": text("The folder of its output, once it SUCCEEDED.", allow_none=True),
        "manifestUri": text("The list of its output, once it SUCCEEDED.", allow_none=True),
        "manifestSha256": text(
            "The SHA-256 of the manifest's bytes as it was when the job SUCCEEDED; null where nobody took it.",
            allow_none=True,
        ),
        "driverLogUri": text("What its Spark driver printed, once a run is known.", allow_none=True),
        "attempts": list_of(
            AttemptSchema, f"Its attempts that have ended, the oldest first; of many, the newest {ATTEMPT_RECORDS}."
        ),
        "links": fields.Nested(LinksSchema, required=True),
    },
    name="JobSchema",
)

JobPageSchema = Schema.from_dict(
    {
        "items": list_of(JobSchema, "In the order asked for."),
        "nextCursor": text("What to pass as cursor for the next page; null on the last.", allow_none=True),
    },
    name="JobPageSchema",
)

FoundJobsSchema = Schema.from_dict(
    {
        "items": list_of(JobSchema, "The jobs that there are, in the order asked for."),
        "notFound": fields.List(text("An id."), required=True, metadata={"description": "Ids of no job of yours."}),
    },
    name="FoundJobsSchema",
)

HistoryEntrySchema = Schema.from_dict(
    {
        "at": moment("When."),
        "from": job_status("The status before; null when the job was submitted.", allow_none=True),
        "to": job_status("The status after, which may be the same."),
        "by": text("Who did it: api:<owner>, worker, callback or operator:<name>."),
        "attempt": number("The attempt it was about; 0 before the first."),
        "message": text("What happened, as a sentence."),
        "correlationId": text("The correlation id of the job's submission."),
    },
    name="HistoryEntrySchema",
)

HistorySchema = Schema.from_dict(
    {"items": list_of(HistoryEntrySchema, "The oldest first; of a very long history the middle is missing.")},
    name="HistorySchema",
)


def progress_record(progress: Progress | None) -> dict[str, Any] | None:
    """How far a job is, as `ProgressSchema` says."""
    if progress is None:
        return None
    return {"stagesDone": progress.stages_done, "stagesTotal": progress.stages_total, "at": iso(progress.at)}


def job_record(job: Job, settings: Settings, now: datetime) -> dict[str, Any]:
    """A job as `JobSchema` says; what goes on is told as of `now`."""
    succeeded = job.status is JobStatus.SUCCEEDED
    path = f"/jobs/{job.job_id}"
    return {
        "jobId": job.job_id,
        "status": str(job.status),
        "jobType": job.request.job_type,
        "jobTypeVersion": job.request.job_type_version,
        "owner": job.owner_id,
        "inputs": [
            {"name": entry.name, "uri": entry.uri, "datasetId": entry.dataset_id} for entry in job.request.inputs
        ],
        "parameters": dict(job.request.parameters),
        "tags": dict(job.request.tags),
        "contract": str(job.request.contract) if job.request.contract else None,
        "size": name_of(job.request.size),
        "workers": size_to_json(job.workers),
        "capacity": str(job.request.capacity),
        "timeoutSeconds": job.request.timeout_seconds,
        "maxAttempts": job.retry_policy.max_attempts,
        "onOutOfMemory": str(job.request.on_out_of_memory),
        "biggerSize": job.bigger_size_name,
        "maxCostUsd": job.request.max_cost_usd,
        "costLimitAt": iso(job.cost_limit_at),
        "costWarnedAt": iso(job.cost_warned_at),
        "attempt": job.attempt,
        "runId": job.run_id,
        "statusMessage": job.status_message,
        "waitingFor": wait_record(job, now),
        "times": job_times(job, now),
        "progress": progress_record(job.progress),
        "failureReason": str(job.failure_reason) if job.failure_reason else None,
        "failureDetail": job.failure_detail,
        "cancelRequestedAt": iso(job.cancel_requested_at),
        "createdAt": iso(job.created_at),
        "updatedAt": iso(job.updated_at),
        "finishedAt": iso(job.finished_at),
        "deadlineAt": iso(job.deadline_at),
        "replayOf": job.replay_of,
        "replayedBy": list(job.replayed_by),
        "cost": job_cost(job, settings),
        "outputUri": attempt_uri(settings, job.job_id, job.attempt) if succeeded else None,
        "manifestUri": manifest_uri(settings, job) if succeeded else None,
        "manifestSha256": job.manifest_sha256,
        "driverLogUri": driver_log_uri(settings, job),
        "attempts": [attempt_record(record, job, settings) for record in job.attempts],
        "links": {
            "self": path,
            **{name: f"{path}/{name}" for name in ("history", "outputs", "logs", "dashboard")},
        },
    }


def attempt_record(record: AttemptRecord, job: Job, settings: Settings) -> dict[str, Any]:
    """One attempt of a job as `AttemptSchema` says."""
    return {
        "attempt": record.attempt,
        "outcome": str(record.outcome),
        "size": record.size,
        "runId": record.run_id,
        "startedAt": iso(record.started_at),
        "runBeganAt": iso(record.run_began_at),
        "endedAt": iso(record.ended_at),
        "times": attempt_times(record, job),
        "driverLogUri": driver_log_of_run(settings, job, record.run_id) if record.run_id else None,
        "logs": f"/jobs/{job.job_id}/logs?attempt={record.attempt}",
        "failure": failure_record(record.failure, record.attempt, job, settings) if record.failure else None,
    }


def failure_record(card: FailureCard, attempt: int, job: Job, settings: Settings) -> dict[str, Any]:
    """The failure card of an attempt as `FailureCardSchema` says."""
    whole_uri = failure_of_attempt_uri(settings, job.job_id, attempt) if card.is_whole_in_s3 else None
    return {
        "class": str(card.failure_class),
        "message": card.message,
        "exception": card.exception,
        "exitCode": card.exit_code,
        "whatToDo": card.what_to_do,
        "wholeCardUri": whole_uri,
    }


def history_record(entry: HistoryEntry) -> dict[str, Any]:
    """One entry of a history as `HistoryEntrySchema` says."""
    return {
        "at": iso(entry.at),
        "from": str(entry.moved_from) if entry.moved_from else None,
        "to": str(entry.moved_to),
        "by": entry.by,
        "attempt": entry.attempt,
        "message": entry.message,
        "correlationId": entry.correlation_id,
    }
