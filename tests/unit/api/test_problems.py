"""Whatever goes wrong is answered by a problem document, with the headers that belong to it."""

import pytest
from werkzeug.exceptions import Gone, ServiceUnavailable, TooManyRequests

from api.protocol.errors import ANSWERED
from shared.errors import FieldProblem, ValidationFailed
from tests.fakes.jobs import job_id
from tests.unit.api.service import Api, problem_of


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/jobs", {"GET", "HEAD", "POST"}),
        ("DELETE", f"/jobs/{job_id()}", {"GET", "HEAD"}),
        ("OPTIONS", "/jobs", {"GET", "HEAD", "POST"}),
        ("GET", f"/jobs/{job_id()}/cancel", {"POST"}),
        ("POST", "/health/live", {"GET", "HEAD"}),
        ("GET", "/jobs/batch", {"POST"}),
        ("OPTIONS", "/jobs/batch", {"POST"}),
        ("BREW", "/jobs", {"GET", "HEAD", "POST"}),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(api: Api, method: str, path: str, allowed: set[str]):
    response = api.call(method, path)

    assert problem_of(response) == (405, "method_not_allowed")
    assert set(response.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    "path",
    ["/", "/nothing", "/jobs/", "/jobs//", "/Jobs", "/docs/../api/wsgi.py", "/docs/index.html", "/%00"],
)
def test_an_unknown_path_is_not_found(api: Api, path: str):
    assert problem_of(api.get(path)) == (404, "not_found")


def raising(api: Api, error: Exception):
    """The answer when a route raises this."""

    def view():
        raise error

    api.app.add_url_rule("/raises", view_func=view)
    return api.get("/raises")


def test_a_bug_is_answered_without_a_word_about_it(api: Api, capsys: pytest.CaptureFixture[str]):
    response = raising(api, RuntimeError("the password is swordfish"))

    assert problem_of(response) == (500, "internal_error")
    assert "swordfish" not in response.text
    assert response.get_json()["correlationId"] == response.headers["X-Correlation-Id"]
    assert "swordfish" in capsys.readouterr().out


def test_what_a_problem_quotes_is_told_without_secrets(api: Api):
    error = ValidationFailed("No ann@example.com.", [FieldProblem("/ann@example.com", "There is no Bearer abc.def.")])
    error.facts = {"found": {"of": ["ann@example.com"]}}

    told = raising(api, error).get_json()

    assert (told["detail"], told["found"]) == ("No ***.", {"of": ["***"]})
    assert told["errors"] == [{"pointer": "/***", "message": "There is no Bearer ***"}]


def test_too_many_requests_say_when_to_come_again(api: Api):
    response = raising(api, TooManyRequests("Ten a second.", retry_after=7))

    assert problem_of(response) == (429, "too_many_requests")
    assert response.headers["Retry-After"] == "7"


def test_a_maintenance_says_when_to_come_again(api: Api):
    response = raising(api, ServiceUnavailable("Back soon.", retry_after=60))

    assert (problem_of(response), response.headers["Retry-After"]) == ((503, "service_unavailable"), "60")


def test_a_status_that_we_have_no_name_for_is_a_problem_too(api: Api):
    assert problem_of(raising(api, Gone())) == (410, "http_410")


def test_a_problem_has_all_its_members(api: Api):
    response = api.get("/nothing", headers={"X-Correlation-Id": "my-own-id"})

    assert response.content_type == "application/problem+json"
    assert response.get_json() == {
        "type": "urn:cdp:problem:not_found",
        "title": "Not found",
        "status": 404,
        "detail": "Nothing lies at this path; /docs lists what does.",
        "code": "not_found",
        "correlationId": "my-own-id",
        "errors": [],
    }


def test_every_error_has_a_code_of_its_own():
    assert len({error.code for error in ANSWERED}) == len(ANSWERED)


@pytest.mark.parametrize("given", ["12345678", "A.b_c-9" * 4, "x" * 128])
def test_a_correlation_id_is_taken_over(api: Api, given: str):
    assert api.get("/health/live", headers={"X-Correlation-Id": given}).headers["X-Correlation-Id"] == given


@pytest.mark.parametrize("given", ["", "1234567", "x" * 129, "with blanks", "new\tline", "caf\xe9-caf\xe9", "<script>"])
def test_what_is_no_correlation_id_is_replaced(api: Api, given: str):
    made = api.get("/health/live", headers={"X-Correlation-Id": given}).headers["X-Correlation-Id"]

    assert made != given
    assert len(made) == 32


@pytest.mark.parametrize("path", ["/jobs", "/nothing", "/health/live", "/openapi.json", "/docs", "/docs/init.js"])
def test_every_answer_carries_the_headers_of_caution(api: Api, path: str):
    headers = api.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
