"""The API as a test sees it: a client that checks every answer against the document, and the fakes behind it."""

import itertools
import json
from dataclasses import replace
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.identity.callers import Anybody, Callers
from api.services import Services
from shared.contracts.contract_registry import ContractRegistry
from shared.contracts.contract_store import ContractStore
from shared.control_store import ControlStore
from shared.dashboards import Dashboards
from shared.datasets.dataset_store import DatasetStore
from shared.datasets.links import Links
from shared.datasets.uploads import UploadStore
from shared.job_lists import JobLists
from shared.job_queue import JobQueue
from shared.job_store import JobStore
from shared.limits.quota_items import QuotaStore
from shared.limits.rate_limit_table import SharedLimiter
from shared.limits.rate_limiter import LocalLimiter, RateLimiter
from shared.limits.rate_limits import rates_of
from shared.models import Job, job_to_item
from shared.object_store import ObjectStore
from shared.settings import API, Settings
from shared.signatures import callback_key, sign
from shared.transitions import JobStatusTransitionValidator
from tests.fakes import jobs
from tests.fakes.clock import Clock
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.emr import FakeEMR
from tests.fakes.s3 import FakeS3
from tests.fakes.seam import Client, Seam
from tests.fakes.settings import as_given_to
from tests.fakes.sqs import FakeSQS
from tests.unit.api.contract import Contract

RAW = "cloud-data-platform-dev-raw"
FLIGHTS = f"s3://{RAW}/flights/flights.csv"
MASTER_KEY = "a master key of at least 32 characters"
ROLE = "arn:aws:iam::000000000000:role/jobs"


