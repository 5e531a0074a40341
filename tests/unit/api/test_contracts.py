"""Putting contracts and reading them."""

from http import HTTPStatus
from typing import Any

import pytest

from api.identity.callers import DATASETS_WRITE, JOBS_READ, OPS
from shared.contracts.contract_registry import MOST_VERSIONS
from shared.contracts.contracts import digest_of_document
from tests.fakes.seam import aws_error, no_answer, no_connection
from tests.unit.api.issuing import bearer, callers, token
from tests.unit.api.service import Api, pointers_of, problem_of
from tests.unit.contracts.documents import COLUMNS, column, document


def version(number: str, *columns: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A document of the contract `flights`."""
    return document(*columns or (column(),), version=number, **changes)


def test_a_version_is_put_and_read_as_it_is(api: Api):
    response = api.put_contract(document())

    assert (response.status_code, response.headers["Location"]) == (HTTPStatus.CREATED, "/contracts/flights/1.0.0")
    record = response.get_json()
    assert (record["reference"], record["by"], record["document"]) == ("flights/1.0.0", "local", document())
    assert record["sha256"] == digest_of_document(document())
    assert api.get("/contracts/flights/1.0.0").get_json() == record


def test_the_same_document_again_changes_nothing_also_in_another_order(api: Api):
    first = api.put_contract(document())
    writes = api.writes()

    again = api.put_contract(dict(reversed(document().items())))

    assert (again.status_code, again.get_json()) == (HTTPStatus.OK, first.get_json())
    assert "Location" not in again.headers
    assert api.writes() == writes


def test_another_document_under_the_same_version_is_refused(api: Api):
    api.put_contract(version("1.0.0"))

    response = api.put_contract(version("1.0.0", status="draft"))

    assert problem_of(response) == (HTTPStatus.CONFLICT, "contract_exists")
    assert api.get("/contracts/flights/1.0.0").get_json()["document"]["status"] == "active"


def test_a_document_that_is_no_contract_here_is_refused_where_it_is_wrong(api: Api):
    response = api.put_contract(version("1.0.0", column(minimum="1"), quality=[]))

    assert problem_of(response) == (HTTPStatus.UNPROCESSABLE_ENTITY, "validation_failed")
    assert pointers_of(response) == ["/quality", f"{COLUMNS}/0/logicalTypeOptions/minimum"]
    assert api.writes() == 0


@pytest.mark.parametrize(
    ("path", "pointers"),
    [
        ("/contracts/others/1.0.0", ["/name"]),
        ("/contracts/flights/1.0.1", ["/version"]),
        (f"/contracts/{'x' * 3000}/1.0.0", ["/name"]),
        ("/contracts/%2e%2e/1.0.0", ["/name"]),
    ],
)
def test_a_document_belongs_to_the_path_that_it_names(api: Api, path, pointers):
    response = api.call("PUT", path, json=document())

    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert pointers_of(response) == pointers


def test_a_version_that_promises_too_much_is_refused_with_every_change(api: Api):
    api.put_contract(version("1.0.0", column("a"), column("b")))

    response = api.put_contract(version("1.1.0", column("a", minimum=1), column("c", required=True)))

    assert problem_of(response) == (HTTPStatus.UNPROCESSABLE_ENTITY, "contract_incompatible")
    assert pointers_of(response) == [f"{COLUMNS}/0/logicalTypeOptions", COLUMNS, f"{COLUMNS}/1/required"]
    assert api.get("/contracts/flights/1.1.0").status_code == HTTPStatus.NOT_FOUND


def test_a_version_between_others_is_held_against_both(api: Api):
    api.put_contract(version("1.0.0", column("a", minimum=1)))
    api.put_contract(version("1.2.0", column("a", minimum=0)))

    too_loose = api.put_contract(version("1.1.0", column("a")))
    between = api.put_contract(version("1.1.0", column("a", minimum=0)))

    assert problem_of(too_loose)[1] == "contract_incompatible"
    assert "Against 1.2.0" in too_loose.get_json()["errors"][0]["message"]
    assert between.status_code == HTTPStatus.CREATED


def test_a_new_major_version_may_be_anything(api: Api):
    api.put_contract(version("1.0.0", column("a")))

    assert api.put_contract(version("2.0.0", column("b", "string"))).status_code == HTTPStatus.CREATED


def test_versions_are_listed_the_highest_first(api: Api):
    for number in ("1.9.0", "1.10.0", "1.2.0"):
        api.put_contract(version(number))

    listed = api.get("/contracts/flights").get_json()

    assert (listed["name"], listed["owner"]) == ("flights", "local")
    assert [each["version"] for each in listed["items"]] == ["1.10.0", "1.9.0", "1.2.0"]
    assert listed["items"][0]["link"] == "/contracts/flights/1.10.0"


def test_all_contracts_are_listed_page_by_page(api: Api):
    names = [f"contract-{number}" for number in range(5)]
    for name in names:
        api.put_contract(document(name=name))

    found, cursor = [], ""
    while cursor is not None:
        page = api.get(f"/contracts?limit=2{f'&cursor={cursor}' if cursor else ''}").get_json()
        found += page["items"]
        cursor = page["nextCursor"]

    assert sorted(each["name"] for each in found) == names
    assert found[0]["latest"] == "1.0.0"


@pytest.mark.parametrize("query", ["cursor=../", "cursor=A", "limit=0", "limit=101", "owner=me"])
def test_a_list_is_asked_for_as_it_says(api: Api, query):
    assert problem_of(api.get(f"/contracts?{query}"))[1] == "validation_failed"


@pytest.mark.parametrize(
    "path", ["/contracts/nothing", "/contracts/nothing/1.0.0", "/contracts/flights/9.9.9", "/contracts/%00/1.0.0"]
)
def test_what_is_not_there_is_not_found(api: Api, path):
    api.put_contract(document())

    assert problem_of(api.get(path)) == (HTTPStatus.NOT_FOUND, "contract_not_found")


def test_a_contract_has_a_bounded_number_of_versions(api: Api):
    api.put_contract(document())
    item = api.dynamodb.items(api.settings.contracts_table)["flights"]
    item["versions"] = {f"2.{number}.0": item["versions"]["1.0.0"] for number in range(MOST_VERSIONS)}

    response = api.put_contract(document(version="3.0.0"))

    assert problem_of(response) == (HTTPStatus.CONFLICT, "contract_full")


# --- Who may ---------------------------------------------------------------------------------------------------------


def headers(owner: str, *scopes: str) -> dict[str, str]:
    return bearer(token(sub=owner, scope=" ".join(scopes)))


def test_only_the_first_author_and_operators_add_versions_and_everybody_reads():
    api = Api(callers())
    own, other = headers("ana", DATASETS_WRITE), headers("bob", DATASETS_WRITE)
    assert api.put_contract(version("1.0.0"), headers=own).status_code == HTTPStatus.CREATED

    refused = api.put_contract(version("1.1.0"), headers=other)
    by_operator = api.put_contract(version("1.2.0"), headers=headers("olga", DATASETS_WRITE, OPS))
    read = api.get("/contracts/flights", headers=headers("bob", JOBS_READ))

    assert problem_of(refused) == (HTTPStatus.FORBIDDEN, "contract_not_yours")
    assert by_operator.status_code == HTTPStatus.CREATED
    assert [(each["version"], each["by"]) for each in read.get_json()["items"]] == [("1.2.0", "olga"), ("1.0.0", "ana")]
    assert read.get_json()["owner"] == "ana"


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("PUT", "/contracts/flights/1.0.0", JOBS_READ),
        ("GET", "/contracts/flights/1.0.0", DATASETS_WRITE),
        ("GET", "/contracts/flights", DATASETS_WRITE),
        ("GET", "/contracts", DATASETS_WRITE),
    ],
)
def test_putting_and_reading_need_scopes_of_their_own(method, path, scope):
    response = Api(callers()).call(
        method, path, json=document() if method == "PUT" else None, headers=headers("ana", scope)
    )

    assert problem_of(response) == (HTTPStatus.FORBIDDEN, "insufficient_scope")


# --- What may happen in between --------------------------------------------------------------------------------------


def test_who_puts_at_the_same_time_is_held_against_what_came_first(api: Api):
    api.put_contract(version("1.0.0", column("a")))
    others = iter([version("1.1.0", column("a"), column("b"))])

    def somebody_is_faster(operation: str, _arguments: Any) -> None:
        faster = next(others, None) if operation == "put_object" else None
        if faster is not None:
            assert api.put_contract(faster).status_code == HTTPStatus.CREATED

    api.seam.before = somebody_is_faster
    response = api.put_contract(version("1.2.0", column("a"), column("c")))

    assert problem_of(response)[1] == "contract_incompatible"
    assert "Against 1.1.0" in response.get_json()["detail"]


def test_of_two_documents_for_one_version_the_second_loses(api: Api):
    others = iter([version("1.0.0", status="draft")])

    def somebody_is_faster(operation: str, _arguments: Any) -> None:
        faster = next(others, None) if operation == "put_object" else None
        if faster is not None:
            assert api.put_contract(faster).status_code == HTTPStatus.CREATED

    api.seam.before = somebody_is_faster

    assert problem_of(api.put_contract(version("1.0.0")))[1] == "contract_exists"


def test_who_loses_every_race_is_told_to_try_again(api: Api):
    numbers = iter(range(1, 100))

    def somebody_is_faster(operation: str, arguments: Any) -> None:
        if operation == "put_item":
            table = api.dynamodb.items(api.settings.contracts_table)
            table["flights"] = {"name": "flights", "owner": "local", "versions": {}, "rev": f"other-{next(numbers)}"}

    api.seam.before = somebody_is_faster

    assert problem_of(api.put_contract(document()))[1] == "job_store_unavailable"


def test_a_crash_before_the_version_is_named_leaves_an_object_and_no_version(api: Api):
    api.seam.fail_before("put_item", no_connection())
    failed = api.put_contract(document())
    objects = dict(api.s3.objects)

    again = api.put_contract(document())

    assert (failed.status_code, again.status_code) == (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.CREATED)
    assert api.s3.objects == objects


def test_a_version_whose_answer_was_lost_is_there(api: Api):
    api.seam.fail_after("put_item", no_answer())
    lost = api.put_contract(document())

    again = api.put_contract(document())

    assert (lost.status_code, again.status_code) == (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.OK)


def test_a_version_is_read_once_by_each_process(api: Api):
    api.put_contract(document())
    api.get("/contracts/flights/1.0.0")
    calls = len(api.seam.calls)

    api.get("/contracts/flights/1.0.0")

    assert len(api.seam.calls) == calls


@pytest.mark.parametrize("spoilt", [None, b"{}", b"not JSON"])
def test_a_document_that_somebody_spoilt_is_our_fault_and_never_served(api: Api, spoilt):
    api.put_contract(document())
    (place,) = [place for place in api.s3.objects if place[0] == api.settings.artifacts_bucket]
    if spoilt is None:
        del api.s3.objects[place]
    else:
        api.s3.objects[place] = spoilt

    assert problem_of(api.get("/contracts/flights/1.0.0")) == (HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error")


@pytest.mark.parametrize("call", ["get_item", "put_item", "put_object", "scan"])
def test_a_service_that_is_away_is_said_to_be(api: Api, call):
    api.seam.fail_before(call, no_connection())

    response = api.get("/contracts") if call == "scan" else api.put_contract(document())

    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize("call", ["get_object", "put_object"])
def test_documents_that_are_forbidden_to_us_are_no_fault_of_the_caller(api: Api, call):
    if call == "get_object":
        api.put_contract(document())
    api.seam.fail_before(call, aws_error(call, "AccessDenied", status=403))

    response = api.get("/contracts/flights/1.0.0") if call == "get_object" else api.put_contract(document())

    assert problem_of(response) == (HTTPStatus.SERVICE_UNAVAILABLE, "object_store_unavailable")
