"""Token buckets, on a clock that the test turns."""

from local.emr.throttle import Rate, Throttle, make_throttle
from local.settings import LocalSettings


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def calls_let_through(throttle: Throttle, operation: str, tries: int) -> int:
    return sum(throttle.allows(operation) for _ in range(tries))


def test_a_burst_goes_through_and_then_the_rate() -> None:
    clock = Clock()
    throttle = Throttle({"StartJobRun": Rate(1, 3)}, Rate(1, 1), clock)

    burst = calls_let_through(throttle, "StartJobRun", 10)
    clock.seconds += 0.999
    too_soon = throttle.allows("StartJobRun")
    clock.seconds += 0.002
    in_time = throttle.allows("StartJobRun")

    assert (burst, too_soon, in_time) == (3, False, True)


def test_a_long_rest_fills_the_bucket_no_further_than_its_burst() -> None:
    clock = Clock()
    throttle = Throttle({"StartJobRun": Rate(1, 3)}, Rate(1, 1), clock)
    calls_let_through(throttle, "StartJobRun", 3)

    clock.seconds += 3600

    assert calls_let_through(throttle, "StartJobRun", 10) == 3


def test_operations_do_not_use_up_each_others_calls() -> None:
    throttle = Throttle({"StartJobRun": Rate(1, 1)}, Rate(1, 2), Clock())
    calls_let_through(throttle, "StartJobRun", 5)

    assert calls_let_through(throttle, "CreateApplication", 5) == 2
    assert calls_let_through(throttle, "GetApplication", 5) == 2


def test_the_rates_are_those_of_aws_by_default() -> None:
    clock = Clock()
    throttle = make_throttle(LocalSettings(), clock)
    bursts = {"StartJobRun": 25, "GetJobRun": 50, "ListJobRuns": 25, "CancelJobRun": 25, "GetDashboardForJobRun": 2}

    let_through = {operation: calls_let_through(throttle, operation, 100) for operation in bursts}
    clock.seconds += 1
    a_second_later = {operation: calls_let_through(throttle, operation, 100) for operation in bursts}

    assert let_through == bursts
    assert a_second_later == {**dict.fromkeys(bursts, 1), "GetJobRun": 10}
