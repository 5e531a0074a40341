"""The scenario: at least one request for every operation, in an order that works. A new route gets its step here.

Afterwards `make examples` plays it and records it anew, and `make docs` shows the recording.
"""

import base64
import hashlib
from typing import Any

from examples.steps import Step

FLIGHTS = "s3://cloud-data-platform-dev-raw/flights/flights.csv"
NOWHERE = "00000000-0000-7000-8000-000000000000"
CSV = "carrier,flight,dep_delay\nUA,1545,2\nUA,1714,4\nAA,1141,NA\nB6,725,-1\n"
DIGEST = hashlib.sha256(CSV.encode())
TURNED = "s3://cloud-data-platform-dev-raw/flights/turned.csv"
# What is put there before the first step.
OBJECTS = {FLIGHTS: CSV.encode(), TURNED: b"flight,carrier\n1545,UA\n"}

SUBMISSION: dict[str, Any] = {
    "jobType": "csv-to-parquet",
    "inputs": [{"name": "flights", "uri": FLIGHTS}],
    "parameters": {"header": True, "nullValue": "NA"},
    "tags": {"team": "ops"},
    "timeoutSeconds": 3600,
    "maxAttempts": 3,
    "size": "small",
}
ON_OWN_WORKERS = {
    **SUBMISSION,
    "size": {
        "driver": {"vcpu": 1, "memoryGb": 4},
        "executor": {"vcpu": 4, "memoryGb": 30, "diskGb": 100},
        "maxExecutors": 2,
    },
    "capacity": "flex",
    "maxCostUsd": 0.5,
}
HELD = {**SUBMISSION, "contract": "flights/1.0.0"}
OTHER_COLUMNS = {**HELD, "inputs": [{"name": "flights", "uri": TURNED}]}
KEY = {"Idempotency-Key": "flights-2026-11-23"}
SIMULATED = {"jobType": "simulated", "parameters": {"seconds": 1}}
LONG = {"jobType": "simulated", "parameters": {"seconds": 600}}
FAILING = {"jobType": "simulated", "parameters": {"seconds": 1, "fail": "ValueError: no such column"}}
COLUMNS: list[dict[str, Any]] = [
    {
        "name": "carrier",
        "logicalType": "string",
        "required": True,
        "classification": "public",
        "logicalTypeOptions": {"pattern": "^[A-Z0-9][A-Z0-9]$"},
    },
    {"name": "flight", "logicalType": "integer", "required": True, "logicalTypeOptions": {"minimum": 1}},
    {"name": "dep_delay", "logicalType": "integer", "description": "In minutes; early is negative."},
]
CONTRACT: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "flights-of-new-york",
    "name": "flights",
    "version": "1.0.0",
    "status": "active",
    "schema": [{"name": "flights", "logicalType": "object", "properties": COLUMNS}],
}
TIGHTER = {
    **CONTRACT,
    "version": "1.1.0",
    "schema": [{"name": "flights", "properties": [*COLUMNS[:2], {**COLUMNS[2], "required": True}]}],
}
BROKEN = {"jobType": "csv-to-parquet", "inputs": [], "size": "huge"}

REGISTRATION: dict[str, Any] = {
    "fileName": "flights.csv",
    "sizeBytes": len(CSV),
    "sha256": DIGEST.hexdigest(),
    "contentType": "text/csv",
    "tags": {"team": "ops"},
    "contract": "flights/1.0.0",
}
UPLOAD_KEY = {"Idempotency-Key": "flights-2026-11-23.csv"}
# As the answer to the registration says.
UPLOAD_HEADERS = {
    "Content-Type": "text/csv",
    "If-None-Match": "*",
    "x-amz-checksum-sha256": base64.b64encode(DIGEST.digest()).decode(),
    "x-amz-tagging": "state=pending",
}
PARTS = [{"number": 1, "sha256": "1a" * 32}, {"number": 2, "sha256": "2b" * 32}]
IN_PARTS = {**REGISTRATION, "sizeBytes": 12_000_000, "sha256": "9f" * 32, "partSizeBytes": 8 * 1024 * 1024}
OF_DATASET = {**SUBMISSION, "inputs": [{"name": "flights", "uri": "dataset:{dataset}"}]}

