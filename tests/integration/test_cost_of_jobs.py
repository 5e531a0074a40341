"""What a job costs in calls of AWS, and in DynamoDB's units, from its submission to its end."""

from collections import Counter
from typing import Any

from shared.settings import Settings
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.emr import Plan
from tests.fakes.jobs import submitted_job
from tests.fakes.world import World
from tests.integration.conftest import copy_table

# Shorter than the first look of the timer, so that only the events tell of it; and one that four looks see going on.
SHORT = Plan()
LONG = Plan(((0, "SUBMITTED"), (1, "RUNNING"), (2_500, "SUCCESS")))
LOOKS = 4
JOBS_TABLE, CONTROL_TABLE = "cost-of-jobs", "cost-of-jobs-control"
WRITES = {"put_item", "update_item", "transact_write_items"}
# docs/capacity.md says these. Of a short job: stored and later ended, each with its quota, and its bill noted with the
# owner's sums; its hint sent; taken, permitted, started, recorded; looked at when its event comes, and for its bill.
CALLS_OF_A_SHORT_JOB = {
    "transact_write_items": 3,
    "update_item": 4,
    "put_item": 1,
    "get_item": 5,
    "get_queue_url": 1,
    "send_message": 1,
    "delete_message_batch": 2,
    "start_job_run": 1,
    "get_job_run": 2,
    "get_object": 1,
}
CALLS_OF_A_LOOK = {"get_item": 1, "update_item": 2, "get_job_run": 1}
# In units of DynamoDB; measured were 50 and 5.5, and 9 and 1.5.
MOST_UNITS_OF_A_SHORT_JOB = {"written": 55, "read": 8}
MOST_UNITS_OF_A_LOOK = {"written": 10, "read": 2}


class Metered:
    """A client of DynamoDB that adds up the units that its calls used, where it is told them."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._asking = {} if isinstance(client, FakeDynamoDB) else {"ReturnConsumedCapacity": "TOTAL"}
        self.units: Counter[str] = Counter()

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            answer = getattr(self._client, operation)(**request, **self._asking)
            used = answer.get("ConsumedCapacity", [])
            for each in used if isinstance(used, list) else [used]:
                self.units["written" if operation in WRITES else "read"] += each["CapacityUnits"]
            return answer

        return call


def cost_of(dynamodb: Any, plan: Plan | None, number: int = 1) -> tuple[Counter[str], Counter[str]]:
    """Calls and units of an hour of a worker, with one job if there is a plan for its run."""
    metered = Metered(dynamodb)
    world = World(metered, jobs_table=JOBS_TABLE, control_table=CONTROL_TABLE)
    jobs = []
    if plan is not None:
        world.emr.default_plan = plan
        jobs = [world.submit(submitted_job(number=number))]
    world.run_for(3_000, 60)
    world.send_events()
    world.run_for(600, 60)
    assert [world.job(job).status for job in jobs] == ["SUCCEEDED"] * len(jobs)
    return Counter(world.seam.calls), metered.units


def make_own_tables(dynamodb: Any) -> None:
    """Empty tables, since a worker would take care of the jobs that other tests left in theirs."""
    # DynamoDB Local begins with all tables of MiniStack, these among them if the test was there first.
    if not isinstance(dynamodb, FakeDynamoDB) and JOBS_TABLE not in dynamodb.list_tables()["TableNames"]:
        copy_table(dynamodb, dynamodb, Settings().jobs_table, JOBS_TABLE)
        copy_table(dynamodb, dynamodb, Settings().control_table, CONTROL_TABLE)


def test_what_a_job_costs_is_known(dynamodb):
    make_own_tables(dynamodb)
    idle_calls, idle_units = cost_of(dynamodb, None)
    short_calls, short_units = cost_of(dynamodb, SHORT, 1)
    long_calls, long_units = cost_of(dynamodb, LONG, 2)

    assert without_looking(short_calls - idle_calls) == CALLS_OF_A_SHORT_JOB
    assert without_looking(long_calls - short_calls) == {name: LOOKS * calls for name, calls in CALLS_OF_A_LOOK.items()}
    for kind in ("written", "read"):
        print(
            f"units {kind}: {short_units[kind] - idle_units[kind]} a short job, {long_units[kind]} with {LOOKS} looks"
        )
        assert short_units[kind] - idle_units[kind] <= MOST_UNITS_OF_A_SHORT_JOB[kind]
        assert long_units[kind] - short_units[kind] <= LOOKS * MOST_UNITS_OF_A_LOOK[kind]


def without_looking(calls: Counter[str]) -> dict[str, int]:
    """The calls for a job alone: what loops ask for without one is more or less by how often they turned."""
    return {name: count for name, count in calls.items() if name not in ("query", "receive_message")}
