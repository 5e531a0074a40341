"""What a caller may do: by its scopes, and by whose jobs they are."""

from typing import Any

import pytest

from api.document.openapi import document_of
from api.identity.callers import DATASETS_WRITE, JOBS_READ, JOBS_WRITE, OPS, SCOPES
from shared.transitions import JobStatus
from tests.fakes.jobs import ended_job, job_id, submitted_job
from tests.unit.api.issuing import bearer, callers, token
from tests.unit.api.service import Api, problem_of, submission

READERS = {JOBS_READ, OPS}
# Written by hand: who may do what. Any one of the scopes is enough; None is open to all.
SCOPES_OF = {
    "POST /jobs": {JOBS_WRITE},
    "GET /jobs": READERS,
    "POST /jobs/batch-get": READERS,
    "GET /jobs/{jobId}": READERS,
    "GET /jobs/{jobId}/history": READERS,
    "GET /jobs/{jobId}/explain": READERS,
    "GET /jobs/{jobId}/outputs": READERS,
    "GET /jobs/{jobId}/logs": READERS,
    "GET /jobs/{jobId}/dashboard": READERS,
    "POST /jobs/batch": {JOBS_WRITE},
    "POST /jobs/{jobId}/cancel": {JOBS_WRITE},
    "POST /datasets": {DATASETS_WRITE},
    "GET /datasets": {*READERS, DATASETS_WRITE},
    "GET /datasets/{datasetId}": {*READERS, DATASETS_WRITE},
    "POST /datasets/{datasetId}/parts": {DATASETS_WRITE},
    "POST /datasets/{datasetId}/complete": {DATASETS_WRITE},
    "POST /datasets/{datasetId}/abandon": {DATASETS_WRITE},
    "GET /quota": READERS,
    "POST /jobs/{jobId}/replay": {JOBS_WRITE},
    "PUT /contracts/{name}/{version}": {DATASETS_WRITE},
    "GET /contracts": READERS,
    "GET /contracts/{name}": READERS,
    "GET /contracts/{name}/{version}": READERS,
    "GET /job-types": READERS,
    "GET /job-types/{name}": READERS,
    "GET /health/live": None,
    "GET /health/ready": None,
    "POST /internal/jobs/{jobId}/status": None,  # signed by the attempt
}
BODIES = {"POST /jobs": submission(), "POST /jobs/batch-get": {"jobIds": [job_id()]}}
OPEN = ("/health/live", "/health/ready", "/openapi.json", "/docs", "/docs/init.js", "/docs/swagger-ui.css")


@pytest.fixture
def api() -> Api:
    """An API that wants tokens."""
    return Api(callers())


def of(owner: str, *scopes: str) -> dict[str, str]:
    """The header of a caller with these scopes."""
    return bearer(token(sub=owner, scope=" ".join(scopes)))


ANN, OPERATOR = of("ann", JOBS_READ, JOBS_WRITE), of("olga", OPS)


def scopes_in(operation: dict[str, Any]) -> set[str] | None:
    """Which scopes the document says."""
    if "security" not in operation:
        return None
    return {scope for requirement in operation["security"] for scope in requirement["bearer"]}


