"""Many jobs at once: lists of them, page after page, and those of given ids."""

from http import HTTPStatus
from urllib.parse import urlencode

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from api.identity.auth import reads_jobs
from api.identity.owned import listed_owner, may_see
from api.jobs.list_queries import BatchGetSchema, ListQuery, ListQuerySchema
from api.jobs.records import FoundJobsSchema, JobPageSchema, job_record
from api.protocol.cursors import cursor_to, position_of
from api.protocol.operations import returns, takes_body, takes_query
from api.services import services
from shared.errors import BadCursor, StoreUnavailable

blueprint = Blueprint("lists", __name__)


@blueprint.get("/jobs")
@reads_jobs
@takes_query(ListQuerySchema)
@returns(
    JobPageSchema,
    problems=(BadCursor, StoreUnavailable),
    headers={"Link": 'The path of the next page, as <path>; rel="next"; not on the last page.'},
)
def list_jobs(query: ListQuery) -> ResponseReturnValue:
    """List jobs: your own, all of them or some, the newest or the oldest first.

    Follow nextCursor, or the Link header, until there is none. A page can have fewer jobs than limit, even none,
    although more follow.

    However many jobs are added and change while you read: no job is listed twice; without status, every job that was
    accepted a second before the first page was asked for is listed; with status, every such job that had one of those
    statuses all the while; and each job shown had one of them when its page was read. A job that is added or that
    changes to or from those statuses meanwhile may be listed or not.
    """
    wanted = query.filter_for(listed_owner(query.owner))
    settings, keys = services().settings, services().settings.cursor_keys
    after = None if query.cursor is None else position_of(query.cursor, wanted, keys)
    page = services().lists.page(wanted, query.limit, after)
    cursor = None if page.next_position is None else cursor_to(page.next_position, wanted, keys[0])
    now = services().clock()
    items = [job_record(job, settings, now) for job in page.jobs]
    return {"items": items, "nextCursor": cursor}, HTTPStatus.OK, {} if cursor is None else link_to_next(cursor)


def link_to_next(cursor: str) -> dict[str, str]:
    """The header that leads to the page behind a cursor, with what else this request asked for."""
    query = [(name, value) for name, value in request.args.items(multi=True) if name != "cursor"]
    return {"Link": f'<{request.path}?{urlencode([*query, ("cursor", cursor)])}>; rel="next"'}


@blueprint.post("/jobs/batch-get")
@reads_jobs
@takes_body(BatchGetSchema)
@returns(FoundJobsSchema, problems=(StoreUnavailable,))
def batch_get_jobs(body: dict[str, list[str]]) -> ResponseReturnValue:
    """Look at up to 100 jobs at once."""
    job_ids = list(dict.fromkeys(body["job_ids"]))
    found = {job.job_id: job for job in services().store.get_many(job_ids) if may_see(job)}
    settings, now = services().settings, services().clock()
    return {
        "items": [job_record(job, settings, now) for job in found.values()],
        "notFound": [job_id for job_id in job_ids if job_id not in found],
    }