def submission(**changes: Any) -> dict[str, Any]:
    """The body of a request that is accepted; a change to None takes a field away."""
    body = {
        "jobType": "csv-to-parquet",
        "inputs": [{"name": "flights", "uri": FLIGHTS}],
        "parameters": {"header": True},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


class Api:
    """The application, and everything that it stands on."""

    def __init__(self, callers: Callers | None = None, dynamodb: Any = None, **settings: Any) -> None:
        """`dynamodb` is another client than that of a fake of its own."""
        self._callers = callers or Anybody()
        given = {"emr_application_id": "00app", "emr_job_role_arn": ROLE, "callback_signing_keys": (MASTER_KEY,)}
        self.settings = replace(Settings(), **{**given, "cursor_signing_keys": ("k" * 32,), **settings})
        self.clock, self.seam, self.limits_seam = Clock(), Seam(), Seam()
        self.dynamodb, self.s3 = dynamodb or FakeDynamoDB(self.clock), FakeS3()
        self.emr = FakeEMR(self.clock)
        self.sqs = FakeSQS(self.clock, [self.settings.jobs_queue], self.settings.dead_letter_queue)
        self.s3.objects[RAW, "flights/flights.csv"] = b"carrier\nUA\n"
        self.store = JobStore(
            self._client(self.dynamodb),
            self.settings.jobs_table,
            self.settings.control_table,
            JobStatusTransitionValidator(),
        )
        self.app = self._make_app()
        self.http: FlaskClient = self.app.test_client()
        self._contract = Contract(self.app)
        self._numbers = itertools.count(1)

    def _client(self, service: Any) -> Any:
        return Client(service, self.seam, self.clock)

    def _make_app(self) -> Flask:
        numbers = itertools.count(1)
        sqs = self._client(self.sqs)
        return create_app(
            Services(
                settings=as_given_to(API, self.settings),
                store=self.store,
                lists=JobLists(self._client(self.dynamodb), self.settings.jobs_table, self.store),
                queue=JobQueue(sqs, sqs, self.settings.jobs_queue),
                objects=ObjectStore(self._client(self.s3)),
                control=ControlStore(
                    self._client(self.dynamodb), self.settings.control_table, 1.0, 1, lambda tries: None
                ),
                quotas=QuotaStore(self._client(self.dynamodb), self.settings.control_table),
                limiter=self._make_limiter(),
                datasets=DatasetStore(
                    self._client(self.dynamodb),
                    self.settings.datasets_table,
                    self.settings.control_table,
                    pause=lambda tries: None,
                ),
                uploads=UploadStore(self._client(self.s3)),
                links=Links(self._client(self.s3), self.settings.links_per_owner),
                contracts=ContractRegistry(
                    ContractStore(self._client(self.dynamodb), self.settings.contracts_table),
                    ObjectStore(self._client(self.s3)),
                    self.settings,
                    pause=lambda tries: None,
                ),
                dashboards=Dashboards(self._client(self.emr)),
                callers=self._callers,
                clock=self.clock,
                new_job_id=lambda now: jobs.job_id(next(numbers)),
                new_dataset_id=lambda now: jobs.job_id(next(numbers)),
            )
        )

    def _make_limiter(self) -> RateLimiter:
        """Its calls pass a seam of their own: no test of a route is about them."""
        table = SharedLimiter(Client(self.dynamodb, self.limits_seam, self.clock), self.settings.control_table)
        return RateLimiter(rates_of(self.settings), LocalLimiter(), table)

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        """One request, whose answer must be one that the document allows."""
        response = self.http.open(path, method=method, **options)
        self._contract.check(method, path, response)
        return response

    def get(self, path: str, **options: Any) -> TestResponse:
        """GET."""
        return self.call("GET", path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        """POST."""
        return self.call("POST", path, **options)

    def put_contract(self, document: Any, **options: Any) -> TestResponse:
        """Put a contract where it says that it belongs."""
        path = f"/contracts/{document['name']}/{document['version']}"
        return self.call("PUT", path, json=document, **options)

    def submit(self, key: str | None = None, **changes: Any) -> TestResponse:
        """Submit a job, by an Idempotency-Key or without."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.post("/jobs", json=submission(**changes), headers=headers)

    def report(self, job: Job, status: str, attempt: int | None = None, **more: Any) -> TestResponse:
        """Report the status of an attempt, signed as it must be; `headers` replace some of the signature's."""
        headers = more.pop("headers", {})
        fields = {"status": status, "attempt": attempt, **more}
        body = json.dumps({name: value for name, value in fields.items() if value is not None}).encode()
        signed = self.signature(job.job_id, attempt or 0, body)
        return self.post(self.report_path(job), data=body, headers={**signed, **headers})

    @staticmethod
    def report_path(job: Job) -> str:
        """Where to report."""
        return f"/internal/jobs/{job.job_id}/status"

    def signature(self, job_id: str, attempt: int, body: bytes, age_seconds: int = 0) -> dict[str, str]:
        """The headers of a message that an attempt signs."""
        message_id, timestamp = f"msg-{next(self._numbers)}", int(self.clock().timestamp()) - age_seconds
        return {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(callback_key(MASTER_KEY, job_id, attempt), message_id, timestamp, body),
        }

    def put(self, job: Job) -> Job:
        """Store a job as it is, at whatever point of its life."""
        self.dynamodb.items(self.settings.jobs_table)[job.job_id] = job_to_item(job)
        return job

    def stored(self, job_id: str) -> Job:
        """A job as it is stored now."""
        return self.store.get(job_id)

    def messages(self) -> list[dict[str, Any]]:
        """What was sent to the workers."""
        return [json.loads(body) for body in self.sqs.bodies(self.settings.jobs_queue)]

    def writes(self) -> int:
        """How many writes there were to the tables."""
        return sum(call in ("put_item", "update_item", "transact_write_items") for call in self.seam.calls)


def problem_of(response: TestResponse) -> tuple[int, str]:
    """The status and the code of an error."""
    return response.status_code, response.get_json()["code"]


def pointers_of(response: TestResponse) -> list[str]:
    """Where the fields are that an error names."""
    return [problem["pointer"] for problem in response.get_json()["errors"]]