def test_the_document_says_for_every_operation_which_scope_it_needs(api: Api):
    document = document_of(api.app)

    told = {
        f"{method.upper()} {path}": scopes_in(operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert told == SCOPES_OF
    described = document["components"]["securitySchemes"]["bearer"]["description"]
    assert all(f"`{scope}`" in described for scope in SCOPES)


GUARDED = [(name, scope) for name, scopes in SCOPES_OF.items() if scopes is not None for scope in (*SCOPES, "jobs")]


@pytest.mark.parametrize(("name", "scope"), GUARDED)
def test_every_operation_is_open_to_its_scopes_and_to_no_other(api: Api, name: str, scope: str):
    method, path = (
        name.replace("{jobId}", job_id()).replace("{datasetId}", job_id()).replace("{name}", "sql").split(" ")
    )
    api.put(ended_job(owner_id="ann"))

    response = api.call(method, path, json=BODIES.get(name), headers=of("ann", scope))

    allowed = SCOPES_OF[name]
    assert allowed is not None
    if scope in allowed:
        assert response.status_code not in (401, 403)
        return
    assert problem_of(response) == (403, "insufficient_scope")
    challenge = response.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="cloud-data-platform", error="insufficient_scope", error_description="')
    assert challenge.endswith(f'scope="{next(each for each in SCOPES if each in allowed)}"')


@pytest.mark.parametrize("name", [name for name, scopes in SCOPES_OF.items() if scopes is not None])
def test_no_operation_reads_anything_before_it_knows_who_calls(api: Api, name: str):
    method, path = name.replace("{jobId}", "x").replace("{datasetId}", "x").replace("{name}", "x").split(" ")

    response = api.call(method, f"{path}?unknown=1", data=b"{", content_type="text/plain")

    assert problem_of(response) == (401, "unauthenticated")
    assert api.seam.calls == []


@pytest.mark.parametrize("path", OPEN)
def test_what_is_open_needs_no_token_and_minds_no_wrong_one(api: Api, path: str):
    assert api.get(path).status_code == 200
    assert api.get(path, headers=bearer("x")).status_code == 200


def test_reports_are_let_in_by_their_signatures_and_not_by_tokens(api: Api):
    job = api.put(submitted_job(owner_id="ann"))
    path, everything = api.report_path(job), of("olga", *SCOPES)

    unsigned = api.post(path, json={"status": "RUNNING"}, headers=everything)
    signed = api.report(job, "RUNNING")

    assert problem_of(unsigned) == (401, "bad_signature")
    assert signed.status_code == 200


def test_a_job_belongs_to_whoever_submitted_it(api: Api):
    record = api.post("/jobs", json=submission(), headers=ANN).get_json()

    assert record["owner"] == "ann"
    assert api.get(f"/jobs/{record['jobId']}", headers=ANN).get_json()["owner"] == "ann"
    assert api.get("/jobs", headers=ANN).get_json()["items"][0]["jobId"] == record["jobId"]


@pytest.mark.parametrize("path", ["", "/history", "/outputs", "/cancel", "/replay"])
def test_a_job_of_somebody_else_reads_as_one_that_does_not_exist(api: Api, path: str):
    job = api.put(ended_job(owner_id="bob"))
    method = "POST" if path in ("/cancel", "/replay") else "GET"

    of_bob = api.call(method, f"/jobs/{job.job_id}{path}", headers=ANN).get_json()
    of_nobody = api.call(method, f"/jobs/{job_id(2)}{path}", headers=ANN).get_json()

    assert of_bob["code"] == of_nobody["code"] == "job_not_found"
    assert of_bob["detail"].replace(job.job_id, "") == of_nobody["detail"].replace(job_id(2), "")


@pytest.mark.parametrize("owners", [("ann", "Ann"), ("ann", "ann "), ("ann", "ann#FAILED"), ("a|b", "a"), ("1", "01")])
def test_owners_whose_names_are_alike_see_nothing_of_each_other(api: Api, owners: tuple[str, str]):
    for number, owner in enumerate(owners, start=1):
        api.put(submitted_job(number, owner_id=owner))

    seen = [
        [item["jobId"] for item in api.get(f"/jobs{query}", headers=of(owner, JOBS_READ)).get_json()["items"]]
        for query in ("", "?status=SUBMITTED")
        for owner in owners
    ]

    assert seen == [[job_id(1)], [job_id(2)]] * 2


def test_the_same_idempotency_key_of_two_owners_makes_two_jobs(api: Api):
    made = [
        api.post("/jobs", json=submission(), headers={**of(owner, JOBS_WRITE), "Idempotency-Key": "nightly"})
        for owner in ("ann", "bob", "ann")
    ]

    ids = [response.get_json()["jobId"] for response in made]
    assert ids[0] == ids[2] != ids[1]
    assert [response.headers.get("Idempotency-Replayed") for response in made] == [None, None, "true"]


def test_an_operator_sees_the_jobs_of_everybody(api: Api):
    job = api.put(ended_job(owner_id="bob"))

    paths = [
        f"/jobs/{job.job_id}",
        f"/jobs/{job.job_id}/history",
        "/jobs?owner=bob",
        "/jobs?owner=bob&status=SUCCEEDED",
    ]

    assert [api.get(path, headers=OPERATOR).status_code for path in paths] == [200] * 4
    assert [item["owner"] for item in api.get("/jobs?owner=bob", headers=OPERATOR).get_json()["items"]] == ["bob"]


def test_an_operator_changes_the_jobs_of_others_only_with_the_scope_for_changes(api: Api):
    job = api.put(submitted_job(owner_id="bob"))
    path = f"/jobs/{job.job_id}/cancel"

    refused = api.post(path, headers=OPERATOR)
    cancelled = api.post(path, headers=of("olga", OPS, JOBS_WRITE))

    assert (problem_of(refused), cancelled.status_code) == ((403, "insufficient_scope"), 202)
    assert api.stored(job.job_id).history[-1].by == "api:olga"


def test_an_operators_replay_belongs_to_the_owner_of_the_failed_job(api: Api):
    job = api.put(ended_job(JobStatus.FAILED, owner_id="bob"))

    response = api.post(f"/jobs/{job.job_id}/replay", headers=of("olga", OPS, JOBS_WRITE))

    new = api.stored(response.get_json()["jobId"])
    assert (response.status_code, new.owner_id, new.history[0].by) == (202, "bob", "api:olga")


def test_whose_jobs_to_list_is_a_question_only_operators_ask(api: Api):
    api.put(submitted_job(1, owner_id="ann"))

    refused = api.get("/jobs?owner=bob", headers=ANN)
    own = api.get("/jobs?owner=ann", headers=ANN)

    assert problem_of(refused) == (403, "insufficient_scope")
    assert refused.headers["WWW-Authenticate"].endswith('scope="ops"')
    assert [item["owner"] for item in own.get_json()["items"]] == ["ann"]


@pytest.mark.parametrize("query", ["", "&status=SUBMITTED", "&status=SUBMITTED,RUNNING&jobType=csv-to-parquet"])
def test_an_operator_may_list_the_jobs_of_all_owners_and_nobody_else_may(api: Api, query: str):
    for number, owner in enumerate(["ann", "bob", "olga"], start=1):
        api.put(submitted_job(number, owner_id=owner))

    listed = api.get(f"/jobs?owner=*{query}", headers=OPERATOR).get_json()["items"]

    assert [item["owner"] for item in listed] == ["olga", "bob", "ann"]
    assert problem_of(api.get(f"/jobs?owner=*{query}", headers=ANN)) == (403, "insufficient_scope")


def test_the_scope_of_operators_changes_nothing_about_their_own_list(api: Api):
    for number, owner in enumerate(["ann", "olga"], start=1):
        api.put(submitted_job(number, owner_id=owner))

    assert [item["owner"] for item in api.get("/jobs", headers=OPERATOR).get_json()["items"]] == ["olga"]


def test_among_jobs_asked_for_by_id_those_of_somebody_else_read_as_missing(api: Api):
    for number, owner in enumerate(["ann", "bob"], start=1):
        api.put(submitted_job(number, owner_id=owner))
    both = {"jobIds": [job_id(1), job_id(2)]}

    of_ann = api.post("/jobs/batch-get", json=both, headers=ANN).get_json()
    of_operator = api.post("/jobs/batch-get", json=both, headers=OPERATOR).get_json()

    assert ([item["owner"] for item in of_ann["items"]], of_ann["notFound"]) == (["ann"], [job_id(2)])
    assert ([item["owner"] for item in of_operator["items"]], of_operator["notFound"]) == (["ann", "bob"], [])


def test_a_cursor_belongs_to_one_owners_list_whoever_reads_it(api: Api):
    for number in range(1, 4):
        api.put(submitted_job(number, owner_id="bob"))
    cursor = api.get("/jobs?owner=bob&limit=1", headers=OPERATOR).get_json()["nextCursor"]

    same = api.get(f"/jobs?owner=bob&limit=1&cursor={cursor}", headers=OPERATOR)
    other = api.get(f"/jobs?owner=ann&limit=1&cursor={cursor}", headers=OPERATOR)
    of_bob = api.get(f"/jobs?limit=1&cursor={cursor}", headers=of("bob", JOBS_READ))

    everybodys = api.get(f"/jobs?owner=*&limit=1&cursor={cursor}", headers=OPERATOR)

    assert [same.status_code, other.status_code, everybodys.status_code, of_bob.status_code] == [200, 400, 400, 200]


def test_without_identity_there_is_one_owner_and_no_operator():
    api = Api()
    job = api.put(submitted_job(5, owner_id="ann"))

    assert api.get(f"/jobs/{job.job_id}", headers=bearer("whatever")).status_code == 404
    assert problem_of(api.get("/jobs?owner=ann")) == (403, "insufficient_scope")
    assert api.submit().get_json()["owner"] == "local"


def test_a_caller_that_no_route_asked_for_is_a_bug_and_nobodys_data(api: Api):
    from api.identity.auth import caller

    api.app.add_url_rule("/forgotten", view_func=lambda: caller().owner_id)

    assert problem_of(api.get("/forgotten", headers=ANN)) == (500, "internal_error")
