"""The metrics of several processes as one, also after one of them was killed and another took its place."""

import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from local.marked import wait_until
from tests.integration.api.conftest import Start
from tests.integration.api.server import PATIENCE_SECONDS, Server
from tests.integration.api.test_serving import CSV

JOBS = 20


def count_of(server: Server, name: str, **labels: str) -> float:
    """The value of one sample, as Prometheus reads it; 0 where there is none."""
    families = text_string_to_metric_families(server.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    return sum(s.value for s in samples if s.name == name and labels.items() <= s.labels.items())


def submit_many(server: Server) -> None:
    """Submit jobs at once, so that every process has some of them."""
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: server.post("/jobs", json=CSV).status_code, range(JOBS)))
    assert answers == [202] * JOBS


def test_the_numbers_of_all_processes_add_up_although_one_was_killed(start: Start):
    server = start(API_PROCESSES="2")
    submit_many(server)
    before = server.processes()

    os.kill(before[0], signal.SIGKILL)
    assert wait_until(lambda: len(set(server.processes()) - {before[0]}) == 2, PATIENCE_SECONDS)
    submit_many(server)

    posted = {"method": "POST", "route": "/jobs", "status": "202"}
    assert count_of(server, "cdp_http_request_duration_seconds_count", **posted) == 2 * JOBS
    assert count_of(server, "cdp_job_transitions_total", from_status="NONE", to_status="SUBMITTED") == 2 * JOBS
    assert count_of(server, "cdp_aws_calls_total", operation="SendMessage", outcome="ok") == 2 * JOBS


def folder_of(server: Server) -> Path:
    """Where the processes keep what they count: files that they have in their memory."""
    maps = "".join(Path(f"/proc/{process}/maps").read_text() for process in server.processes())
    found = re.search(r"/\S+/cdp-metrics-[^/\s]+", maps)
    assert found is not None
    return Path(found[0])


def test_what_was_counted_is_gone_when_the_server_ends(start: Start):
    server = start(API_PROCESSES="2")
    server.get("/docs")
    folder = folder_of(server)
    assert count_of(server, "cdp_http_request_duration_seconds_count", route="/docs") == 1

    server.stop()

    assert not folder.exists()
