"""What a release is made of, each named by its content."""

import hashlib
import zipfile
from io import BytesIO

import pytest
from botocore.exceptions import ClientError

from deployment import release
from deployment.release import content_tag, image_by_digest, image_tag, spark_code_uri, upload_spark_code
from deployment.spark_code import code_objects, zip_package
from tests.fakes.deploying import Bucket, Registry
from tests.fakes.seam import aws_error

REPOSITORY = "111111111111.dkr.ecr.us-east-1.amazonaws.com/cdp-dev-api"


@pytest.mark.parametrize(
    "other",
    [{"a": b"1", "b": b"3"}, {"a": b"1"}, {"a": b"1", "c": b"2"}, {"a": b"12", "b": b""}, {"ab": b"1", "": b"2"}],
)
def test_a_tag_tells_other_files_apart(other):
    assert content_tag(other) != content_tag({"a": b"1", "b": b"2"})


def test_a_tag_does_not_know_in_which_order_files_were_read():
    assert content_tag({"a": b"1", "b": b"2"}) == content_tag({"b": b"2", "a": b"1"})


def test_an_images_tag_changes_with_its_code_and_what_both_images_share_and_with_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(release, "ROOT", tmp_path)
    for name in ("api/app.py", "worker/main.py", "shared/job.py", "requirements/product.lock", "Dockerfile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    before = {image: image_tag(image) for image in release.IMAGES}

    (tmp_path / "api" / "__pycache__").mkdir()
    (tmp_path / "api" / "__pycache__" / "app.pyc").write_text("compiled")
    (tmp_path / "README.md").write_text("text")
    assert {image: image_tag(image) for image in release.IMAGES} == before

    (tmp_path / "worker" / "main.py").write_text("changed")
    assert image_tag("api") == before["api"]
    assert image_tag("worker") != before["worker"]

    (tmp_path / "Dockerfile").write_text("changed")
    assert image_tag("api") != before["api"]


def test_an_image_is_known_by_its_digest():
    registry = Registry({("cdp-dev-api", "t1"): "sha256:abc"})

    assert image_by_digest(registry, REPOSITORY, "t1") == f"{REPOSITORY}@sha256:abc"


def test_an_image_that_was_not_pushed_is_none():
    assert image_by_digest(Registry(), REPOSITORY, "t1") is None


def test_an_error_of_the_registry_is_no_missing_image():
    with pytest.raises(ClientError, match="RepositoryNotFound"):
        image_by_digest(Registry(error=aws_error("DescribeImages", "RepositoryNotFoundException")), REPOSITORY, "t1")


def test_spark_code_goes_into_a_folder_of_its_content_and_is_put_once():
    files = {"main.py": b"1", "spark_jobs.zip": b"2"}
    folder = f"spark/{content_tag(files)}/"
    bucket = Bucket(there=[f"{folder}main.py"])

    upload_spark_code(bucket, "artifacts", files)

    assert bucket.put == {("artifacts", f"{folder}spark_jobs.zip"): b"2"}
    assert spark_code_uri("artifacts", files) == f"s3://artifacts/{folder}"


def test_an_error_of_s3_is_no_missing_object():
    with pytest.raises(ClientError, match="403"):
        upload_spark_code(Bucket(error=aws_error("HeadObject", "403", status=403)), "artifacts", {"main.py": b"1"})


def test_the_same_spark_code_is_the_same_bytes_whenever_and_wherever_it_is_packed(tmp_path):
    for place in ("here", "there"):
        package = tmp_path / place / "spark_jobs"
        package.mkdir(parents=True)
        for name in ("b.py", "a.py") if place == "here" else ("a.py", "b.py"):
            (package / name).write_text(name)

    packed = [zip_package(tmp_path / place / "spark_jobs") for place in ("here", "there")]

    assert packed[0] == packed[1]
    assert zipfile.ZipFile(BytesIO(packed[0])).namelist() == ["spark_jobs/a.py", "spark_jobs/b.py"]


def test_the_spark_code_is_the_entry_point_and_the_package():
    found = code_objects()

    assert sorted(found) == ["main.py", "spark_jobs.zip"]
    assert hashlib.sha256(found["spark_jobs.zip"]).digest() == hashlib.sha256(code_objects()["spark_jobs.zip"]).digest()
