"""Rate limits as clients meet them: told on every answer, and refused with the moment to come back."""

import pytest

from tests.fakes.jobs import job_id, submitted_job
from tests.fakes.seam import no_connection
from tests.unit.api.issuing import bearer, callers, token
from tests.unit.api.service import Api, problem_of, submission

POLICY, LEFT = "RateLimit-Policy", "RateLimit"


def limited(**settings: float) -> Api:
    """An API whose callers may do little: two writes at once, one more each ten seconds; three reads, one a second."""
    few = {"rate_writes_per_second": 0.1, "rate_writes_burst": 2, "rate_reads_per_second": 1.0, "rate_reads_burst": 3}
    return Api(**{**few, **settings})


def test_every_answer_tells_the_limit_and_what_is_left():
    api = limited()
    api.put(submitted_job())

    written, read = api.submit(), api.get(f"/jobs/{job_id()}")
    wrong, missing = api.submit(size="huge"), api.get(f"/jobs/{job_id(9)}")

    assert (written.headers[POLICY], written.headers[LEFT]) == ('"writes";q=2;w=20', '"writes";r=1;t=10')
    assert (read.headers[POLICY], read.headers[LEFT]) == ('"reads";q=3;w=3', '"reads";r=2;t=1')
    assert (wrong.status_code, wrong.headers[LEFT]) == (422, '"writes";r=0;t=20')
    assert (missing.status_code, missing.headers[LEFT]) == (404, '"reads";r=1;t=2')


def test_who_comes_too_often_is_told_which_limit_it_is_and_when_to_come_back():
    api = limited()
    for _ in range(2):
        api.submit()
    api.clock.forward(1)

    response = api.submit()

    assert problem_of(response) == (429, "rate_limited")
    assert response.headers["Retry-After"] == "9"
    assert response.headers[LEFT] == '"writes";r=0;t=19'
    detail = response.get_json()["detail"]
    assert detail == (
        "Each caller may send 2 requests of the limit 'writes' at once, and after that 0.1 a second. "
        "The next one passes in 9 s."
    )
    api.clock.forward(9)
    assert api.submit().status_code == 202


def test_who_waits_as_long_as_told_is_let_through():
    api = limited()
    while (response := api.get("/jobs")).status_code == 200:
        pass

    api.clock.forward(int(response.headers["Retry-After"]))

    assert api.get("/jobs").status_code == 200


def test_a_refused_request_is_refused_before_its_body_is_read():
    api = limited()
    for _ in range(2):
        api.submit()
    api.seam.calls.clear()

    response = api.post("/jobs", data=b"{not json", content_type="text/plain")

    assert problem_of(response) == (429, "rate_limited")
    assert api.seam.calls == []


def test_reads_and_writes_are_counted_apart():
    api = limited()
    for _ in range(3):
        api.submit()

    assert api.get("/jobs").status_code == 200


def test_callers_are_counted_apart():
    api = Api(callers(), rate_writes_per_second=0.1, rate_writes_burst=1)
    ann, bob = (bearer(token(sub=owner)) for owner in ("ann", "bob"))

    answers = [api.post("/jobs", json=submission(), headers=who).status_code for who in (ann, ann, bob)]

    assert answers == [202, 429, 202]


def test_who_is_not_known_or_not_allowed_uses_nothing_up():
    api = Api(callers(), rate_writes_per_second=0.1, rate_writes_burst=1)

    refused = [
        api.post("/jobs", json=submission(), headers=headers)
        for headers in ({}, bearer("x.y.z"), bearer(token(scope="jobs:read")))
    ]

    assert [answer.status_code for answer in refused] == [401, 401, 403]
    assert all(POLICY not in answer.headers for answer in refused)
    assert api.post("/jobs", json=submission(), headers=bearer(token())).status_code == 202


def test_a_batch_counts_as_one_request():
    api = limited()

    response = api.post("/jobs/batch", json={"jobs": [submission()] * 10})

    assert response.headers[LEFT].startswith('"writes";r=1;')


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/openapi.json", "/nothing"])
def test_what_nobody_must_sign_in_for_has_no_limit(path: str):
    response = limited().http.get(path)

    assert POLICY not in response.headers
    assert LEFT not in response.headers


def test_without_the_table_of_limits_requests_pass_and_each_process_counts():
    api = limited()
    api.limits_seam.fail_before("update_item", no_connection(), times=99)

    answers = [api.submit() for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[0].headers[LEFT] == '"writes";r=1;t=10'


def test_the_document_tells_of_the_headers_where_they_are():
    document = Api().get("/openapi.json").get_json()

    answers = document["paths"]["/jobs"]["post"]["responses"]
    assert all({POLICY, LEFT} <= set(answer["headers"]) for answer in answers.values())
    assert POLICY not in document["paths"]["/health/live"]["get"]["responses"]["200"]["headers"]
    assert "rate_limited" in answers["429"]["content"]["application/problem+json"]["examples"]
