"""python -m examples: plays the scenario on a local cloud of its own, and records it for the document."""

import json
import sys
from pathlib import Path

from examples.player import OtherAnswer, Target, play
from examples.recording import recordings_of
from examples.scenario import OBJECTS, SCENARIO
from local.cloud import PARTS, LocalCloud, start_cloud
from local.deploy import make_client

RECORDED = Path(__file__).parents[1] / "api" / "document" / "recorded_examples.json"


def main() -> None:
    """Record; exit 1 with a sentence if an answer is not as the scenario says."""
    # What is billed is known at once, so that the examples need not wait a minute for it.
    with start_cloud(PARTS, {"LOCAL_EMR_BILL_SECONDS": "0"}) as cloud:
        put_objects(cloud)
        try:
            recordings = recordings_of(play(SCENARIO, target_of(cloud)))
        except OtherAnswer as problem:
            sys.exit(f"make examples: {problem}")
    RECORDED.write_text(json.dumps(recordings, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(recordings)} requests and their answers are in {RECORDED}.")


def target_of(cloud: LocalCloud) -> Target:
    """The API of a local cloud."""
    return Target(cloud.environment["CDP_API_URL"], cloud.environment["CALLBACK_SIGNING_KEY"])


def put_objects(cloud: LocalCloud) -> None:
    """Put there what the scenario reads, as clients upload it: with a checksum."""
    s3 = make_client("s3", cloud.environment)
    for uri, content in OBJECTS.items():
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        s3.put_object(Bucket=bucket, Key=key, Body=content, ChecksumAlgorithm="SHA256")


if __name__ == "__main__":
    main()
