"""Behind a balancer: whose word about the client is taken."""

import logging

import pytest
import structlog

from api.protocol.forwarding import client_address, networks_of
from tests.unit.api.service import Api

BALANCER, OTHER_BALANCER, CLIENT, LIE = "10.0.1.7", "10.0.2.9", "203.0.113.5", "198.51.100.1"
OURS = networks_of(["10.0.0.0/16", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        # Nobody in between, or nobody of ours.
        (CLIENT, "", CLIENT),
        (CLIENT, LIE, CLIENT),
        (CLIENT, BALANCER, CLIENT),
        # One balancer: the last entry is its own, what is left of it anybody's.
        (BALANCER, CLIENT, CLIENT),
        (BALANCER, f"{LIE}, {CLIENT}", CLIENT),
        (BALANCER, f"{BALANCER}, {CLIENT}", CLIENT),
        ("fd00::1", "2001:db8::5", "2001:db8::5"),
        # Two of ours in a row.
        (OTHER_BALANCER, f"{LIE}, {CLIENT}, {BALANCER}", CLIENT),
        # Nobody of the outside at all, as for a balancer's own health checks.
        (BALANCER, "", BALANCER),
        (BALANCER, OTHER_BALANCER, OTHER_BALANCER),
        # What is no address ends the chain where it stands.
        (BALANCER, "unknown", BALANCER),
        (BALANCER, f"{LIE}, , {OTHER_BALANCER}", OTHER_BALANCER),
        (BALANCER, f"{CLIENT}:443", BALANCER),
        ("", CLIENT, ""),
    ],
)
def test_the_client_is_the_last_address_in_front_of_our_balancers(peer: str, forwarded_for: str, address: str):
    assert client_address(peer, forwarded_for, OURS) == address


def test_by_default_nobody_is_believed():
    assert client_address("127.0.0.1", CLIENT, networks_of(Api().settings.trusted_proxies)) == "127.0.0.1"


@pytest.mark.parametrize(("trusted", "address"), [((), "127.0.0.1"), (("127.0.0.0/8",), CLIENT)])
def test_the_line_in_the_log_has_the_address_of_the_client(trusted: tuple[str, ...], address: str):
    api = Api(trusted_proxies=trusted)

    with structlog.testing.capture_logs() as lines:
        api.get("/jobs", headers={"X-Forwarded-For": f"{LIE}, {CLIENT}"})

    (line,) = (each for each in lines if each["event"] == "request_answered")
    assert line["client"] == address
    assert logging.getLevelName(line["log_level"].upper()) == logging.INFO


@pytest.mark.parametrize("path", ["/jobs", "/health/live", "/nothing"])
def test_what_came_by_https_is_to_come_so_for_ever(path: str):
    api = Api()

    by_https = api.get(path, base_url="https://api.example.com")
    by_http = api.get(path, base_url="http://api.example.com")

    assert by_https.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in by_http.headers
