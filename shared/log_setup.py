"""Logs: one JSON object a line on stdout (or lines for people), ours and the libraries' alike, without secrets."""

import functools
import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from shared.redaction import REMEMBERED_TEXTS, SECRET_NAMES, without_secrets
from shared.settings import REDACTED, VERSION, Settings
from shared.tracing import ids_of_span

# An owner may be named by an e-mail address, and stays readable under its own name.
NAMES_OF_CALLERS = frozenset({"owner"})
# Written into every line by the processors below, whatever the caller gave.
WRITTEN_HERE = frozenset({"service", "version", "logger", "level", "timestamp"})
# Their debug lines hold whole requests, signed headers included.
TALKATIVE = ("boto3", "botocore", "s3transfer", "urllib3")


def set_up_logging(settings: Settings, service: str) -> None:
    """Send every logger's lines to stdout in the settings' form, as those of a service (api, worker).

    Doing it again replaces what was set up. A line that cannot be written (a closed pipe, a full disk)
    is lost, and the service goes on.
    """
    logging.raiseExceptions = False

    def say_who(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.update(service=service, version=VERSION)
        return event

    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        say_who,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if settings.traces_endpoint:
        processors.append(_say_which_span)
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=processors, processors=_last_processors(settings))
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level, force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLevelNamesMapping()[settings.log_level]))


def _say_which_span(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.update(ids_of_span())
    return event


def _last_processors(settings: Settings) -> list[Any]:
    own = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.ExceptionRenderer(),
        redact,
    ]
    if settings.log_format == "json":
        return [*own, structlog.processors.JSONRenderer(ensure_ascii=False)]
    return [*own, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]


def redact(_logger: Any, _method: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event without secrets: by the names of its values, and inside of their texts."""
    return {name: _shown(name, value) for name, value in event.items()}


def _shown(name: str, value: Any) -> Any:
    if name in NAMES_OF_CALLERS or name in WRITTEN_HERE:
        return value
    return REDACTED if _is_secret_name(name) else without_secrets(value)


@functools.lru_cache(maxsize=REMEMBERED_TEXTS)
def _is_secret_name(name: str) -> bool:
    return SECRET_NAMES.search(name) is not None
