"""What a Spark program knows of the trace that its run is part of."""

import pytest

from shared.tracing import traceparent_of_run
from spark_jobs.attempt_log import trace_id_in

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize("flags", ["00", "01", "03"])
def test_a_run_finds_its_trace_in_what_the_platform_gives_it(flags):
    given = traceparent_of_run(f"00-{TRACE}-b7ad6b7169203331-{flags}", "job-1.1")

    assert given is not None
    assert trace_id_in({"TRACEPARENT": given}) == TRACE


@pytest.mark.parametrize("given", ["", "x", f"00-{TRACE}", f"00-{TRACE}-b7ad6b7169203331-01\n- forged"])
def test_a_run_with_another_variable_of_that_name_is_part_of_no_trace(given):
    assert trace_id_in({"TRACEPARENT": given}) is None


def test_a_run_outside_of_traces_knows_of_none():
    assert trace_id_in({}) is None
