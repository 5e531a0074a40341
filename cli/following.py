"""A log that is followed: each part of it once, until nothing more comes."""

from collections.abc import Callable, Iterator

from cli.client import TERMINAL, ApiClient, Record

# As much as the API gives at once: what comes between two looks is hardly ever more.
MOST = {"tailLines": 10_000, "tailBytes": 1024 * 1024}
NEXT_ATTEMPT_SECONDS = 5


def follow(
    client: ApiClient, job_id: str, stream: str, attempt: int | None, lines: int, pause: Callable[[float], None]
) -> Iterator[Record]:
    """The answers of the API about a log: the first with the last lines so far, each other with what came since.

    Without an attempt it goes on with the attempts that follow, and ends with the job. Raises: Problem, Unreachable.
    """
    record = client.logs(job_id, stream=stream, attempt=attempt, tailLines=lines)
    while True:
        yield record
        if record["complete"] and (attempt is not None or client.get(job_id)["status"] in TERMINAL):
            return
        pause(record["retryAfterSeconds"] or NEXT_ATTEMPT_SECONDS)
        now_of = record["attempt"]
        record = client.logs(job_id, stream=stream, attempt=attempt, after=record["nextAfter"], **MOST)
        if record["attempt"] != now_of:
            record = client.logs(job_id, stream=stream, attempt=record["attempt"], **MOST)
