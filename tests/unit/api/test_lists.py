"""Lists of jobs: which jobs they hold, in which order, and how one page leads to the next."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from shared.job_lists import MOST_EXAMINED
from shared.models import STATUS_SHARDS
from shared.transitions import MOVES, JobStatus
from tests.fakes.clock import NOON
from tests.fakes.jobs import job_id, submitted_job
from tests.fakes.seam import no_connection
from tests.unit.api.issuing import bearer, callers, token
from tests.unit.api.service import Api, pointers_of, problem_of

OPERATOR = bearer(token(sub="olga", scope="ops"))


def put_jobs(api: Api, count: int) -> list[str]:
    """Jobs a second apart, every second one FAILED; their ids, the newest first."""
    for number in range(1, count + 1):
        status = JobStatus.FAILED if number % 2 == 0 else JobStatus.SUBMITTED
        api.put(submitted_job(number, NOON + timedelta(seconds=number), status=status))
    return [job_id(number) for number in range(count, 0, -1)]


def put_each(api: Api) -> None:
    """Jobs 1 to 8, a second apart, that differ in what lists are filtered by."""
    for number in range(1, 9):
        job = submitted_job(number, NOON + timedelta(seconds=number), status=list(JobStatus)[number % 4])
        tags = {"team": "ops" if number <= 4 else "web", "env": "prod=eu" if number % 2 else "test"}
        job_type = "sql" if number in (2, 3, 7) else "csv-to-parquet"
        request = replace(job.request, tags=tags, job_type=job_type)
        api.put(replace(job, request=request, replay_of=job_id(1) if number > 5 else None))


def walk(api: Api, query: str, headers: dict[str, str] | None = None) -> list[list[str]]:
    """The ids of each page of a list."""
    pages, cursor = [], ""
    while True:
        page = api.get(f"/jobs?{query}{cursor}", headers=headers).get_json()
        pages.append([item["jobId"] for item in page["items"]])
        if page["nextCursor"] is None:
            return pages
        cursor = f"&cursor={page['nextCursor']}"


def listed(api: Api, query: str) -> list[int]:
    """The numbers of the jobs of a list, whatever its pages."""
    return [int(job[-12:]) for page in walk(api, query) for job in page]


def test_pages_together_show_every_job_once_and_the_newest_first(api: Api):
    ids = put_jobs(api, 7)

    assert walk(api, "limit=3") == [ids[:3], ids[3:6], ids[6:]]
    assert walk(api, "limit=1000") == [ids]
    assert walk(api, "limit=7") == [ids]
    assert walk(api, "limit=3&order=oldest") == [ids[:3:-1], ids[3:0:-1], [ids[0]]]


def test_jobs_of_one_millisecond_have_an_order_too(api: Api):
    for number in range(1, 6):
        api.put(submitted_job(number))

    assert listed(api, "limit=2") == [5, 4, 3, 2, 1]
    assert listed(api, "limit=2&order=oldest") == [1, 2, 3, 4, 5]


def test_a_job_added_while_a_list_is_read_moves_no_other(api: Api):
    ids = put_jobs(api, 4)
    first = api.get("/jobs?limit=2").get_json()
    api.put(submitted_job(9, NOON + timedelta(seconds=9)))

    second = api.get(f"/jobs?limit=2&cursor={first['nextCursor']}").get_json()

    assert [item["jobId"] for item in first["items"] + second["items"]] == ids


def test_a_page_may_have_another_size_than_the_one_before(api: Api):
    ids = put_jobs(api, 6)
    first = api.get("/jobs?limit=1").get_json()

    second = api.get(f"/jobs?limit=4&cursor={first['nextCursor']}").get_json()

    assert [item["jobId"] for item in second["items"]] == ids[1:5]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("status=FAILED", [7, 3]),
        ("status=RUNNING,FAILED", [7, 5, 3, 1]),
        ("status=FAILED,RUNNING", [7, 5, 3, 1]),
        ("status=SUBMITTED,RUNNING,SUCCEEDED,FAILED", [8, 7, 6, 5, 4, 3, 2, 1]),
        ("jobType=sql", [7, 3, 2]),
        ("jobType=nothing", []),
        ("tag=team%3Dops", [4, 3, 2, 1]),
        ("tag=team=ops&tag=env=prod=eu", [3, 1]),
        ("&".join(["tag=team=ops"] * 5), [4, 3, 2, 1]),
        ("tag=team=op", []),
        ("replayOf=" + job_id(1), [8, 7, 6]),
        ("createdAfter=2026-11-23T12:00:03Z", [8, 7, 6, 5, 4, 3]),
        ("createdAfter=2026-11-23T12:00:03.001Z", [8, 7, 6, 5, 4]),
        ("createdAfter=2026-11-23T12:00:02.999000001Z", [8, 7, 6, 5, 4, 3]),
        ("createdBefore=2026-11-23T12:00:03Z", [2, 1]),
        ("createdBefore=2026-11-23T12:00:03.0001Z", [3, 2, 1]),
        ("createdAfter=2026-11-23T13:00:03%2B01:00&createdBefore=2026-11-23T12:00:06z", [5, 4, 3]),
        ("createdAfter=0001-01-01T00:00:00%2B23:59&createdBefore=9999-12-31T23:59:59.999-23:59", [*range(8, 0, -1)]),
        ("createdAfter=9999-12-31T23:59:59-23:59", []),
        ("createdBefore=1969-12-31T23:59:59Z", []),
        ("status=RUNNING,FAILED&jobType=sql&tag=team=ops&createdAfter=2026-11-23T12:00:00Z", [3]),
        ("order=oldest&status=RUNNING,FAILED&jobType=csv-to-parquet", [1, 5]),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_filter_picks_its_jobs_whatever_the_pages(api: Api, query: str, numbers: list[int], limit: int):
    put_each(api)

    assert listed(api, f"{query}&limit={limit}") == numbers


@pytest.mark.parametrize("status", ["", "&status=SUBMITTED", "&status=RUNNING,FAILED"])
@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("limit", [7, 40, 1000])
def test_the_jobs_of_all_owners_are_one_list_though_they_lie_in_many_shards(order: str, limit: int, status: str):
    api = Api(callers())
    jobs = [
        submitted_job(number, NOON + timedelta(milliseconds=number % 50), status=list(JobStatus)[number % 4])
        for number in range(300)
    ]
    for number, job in enumerate(jobs):
        api.put(replace(job, owner_id=f"owner-{number % 7}"))

    pages = walk(api, f"owner=*&order={order}&limit={limit}{status}", OPERATOR)

    wanted = [job for job in jobs if not status or str(job.status) in status]
    in_order = sorted(wanted, key=lambda job: job.created_key, reverse=order == "newest")
    assert [job for page in pages for job in page] == [job.job_id for job in in_order]
    assert all(len(page) == limit for page in pages[:-1])


def test_a_list_shows_no_job_of_anybody_else(api: Api):
    api.put(submitted_job(1, owner_id="ann"))

    assert walk(api, "") == [[]]


def test_a_page_ends_where_it_has_looked_at_enough_and_the_next_goes_on_there(api: Api):
    for number in range(1, MOST_EXAMINED + 12):
        job = submitted_job(number, NOON + timedelta(seconds=number))
        api.put(replace(job, request=replace(job.request, job_type="sql" if number in (1, 9) else "csv-to-parquet")))

    assert walk(api, "jobType=sql&limit=10") == [[], [job_id(9), job_id(1)]]


@pytest.mark.parametrize("query", ["status=SUBMITTED", "status=SUBMITTED,SUCCEEDED"])
def test_a_job_that_the_index_still_has_under_its_old_status_is_left_out(api: Api, query: str):
    job = api.put(submitted_job(1))
    api.dynamodb.items(api.settings.jobs_table)[job.job_id]["status"] = "RUNNING"

    assert walk(api, query) == [[]]


def test_a_job_that_two_partitions_of_the_index_name_is_shown_once(api: Api):
    job = api.put(submitted_job(1))
    items = api.dynamodb.items(api.settings.jobs_table)

    def move_on(operation: str, arguments: dict[str, str]) -> None:
        if "RUNNING" in str(arguments):
            items[job.job_id] |= {"status": "RUNNING", "ownerStatus": "local#RUNNING"}

    api.seam.before = move_on

    assert walk(api, "status=RUNNING,SUBMITTED") == [[job_id(1)]]


def test_statuses_are_read_in_the_order_in_which_jobs_move():
    order = list(JobStatus)

    assert all(order.index(source) < order.index(target) for source, targets in MOVES.items() for target in targets)


def test_what_an_index_nominates_the_job_itself_decides(api: Api):
    put_each(api)
    for item in api.dynamodb.items(api.settings.jobs_table).values():
        item |= {"jobType": "sql", "tagWords": [], "replayOf": job_id(1)}

    assert listed(api, "jobType=sql") == [7, 3, 2]


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("limit=0", ["/query/limit"]),
        ("limit=1001", ["/query/limit"]),
        ("limit=ten", ["/query/limit"]),
        ("limit=", ["/query/limit"]),
        ("limit=1.0", ["/query/limit"]),
        ("limit=%2B1", ["/query/limit"]),
        ("limit=1&limit=2", ["/query/limit"]),
        ("status=DONE", ["/query/status"]),
        ("status=running", ["/query/status"]),
        ("status=", ["/query/status"]),
        ("status=RUNNING,", ["/query/status"]),
        ("status=RUNNING&status=FAILED", ["/query/status"]),
        ("jobType=", ["/query/jobType"]),
        ("jobType=a&jobType=b", ["/query/jobType"]),
        ("tag=team", ["/query/tag"]),
        ("tag==ops", ["/query/tag"]),
        ("tag=team=ops&tag=", ["/query/tag"]),
        ("&".join(["tag=a=b"] * 6), ["/query/tag"]),
        ("replayOf=x", ["/query/replayOf"]),
        ("order=up", ["/query/order"]),
        ("createdAfter=yesterday", ["/query/createdAfter"]),
        ("createdAfter=2026-11-23", ["/query/createdAfter"]),
        ("createdAfter=2026-11-23T12:00:00", ["/query/createdAfter"]),
        ("createdAfter=2026-11-23T12:00:00+01:00", ["/query/createdAfter"]),
        ("createdAfter=2026-02-30T12:00:00Z", ["/query/createdAfter"]),
        ("createdAfter=1769169600", ["/query/createdAfter"]),
        ("createdBefore=2026-11-23T12:00:00Z&createdAfter=2026-11-23T12:00:00Z", ["/query/createdBefore"]),
        ("page=2&offset=5", ["/query/page", "/query/offset"]),
    ],
)
def test_a_query_that_means_nothing_is_refused(api: Api, query: str, pointers: list[str]):
    response = api.get(f"/jobs?{query}")

    assert problem_of(response) == (422, "validation_failed")
    assert pointers_of(response) == pointers
    assert api.seam.calls == []


def test_a_status_given_twice_is_told_how_to_give_two(api: Api):
    response = api.get("/jobs?status=RUNNING&status=FAILED")

    assert "with commas" in response.get_json()["errors"][0]["message"]


@pytest.mark.parametrize("cursor", ["x", "AAAA", "%00", ""])
def test_a_made_up_cursor_is_refused(api: Api, cursor: str):
    assert problem_of(api.get(f"/jobs?cursor={cursor}")) == (400, "bad_cursor")


@pytest.mark.parametrize("other", ["status=FAILED", "order=oldest", "tag=a=b", "createdAfter=2026-11-23T12:00:00Z"])
def test_a_cursor_of_another_list_is_refused(api: Api, other: str):
    put_jobs(api, 4)
    cursor = api.get("/jobs?limit=2").get_json()["nextCursor"]

    assert problem_of(api.get(f"/jobs?{other}&cursor={cursor}")) == (400, "bad_cursor")


def test_the_same_filter_in_other_words_is_the_same_list(api: Api):
    put_each(api)
    first = "status=RUNNING,FAILED&tag=team=ops&tag=env=prod=eu&createdAfter=2026-11-23T12:00:01Z&limit=1"
    again = "tag=env=prod=eu&tag=team=ops&createdAfter=2026-11-23T13:00:01%2B01:00&status=FAILED,RUNNING&order=newest"
    cursor = api.get(f"/jobs?{first}").get_json()["nextCursor"]

    assert [item["jobId"] for item in api.get(f"/jobs?{again}&cursor={cursor}").get_json()["items"]] == [job_id(1)]


def test_the_link_header_leads_through_the_whole_list_and_ends_with_it(api: Api):
    put_each(api)
    tag = quote('team=ops"<>,; &\u00e4\n')
    for number in range(20, 23):
        job = submitted_job(number)
        api.put(replace(job, request=replace(job.request, tags={"team": 'ops"<>,; &\u00e4\n'})))

    path, seen = f"/jobs?tag={tag}&status=SUBMITTED,RUNNING&limit=2", []
    first = api.get(path)
    while path:
        response = api.get(path)
        seen += [item["jobId"] for item in response.get_json()["items"]]
        link = response.headers.get("Link", "")
        assert (link == "") is (response.get_json()["nextCursor"] is None)
        assert link == "" or link.endswith('>; rel="next"')
        path = link.removeprefix("<").removesuffix('>; rel="next"')

    assert seen == [job_id(22), job_id(21), job_id(20)]
    query = parse_qs(urlsplit(first.headers["Link"][1:-13]).query)
    assert query["cursor"] == [first.get_json()["nextCursor"]]


def test_a_silent_job_store_is_told_as_such(api: Api):
    api.seam.fail_before("query", no_connection())

    assert problem_of(api.get("/jobs")) == (503, "job_store_unavailable")


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        ("", ["query", "batch_get_item"]),
        ("?status=RUNNING,SUBMITTED", ["query", "query", "batch_get_item"]),
        ("?limit=150", ["query", "batch_get_item", "batch_get_item"]),
    ],
)
def test_a_page_costs_a_query_for_each_status_and_a_read_for_each_hundred_jobs(api: Api, query: str, calls: list[str]):
    put_jobs(api, 300)

    api.get(f"/jobs{query}")

    assert api.seam.calls == calls


def test_a_page_of_all_owners_costs_a_query_for_each_shard():
    api = Api(callers())
    put_jobs(api, 300)

    api.get("/jobs?owner=*&limit=50", headers=OPERATOR)

    assert api.seam.calls == ["query"] * STATUS_SHARDS + ["batch_get_item"]
