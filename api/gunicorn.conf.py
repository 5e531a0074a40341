# ruff: noqa: N999  # gunicorn's own name for such a file
"""gunicorn's settings, taken from ours: `gunicorn --config api/gunicorn.conf.py`."""

from pathlib import Path
from typing import Any

import structlog
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from api.metrics_folder import VARIABLE, leave_out, metrics_folder, remove_folder
from api.start import settings_or_exit
from shared.log_setup import set_up_logging

_settings = settings_or_exit()
set_up_logging(_settings, "api")
if _settings.auth_mode == "none":
    structlog.get_logger().warning("callers_are_not_identified", auth_mode="none", environment=_settings.environment)


class OneLog(Logger):  # type: ignore[misc]
    """gunicorn's own lines, where all other lines go."""

    def setup(self, cfg: Any) -> None:
        """Called by gunicorn at its start and at each reload."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


wsgi_app = "api.wsgi:app"
bind = f"{_settings.api_host}:{_settings.api_port}"
worker_class = "gthread"
workers = _settings.api_processes
threads = _settings.api_threads
# A request may wait for DynamoDB, S3 and SQS in turn, each with its own timeouts and retries.
timeout = 60
# Less than a container is given between SIGTERM and SIGKILL (ECS: 30 s); no request takes longer than a batch's 20 s.
graceful_timeout = 25
# Longer than a load balancer keeps its connections (ALB: 60 s), so that it never uses one that we just closed.
keepalive = 75
# Only our balancers may say that a request came by https, and nobody which path it has.
forwarded_allow_ips = ",".join(_settings.trusted_proxies)
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
forwarder_headers = ""
# What is longer is refused with 414 or 431 before any of ours sees it.
limit_request_line = 4094
limit_request_fields = 100
limit_request_field_size = 8190
# It wants a home folder that can be written to, and nobody here uses it.
control_socket_disable = True
# gunicorn's heartbeat blocks on a slow disk, and so does counting; this one is memory.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
_metrics_folder = metrics_folder(worker_tmp_dir)
raw_env = [f"{VARIABLE}={_metrics_folder}"]
loglevel = _settings.log_level.lower()
logger_class = OneLog


def child_exit(_server: Any, worker: Any) -> None:
    """Called by gunicorn in its first process when another has ended, however it did."""
    leave_out(worker.pid)


def on_exit(_server: Any) -> None:
    """Called by gunicorn before its first process ends."""
    remove_folder(_metrics_folder)
