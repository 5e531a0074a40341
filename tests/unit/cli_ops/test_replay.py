"""Dead letters become jobs: once each, whatever comes in between."""

import itertools
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from api.jobs.records import job_record
from shared.errors import QueueUnavailable, ServiceUnavailable, StoreUnavailable
from shared.lifecycle import waiting
from shared.models import FailureReason
from shared.moments import epoch_ms
from shared.replays.dead_letter_replay import Result, plan_purge, plan_replay, purge, to_purge, to_replay
from shared.replays.dead_letters import Kind, Selection
from shared.replays.job_replay import JobReplayer, Orders, new_job
from shared.replays.job_replay import failed_job as failed_of
from shared.replays.replay_edits import edits_of, read_edits
from shared.spark_runner import start_request
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.jobs import ended_job, job_id, submitted_job, tracking_job
from tests.fakes.seam import aws_error, no_answer, no_connection
from tests.unit.cli_ops.operations import RUN_EVENT, Ops, failed_job
from worker.envelopes import failed_job_envelope

ALL = Selection()


def replay_by_api(ops: Ops, old, orders: Orders):
    """What the API does when an owner asks for a replay."""
    replayer = JobReplayer(ops.store, ops.world.jobs_queue, ops.clock)
    return replayer.store(new_job(failed_of(old), orders, NOON, ops.settings), old, orders)


def results(outcomes) -> list[str]:
    return [str(outcome.result) for outcome in outcomes]


def hint(job) -> dict:
    return {"schemaVersion": 1, "kind": "job", "jobId": job.job_id}


def test_a_failed_job_becomes_a_new_one_that_both_know_of():
    ops = Ops()
    (old,) = ops.fail(1)

    outcomes = ops.replay(ALL, reason="The disk is larger now.")

    (new,) = ops.new_jobs()
    replayed = ops.store.get(old.job_id)
    assert results(outcomes) == ["replayed"]
    assert (new.status, new.replay_of, new.attempt) == (JobStatus.SUBMITTED, old.job_id, 0)
    assert new.request == old.request
    assert (new.owner_id, new.correlation_id) == (old.owner_id, old.correlation_id)
    assert new.status_message == f"Replayed from {old.job_id}. The disk is larger now."
    assert (new.history[0].by, new.history[0].message) == ("operator:anna@laptop", new.status_message)
    assert replayed.replayed_by == (new.job_id,)
    assert replayed.history[-1].message == f"Replayed as {new.job_id}. The disk is larger now."
    assert json.loads(ops.world.sqs.bodies(ops.settings.jobs_queue)[0]) == hint(new)
    assert ops.bodies() == []


def test_clients_see_both_ends_of_a_replay():
    ops = Ops()
    (old,) = ops.fail(1)

    ops.replay(ALL)

    (new,) = ops.new_jobs()
    first, second = (job_record(ops.store.get(each), ops.settings, NOON) for each in (old.job_id, new.job_id))
    assert (first["replayOf"], first["replayedBy"]) == (None, [new.job_id])
    assert (second["replayOf"], second["replayedBy"]) == (old.job_id, [])


def test_nothing_of_the_failed_job_changes_but_that_it_was_replayed():
    ops = Ops()
    (old,) = ops.fail(1)

    ops.replay(ALL)

    found = ops.store.get(old.job_id)
    allowed = {"rev": old.rev, "updated_at": old.updated_at, "replayed_by": (), "history": old.history}
    assert replace(found, **allowed) == old


def test_a_replayed_job_runs_to_its_end_by_the_workers():
    ops = Ops()
    ops.fail(1)
    ops.replay(ALL)

    ops.world.run_for(30)
    ops.world.send_events()
    ops.world.run_for(10)

    (new,) = ops.new_jobs()
    assert new.status is JobStatus.SUCCEEDED


