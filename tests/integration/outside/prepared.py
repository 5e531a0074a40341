"""Things that a search does not come upon by itself, made over HTTP: a failed job, an uploaded file, one in parts."""

import functools
import hashlib
import os
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import requests

from shared.signatures import callback_key, sign

MIB = 1024 * 1024
FILE = b"carrier\nUA\n"


def sent(method: str, path: str, **options: Any) -> requests.Response:
    """A request that must go well."""
    answer = requests.request(method, f"{os.environ['CDP_API_URL']}{path}", timeout=30, **options)
    answer.raise_for_status()
    return answer


def failed_job(headers: dict[str, str]) -> str:
    """The id of a failed job of the caller's."""
    job_id: str = sent("POST", "/jobs", json={"jobType": "simulated"}, headers=headers).json()["jobId"]
    for status in ("RUNNING", "FAILED"):
        report = f'{{"status": "{status}", "failureReason": "INVALID_INPUT"}}'.encode()
        signed = {"Content-Type": "application/json", **signature(job_id, report)}
        sent("POST", f"/internal/jobs/{job_id}/status", data=report, headers=signed)
    return job_id


def dataset_in_parts(headers: dict[str, str]) -> str:
    """The id of a dataset that waits for its parts."""
    body = {"fileName": "a.csv", "sizeBytes": 20 * MIB, "sha256": "9f" * 32, "partSizeBytes": 16 * MIB}
    found: str = sent("POST", "/datasets", json=body, headers=headers).json()["datasetId"]
    return found


def uploaded_dataset(headers: dict[str, str]) -> str:
    """The id of a dataset whose bytes are in S3."""
    body = {"fileName": "a.csv", "sizeBytes": len(FILE), "sha256": hashlib.sha256(FILE).hexdigest()}
    dataset = sent("POST", "/datasets", json=body, headers=headers).json()
    upload = dataset["upload"]
    requests.put(upload["url"], data=FILE, headers=upload["headers"], timeout=30).raise_for_status()
    found: str = dataset["datasetId"]
    return found


# By the operation that needs one.
MAKERS: dict[str, Callable[[dict[str, str]], str]] = {
    "replayJob": failed_job,
    "linkParts": dataset_in_parts,
    "completeDataset": uploaded_dataset,
}


@functools.cache
def prepared(operation_id: str, authorization: str) -> str:
    """The id of a thing of the caller's that the operation can be done with, made once."""
    return MAKERS[operation_id]({"Authorization": authorization})


def signature(job_id: str, body: bytes) -> dict[str, str]:
    """The headers of a report that the attempt in its body has signed."""
    attempt = re.search(rb'"attempt": ?([0-9]+)', body)
    key = callback_key(os.environ["CALLBACK_SIGNING_KEY"], job_id, int(attempt[1]) if attempt else 0)
    message_id, timestamp = uuid.uuid4().hex, int(time.time())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(key, message_id, timestamp, body),
    }
