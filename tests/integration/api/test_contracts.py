"""Contracts on a real server and real services: what is put stays, whoever puts at the same time."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.api.conftest import OWN
from tests.integration.api.server import Server
from tests.unit.contracts.documents import column, document

AT_ONCE = 12


def put(server: Server, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Put a contract; the status and the answer."""
    answer = server.call("PUT", f"/contracts/{body['name']}/{body['version']}", json=body)
    return answer.status_code, answer.json()


def all_at_once(server: Server, bodies: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """Put all of these at the same time."""
    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(lambda body: put(server, body), bodies))


def versions(server: Server, name: str) -> list[str]:
    """The versions that there are, the highest first."""
    return [each["version"] for each in server.get(f"/contracts/{name}").json()["items"]]


def test_a_version_is_what_was_put_first_for_ever(server: Server, aws: Callable[[str], Any]):
    first = document(name="for-ever")

    statuses = [put(server, body)[0] for body in (first, first, document(name="for-ever", status="draft"), first)]

    assert statuses == [201, 200, 409, 200]
    record = server.get("/contracts/for-ever/1.0.0").json()
    assert record["document"] == first
    key = f"contracts/for-ever/1.0.0-{record['sha256'][:32]}.json"
    stored = aws("s3").get_object(Bucket=OWN["ARTIFACTS_BUCKET"], Key=key)["Body"].read()
    assert json.loads(stored) == first


def test_one_document_put_many_times_at_once_is_one_version(server: Server):
    answers = all_at_once(server, [document(name="often")] * AT_ONCE)

    assert Counter(status for status, _ in answers) == {201: 1, 200: AT_ONCE - 1}
    assert len({json.dumps(answer, sort_keys=True) for _, answer in answers}) == 1


def test_of_many_documents_for_one_version_one_wins_and_the_others_are_told(server: Server):
    bodies = [document(name="contested", id=f"document-{number}") for number in range(AT_ONCE)]

    answers = all_at_once(server, bodies)

    assert Counter(status for status, _ in answers) == {201: 1, 409: AT_ONCE - 1}
    (winner,) = [body for body, (status, _) in zip(bodies, answers, strict=True) if status == 201]
    assert server.get("/contracts/contested/1.0.0").json()["document"] == winner


def test_versions_put_at_once_cannot_pass_each_others_comparison(server: Server):
    put(server, document(column("a"), name="raced"))
    bodies = [
        document(column("a"), column(f"b{minor}"), name="raced", version=f"1.{minor}.0")
        for minor in range(1, AT_ONCE + 1)
    ]

    answers = all_at_once(server, bodies)

    assert Counter(status for status, _ in answers) == {201: 1, 422: AT_ONCE - 1}
    assert {answer["code"] for status, answer in answers if status == 422} == {"contract_incompatible"}
    assert len(versions(server, "raced")) == 2


def test_compatible_versions_put_at_once_are_all_there(server: Server):
    bodies = [document(name="together", version=f"1.0.{patch}", id=f"id-{patch}") for patch in range(6)]

    assert Counter(status for status, _ in all_at_once(server, bodies)) == {201: 6}
    assert versions(server, "together") == [f"1.0.{patch}" for patch in reversed(range(6))]


def test_every_contract_is_in_one_page_of_the_list(server: Server):
    names = {f"listed-{number}" for number in range(5)}
    for name in names:
        put(server, document(name=name))

    found, cursor = [], None
    while True:
        page = server.get("/contracts", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        found += [each["name"] for each in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break

    assert names <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"carrier,flight,arr_delay\n", None),
        (b"carrier,flight,arr_delay,seat\n" + b"UA,1,2,3A\n" * 50_000, "'seat'"),
        (b"arr_delay\n", "'carrier', 'flight'"),
        (b"", None),
    ],
    ids=["as-it-says", "a-column-too-many", "columns-missing", "empty"],
)
def test_a_jobs_input_is_held_to_its_contract_before_it_is_stored(
    server: Server, aws: Callable[[str], Any], content: bytes, told: str | None
):
    put(server, document(name="of-jobs"))
    aws("s3").put_object(Bucket=OWN["RAW_BUCKET"], Key="held/in.csv", Body=content)
    inputs = [{"name": "flights", "uri": f"s3://{OWN['RAW_BUCKET']}/held/"}]

    answer = server.post("/jobs", json={"jobType": "csv-to-parquet", "inputs": inputs, "contract": "of-jobs/1.0.0"})

    if told is None:
        assert (answer.status_code, answer.json()["contract"]) == (202, "of-jobs/1.0.0")
    else:
        assert answer.status_code == 422
        assert told in answer.json()["errors"][0]["message"]
