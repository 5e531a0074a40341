"""Documents of faults, and the chances they describe."""

import pytest

from local.emr.faults import BadFaults, Chance, FaultBox, Faults, read_faults, write_faults

FULL = {
    "seed": 7,
    "throttle": {"StartJobRun": {"next": 3}},
    "error": {"GetJobRun": {"probability": 0.1}},
    "answerLost": {"StartJobRun": {"next": 1}},
    "capacity": {"next": 2},
    "failRuns": {"next": 1, "point": "start", "text": "no disk"},
    "events": {"lost": {"next": 1}, "lateSeconds": 5.0, "copies": 2},
    "slowStartSeconds": 3.0,
    "simulateSeconds": 2.0,
}


def test_a_document_is_written_as_it_was_read() -> None:
    assert write_faults(read_faults(FULL)) == FULL


def test_an_empty_document_is_no_faults() -> None:
    assert read_faults({}) == Faults()


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (None, "must be an object"),
        ({"typo": 1}, "unknown members: typo"),
        ({"error": {"DropTables": {"next": 1}}}, "DropTables"),
        ({"error": {"GetJobRun": {}}}, "either next or probability"),
        ({"capacity": {"next": 1.5}}, "whole number"),
        ({"capacity": {"probability": 1.01}}, "from 0 to 1"),
        ({"failRuns": {"next": 1, "point": "end"}}, "start, running"),
        ({"failRuns": {"next": 1, "text": " "}}, "sentence"),
        ({"events": {"copies": 0}}, "from 1 to 100"),
        ({"slowStartSeconds": "3"}, "must be a number"),
    ],
)
def test_a_bad_document_is_refused_with_its_reason(document: object, complaint: str) -> None:
    with pytest.raises(BadFaults, match=complaint):
        read_faults(document)


def test_the_next_times_are_used_up() -> None:
    box = FaultBox(Faults(capacity=Chance(next=2)))

    assert [box.happens(box.faults.capacity) for _ in range(4)] == [True, True, False, False]
    assert write_faults(box.faults)["capacity"] == {"next": 0}


def test_one_seed_gives_the_same_faults_again() -> None:
    def draws(seed: int) -> list[bool]:
        box = FaultBox(Faults(seed=seed, capacity=Chance(probability=0.5)))
        return [box.happens(box.faults.capacity) for _ in range(50)]

    assert draws(1) == draws(1)
    assert draws(1) != draws(2)
    assert 10 < sum(draws(1)) < 40
