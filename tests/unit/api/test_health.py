"""Alive is one thing, able to work another."""

from tests.fakes.seam import no_connection
from tests.unit.api.service import Api, problem_of


def test_a_process_that_answers_is_live_whatever_is_away(api: Api):
    api.seam.fail_before("get_item", no_connection(), times=10)

    assert api.get("/health/live").get_json() == {"status": "live"}
    assert api.seam.calls == []


def test_it_is_ready_while_the_jobs_can_be_read(api: Api):
    assert api.get("/health/ready").get_json() == {"status": "ready"}


def test_it_is_not_ready_while_they_cannot(api: Api):
    api.seam.fail_before("get_item", no_connection())

    response = api.get("/health/ready")

    assert problem_of(response) == (503, "job_store_unavailable")
    assert response.headers["Retry-After"]
