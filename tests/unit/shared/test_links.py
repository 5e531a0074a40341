"""Presigned links: used again while they last, limited for each owner, and signed for all that they say."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.config import Config

from shared.aws_clients import make_clients
from shared.datasets.datasets import Dataset, Registration, build_dataset
from shared.datasets.links import KEPT_OWNERS, KEPT_PER_OWNER, Allowed, Link, Links, seconds_between
from shared.datasets.uploads import allowed_part, allowed_put, headers_of_part, headers_of_put
from shared.errors import TooManyLinks
from shared.object_store import allowed_get
from shared.settings import Settings
from tests.fakes.clock import NOON
from tests.fakes.s3 import FakeS3

QUARTER = timedelta(minutes=15)


def later(minutes: float) -> Any:
    """A moment of the test."""
    return NOON + timedelta(minutes=minutes)


def give(links: Links, name: str, owner: str = "ann", minutes: float = 0) -> Link:
    """One link to an object of that name, for a quarter of an hour."""
    (link,) = links.give(owner, [allowed_get(f"s3://raw/{name}")], later(minutes), later(minutes) + QUARTER)
    return link


@pytest.fixture
def s3() -> FakeS3:
    """A signer of links that no two of are the same."""
    return FakeS3()


@pytest.mark.parametrize(("minutes", "is_the_same"), [(0, True), (7.5, True), (7.6, False), (15, False)])
def test_a_link_is_given_again_while_half_of_its_life_is_left(s3: FakeS3, minutes: float, is_the_same: bool):
    links = Links(s3, 10)
    first = give(links, "a")

    again = give(links, "a", minutes=minutes)

    assert (again == first) is is_the_same
    assert again.expires_at >= later(minutes) + QUARTER / 2


def test_a_link_whose_end_is_fixed_is_given_again_to_the_end(s3: FakeS3):
    links, allowed = Links(s3, 10), [Allowed("put_object", {"Bucket": "raw", "Key": "a"})]

    first = links.give("ann", allowed, NOON, later(60))
    again = links.give("ann", allowed, later(59), later(60))

    assert first == again


@pytest.mark.parametrize(("change", "is_the_same"), [("owner", False), ("object", False), ("operation", False)])
def test_a_link_is_for_one_owner_one_object_and_one_operation(s3: FakeS3, change: str, is_the_same: bool):
    links = Links(s3, 10)
    first = give(links, "a")

    if change == "operation":
        (other,) = links.give("ann", [Allowed("put_object", allowed_get("s3://raw/a").parameters)], NOON, later(15))
    else:
        other = give(links, "b" if change == "object" else "a", "bob" if change == "owner" else "ann")

    assert (other.url == first.url) is is_the_same


def test_links_that_other_credentials_signed_are_not_given_again(s3: FakeS3):
    signers = iter(["first", "first", "second"])
    links = Links(s3, 10, lambda: next(signers))

    first, same, fresh = (give(links, "a") for _ in range(3))

    assert first == same != fresh


def test_an_owner_gets_so_many_new_links_in_a_window_and_the_old_ones_besides(s3: FakeS3):
    links = Links(s3, 2)
    first = give(links, "a")
    give(links, "b", minutes=1)

    with pytest.raises(TooManyLinks) as refused:
        give(links, "c", minutes=2)

    assert (refused.value.facts, refused.value.retry_after_seconds) == ({"links": {"limit": 2, "made": 2}}, 13 * 60)
    assert give(links, "a", minutes=2) == first
    assert give(links, "c", owner="bob", minutes=2)
    assert give(links, "c", minutes=15)


def test_what_is_asked_for_at_once_is_given_whole(s3: FakeS3):
    links, many = Links(s3, 2), [allowed_get(f"s3://raw/{number}") for number in range(3)]

    given = links.give("ann", many, NOON, later(15))

    assert len({link.url for link in given}) == 3
    with pytest.raises(TooManyLinks):
        give(links, "another")


def test_a_flood_of_one_owner_pushes_out_no_link_of_another(s3: FakeS3):
    links = Links(s3, 10 * KEPT_PER_OWNER)
    kept = give(links, "a", owner="bob")

    for number in range(2 * KEPT_PER_OWNER):
        give(links, f"{number}")

    assert give(links, "a", owner="bob") == kept
    assert give(links, "0") != give(links, f"{2 * KEPT_PER_OWNER - 1}")


def test_the_owners_that_are_remembered_are_bounded(s3: FakeS3):
    links = Links(s3, 10)
    kept = [give(links, "a", owner=f"owner-{number}") for number in range(KEPT_OWNERS)]

    give(links, "a", owner="one more")

    assert give(links, "a", owner=f"owner-{KEPT_OWNERS - 1}") == kept[-1]
    assert give(links, "a", owner="owner-0") != kept[0]


def test_no_more_links_are_made_by_many_threads_than_by_one(s3: FakeS3):
    links, refused = Links(s3, 20), []

    def ask(number: int) -> None:
        try:
            give(links, str(number))
        except TooManyLinks:
            refused.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(refused), len(s3.signed)) == (30, 20)


@pytest.mark.parametrize(("seconds", "whole"), [(900, 900), (0.2, 1), (899.1, 900), (-5, 1)])
def test_a_links_life_is_told_to_s3_in_whole_seconds(seconds: float, whole: int):
    assert seconds_between(NOON, NOON + timedelta(seconds=seconds)) == whole


def dataset(part_size_bytes: int | None = None) -> Dataset:
    """A dataset of 11 bytes, in parts or not."""
    asked = Registration("flights.csv", 11, "ab" * 32, "text/csv", {}, part_size_bytes)
    return build_dataset(asked, "d1", "ann", "c", NOON, Settings())


def signer(region: str = "us-east-1") -> Any:
    """Links as real credentials make them."""
    client = boto3.session.Session(region_name=region).client(
        "s3",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    )
    return Links(client, 10)


def test_the_link_of_an_upload_signs_every_header_that_must_be_sent_and_asks_for_no_other():
    (link,) = signer().give("ann", [allowed_put(dataset())], NOON, later(60))

    parts = urlsplit(link.url)
    query = parse_qs(parts.query)
    headers = {name.lower() for name in headers_of_put(dataset())}
    assert set(query["X-Amz-SignedHeaders"][0].split(";")) == {"host", *headers}
    assert headers == {"content-length", "content-type", "if-none-match", "x-amz-checksum-sha256", "x-amz-tagging"}
    assert parts.path == "/uploads/d1/flights.csv"
    # No default checksum of the SDK's that nobody can send.
    assert {name for name in query if "checksum" in name.lower()} == set()
    assert query["X-Amz-Expires"] == ["3600"]


def test_the_link_of_a_part_signs_its_size_and_its_checksum():
    in_parts = replace(dataset(part_size_bytes=10), upload_id="u")

    (link,) = signer().give("ann", [allowed_part(in_parts, 2, "cd" * 32)], NOON, later(60))

    query = parse_qs(urlsplit(link.url).query)
    headers = headers_of_part(in_parts, 2, "cd" * 32)
    assert set(query["X-Amz-SignedHeaders"][0].split(";")) == {"host", *(name.lower() for name in headers)}
    assert (headers["Content-Length"], query["partNumber"]) == ("1", ["2"])


def test_links_lead_to_the_region_of_the_bucket(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    for variable in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(variable, raising=False)
    clients = make_clients(Settings(aws_region="eu-west-1"), 1)

    link = give(Links(clients.s3, 10, clients.access_key), "a")

    assert urlsplit(link.url).netloc == "raw.s3.eu-west-1.amazonaws.com"
    assert clients.access_key() == "key"