def test_a_new_job_runs_with_the_edits():
    ops = Ops()
    ops.fail(1)
    edits = read_edits(["size=medium", "timeoutSeconds=7200", "maxAttempts=5", "parameters.delimiter=;"])

    ops.replay(ALL, edits=edits)

    (new,) = ops.new_jobs()
    submit = start_request(new.job_id, new.spec, 1)["jobDriver"]["sparkSubmit"]
    assert (new.request.size, new.request.timeout_seconds, new.retry_policy.max_attempts) == ("medium", 7200, 5)
    assert new.request.parameters == {"header": True, "delimiter": ";"}
    assert new.spec.timeout_minutes == 120
    assert "spark.executor.memory=16756m" in submit["sparkSubmitParameters"]
    assert json.loads(submit["entryPointArguments"][1])["parameters"]["delimiter"] == ";"
    assert f"/jobs/{new.job_id}/" in submit["entryPointArguments"][3]


def test_replaying_the_same_message_twice_makes_one_job():
    ops = Ops()
    (old,) = ops.fail(1)
    ops.send(failed_job_envelope(old, ops.settings))

    outcomes = ops.replay(ALL)

    assert results(outcomes) == ["replayed", "already replayed"]
    assert len(ops.new_jobs()) == 1
    assert ops.bodies() == []


@pytest.mark.parametrize(
    ("orders", "result", "jobs", "messages"),
    [
        ({}, "already replayed", 1, 0),
        ({"edits": read_edits(["size=large"])}, "left", 1, 1),
        ({"edits": read_edits(["size=large"]), "again": "x"}, "replayed", 2, 0),
        ({"again": "x"}, "replayed", 2, 0),
    ],
)
def test_a_duplicate_that_comes_later_makes_another_job_only_with_a_salt(orders, result, jobs, messages):
    ops = Ops()
    (old,) = ops.fail(1)
    ops.replay(ALL)
    ops.send(failed_job_envelope(old, ops.settings))

    outcomes = ops.replay(ALL, **orders)

    assert results(outcomes) == [result]
    assert (len(ops.new_jobs()), len(ops.bodies())) == (jobs, messages)


@pytest.mark.parametrize("again", ["", "tuesday"])
def test_what_its_owner_replayed_by_the_api_is_found_replayed(again):
    ops = Ops()
    (old,) = ops.fail(1)
    orders = Orders("api:local", edits_of({"size": "large", "parameters": {"delimiter": ";"}}), again)
    made = replay_by_api(ops, old, orders)

    edits = read_edits(["parameters.delimiter=;", "size=large"])
    assert results(ops.replay(ALL, edits=edits, again=again)) == ["already replayed"]
    assert [new.job_id for new in ops.new_jobs()] == [made.job.job_id]
    assert ops.bodies() == []


def test_what_its_owner_replayed_with_other_edits_is_left():
    ops = Ops()
    (old,) = ops.fail(1)
    orders = Orders("api:local", edits_of({"size": "large"}))
    made = replay_by_api(ops, old, orders)

    (outcome,) = ops.replay(ALL)

    assert (outcome.result, len(ops.bodies())) == (Result.LEFT, 1)
    assert made.job.job_id in outcome.text


def test_a_failure_is_the_same_by_its_item_and_by_its_dead_letter():
    ops = Ops()
    (old,) = ops.fail(1)

    with ops.held() as held:
        (letter,) = ops.read(held)

    assert letter.failed == failed_of(old)


def test_of_two_replays_of_one_message_at_the_same_moment_the_second_finds_all_done():
    ops = Ops()
    (old,) = ops.fail(1)
    ops.send(failed_job_envelope(old, ops.settings))

    def other_is_faster(operation, arguments):
        if operation == "transact_write_items":
            ops.seam.before = lambda *_: None
            ops.clock.forward(61)  # the hold has ended, so the other one receives the message too
            ops.replay(Selection(ids=frozenset({"message-1"})))

    ops.seam.before = other_is_faster

    assert results(ops.replay(ALL)) == ["already replayed"] * 2
    (new,) = ops.new_jobs()
    assert ops.store.get(old.job_id).replayed_by == (new.job_id,)


