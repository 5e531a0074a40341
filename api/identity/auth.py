"""Who is calling, and whether a route is open to them: said at each route, and shown in the document from there."""

import functools
from typing import Any

import structlog
from flask import g, request
from flask.typing import ResponseReturnValue

from api.identity.callers import DATASETS_WRITE, JOBS_READ, JOBS_WRITE, OPS, Caller
from api.protocol.operations import View, note
from api.rate_limits import count_request
from api.services import services
from shared.errors import Forbidden, InvalidToken, IssuerUnavailable, RateLimited, Unauthenticated
from shared.limits.rate_limits import RouteClass

log = structlog.get_logger()

PROBLEMS = (Unauthenticated, InvalidToken, Forbidden, RateLimited, IssuerUnavailable)


def caller() -> Caller:
    """The caller of this request. Only routes that one of the guards below opens have one."""
    found: Caller = g.caller
    return found


def reads_jobs(view: View) -> View:
    """Open a view to those who may look at jobs."""
    return _open_to(view, RouteClass.READS, JOBS_READ, OPS)


def reads_logs(view: View) -> View:
    """Open a view to those who may look at jobs, at the rate of what takes longer to read."""
    return _open_to(view, RouteClass.LOGS, JOBS_READ, OPS)


def opens_dashboards(view: View) -> View:
    """Open a view to those who may look at jobs, so seldom that something is left for others."""
    return _open_to(view, RouteClass.DASHBOARDS, JOBS_READ, OPS)


def writes_jobs(view: View) -> View:
    """Open a view to those who may submit, cancel and replay jobs."""
    return _open_to(view, RouteClass.WRITES, JOBS_WRITE)


def reads_datasets(view: View) -> View:
    """Open a view to those who may look at datasets: whoever uploads them, or names them in jobs."""
    return _open_to(view, RouteClass.READS, JOBS_READ, DATASETS_WRITE, OPS)


def writes_datasets(view: View) -> View:
    """Open a view to those who may register datasets and upload them."""
    return _open_to(view, RouteClass.UPLOADS, DATASETS_WRITE)


def writes_contracts(view: View) -> View:
    """Open a view to those who may put contracts."""
    return _open_to(view, RouteClass.WRITES, DATASETS_WRITE)


def _open_to(view: View, limited_as: RouteClass, *any_of: str) -> View:
    """One of the scopes is enough. It and the rate limit are looked at before anything else of the request is read."""

    @functools.wraps(view)
    def guarded(**arguments: Any) -> ResponseReturnValue:
        g.caller = identified()
        structlog.contextvars.bind_contextvars(owner=g.caller.owner_id)
        if g.caller.scopes.isdisjoint(any_of):
            log.info("scope_missing", needed=any_of[0])
            raise Forbidden(f"The token does not have the scope {' or '.join(any_of)}.", scope=any_of[0])
        count_request(limited_as, g.caller.owner_id)
        return view(**arguments)

    note(guarded, scopes=any_of, limited_as=limited_as, problems=PROBLEMS)
    return guarded


def identified() -> Caller:
    """Who sends this request. Raises: Unauthenticated, InvalidToken, IssuerUnavailable."""
    try:
        return services().callers.identify(request.headers.get("Authorization"), services().clock())
    except InvalidToken as error:  # why, and nothing of the token itself
        log.info("token_refused", reason=error.detail)
        raise
