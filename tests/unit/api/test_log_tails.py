"""The end of a compressed log: which bytes and lines of it are shown, and how much is read for them."""

import gzip
import random
import tracemalloc
from collections.abc import Iterator

import pytest

from api.jobs.log_tails import Most, Tail, Window, tail_of

PLENTY = Most(1_000_000, 100_000_000)


def tail(content: bytes, after: int = 0, lines: int = 100, most_bytes: int = 1000, *, is_whole: bool = True) -> Tail:
    return tail_of([gzip.compress(content)], Window(after, lines, most_bytes), PLENTY, is_whole=is_whole)


@pytest.mark.parametrize(
    ("content", "window", "expected"),
    [
        (b"", {}, Tail("", 0, 0)),
        (b"one\ntwo\n", {}, Tail("one\ntwo\n", 0, 8)),
        (b"one\ntwo\n", {"lines": 1}, Tail("two\n", 4, 8)),
        (b"one\ntwo", {"lines": 1}, Tail("two", 4, 7)),
        (b"one\ntwo", {"lines": 2}, Tail("one\ntwo", 0, 7)),
        (b"one\n\n\n", {"lines": 2}, Tail("\n\n", 4, 6)),
        (b"one\ntwo\n", {"most_bytes": 5}, Tail("\ntwo\n", 3, 8)),
        (b"one\ntwo\n", {"after": 4}, Tail("two\n", 4, 8)),
        (b"one\ntwo\n", {"after": 8}, Tail("", 8, 8)),
        # Another log than the one before, and shorter.
        (b"one\ntwo\n", {"after": 99}, Tail("", 8, 8)),
        (b"one\ntwo\nthree\n", {"after": 4, "lines": 1}, Tail("three\n", 8, 14)),
        (b"one\ntwo\nthree\n", {"after": 4, "most_bytes": 3}, Tail("ee\n", 11, 14)),
        # Two bytes each, and the window begins within one.
        ("äöü".encode(), {"most_bytes": 3}, Tail("ü", 4, 6)),
        (b"\xffone\x00", {}, Tail("\ufffdone\x00", 0, 5)),
    ],
)
def test_the_last_lines_within_the_last_bytes_are_shown(content: bytes, window: dict[str, int], expected: Tail):
    assert tail(content, **window) == expected


def test_a_character_that_is_only_half_there_comes_with_its_other_half():
    whole = "naïve ☃\n".encode()

    first = tail(whole[:8], is_whole=False)
    then = tail(whole, after=first.next_after)

    assert (first.text, then.text) == ("naïve ", "☃\n")
    assert tail(whole[:8], is_whole=True).text == "naïve \ufffd"


def test_whoever_goes_on_where_the_answer_before_ended_reads_all_of_it_once():
    rng = random.Random(7)
    whole = "".join(rng.choice("ab\nä☃\U0001f600") for _ in range(500)).encode()
    text, after = "", 0
    for size in range(0, len(whole) + 1, 7):
        part = tail(whole[:size], after=after, lines=10_000, most_bytes=10_000, is_whole=False)
        assert part.starts_at == after
        text, after = text + part.text, part.next_after
    text += tail(whole, after=after).text

    assert text == whole.decode()


def test_a_log_that_was_compressed_in_several_pieces_is_one_log():
    zipped = gzip.compress(b"one\n") + gzip.compress(b"two\n")

    assert tail_of([zipped], Window(0, 9, 99), PLENTY, is_whole=True).text == "one\ntwo\n"
    assert tail_of([bytes([byte]) for byte in zipped], Window(0, 9, 99), PLENTY, is_whole=True).text == "one\ntwo\n"


@pytest.mark.parametrize(
    ("most", "is_cut"),
    [(Most(1000, 100), False), (Most(1000, 99), True), (Most(30, 1000), True), (Most(0, 0), True)],
)
def test_a_log_is_read_so_far_and_no_further(most: Most, is_cut: bool):
    found = tail_of([gzip.compress(bytes(range(100)))[:200]], Window(0, 99, 999), most, is_whole=True)

    assert found.is_cut is is_cut


def test_a_log_that_unzips_to_a_thousand_times_its_size_is_left_after_what_may_be_read():
    zeros = gzip.compress(bytes(50_000_000))
    taken: list[int] = []

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(zeros), 1000):
            taken.append(at)
            yield zeros[at : at + 1000]

    found = tail_of(pieces(), Window(0, 10, 100), Most(10_000_000, 2_000_000), is_whole=True)

    assert (found.is_cut, len(found.text)) == (True, 100)
    assert found.next_after <= 2_000_000
    assert len(taken) < 5


def test_a_long_log_is_never_held_as_a_whole():
    zeros = gzip.compress(bytes(20_000_000))

    tracemalloc.start()
    found = tail_of([zeros], Window(0, 10, 1000), PLENTY, is_whole=True)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found.next_after == 20_000_000
    assert most_bytes < 4_000_000


@pytest.mark.parametrize(
    ("zipped", "text", "is_broken"),
    [
        (b"no gzip at all", "", True),
        (gzip.compress(b"one\n") + b"rubbish", "one\n", True),
        (gzip.compress(b"one\n")[:-4], "one\n", False),
        (b"", "", False),
    ],
    ids=["no-gzip", "rubbish-behind", "cut-off", "nothing"],
)
def test_what_can_be_unzipped_is_shown_and_no_more(zipped: bytes, text: str, is_broken: bool):
    found = tail_of([zipped] if zipped else [], Window(0, 9, 99), PLENTY, is_whole=True)

    assert (found.text, found.is_broken) == (text, is_broken)
