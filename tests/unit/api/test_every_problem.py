"""Every error of the table of errors is one that a client can meet: here is how."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest
import werkzeug.exceptions
from werkzeug.test import TestResponse

from api.identity.callers import DATASETS_WRITE, JOBS_READ, Caller
from api.protocol.errors import ANSWERED
from shared.contracts.contract_registry import MOST_VERSIONS
from shared.errors import (
    AppError,
    BadCursor,
    BadSignature,
    BodyTooLarge,
    ContractExists,
    ContractFull,
    ContractIncompatible,
    ContractNotFound,
    ContractNotYours,
    DashboardNotReady,
    DatasetHeldBack,
    DatasetNotFound,
    Forbidden,
    IdempotencyKeyReused,
    InvalidToken,
    InvalidTransition,
    IssuerUnavailable,
    JobAlreadyEnded,
    JobAlreadyReplayed,
    JobNotFailed,
    JobNotFound,
    MalformedRequest,
    MessageAlreadySeen,
    MethodNotAllowed,
    NotFound,
    ObjectsUnavailable,
    OutputsNotReady,
    QuotaExceeded,
    RateLimited,
    ReportRefused,
    ServiceUnavailable,
    SparkUnavailable,
    StoreUnavailable,
    TooManyLinks,
    TooManyRequests,
    Unauthenticated,
    UnsupportedMediaType,
    UploadClosed,
    UploadMismatch,
    UploadMissing,
    ValidationFailed,
)
from shared.models import Job
from shared.transitions import JobStatus
from tests.fakes.jobs import ended_job, job_id, submitted_job, tracking_job
from tests.fakes.seam import no_connection
from tests.unit.api.issuing import bearer, callers, token
from tests.unit.api.service import Api, submission
from tests.unit.api.test_dataset_inputs import of_dataset, ready
from tests.unit.api.test_datasets import register, registered, upload
from tests.unit.contracts.documents import column, document

JSON = {"Content-Type": "application/json"}


class NobodyIsKnown:
    """Callers whose issuer is away."""

    def identify(self, authorization: str | None, now: datetime) -> Caller:
        raise IssuerUnavailable("Nobody answers.")


def away(call: str, method: str, path: str, **options: Any) -> TestResponse:
    """The answer to a request whose first call of this name finds nobody."""
    api = Api()
    api.seam.fail_before(call, no_connection())
    return api.call(method, path, **options)


def after_submission(next_request: Callable[[Api], TestResponse], **settings: Any) -> TestResponse:
    """The answer to what follows a submission under the key k."""
    api = Api(**settings)
    api.submit(key="k")
    return next_request(api)


def about(job: Any, request: Callable[[Api, Any], TestResponse]) -> TestResponse:
    """The answer to a request about this one job."""
    api = Api()
    return request(api, api.put(job))


def sent_twice(api: Api, job: Any) -> TestResponse:
    """The answer to a report that comes a second time."""
    headers = api.signature(job.job_id, 0, b"{}")
    api.post(api.report_path(job), data=b"{}", headers=headers)
    return api.post(api.report_path(job), data=b"{}", headers=headers)


def replayed_twice(api: Api, job: Any) -> TestResponse:
    """The answer to a second replay, with other overrides."""
    api.post(f"/jobs/{job.job_id}/replay", json={"overrides": {"size": "large"}})
    return api.post(f"/jobs/{job.job_id}/replay", json={"overrides": {"size": "medium"}})


def after_registration(next_request: Callable[[Api, str], TestResponse], **settings: Any) -> TestResponse:
    """The answer to what follows the registration of a dataset, whose path it is told."""
    api = Api(**settings)
    return next_request(api, f"/datasets/{registered(api)['datasetId']}")


def completed_with_other_bytes(api: Api, path: str) -> TestResponse:
    """The answer when what lies in S3 is not what was registered."""
    upload(api, api.get(path).get_json(), b"other bytes")
    return api.post(f"{path}/complete")


def completed_after_all(api: Api, path: str) -> TestResponse:
    """The answer when a dataset is completed that was given up."""
    api.post(f"{path}/abandon")
    return api.post(f"{path}/complete")


def without_emr(api: Api, job: Job) -> TestResponse:
    """The answer to who wants a dashboard while EMR Serverless cannot be reached."""
    api.seam.fail_before("get_dashboard_for_job_run", no_connection())
    return api.get(f"/jobs/{job.job_id}/dashboard")


def submitted_before_its_scan_has_ended() -> TestResponse:
    """The answer to a job of a dataset of which nothing is known yet."""
    api = Api(dataset_scans="require")
    return api.post("/jobs", json=of_dataset(ready(api)["datasetId"]))


def raised(error: Exception) -> TestResponse:
    """The answer when a view raises this."""
    api = Api()

    def view():
        raise error

    api.app.add_url_rule("/raises", view_func=view)
    return api.get("/raises")


def after_contract(*documents: Any) -> TestResponse:
    """The answer to the last of these contracts, put one after the other."""
    api = Api()
    return [api.put_contract(each) for each in documents][-1]


def to_a_full_contract() -> TestResponse:
    """The answer to one version more than a contract may have."""
    api = Api()
    api.put_contract(document())
    item = api.dynamodb.items(api.settings.contracts_table)["flights"]
    item["versions"] = {f"2.{number}.0": item["versions"]["1.0.0"] for number in range(MOST_VERSIONS)}
    return api.put_contract(document(version="3.0.0"))


def to_a_contract_of_anas() -> TestResponse:
    """The answer to somebody else's version."""
    api = Api(callers())
    api.put_contract(document(), headers=bearer(token(sub="ana", scope=DATASETS_WRITE)))
    return api.put_contract(document(version="2.0.0"), headers=bearer(token(sub="bob", scope=DATASETS_WRITE)))