def test_only_what_is_selected_is_replayed_and_poison_stays_and_blocks_nothing():
    ops = Ops()
    ops.poison()
    ops.fail(1, 2)
    ops.fail(3, 4, failure_reason=FailureReason.CAPACITY)
    ops.poison()

    outcomes = ops.replay(Selection(reasons=frozenset({FailureReason.CAPACITY})))

    assert [new.replay_of for new in ops.new_jobs()] == [job_id(3), job_id(4)]
    assert results(outcomes) == ["replayed"] * 2
    assert len(ops.bodies()) == 8 + 2 + 8
    assert ops.hidden() == 0


def test_the_oldest_failures_come_first_and_no_more_than_allowed():
    ops = Ops()
    ops.fail(5, 3, 4)

    outcomes = ops.replay(ALL, most=2)

    assert [outcome.letter.job_id for outcome in outcomes] == [job_id(3), job_id(4)]
    assert len(ops.bodies()) == 1


def test_those_that_were_replayed_before_do_not_count_against_the_most():
    ops = Ops()
    (old, _) = ops.fail(1, 2)
    ops.replay(Selection(ids=frozenset({old.job_id})))
    ops.send(failed_job_envelope(old, ops.settings))

    assert results(ops.replay(ALL, most=1)) == ["already replayed", "replayed"]


def test_new_jobs_come_no_faster_than_the_rate_and_the_hold_is_kept_meanwhile():
    ops = Ops()
    ops.fail(1, 2, 3)

    ops.replay(ALL, rate=0.01)

    created = sorted(new.created_at for new in ops.new_jobs())
    assert [later - sooner for sooner, later in itertools.pairwise(created)] == [timedelta(seconds=100)] * 2
    assert max(ops.pauses) == 1.0
    assert len(ops.bodies()) == 0, "the messages' receipts were still good"


def test_what_is_in_hand_is_kept_also_where_nothing_has_to_be_waited_for():
    ops = Ops()
    ops.fail(*range(6))
    hidden = []

    def takes_long(operation, arguments):
        if operation == "get_item":
            ops.clock.forward(25)
            hidden.append(ops.hidden())

    ops.seam.before = takes_long

    outcomes = ops.replay(ALL, edits=read_edits(["parameters.colour=red"]))

    assert results(outcomes) == ["left"] * 6
    assert hidden == [6] * 6


def test_a_plan_writes_nothing():
    ops = Ops()
    ops.fail(1, 2)
    ops.poison()
    before = repr(ops.world.dynamodb.tables)

    with ops.held() as held:
        outcomes = plan_replay(to_replay(ops.read(held), ALL), ops.replayer(edits=read_edits(["size=large"])), 1)

    assert results(outcomes) == ["replayed"]
    assert outcomes[0].text == f'It becomes {outcomes[0].new_job.job_id}, with size="large".'
    assert repr(ops.world.dynamodb.tables) == before
    assert len(ops.bodies()) == 10


def test_what_was_planned_is_what_is_done():
    ops = Ops()
    ops.fail(1)
    with ops.held() as held:
        (planned,) = plan_replay(ops.read(held), ops.replayer(), None)

    (done,) = ops.replay(ALL)

    assert done.new_job.job_id == planned.new_job.job_id


@pytest.mark.parametrize(
    ("changes", "orders", "told"),
    [
        ({}, {"edits": read_edits(["parameters.delimiter=;;"])}, "/parameters/delimiter: "),
        ({}, {"edits": read_edits(["parameters.colour=red"])}, "There is no"),
        ({}, {"edits": read_edits(["parameters.header.deep=1"])}, "cannot be set"),
        ({"job_type": "gone"}, {}, "There is no job type 'gone' any more."),
        ({"size": "tiny"}, {}, "/size: size must be one of"),
        ({"timeout_seconds": "1"}, {}, "/timeoutSeconds: "),
        ({"parameters": {"nullValue": "x" * 99, "columns": "a"}}, {}, "/parameters/columns"),
    ],
)
def test_a_job_that_could_not_be_submitted_so_is_left_and_blocks_nothing(changes, orders, told):
    ops = Ops()
    wrong = failed_job(1)
    ops.fail(1, request=replace(wrong.request, **changes))
    good = {"edits": orders["edits"]} if orders else {}

    outcomes = ops.replay(Selection(ids=frozenset({job_id(1)})), **good)

    assert results(outcomes) == ["left"]
    assert told in outcomes[0].text
    assert (ops.new_jobs(), len(ops.bodies()), ops.hidden()) == ([], 1, 0)