SYSTEM = (
    Step("live", "live", "GET", "/health/live"),
    Step("ready", "ready", "GET", "/health/ready"),
    Step("listJobTypes", "all", "GET", "/job-types"),
    Step("getJobType", "csvToParquet", "GET", "/job-types/csv-to-parquet"),
    Step("getJobType", "unknown", "GET", "/job-types/word-count", 404),
)
CONTRACTS = (
    Step("putContract", "first", "PUT", "/contracts/flights/1.0.0", 201, {}, CONTRACT, status_again=200),
    Step("putContract", "again", "PUT", "/contracts/flights/1.0.0", 200, {}, CONTRACT),
    Step("putContract", "another", "PUT", "/contracts/flights/1.0.0", 409, {}, {**CONTRACT, "status": "draft"}),
    Step("putContract", "tighter", "PUT", "/contracts/flights/1.1.0", 422, {}, TIGHTER),
    Step("putContract", "notChecked", "PUT", "/contracts/flights/2.0.0", 422, {}, {**CONTRACT, "slaProperties": []}),
    Step("getContract", "first", "GET", "/contracts/flights/1.0.0"),
    Step("getContract", "unknown", "GET", "/contracts/flights/9.9.9", 404),
    Step("listContractVersions", "flights", "GET", "/contracts/flights"),
    Step("listContracts", "all", "GET", "/contracts"),
)
SUBMITTING = (
    Step("submitJob", "submitted", "POST", "/jobs", 202, {}, SUBMISSION, None, KEY, {"job": "/jobId"}, inside=True),
    Step("submitJob", "repeated", "POST", "/jobs", 202, {}, SUBMISSION, None, KEY, inside=True),
    Step("submitJob", "dryRun", "POST", "/jobs", 200, {"dryRun": "true"}, SUBMISSION, inside=True),
    Step("submitJob", "ownWorkers", "POST", "/jobs", 200, {"dryRun": "true"}, ON_OWN_WORKERS, inside=True),
    Step("submitJob", "underContract", "POST", "/jobs", 200, {"dryRun": "true"}, HELD, inside=True),
    Step("submitJob", "otherColumns", "POST", "/jobs", 422, {}, OTHER_COLUMNS, inside=True),
    Step("submitJob", "reused", "POST", "/jobs", 422, {}, {**SUBMISSION, "size": "large"}, None, KEY, inside=True),
    Step("submitJob", "withoutInputs", "POST", "/jobs", 202, {}, SIMULATED, keep={"done": "/jobId"}),
    Step("submitJob", "wrong", "POST", "/jobs", 422, body=BROKEN),
    Step("submitJob", "noJson", "POST", "/jobs", 400, text='{"jobType": "sql"'),
    Step("submitJob", "noType", "POST", "/jobs", 415, text="sql", headers={"Content-Type": "text/plain"}),
    Step("submitBatch", "oneOfTwo", "POST", "/jobs/batch", 200, {}, {"jobs": [SIMULATED, BROKEN]}),
)
FOLLOWING = (
    Step("getJob", "succeeded", "GET", "/jobs/{job}", until=("/status", "SUCCEEDED"), inside=True),
    Step("getOutputs", "parquet", "GET", "/jobs/{job}/outputs", inside=True),
    Step("getLogs", "succeeded", "GET", "/jobs/{job}/logs", 200, {"tailLines": "3"}, inside=True),
    Step("getJob", "simulated", "GET", "/jobs/{done}", until=("/status", "SUCCEEDED")),
    Step("getOutputs", "nothing", "GET", "/jobs/{done}/outputs"),
    Step("getJob", "unknown", "GET", f"/jobs/{NOWHERE}", 404),
    Step("listJobs", "newest", "GET", "/jobs", 200, {"limit": "1"}, keep={"cursor": "/nextCursor"}),
    Step("listJobs", "nextPage", "GET", "/jobs", 200, {"limit": "1", "cursor": "{cursor}"}),
    Step("listJobs", "otherFilter", "GET", "/jobs", 400, {"status": "FAILED", "cursor": "{cursor}"}),
    Step("listJobs", "wrong", "GET", "/jobs", 422, {"limit": "0"}),
    Step("batchGetJobs", "some", "POST", "/jobs/batch-get", 200, {}, {"jobIds": ["{done}", NOWHERE]}),
    Step("getHistory", "succeeded", "GET", "/jobs/{done}/history"),
    Step("getExplanation", "succeeded", "GET", "/jobs/{done}/explain"),
    Step("getDashboard", "history", "GET", "/jobs/{done}/dashboard"),
    Step("getQuota", "mine", "GET", "/quota"),
)
CHANGING = (
    Step("submitJob", "long", "POST", "/jobs", 202, {}, LONG, keep={"long": "/jobId"}, hidden=True),
    Step("getJob", "running", "GET", "/jobs/{long}", until=("/status", "RUNNING")),
    Step("getExplanation", "running", "GET", "/jobs/{long}/explain"),
    Step("getOutputs", "running", "GET", "/jobs/{long}/outputs", 409),
    Step("getLogs", "notYet", "GET", "/jobs/{long}/logs"),
    Step("getLogs", "wrong", "GET", "/jobs/{long}/logs", 422, {"stream": "stdin"}),
    Step(
        "reportStatus",
        "progress",
        "POST",
        "/internal/jobs/{long}/status",
        body={"status": "RUNNING", "attempt": 1, "statusMessage": "Read 4 rows."},
        signed=True,
        inside=True,
    ),
    Step("reportStatus", "unsigned", "POST", "/internal/jobs/{long}/status", 401, body={"status": "RUNNING"}),
    Step("cancelJob", "asked", "POST", "/jobs/{long}/cancel", 202, {}, {"reason": "The input was the wrong file."}),
    Step("cancelJob", "ended", "POST", "/jobs/{done}/cancel", 409),
    Step("submitJob", "failing", "POST", "/jobs", 202, {}, FAILING, keep={"failed": "/jobId"}, hidden=True),
    Step("getJob", "failed", "GET", "/jobs/{failed}", until=("/status", "FAILED")),
    Step("getExplanation", "failed", "GET", "/jobs/{failed}/explain"),
    Step(
        "replayJob",
        "withOverrides",
        "POST",
        "/jobs/{failed}/replay",
        202,
        {},
        {"overrides": {"parameters": {"fail": None}}, "reason": "The column is there now."},
    ),
    Step("replayJob", "notFailed", "POST", "/jobs/{done}/replay", 409),
)
READY = "/datasets/{dataset}"
LARGE = "/datasets/{large}"
UPLOADING = (
    Step(
        "registerDataset",
        "registered",
        "POST",
        "/datasets",
        201,
        body=REGISTRATION,
        keep={"dataset": "/datasetId", "upload": "/upload/url"},
    ),
    Step("registerDataset", "withKey", "POST", "/datasets", 201, {}, REGISTRATION, None, UPLOAD_KEY, inside=True),
    Step("registerDataset", "reused", "POST", "/datasets", 422, {}, IN_PARTS, None, UPLOAD_KEY, inside=True),
    Step("registerDataset", "wrong", "POST", "/datasets", 422, body={**REGISTRATION, "fileName": "../flights.csv"}),
    Step("getDataset", "registered", "GET", READY),
    Step("completeDataset", "notUploaded", "POST", f"{READY}/complete", 409),
    Step("", "upload", "PUT", "{upload}", text=CSV, headers=UPLOAD_HEADERS, inside=True, hidden=True),
    Step("completeDataset", "ready", "POST", f"{READY}/complete", inside=True),
    Step("getDataset", "ready", "GET", READY, inside=True),
    Step("abandonDataset", "ready", "POST", f"{READY}/abandon", 409, inside=True),
    Step("submitJob", "ofDataset", "POST", "/jobs", 202, {}, OF_DATASET, inside=True),
    Step("registerDataset", "inParts", "POST", "/datasets", 201, {}, IN_PARTS, keep={"large": "/datasetId"}),
    Step("linkParts", "both", "POST", f"{LARGE}/parts", 200, {}, {"parts": PARTS}),
    Step("linkParts", "tooMany", "POST", f"{LARGE}/parts", 422, {}, {"parts": [{**PARTS[0], "number": 3}]}),
    Step("completeDataset", "tooEarly", "POST", f"{LARGE}/complete", 409),
    Step("abandonDataset", "inParts", "POST", f"{LARGE}/abandon"),
    Step("linkParts", "tooLate", "POST", f"{LARGE}/parts", 409, {}, {"parts": PARTS}),
    Step("getDataset", "unknown", "GET", f"/datasets/{NOWHERE}", 404),
    Step("listDatasets", "newest", "GET", "/datasets", 200, {"limit": "2"}),
    Step("listDatasets", "wrong", "GET", "/datasets", 422, {"limit": "0"}),
)
CHAPTERS = {
    "The service": SYSTEM,
    "Contracts": CONTRACTS,
    "Submitting jobs": SUBMITTING,
    "Following jobs": FOLLOWING,
    "Changing jobs": CHANGING,
    "Datasets": UPLOADING,
}
SCENARIO = tuple(step for steps in CHAPTERS.values() for step in steps)
