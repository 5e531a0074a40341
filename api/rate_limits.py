"""How often a caller may ask: counted once the caller is known, and before anything of a body is read."""

from collections.abc import Iterator

import structlog
from flask import g

from api.metrics import RATE_LIMIT_REFUSALS
from api.services import services
from shared.errors import RateLimited
from shared.limits.rate_limits import RouteClass, Spent

log = structlog.get_logger()

# draft-ietf-httpapi-ratelimit-headers: what is allowed, and what is left of it.
POLICY_HEADER, LIMIT_HEADER = "RateLimit-Policy", "RateLimit"
HEADERS = {
    POLICY_HEADER: "The limit of this route: q requests at once, all of which grow back in w seconds.",
    LIMIT_HEADER: "What is left of the limit: r requests now, and all of them in t seconds.",
}


def count_request(route_class: RouteClass, owner_id: str) -> None:
    """Count this request of a caller. Raises: RateLimited."""
    spent = services().limiter.spend(route_class, owner_id, services().clock())
    g.spent = spent
    if not spent.is_allowed:
        RATE_LIMIT_REFUSALS.labels(route_class).inc()
        log.info("rate_limited", limit=str(route_class), retry_in_seconds=spent.retry_in_seconds)
        raise RateLimited(sentence_of(spent), spent.retry_in_seconds)


def sentence_of(spent: Spent) -> str:
    """Which limit a refused request met, and when the next one passes."""
    rate = spent.rate
    return (
        f"Each caller may send {rate.burst} requests of the limit {str(rate.route_class)!r} at once, and after that "
        f"{rate.per_second:g} a second. The next one passes in {spent.retry_in_seconds} s."
    )


def headers_of_limit() -> Iterator[tuple[str, str]]:
    """The headers of this request's answer: none where no limit was asked."""
    spent: Spent | None = g.get("spent")
    if spent is not None:
        name, rate = spent.rate.route_class, spent.rate
        yield POLICY_HEADER, f'"{name}";q={rate.burst};w={rate.window_seconds}'
        yield LIMIT_HEADER, f'"{name}";r={spent.remaining};t={spent.full_in_seconds}'
