"""S3 behind our words."""

import hashlib

import pytest

from shared.errors import ObjectsForbidden, ObjectsUnavailable
from shared.object_store import ObjectStore, allowed_get, is_s3_uri, split_uri
from tests.fakes.clock import Clock
from tests.fakes.s3 import FakeS3
from tests.fakes.seam import Client, Seam, aws_error, no_connection


@pytest.fixture
def seam() -> Seam:
    return Seam()


@pytest.fixture
def objects(seam) -> ObjectStore:
    s3 = FakeS3()
    s3.objects = {("raw", "a/flights.csv"): b"x", ("raw", "doc.json"): b'{"a": 1}', ("raw", "no.json"): b"{"}
    return ObjectStore(Client(s3, seam, Clock()))


@pytest.mark.parametrize(
    ("uri", "there"),
    [
        ("s3://raw/a/flights.csv", True),
        ("s3://raw/a/", True),
        ("s3://raw/a", True),
        ("s3://raw/", True),
        ("s3://raw", True),
        ("s3://raw/a/flights", False),
        ("s3://raw/b/", False),
        ("s3://empty/a", False),
    ],
)
def test_an_object_or_anything_below_a_prefix_exists(objects, uri, there):
    assert objects.exists(uri) is there


@pytest.mark.parametrize("operation", ["head_object", "list_objects_v2"])
def test_a_bucket_that_does_not_exist_holds_nothing(objects, seam, operation):
    seam.fail_before(operation, aws_error(operation, "NoSuchBucket", status=404))

    assert objects.exists("s3://nowhere/x") is False


@pytest.mark.parametrize(
    ("error", "means"),
    [
        (aws_error("HeadObject", "403", status=403), ObjectsForbidden),
        (aws_error("HeadObject", "SlowDown", status=503), ObjectsUnavailable),
        (no_connection(), ObjectsUnavailable),
    ],
)
def test_what_s3_did_not_answer_is_told_apart(objects, seam, error, means):
    seam.fail_before("head_object", error)
    with pytest.raises(means):
        objects.exists("s3://raw/a/flights.csv")

    seam.fail_before("get_object", error)
    with pytest.raises(means):
        objects.read_json("s3://raw/doc.json")


@pytest.mark.parametrize(
    ("uri", "document"), [("s3://raw/doc.json", {"a": 1}), ("s3://raw/no.json", None), ("s3://raw/missing", None)]
)
def test_a_small_document_is_read_if_there_is_one(objects, uri, document):
    assert objects.read_json(uri) == document


@pytest.mark.parametrize(
    ("uri", "sha256"),
    [("s3://raw/doc.json", hashlib.sha256(b'{"a": 1}').hexdigest()), ("s3://raw/missing", None)],
)
def test_the_checksum_of_an_object_is_taken_if_there_is_one(objects, uri, sha256):
    assert objects.sha256(uri) == sha256


@pytest.mark.parametrize(
    ("uri", "right"),
    [
        ("s3://raw/a.csv", True),
        ("s3://raw", True),
        ("https://raw/a.csv", False),
        ("s3a://raw/a.csv", False),
        ("s3:///a.csv", False),
        ("file:///etc/passwd", False),
        ("s3://user@raw/a.csv", False),
        ("s3://raw/../b", False),
        ("s3://raw/a?versionId=1", False),
        ("s3://raw/a#b", False),
        ("", False),
    ],
)
def test_only_plain_s3_uris_are_taken(uri, right):
    assert is_s3_uri(uri) is right


@pytest.mark.parametrize("uri", ["http://x/y", "s3:/x", "s3://"])
def test_what_is_no_s3_uri_cannot_be_split(uri):
    with pytest.raises(ValueError, match="not an s3:// URI"):
        split_uri(uri)


@pytest.mark.parametrize(
    ("uri", "content_type"),
    [("s3://b/reports/profile.html", "text/html; charset=utf-8"), ("s3://b/data/part-0.parquet", None)],
)
def test_a_link_to_a_page_shows_it(uri, content_type):
    assert allowed_get(uri).parameters.get("ResponseContentType") == content_type