# A row for each error that the API answers: a request that meets it.
SCENARIOS: Mapping[type[AppError], Callable[[], TestResponse]] = {
    MalformedRequest: lambda: Api().post("/jobs", data=b"{", headers=JSON),
    BadCursor: lambda: Api().get("/jobs?cursor=made-up"),
    InvalidTransition: lambda: about(submitted_job(), lambda api, job: api.report(job, "SUCCEEDED")),
    ReportRefused: lambda: about(tracking_job(), lambda api, job: api.report(job, "RUNNING", attempt=job.attempt + 1)),
    BadSignature: lambda: Api().post(f"/internal/jobs/{job_id()}/status", json={"status": "RUNNING"}),
    MessageAlreadySeen: lambda: about(tracking_job(), sent_twice),
    Unauthenticated: lambda: Api(callers()).get("/jobs"),
    InvalidToken: lambda: Api(callers()).get("/jobs", headers=bearer("no.token.atall")),
    Forbidden: lambda: Api(callers()).post("/jobs", json={}, headers=bearer(token(scope=JOBS_READ))),
    NotFound: lambda: Api().get("/nothing"),
    JobNotFound: lambda: Api().get(f"/jobs/{job_id()}"),
    DatasetNotFound: lambda: Api().get(f"/datasets/{job_id()}"),
    UploadMissing: lambda: after_registration(lambda api, path: api.post(f"{path}/complete")),
    UploadMismatch: lambda: after_registration(completed_with_other_bytes),
    DatasetHeldBack: submitted_before_its_scan_has_ended,
    UploadClosed: lambda: after_registration(completed_after_all),
    TooManyLinks: lambda: after_registration(lambda api, path: register(api), links_per_owner=1),
    MethodNotAllowed: lambda: Api().call("DELETE", "/jobs"),
    ContractNotFound: lambda: Api().get("/contracts/nothing"),
    ContractNotYours: to_a_contract_of_anas,
    ContractExists: lambda: after_contract(document(), document(status="draft")),
    ContractFull: to_a_full_contract,
    ContractIncompatible: lambda: after_contract(document(column("a")), document(column("b"), version="1.0.1")),
    JobAlreadyEnded: lambda: about(ended_job(), lambda api, job: api.post(f"/jobs/{job.job_id}/cancel")),
    JobNotFailed: lambda: about(submitted_job(), lambda api, job: api.post(f"/jobs/{job.job_id}/replay")),
    JobAlreadyReplayed: lambda: about(ended_job(JobStatus.FAILED), replayed_twice),
    OutputsNotReady: lambda: about(submitted_job(), lambda api, job: api.get(f"/jobs/{job.job_id}/outputs")),
    DashboardNotReady: lambda: about(submitted_job(), lambda api, job: api.get(f"/jobs/{job.job_id}/dashboard")),
    BodyTooLarge: lambda: Api(max_body_bytes=100).post("/jobs", data=b" " * 101, headers=JSON),
    UnsupportedMediaType: lambda: Api().post("/jobs", data=b"{}", headers={"Content-Type": "text/plain"}),
    ValidationFailed: lambda: Api().post("/jobs", json={}),
    IdempotencyKeyReused: lambda: after_submission(lambda api: api.submit(key="k", size="large")),
    TooManyRequests: lambda: raised(werkzeug.exceptions.TooManyRequests(retry_after=7)),
    RateLimited: lambda: after_submission(lambda api: api.submit(), rate_writes_burst=1),
    QuotaExceeded: lambda: after_submission(lambda api: api.submit(), quota_active_jobs=1),
    AppError: lambda: raised(RuntimeError("a bug")),
    ServiceUnavailable: lambda: raised(werkzeug.exceptions.ServiceUnavailable(retry_after=60)),
    StoreUnavailable: lambda: away("get_item", "GET", f"/jobs/{job_id()}"),
    ObjectsUnavailable: lambda: away("head_object", "POST", "/jobs", json=submission()),
    SparkUnavailable: lambda: about(tracking_job(), without_emr),
    IssuerUnavailable: lambda: Api(NobodyIsKnown()).get("/jobs", headers=bearer("any")),
}


@pytest.mark.parametrize("error", ANSWERED, ids=lambda error: error.code)
def test_every_error_that_the_api_answers_can_be_met(error: type[AppError]):
    assert error in SCENARIOS, f"add a row for {error.__name__} to SCENARIOS"

    response = SCENARIOS[error]()

    assert response.content_type == "application/problem+json"
    assert (response.status_code, response.get_json()["code"]) == (error.http_status, error.code)
    assert response.get_json()["title"] == error.title
    if error.retryable:
        assert int(response.headers["Retry-After"]) > 0


def test_no_row_is_about_an_error_that_is_not_answered():
    assert set(SCENARIOS) <= set(ANSWERED)


@pytest.mark.parametrize("error", [error for error in ANSWERED if error is not AppError], ids=lambda error: error.code)
def test_every_error_says_what_a_client_can_do(error: type[AppError]):
    assert error.remedy != AppError.remedy, f"give {error.__name__} a remedy"
    assert error.remedy.endswith(".")