def test_the_type_for_trials_is_not_replayed_where_it_is_not_offered():
    ops = Ops(environment="production")
    ops.fail(1, request=replace(failed_job().request, job_type="simulated", parameters={}, inputs=()))

    assert "no job type 'simulated'" in ops.replay(ALL)[0].text


def test_one_whose_item_was_spoilt_is_left_and_the_next_is_replayed():
    ops = Ops()
    (spoilt, _) = ops.fail(1, 2)
    ops.world.item(spoilt)["status"] = "DANCING"

    outcomes = ops.replay(ALL)

    assert results(outcomes) == ["left", "replayed"]
    assert "cannot be read" in outcomes[0].text


def test_one_whose_job_has_not_failed_is_left():
    ops = Ops()
    job = failed_job(1)
    ops.store.create(tracking_job(number=1))
    ops.send(failed_job_envelope(job, ops.settings))

    (outcome,) = ops.replay(ALL)

    assert (outcome.result, outcome.text) == (
        Result.LEFT,
        f"Job {job.job_id} is RUNNING, although this says that it failed.",
    )


def test_one_whose_job_is_gone_is_replayed_from_its_envelope():
    ops = Ops()
    ops.send(failed_job_envelope(failed_job(1), ops.settings))

    outcomes = ops.replay(ALL)

    assert results(outcomes) == ["replayed"]
    assert list(ops.jobs()) == [outcomes[0].new_job.job_id]


def test_one_whose_job_vanishes_in_between_is_left_and_then_found_replayed():
    ops = Ops()
    (old,) = ops.fail(1)
    ops.seam.after = lambda operation, _: (
        ops.world.dynamodb.items(ops.settings.jobs_table).pop(old.job_id, None)
        if operation == "transact_write_items"
        else None
    )

    assert results(ops.replay(ALL)) == ["left"]
    assert results(ops.replay(ALL)) == ["already replayed"]
    assert len(ops.new_jobs()) == 1


def test_one_that_dynamodb_will_never_take_is_left():
    ops = Ops()
    ops.fail(1, 2)
    ops.seam.fail_before("transact_write_items", aws_error("TransactWriteItems", "ValidationException", "too large"))

    assert results(ops.replay(ALL)) == ["left", "replayed"]


def test_a_message_that_cannot_be_sent_makes_the_new_job_due_at_once():
    ops = Ops()
    ops.fail(1)
    ops.seam.fail_before("send_message", no_connection())

    outcomes = ops.replay(ALL)

    (new,) = ops.new_jobs()
    assert results(outcomes) == ["replayed"]
    assert new.due_at == ops.clock()
    assert (ops.bodies(), ops.world.sqs.bodies(ops.settings.jobs_queue)) == ([], [])


def test_the_link_waits_for_nobody_and_takes_no_duty_away():
    ops = Ops()
    (old,) = ops.fail(1, dlq_pending=True, duty_tries=2, due_at=NOON + timedelta(seconds=90))

    ops.replay(ALL)

    found = ops.store.get(old.job_id)
    assert (found.dlq_pending, found.duty_tries, found.due_at) == (True, 2, old.due_at)
    assert len(found.replayed_by) == 1
    ops.clock.forward(120)
    ops.world.timer.run_once(lambda: False)
    assert ops.store.get(old.job_id).due_at is None, "the worker did what was owed"
    assert results(ops.replay(ALL)) == ["already replayed"]


def test_a_worker_that_writes_in_between_keeps_its_write_and_the_link_comes_after_it():
    ops = Ops()
    (old,) = ops.fail(1, dlq_pending=True, due_at=NOON)
    later = NOON + timedelta(hours=1)

    def worker_is_faster(operation, arguments):
        if operation == "update_item" and arguments["Key"] == {"jobId": {"S": old.job_id}}:
            ops.seam.before = lambda *_: None
            ops.store.update(old, waiting(old, NOON, later))

    ops.seam.before = worker_is_faster

    ops.replay(ALL)

    found = ops.store.get(old.job_id)
    assert (found.due_at, len(found.replayed_by)) == (later, 1)


