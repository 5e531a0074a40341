"""How simulated runs end, and what they leave."""

import json
from datetime import UTC, datetime

import pytest

from local.emr.simulation import Fate, fate_of, is_simulated, manifest_of


def arguments(attempt: int = 1, **parameters: object) -> list[str]:
    return ["--job", json.dumps({"jobId": "j", "parameters": parameters}), "--attempt", str(attempt)]


@pytest.mark.parametrize(
    ("given", "fate"),
    [
        (arguments(), Fate(1.0, None)),
        (arguments(seconds=0.25), Fate(0.25, None)),
        (arguments(seconds=2, fail="boom"), Fate(2.0, "boom")),
        (arguments(1, fail="boom", failAttempts=1), Fate(1.0, "boom")),
        (arguments(2, fail="boom", failAttempts=1), Fate(1.0, None)),
        ([], Fate(1.0, None)),
    ],
)
def test_a_fate_is_what_the_parameters_say(given: list[str], fate: Fate) -> None:
    assert fate_of(given) == fate


def test_a_run_whose_parameters_make_no_sense_fails_and_says_so() -> None:
    fate = fate_of(arguments(seconds="soon"))

    assert fate.seconds == 0
    assert "cannot be read" in str(fate.failure)


@pytest.mark.parametrize(
    ("entry_point", "expected"),
    [
        ("simulated", True),
        ("s3://code/spark/0.1.0/simulated", True),
        ("s3://code/simulated.py", False),
        ("/opt/simulated", False),
    ],
)
def test_only_the_simulated_entry_point_is_simulated(entry_point: str, expected: bool) -> None:
    assert is_simulated({"jobDriver": {"sparkSubmit": {"entryPoint": entry_point}}}) is expected


def test_a_manifest_lies_below_its_attempt_and_a_run_without_output_has_none() -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)

    uri, body = manifest_of([*arguments(3), "--output", "s3://out/jobs/j/"], noon)  # type: ignore[misc]

    assert uri == "s3://out/jobs/j/attempt-3/_manifest.json"
    assert json.loads(body)["createdAt"] == "2026-11-23T12:00:00.000Z"
    assert manifest_of(arguments(), noon) is None
