"""The datasets' store and their uploads against MiniStack, and the fakes against the same tests."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import requests

from local.deploy import make_client
from shared.datasets.dataset_store import DatasetStore
from shared.datasets.datasets import (
    Completion,
    Dataset,
    Registration,
    Scanning,
    build_dataset,
    dataset_to_item,
    joined_digest,
)
from shared.datasets.links import Links
from shared.datasets.scans import ColumnWithPii, Pii, Scan
from shared.datasets.tags import PENDING_TAG
from shared.datasets.uploads import (
    UploadStore,
    allowed_part,
    allowed_put,
    composite_of,
    headers_of_part,
    headers_of_put,
)
from shared.dynamodb import to_dynamodb
from shared.errors import DatasetNotFound, QuotaExceeded
from shared.limits.quota_items import QuotaStore
from shared.limits.quotas import Quota
from shared.settings import Settings
from tests.fakes.clock import NOON
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.s3 import FakeS3, checksum_of

SETTINGS = Settings()
MIB = 1024**2
BODY = b"carrier\nUA\n"
PARTS = [b"a" * 5 * MIB, b"b" * 7]
DIGESTS = [hashlib.sha256(part).hexdigest() for part in PARTS]
PLENTY = {Quota.UPLOAD_BYTES: 10**9, Quota.UPLOADS: 1000}
FOUND = Scan(Pii.FOUND, NOON, "j", columns=(ColumnWithPii(1, "mail", Pii.FOUND, ("email",)),))
DONE = Completion(NOON + timedelta(seconds=60), '"etag"', "v1")


@dataclass(frozen=True)
class Parts:
    """What is under test, on one of the two."""

    dynamodb: Any
    s3: Any

    @property
    def store(self) -> DatasetStore:
        return DatasetStore(self.dynamodb, SETTINGS.datasets_table, SETTINGS.control_table)

    @property
    def uploads(self) -> UploadStore:
        return UploadStore(self.s3)

    def uploads_open(self, dataset: Dataset) -> int:
        return QuotaStore(self.dynamodb, SETTINGS.control_table).usage(dataset.owner_id, NOON).used[Quota.UPLOADS]

    def put(self, dataset: Dataset, body: bytes) -> int:
        """What a client does by the link of a dataset; the status of S3's answer."""
        if isinstance(self.s3, FakeS3):
            return status_of(lambda: self.s3.put(dataset.bucket, dataset.key, body, dataset.s3_checksum, PENDING_TAG))
        (link,) = Links(self.s3, 100).give("ann", [allowed_put(dataset)], NOON, NOON + timedelta(hours=1))
        headers = {**headers_of_put(dataset), "Content-Length": str(len(body))}
        return requests.put(link.url, data=body, headers=headers, timeout=30).status_code

    def put_part(self, dataset: Dataset, number: int) -> None:
        """What a client does by the link of a part."""
        body, digest = PARTS[number - 1], DIGESTS[number - 1]
        if isinstance(self.s3, FakeS3):
            self.s3.put_part(str(dataset.upload_id), number, body)
            return
        allowed = allowed_part(dataset, number, digest)
        (link,) = Links(self.s3, 100).give("ann", [allowed], NOON, NOON + timedelta(hours=1))
        answer = requests.put(link.url, data=body, headers=headers_of_part(dataset, number, digest), timeout=30)
        assert answer.status_code == 200, answer.text


def status_of(call: Any) -> int:
    """How the fake S3 would answer over HTTP."""
    from botocore.exceptions import ClientError

    try:
        call()
    except ClientError as error:
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
    return 200


@pytest.fixture(params=["fake", "ministack"])
def parts(request) -> Parts:
    if request.param == "fake":
        return Parts(FakeDynamoDB(), FakeS3())
    environment = request.getfixturevalue("aws_cloud").environment
    return Parts(make_client("dynamodb", environment), make_client("s3", environment))


def dataset(owner_id: str = "", in_parts: bool = False, **changes: Any) -> Dataset:
    """A dataset under an id and an owner of its own."""
    asked = Registration("flights.csv", len(BODY), hashlib.sha256(BODY).hexdigest(), "text/csv", {"team": "ops"}, None)
    if in_parts:
        digest = joined_digest([bytes.fromhex(each) for each in DIGESTS])
        asked = replace(asked, size_bytes=sum(map(len, PARTS)), sha256=digest, part_size_bytes=5 * MIB)
    asked = replace(asked, **changes)
    return build_dataset(asked, str(uuid4()), owner_id or str(uuid4()), "c" * 8, NOON, SETTINGS)


