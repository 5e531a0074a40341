"""Reports of Spark programs about their own attempts: signed, and each message taken once."""

import functools
import hashlib
import re
from datetime import datetime, timedelta

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from api.identity.owned import any_job
from api.jobs.records import JobSchema, job_record
from api.jobs.reports import apply_report
from api.jobs.schemas import Report, ReportSchema, SignatureSchema
from api.protocol.bodies import read_bytes
from api.protocol.operations import View, load_body, most_body_bytes, note, returns, takes_body
from api.services import services
from shared.errors import (
    BadSignature,
    InvalidTransition,
    JobNotFound,
    MalformedRequest,
    MessageAlreadySeen,
    ReportRefused,
    StoreUnavailable,
    UnsupportedMediaType,
    ValidationFailed,
)
from shared.job_changes import change_job
from shared.moments import epoch_ms
from shared.settings import Settings
from shared.signatures import callback_key, is_signed
from shared.transitions import JobStatusTransitionValidator

blueprint = Blueprint("callbacks", __name__)

# How far a signature's time may be from ours, either way; ids are kept for longer than both ways together.
TOLERANCE_SECONDS = 300
KEEP_IDS = timedelta(minutes=11)
MESSAGE_ID = re.compile(r"[!-~]{1,128}")
TIMESTAMP = re.compile(r"[0-9]{1,12}")


def signed_by_attempt(view: View) -> View:
    """Let only messages through that the attempt they speak for has signed, and each of them once."""

    @functools.wraps(view)
    def checked(job_id: str) -> ResponseReturnValue:
        now = services().clock()
        signed_as = refuse_unsigned(job_id, services().settings, now)
        if not services().control.remember_message(signed_as, now, KEEP_IDS):
            raise MessageAlreadySeen("Sign each message anew, with a webhook-id of its own.")
        return view(job_id=job_id)

    note(checked, headers=SignatureSchema, problems=(BadSignature, MessageAlreadySeen))
    return checked


@blueprint.post("/internal/jobs/<job_id>/status")
@signed_by_attempt
@takes_body(ReportSchema)
@returns(
    JobSchema,
    problems=(InvalidTransition, ReportRefused, JobNotFound, StoreUnavailable),
)
def report_status(job_id: str, body: Report) -> ResponseReturnValue:
    """Report the status of an attempt, from within its Spark program.

    The message is signed (Standard Webhooks) with the key of the attempt, and only the current attempt is heard.
    The answer is the job as it now stands. A FAILED report of a failure that may pass leaves the job RUNNING:
    another attempt follows.
    """
    now, validator = services().clock(), JobStatusTransitionValidator()
    job = change_job(services().store, any_job(job_id), lambda seen: apply_report(seen, body, now, validator))
    return job_record(job, services().settings, services().clock())


def refuse_unsigned(job_id: str, settings: Settings, now: datetime) -> str:
    """What to remember this request's message by, if the attempt that it speaks for has signed it lately.

    Without a master key nobody can sign, so nothing is let through. Raises: BadSignature; BodyTooLarge.
    """
    if not settings.callback_signing_keys:
        raise BadSignature("This service has no key for reports, so it takes none.")
    message_id, timestamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
    if not MESSAGE_ID.fullmatch(message_id) or not TIMESTAMP.fullmatch(timestamp):
        raise BadSignature("Send webhook-id (1 to 128 visible characters) and webhook-timestamp (seconds since 1970).")
    if abs(epoch_ms(now) / 1000 - int(timestamp)) > TOLERANCE_SECONDS:
        raise BadSignature(f"The message was signed more than {TOLERANCE_SECONDS} seconds from now.")
    attempt, body = claimed_attempt(), read_bytes(settings.max_body_bytes)
    signature = request.headers.get("webhook-signature", "")
    keys = [callback_key(master_key, job_id, attempt) for master_key in settings.callback_signing_keys]
    if not any(is_signed(key, message_id, int(timestamp), body, signature) for key in keys):
        raise BadSignature("The signature is not that of the attempt that the body names.")
    # Its digest: an id may be any text, and the note of it is kept.
    return f"{job_id}.{attempt}.{hashlib.sha256(message_id.encode()).hexdigest()}"


def claimed_attempt() -> int:
    """The attempt whose key must have signed the body; 0, whose key signs what comes before the first, if none.

    Read by the reader that the view uses, so that nothing can be signed as one attempt and taken as another.
    """
    try:
        report: Report = load_body(ReportSchema, most_body_bytes())
    except (MalformedRequest, UnsupportedMediaType, ValidationFailed):
        return 0  # refused as what it is, if its signature is right
    return report.attempt or 0