CALLS = ("get_item", "transact_write_items", "send_message", "update_item", "delete_message_batch")


@pytest.mark.parametrize("lost", ["before", "after"])
@pytest.mark.parametrize("call", CALLS)
def test_wherever_it_is_cut_off_it_goes_on_from_there_and_each_job_is_made_once(call, lost):
    ops = Ops()
    ops.fail(1, 2, 3)
    seen = []

    def die(operation, arguments):
        if operation == call:
            seen.append(operation)
            if len(seen) == 2:
                raise KeyboardInterrupt

    setattr(ops.seam, lost, die)
    with pytest.raises(KeyboardInterrupt):
        ops.replay(ALL)
    ops.seam.before = ops.seam.after = lambda *_: None

    ops.replay(ALL)

    assert sorted(new.replay_of for new in ops.new_jobs()) == [job_id(1), job_id(2), job_id(3)]
    assert [len(ops.store.get(job_id(number)).replayed_by) for number in (1, 2, 3)] == [1, 1, 1]
    assert ops.bodies() == []


@pytest.mark.parametrize("call", ["get_item", "transact_write_items", "update_item", "delete_message_batch"])
@pytest.mark.parametrize("lost", ["fail_before", "fail_after"])
def test_a_service_that_does_not_answer_ends_it_and_nothing_is_lost(call, lost):
    ops = Ops()
    ops.fail(1, 2)
    getattr(ops.seam, lost)(call, no_answer())

    with pytest.raises(ServiceUnavailable):
        ops.replay(ALL)
    ops.seam.before = ops.seam.after = lambda *_: None

    assert ops.hidden() == 0
    ops.replay(ALL)
    assert len(ops.new_jobs()) == 2
    assert ops.bodies() == []


def test_no_message_goes_before_its_new_job_is_stored():
    ops = Ops()
    ops.fail(1, 2, 3)
    order = []

    def note(operation, arguments):
        if operation == "transact_write_items":
            order.append("stored")
        if operation == "delete_message_batch":
            order.append("deleted")

    ops.seam.after = note

    ops.replay(ALL)

    assert order == ["stored", "deleted"] * 3


def send_event(ops: Ops, job) -> None:
    run_id = ops.emr.start_job_run(clientToken=job.run_name, name=job.run_name, applicationId="00app")["jobRunId"]
    ops.send({"source": "aws.emr-serverless", "detail": {"applicationId": "00app", "jobRunId": run_id}})


@pytest.mark.parametrize(
    ("job", "result"),
    [
        (submitted_job(), "made due"),
        (tracking_job(due_at=NOON + timedelta(hours=1)), "made due"),
        (ended_job(), "dropped"),
        (None, "dropped"),
    ],
)
@pytest.mark.parametrize("source", ["hint", "event"])
def test_a_redriven_message_makes_its_job_due_or_goes_if_there_is_nothing_to_do(source, job, result):
    ops = Ops()
    if job is not None:
        ops.store.create(job)
    if source == "hint":
        ops.send(hint(job or submitted_job()))
    else:
        send_event(ops, job or submitted_job())

    outcomes = ops.replay(ALL)

    assert results(outcomes) == [result]
    assert ops.bodies() == []
    if result == "made due":
        assert ops.store.get(job.job_id).due_at == ops.clock()


def test_an_event_of_a_run_that_emr_does_not_know_goes():
    ops = Ops()
    ops.send(RUN_EVENT)

    assert results(ops.replay(ALL)) == ["dropped"]


def test_an_event_stays_while_emr_does_not_answer():
    ops = Ops()
    ops.send(RUN_EVENT)
    ops.seam.fail_before("get_job_run", no_answer())

    with pytest.raises(ServiceUnavailable):
        ops.replay(ALL)

    assert (len(ops.bodies()), ops.hidden()) == (1, 0)


def test_a_redriven_message_of_a_job_that_cannot_be_read_is_left():
    ops = Ops()
    ops.store.create(submitted_job())
    ops.world.item(submitted_job())["schemaVersion"] = 9
    ops.send(hint(submitted_job()))

    assert results(ops.replay(ALL)) == ["left"]