def test_a_dataset_that_was_registered_is_read_back_as_it_was(parts):
    one = dataset()

    registered = parts.store.register(one, PLENTY)

    assert (registered.dataset, registered.is_new) == (one, True)
    assert parts.store.get(one.dataset_id) == one
    assert parts.store.get_many([str(uuid4()), one.dataset_id]) == [one]
    assert parts.uploads_open(one) == 1


def test_the_same_id_is_registered_once_and_counted_once(parts):
    one = dataset()
    parts.store.register(one, PLENTY)

    again = parts.store.register(replace(one, request_digest="another"), PLENTY)

    assert (again.dataset, again.is_new) == (one, False)
    assert parts.uploads_open(one) == 1


def test_a_dataset_that_was_never_registered_is_not_found(parts):
    for call in (
        lambda: parts.store.get(str(uuid4())),
        lambda: parts.store.complete(dataset(), DONE),
        lambda: parts.store.begin_parts(dataset(), "u"),
    ):
        with pytest.raises(DatasetNotFound):
            call()


def test_completing_closes_a_dataset_for_ever_and_frees_its_slot(parts):
    one = parts.store.register(dataset(), PLENTY).dataset

    done = parts.store.complete(one, DONE)
    given_up = parts.store.abandon(one, NOON)

    assert done == given_up == parts.store.get(one.dataset_id) == replace(one, completion=DONE)
    assert parts.uploads_open(one) == 0


def test_giving_up_closes_a_dataset_for_ever_and_frees_its_slot(parts):
    one = parts.store.register(dataset(), PLENTY).dataset

    given_up = parts.store.abandon(one, NOON)
    done = parts.store.complete(one, DONE)

    assert given_up == done == parts.store.get(one.dataset_id) == replace(one, abandoned_at=NOON)
    assert parts.uploads_open(one) == 0


def test_a_dataset_whose_owner_has_no_counts_is_completed_all_the_same(parts):
    one = dataset()
    parts.dynamodb.put_item(TableName=SETTINGS.datasets_table, Item=to_dynamodb(dataset_to_item(one)))

    assert parts.store.complete(one, DONE).completion == DONE
    assert parts.store.get(one.dataset_id).completion == DONE


def test_of_two_that_begin_an_upload_in_parts_both_use_the_first(parts):
    one = parts.store.register(dataset(in_parts=True), PLENTY).dataset

    first = parts.store.begin_parts(one, "first")
    second = parts.store.begin_parts(one, "second")

    assert first == second == replace(one, upload_id="first")


def test_an_expired_upload_makes_room_for_another(parts):
    limits = {**PLENTY, Quota.UPLOADS: 1}
    old = parts.store.register(dataset(), limits).dataset
    new = replace(dataset(owner_id=old.owner_id), created_at=old.expires_at)

    with pytest.raises(QuotaExceeded):
        parts.store.register(dataset(owner_id=old.owner_id), limits)

    assert parts.store.register(new, limits).is_new
    assert parts.store.complete(old, DONE).completion == DONE


def test_of_many_registrations_at_once_as_many_are_accepted_as_there_is_room_for(parts):
    owner_id, limits = str(uuid4()), {**PLENTY, Quota.UPLOADS: 5}

    def register(_: int) -> bool:
        try:
            return parts.store.register(dataset(owner_id=owner_id), limits).is_new
        except QuotaExceeded:
            return False

    workers = 1 if isinstance(parts.s3, FakeS3) else 8
    with ThreadPoolExecutor(workers) as pool:
        accepted = sum(pool.map(register, range(12)))

    assert accepted == 5


def test_a_list_shows_an_owners_datasets_the_newest_first(parts):
    owner_id = str(uuid4())
    made = [replace(dataset(owner_id=owner_id), created_at=NOON + timedelta(seconds=number)) for number in range(3)]
    for each in made:
        parts.store.register(each, PLENTY)

    first = parts.store.list_page(owner_id, 2, None)
    rest = parts.store.list_page(owner_id, 2, first.last_key)

    assert first.dataset_ids + rest.dataset_ids == tuple(each.dataset_id for each in reversed(made))
    assert rest.last_key is None


