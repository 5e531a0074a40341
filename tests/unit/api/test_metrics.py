"""What the API counts, read as Prometheus reads it, and that no caller can make it count by more than it knows."""

import pytest

from shared.transitions import JobStatus
from tests.fakes.counted import Counted, samples
from tests.fakes.jobs import job_id, submitted_job
from tests.unit.api.service import Api, problem_of, submission

SECONDS, BYTES = "cdp_http_request_duration_seconds_count", "cdp_http_response_size_bytes_sum"


@pytest.fixture
def counted() -> Counted:
    return Counted()


def test_a_request_is_counted_by_the_template_of_its_route(api: Api, counted: Counted):
    for number in range(1, 4):
        api.put(submitted_job(number))
        api.get(f"/jobs/{job_id(number)}")
    api.get(f"/jobs/{job_id(9)}")

    assert counted.all_of(SECONDS) == {
        ("GET", "/jobs/<job_id>", "200"): 3,
        ("GET", "/jobs/<job_id>", "404"): 1,
    }


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", "/nowhere/4711", ("GET", "unknown", "404")),
        ("GET", "/jobs/a/b/c/ann@example.org", ("GET", "unknown", "404")),
        ("DELETE", "/jobs", ("DELETE", "unknown", "405")),
        ("BREW", "/jobs", ("unknown", "unknown", "405")),
    ],
)
def test_what_is_not_known_is_counted_as_unknown(api: Api, counted: Counted, method, path, labels):
    api.http.open(path, method=method)

    assert counted.all_of(SECONDS) == {labels: 1}


def test_how_much_was_answered_is_counted_and_a_head_has_no_body(api: Api, counted: Counted):
    answer = api.http.get("/health/live")
    api.http.head("/health/live")

    assert counted.all_of(BYTES) == {("GET", "/health/live", "200"): len(answer.data)}


def test_a_file_is_counted_by_its_length(api: Api, counted: Counted):
    answer = api.http.get("/docs/swagger-ui.css")

    assert counted(BYTES, method="GET", route="/docs/<name>", status="200") == len(answer.data) > 0


def test_a_submission_is_counted_once_however_often_it_is_sent(api: Api, counted: Counted):
    api.submit(key="k")
    api.submit(key="k")
    api.http.post("/jobs?dryRun=true", json=submission())

    assert counted.all_of("cdp_job_transitions_total") == {("NONE", "SUBMITTED"): 1}


def test_a_quota_that_is_used_up_is_counted_and_a_dry_run_refuses_nobody(counted: Counted):
    api = Api(quota_active_jobs=1)
    api.submit()
    refused = api.submit()
    api.http.post("/jobs?dryRun=true", json=submission())

    assert problem_of(refused) == (429, "quota_exceeded")
    assert counted.all_of("cdp_quota_refusals_total") == {("activeJobs",): 1}


def test_a_request_too_many_is_counted_by_its_limit(counted: Counted):
    api = Api(rate_reads_per_second=1.0, rate_reads_burst=1)
    api.get("/jobs")
    api.get("/jobs")

    assert counted.all_of("cdp_rate_limit_refusals_total") == {("reads",): 1}


def test_prometheus_finds_them_at_metrics(api: Api):
    api.http.get("/health/live")

    answer = api.http.get("/metrics")

    assert answer.content_type.startswith("text/plain; version=")
    assert 'cdp_http_request_duration_seconds_count{method="GET",route="/health/live",status="200"}' in answer.text


def test_who_comes_by_a_balancer_finds_nothing_there(api: Api):
    answer = api.http.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"})

    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


def test_no_caller_can_make_more_labels_than_the_routes_have(api: Api, counted: Counted):
    secrets = ["Bearer-eyJhbGciOi", "ann@example.org", "X-Amz-Signature=ab12", "pass-word"]
    for secret in secrets:
        api.http.get(f"/jobs/{secret}", headers={"Authorization": secret, "X-Correlation-Id": secret})
        api.http.get(f"/{secret}")
        api.http.get(f"/jobs?{secret}")
        api.http.open("/jobs", method=secret[:4].upper())
        api.submit(jobType=secret, tags={"team": secret})

    routes = {rule.rule for rule in api.app.url_map.iter_rules()} | {"unknown"}
    assert {route for _, route, _ in counted.all_of(SECONDS)} <= routes
    texts = {value for _, labels in samples() for _, value in labels}
    assert not [text for text in texts for secret in secrets if secret in text]
    assert set(JobStatus) >= {after for _, after in counted.all_of("cdp_job_transitions_total")}
