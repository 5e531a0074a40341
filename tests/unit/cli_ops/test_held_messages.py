"""Reading a queue and giving everything back."""

import pytest

from shared.errors import QueueUnavailable
from shared.job_queue import Message
from shared.replays.held_messages import HeldMessages
from tests.fakes.seam import no_answer
from tests.unit.cli_ops.operations import Ops


def silent(count: int) -> None:
    """Nobody looks at the progress."""


def test_all_messages_are_read_once_and_hidden_meanwhile_and_all_given_back():
    ops = Ops()
    ops.fail(*range(25))
    counts: list[int] = []

    with ops.held() as held:
        messages = list(held.read(counts.append))
        hidden = ops.hidden()

    assert len({message.message_id for message in messages}) == len(messages) == 25
    assert (hidden, ops.hidden(), len(ops.bodies())) == (25, 0, 25)
    assert counts == [10, 20, 25, 25, 25]
    assert held.is_complete
    assert held.given_back


def test_what_was_deleted_is_gone_and_the_rest_is_given_back():
    ops = Ops()
    ops.fail(1, 2, 3)

    with ops.held() as held:
        first, *_ = list(held.read(silent))
        held.delete(first.message_id)

    assert (len(ops.bodies()), ops.hidden()) == (2, 0)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError])
def test_an_interruption_gives_everything_back(interruption):
    ops = Ops()
    ops.fail(1, 2, 3)

    def interrupted_work() -> None:
        with ops.held() as held:
            list(held.read(silent))
            raise interruption

    with pytest.raises(interruption):
        interrupted_work()

    assert ops.hidden() == 0


def test_no_more_than_the_bound_are_read_and_it_says_so():
    ops = Ops()
    ops.fail(*range(25))

    with ops.held(most=20) as held:
        messages = list(held.read(silent))

    assert (len(messages), held.is_complete, ops.hidden()) == (20, False, 0)


def test_a_hold_is_renewed_once_a_third_of_it_has_passed_and_what_goes_with_it_each_time():
    ops = Ops()
    ops.fail(*range(12))
    renewed: list[int] = []

    with ops.held(renew_too=lambda: renewed.append(1)) as held:
        list(held.read(silent))
        calls = ops.seam.calls.count("change_message_visibility_batch")
        for _ in range(7):
            ops.clock.forward(19)
            held.renew()
        hidden = ops.hidden()
        renewals = ops.seam.calls.count("change_message_visibility_batch") - calls

    assert hidden == 12
    assert renewals == 3 * 2  # every 38 s, two batches of ten
    assert len(renewed) == 4 + 7


def test_a_message_whose_hold_ended_comes_again_and_is_still_one():
    ops = Ops()
    (job,) = ops.fail(1)
    with ops.held() as held:
        reading = held.read(lambda count: ops.clock.forward(61 if count == 1 and ops.hidden() else 0))

        messages = [next(reading)]
        ops.clock.forward(61)
        messages += list(reading)

    assert [job.job_id in message.body for message in messages] == [True]
    assert ops.hidden() == 0


def test_without_sqs_at_the_end_it_says_that_nothing_was_given_back():
    ops = Ops()
    ops.fail(1)

    with ops.held() as held:
        list(held.read(silent))
        ops.seam.fail_before("change_message_visibility_batch", no_answer())

    assert not held.given_back
    assert ops.hidden() == 1


def test_without_sqs_at_the_beginning_nothing_is_read():
    ops = Ops()
    ops.seam.fail_before("receive_message", no_answer())

    with pytest.raises(QueueUnavailable), ops.held() as held:
        list(held.read(silent))


class RepeatingQueue:
    """Gives the same message for ever, as a queue may whose holds do not work."""

    def __init__(self) -> None:
        self.rounds = 0

    def receive(self, most: int, wait_seconds: int, visibility_seconds: int) -> list[Message]:
        self.rounds += 1
        return [Message("message-1", f"receipt-{self.rounds}", "{}")]

    def release(self, messages: list[Message], after_seconds: int = 0) -> None:
        self.released = messages


def test_reading_ends_although_the_same_message_comes_for_ever_and_its_last_receipt_counts():
    queue = RepeatingQueue()

    with HeldMessages(queue, 60, Ops().clock) as held:
        assert len(list(held.read(silent))) == 1

    assert queue.rounds == 3
    assert queue.released[0].receipt == "receipt-3"
