"""Uploading a file as a dataset: registered, sent to S3 by its links, completed. Cut short, it goes on where it was."""

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence

from cli.client import ApiClient, Problem, Record, Unreachable
from cli.file_parts import FileParts

SEND_SECONDS = 60
ALREADY_THERE = 412
PARTS_AT_ONCE = 10
OVER = ("EXPIRED", "ABANDONED")
MISSING = "upload_missing"

Say = Callable[[str], None]


def upload(
    client: ApiClient,
    file: FileParts,
    content_type: str,
    tags: Mapping[str, str],
    say: Say,
    dataset_type: str | None = None,
) -> Record:
    """The record of the dataset that the file is, READY. The same file is the same dataset, however often it is sent.

    Raises: Problem, Unreachable.
    """
    record = register(client, registration_of(file, content_type, tags, dataset_type))
    if record["status"] == "READY":
        return record
    if file.part_size_bytes is None:
        say(f"sending {file.size_bytes} bytes")
        send(record["upload"], file, 1)
        return client.complete_dataset(record["datasetId"])
    return upload_parts(client, file, record["datasetId"], say)


def registration_of(
    file: FileParts, content_type: str, tags: Mapping[str, str], dataset_type: str | None = None
) -> Record:
    """What the file is registered as."""
    return {
        "fileName": file.path.name,
        "sizeBytes": file.size_bytes,
        "sha256": file.sha256,
        "contentType": content_type,
        "tags": dict(tags),
        **({} if file.part_size_bytes is None else {"partSizeBytes": file.part_size_bytes}),
        **({} if dataset_type is None else {"datasetType": dataset_type}),
    }


def register(client: ApiClient, asked: Record) -> Record:
    """The dataset of this registration that can be uploaded or is READY: what has expired is registered anew."""
    seed = json.dumps(asked, sort_keys=True)
    while True:
        record = client.register_dataset(asked, f"cdp-{hashlib.sha256(seed.encode()).hexdigest()}")
        if record["status"] not in OVER:
            return record
        seed += record["datasetId"]


def upload_parts(client: ApiClient, file: FileParts, dataset_id: str, say: Say) -> Record:
    """Send what S3 does not have yet, until the dataset can be completed."""
    sent: set[int] = set()
    while True:
        try:
            return client.complete_dataset(dataset_id)
        except Problem as problem:
            if problem.code != MISSING or not set(problem.missing_parts) - sent:
                raise
            numbers = problem.missing_parts[:PARTS_AT_ONCE]
        send_parts(client, file, dataset_id, numbers, say)
        sent.update(numbers)


def send_parts(client: ApiClient, file: FileParts, dataset_id: str, numbers: Sequence[int], say: Say) -> None:
    """Send these parts by links that are asked for just before."""
    wanted: list[Record] = [{"number": number, "sha256": file.digests[number - 1].hex()} for number in numbers]
    for link in client.part_links(dataset_id, wanted):
        say(f"sending part {link['number']} of {len(file.digests)}")
        send(link, file, link["number"])


def send(link: Record, file: FileParts, number: int) -> None:
    """Send a part by its link; what S3 has already is as good. Raises: Unreachable, which does not tell the link."""
    with file.read(number) as body:
        request = urllib.request.Request(  # noqa: S310 (the link is the API's)
            link["url"], method=link["method"], data=body, headers=link["headers"]
        )
        try:
            with urllib.request.urlopen(request, timeout=SEND_SECONDS):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            if error.code != ALREADY_THERE:
                said = error.read()[:300].decode(errors="replace")
                raise Unreachable(f"S3 did not take {file.path.name}: {error.code} {said}") from None
        except (OSError, ValueError) as error:
            raise Unreachable(f"S3 did not answer: {error}") from None