def test_a_job_that_ends_before_it_is_made_due_stays_as_it_is():
    ops = Ops()
    running = tracking_job(due_at=NOON + timedelta(hours=1))
    ops.store.create(running)
    ops.send(hint(running))

    def ends(operation, arguments):
        if operation == "update_item":
            item = ops.world.item(running)
            item.update(status="SUCCEEDED", rev="another")
            del item["dueAt"], item["dueShard"]

    ops.seam.before = ends

    assert results(ops.replay(ALL)) == ["made due"]
    assert ops.store.get(running.job_id).due_at is None


def test_a_redriven_message_whose_job_vanishes_in_between_is_left():
    ops = Ops()
    ops.store.create(submitted_job())
    ops.send(hint(submitted_job()))
    table = ops.settings.jobs_table
    ops.seam.fail_before("update_item", aws_error("UpdateItem", "ConditionalCheckFailedException", "The item is gone"))

    outcomes = ops.replay(ALL)

    assert results(outcomes) == ["left"]
    ops.world.dynamodb.items(table).clear()
    assert results(ops.replay(ALL)) == ["dropped"]


def test_what_cannot_be_replayed_says_so():
    ops = Ops()
    ops.poison()

    with ops.held() as held:
        outcomes = plan_replay(ops.read(held), ops.replayer(), None)

    assert results(outcomes) == ["left"] * 8
    assert outcomes[0].text.startswith("A message of kind unprocessable cannot")


def purged(ops: Ops, wanted: Selection) -> list[str]:
    with ops.held() as held:
        chosen = to_purge(ops.read(held), wanted)
        return results(purge(held, chosen, ops.replayer(), lambda outcome: None))


def test_a_purge_takes_what_is_wanted_but_nothing_unknown():
    ops = Ops()
    ops.fail(1)
    ops.poison()
    ops.send(hint(submitted_job(number=7)))

    assert purged(ops, ALL) == ["purged"] * 3
    assert (len(ops.bodies()), ops.hidden()) == (7, 0)
    assert ops.store.get(job_id(1)).status is JobStatus.FAILED


def test_a_purge_takes_an_unknown_message_that_is_named():
    ops = Ops()
    ops.poison()
    unknown = ops.world.sqs.queues[ops.settings.dead_letter_queue][1].message_id

    assert purged(ops, Selection(ids=frozenset({unknown}))) == ["purged"]
    assert len(ops.bodies()) == 7


@pytest.mark.parametrize(("spoil", "told"), [(False, "Replay it"), (True, "cannot be read")])
def test_a_purge_leaves_a_redriven_message_that_somebody_waits_for(spoil, told):
    ops = Ops()
    ops.store.create(submitted_job())
    if spoil:
        ops.world.item(submitted_job())["history"] = 7
    ops.send(hint(submitted_job()))

    with ops.held() as held:
        (letter,) = ops.read(held)
        outcome = plan_purge(letter, ops.replayer())

    assert outcome.result is Result.LEFT
    assert told in outcome.text
    assert purged(ops, ALL) == ["left"]
    assert len(ops.bodies()) == 1


def test_a_purge_ends_when_sqs_does_not_answer():
    ops = Ops()
    ops.fail(1, 2)
    ops.seam.fail_before("delete_message_batch", no_answer())

    with pytest.raises(QueueUnavailable):
        purged(ops, Selection(kinds=frozenset({Kind.JOB_FAILED})))

    assert ops.hidden() == 0


def test_a_new_job_that_can_be_sent_nowhere_is_stored_and_found_the_next_time():
    ops = Ops()
    ops.fail(1)

    def all_down(operation, arguments):
        if operation in ("send_message", "update_item"):
            raise no_connection()

    ops.seam.before = all_down
    with pytest.raises(StoreUnavailable):
        ops.replay(ALL)
    ops.seam.before = lambda *_: None

    assert results(ops.replay(ALL)) == ["already replayed"]
    (new,) = ops.new_jobs()
    assert epoch_ms(new.due_at) == epoch_ms(NOON) + 120_000, "the timer finds it after its grace"