def test_s3_records_the_size_and_the_checksum_of_an_upload(parts):
    one = dataset()
    before = parts.uploads.found(one)

    status = parts.put(one, BODY)

    found = parts.uploads.found(one)
    assert (before, status) == (None, 200)
    assert (found.size_bytes, found.checksum) == (len(BODY), checksum_of(BODY))
    assert (bool(found.etag), bool(found.version_id)) == (True, True)


def test_s3_refuses_other_bytes_and_a_second_upload(parts):
    one = dataset()

    assert parts.put(one, b"other bytes") == 400
    assert parts.put(one, BODY) == 200
    assert parts.put(one, BODY) == 412


def begun(parts: Parts) -> Dataset:
    """A dataset whose upload in parts has begun."""
    one = dataset(in_parts=True)
    return replace(one, upload_id=parts.uploads.begin_parts(one))


def test_s3_joins_parts_to_one_object_with_the_checksum_of_their_checksums(parts):
    one = begun(parts)
    for number in (2, 1):
        parts.put_part(one, number)

    listed = parts.uploads.parts(one)
    parts.uploads.join_parts(one, listed)

    found = parts.uploads.found(one)
    assert [(part.number, part.size_bytes) for part in listed] == [(1, 5 * MIB), (2, 7)]
    assert (found.size_bytes, found.checksum) == (5 * MIB + 7, one.s3_checksum)
    assert found.checksum == composite_of(listed)
    assert parts.uploads.parts(one) is None


def test_joining_parts_where_an_object_lies_leaves_it(parts):
    one = begun(parts)
    for number in (1, 2):
        parts.put_part(one, number)
    small = replace(dataset(), key=one.key)
    assert parts.put(small, BODY) == 200

    parts.uploads.join_parts(one, parts.uploads.parts(one))

    assert parts.uploads.found(one).size_bytes == len(BODY)


def test_parts_are_forgotten_and_asking_again_does_no_harm(parts):
    one = begun(parts)
    parts.put_part(one, 2)

    parts.uploads.abort_parts(one)
    parts.uploads.abort_parts(one)

    assert parts.uploads.parts(one) is None


def test_an_upload_in_parts_begins_with_none(parts):
    assert parts.uploads.parts(begun(parts)) == []


def test_a_dataset_is_told_of_its_scan_before_or_after_it_is_complete(parts):
    early, late = (parts.store.register(dataset(), PLENTY).dataset for _ in range(2))

    assert parts.store.note_scan(early.dataset_id, FOUND)
    for one in (early, late):
        parts.store.complete(one, DONE, Scanning("j"))
    assert parts.store.note_scan(late.dataset_id, FOUND)

    for one in (early, late):
        assert parts.store.get(one.dataset_id) == replace(one, completion=DONE, scanning=Scanning("j", FOUND))


def test_of_two_scans_the_later_is_kept_and_the_same_may_be_told_twice(parts):
    one = parts.store.register(dataset(), PLENTY).dataset
    earlier = replace(FOUND, pii=Pii.NONE, at=NOON - timedelta(milliseconds=1))

    told = [parts.store.note_scan(one.dataset_id, scan) for scan in (FOUND, FOUND, earlier)]

    assert told == [True, True, False]
    assert parts.store.get(one.dataset_id).scanning.scan == FOUND


def test_what_is_not_scanned_is_told_by_the_write_that_completes(parts):
    one = parts.store.register(dataset(), PLENTY).dataset
    told = Scanning(scan=Scan(Pii.UNKNOWN, NOON, reason="It is a picture."))

    done = parts.store.complete(one, DONE, told)

    assert done == parts.store.get(one.dataset_id) == replace(one, completion=DONE, scanning=told)


def test_a_dataset_that_is_not_there_is_not_made_by_a_scan(parts):
    one = dataset()

    assert not parts.store.note_scan(one.dataset_id, FOUND)
    with pytest.raises(DatasetNotFound):
        parts.store.get(one.dataset_id)


def test_an_upload_is_tagged_as_pending_and_can_be_tagged_anew(parts):
    one = dataset()
    assert parts.uploads.tags(one, None) is None
    assert parts.put(one, BODY) == 200
    version_id = parts.uploads.found(one).version_id

    before = parts.uploads.tags(one, version_id)
    parts.uploads.set_tags(one, version_id, {"pii": "none", "owner": "ann@x"})

    assert before == {"state": "pending"}
    assert parts.uploads.tags(one, version_id) == parts.uploads.tags(one, None) == {"pii": "none", "owner": "ann@x"}
