"""Datasets as data: their parts, their statuses, their items."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.datasets.datasets import (
    Completion,
    Dataset,
    DatasetStatus,
    Registration,
    as_base64,
    build_dataset,
    dataset_from_item,
    dataset_to_item,
    digest_of,
    joined_digest,
    parts_of,
)
from shared.errors import StoredDatasetUnreadable
from shared.settings import Settings
from tests.fakes.clock import NOON

SHA256 = "ab" * 32
PLAIN = Registration("flights.csv", 11, SHA256, "text/csv", {"team": "ops"}, None)
IN_PARTS = replace(PLAIN, size_bytes=25, part_size_bytes=10, contract="flights/1.0.0")
DONE = Completion(NOON, '"etag"', "v1")


def dataset(asked: Registration = PLAIN, **changes: Any) -> Dataset:
    """A dataset that was registered at noon."""
    return replace(build_dataset(asked, "d1", "ann", "c" * 8, NOON, Settings()), **changes)


@pytest.mark.parametrize(("size_bytes", "parts", "last"), [(1, 1, 1), (10, 1, 10), (11, 2, 1), (20, 2, 10), (21, 3, 1)])
def test_all_parts_have_the_size_that_was_asked_for_but_the_last(size_bytes: int, parts: int, last: int):
    one = dataset(replace(IN_PARTS, size_bytes=size_bytes))

    sizes = [one.part_bytes(number) for number in range(1, parts + 1)]

    assert (parts_of(size_bytes, 10), one.part_count) == (parts, parts)
    assert sizes == [10] * (parts - 1) + [last]


def test_s3_writes_checksums_in_base64_and_of_parts_with_their_number():
    assert dataset().s3_checksum == as_base64(SHA256)
    assert dataset(IN_PARTS).s3_checksum == f"{as_base64(SHA256)}-3"


def test_the_joined_digest_is_that_of_the_digests_in_their_order():
    digests = [hashlib.sha256(part).digest() for part in (b"a", b"b")]

    assert joined_digest(digests) == hashlib.sha256(digests[0] + digests[1]).hexdigest()
    assert joined_digest(digests) != joined_digest(digests[::-1])


@pytest.mark.parametrize(
    ("changes", "seconds", "status"),
    [
        ({}, 0, DatasetStatus.REGISTERED),
        ({}, 3599.999, DatasetStatus.REGISTERED),
        ({}, 3600, DatasetStatus.EXPIRED),
        ({"abandoned_at": NOON}, 0, DatasetStatus.ABANDONED),
        ({"abandoned_at": NOON}, 3600, DatasetStatus.ABANDONED),
        ({"completion": DONE}, 0, DatasetStatus.READY),
        ({"completion": DONE}, 10**9, DatasetStatus.READY),
    ],
)
def test_a_status_follows_from_what_is_stored_and_the_time(
    changes: dict[str, Any], seconds: float, status: DatasetStatus
):
    assert dataset(**changes).status(NOON + timedelta(seconds=seconds)) is status


@pytest.mark.parametrize(
    "one",
    [
        dataset(),
        dataset(IN_PARTS, upload_id="u"),
        dataset(completion=DONE),
        dataset(completion=replace(DONE, version_id=None)),
        dataset(abandoned_at=NOON),
    ],
)
def test_a_dataset_is_read_back_from_its_item_as_it_was(one: Dataset):
    assert dataset_from_item(dataset_to_item(one)) == one
    assert None not in dataset_to_item(one).values()


def test_an_item_of_the_next_version_is_read_past_what_it_added():
    assert dataset_from_item({**dataset_to_item(dataset()), "schemaVersion": 2, "addedNext": 1}) == dataset()


@pytest.mark.parametrize(
    "changes", [{"schemaVersion": 3}, {"registration": {}}, {"createdAt": "noon"}, {"registration": None}]
)
def test_an_item_of_another_form_is_not_read(changes: dict[str, Any]):
    with pytest.raises(StoredDatasetUnreadable, match="d1"):
        dataset_from_item({**dataset_to_item(dataset()), **changes})


@pytest.mark.parametrize(
    "change",
    [
        {"file_name": "b.csv"},
        {"size_bytes": 12},
        {"sha256": "cd" * 32},
        {"content_type": "text/plain"},
        {"tags": {}},
        {"part_size_bytes": 10},
        {"contract": "flights/1.0.0"},
    ],
)
def test_any_other_registration_has_another_digest(change: dict[str, Any]):
    assert digest_of(replace(PLAIN, **change)) != digest_of(PLAIN)
