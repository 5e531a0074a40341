"""Lists of jobs, page after page. What a list promises is in docs/api/lists.md; why it is read so, in ADR 15.

A position is a `createdKey`. A job's never changes, so what was behind a position stays behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, Any

from shared.dynamodb import store_errors, to_dynamodb
from shared.job_filter import JobFilter
from shared.job_store import JobStore
from shared.models import CREATED_SHARDS, STATUS_SHARDS, Item, Job, owner_status_key, tag_word
from shared.transitions import JobStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Rows of an index that one page may cost; one that finds too little ends early, and the next goes on behind it.
MOST_EXAMINED = 4000
# Each createdKey lies between them.
FIRST_KEY, LAST_KEY = "0", ":"


@dataclass(frozen=True)
class Lane:
    """One partition of an index; its rows lie in the order of their creation."""

    index: str
    name: str
    value: str


@dataclass(frozen=True)
class Stretch:
    """The positions that were found up to `end`, in their order; None is the end of the list."""

    found: tuple[str, ...]
    end: str | None
    examined: int


@dataclass(frozen=True)
class JobPage:
    """Jobs in the order of their list; the next page begins behind `next_position`, None on the last."""

    jobs: tuple[Job, ...]
    next_position: str | None


class JobLists:
    """Reads lists: indexes name the jobs, and each job, read consistently, says whether it belongs."""

    def __init__(self, client: "DynamoDBClient", table: str, store: JobStore) -> None:
        self._client = client
        self._table = table
        self._store = store

    def page(self, wanted: JobFilter, limit: int, after: str | None) -> JobPage:
        """Up to `limit` jobs from behind the position `after` on; also fewer, or none, where more follow.

        Raises: StoreUnavailable.
        """
        found, next_position = self._nominate(wanted, limit, after)
        jobs = self._store.get_many([_job_id(position) for position in found])
        return JobPage(tuple(job for job in jobs if wanted.admits(job)), next_position)

    def _nominate(self, wanted: JobFilter, limit: int, after: str | None) -> tuple[Sequence[str], str | None]:
        """Up to `limit` positions, and where the next page begins."""
        lanes = lanes_of(wanted)
        found: list[str] = []
        # One more than was asked for tells whether a page is the last.
        end, examined, rows = after, 0, limit + 1
        while True:
            affordable = max(1, (MOST_EXAMINED - examined) // len(lanes))
            stretch = self._read(lanes, wanted, end, min(depth_of(rows, wanted), affordable))
            found += stretch.found
            end, examined = stretch.end, examined + stretch.examined
            if len(found) > limit:
                return found[:limit], found[limit - 1]
            if end is None or len(found) == limit or examined >= MOST_EXAMINED:
                return found, end
            # As rare as they were until now.
            rows = (limit + 1 - len(found)) * examined // max(1, len(found))

    def _read(self, lanes: Sequence[Lane], wanted: JobFilter, after: str | None, depth: int) -> Stretch:
        """Read up to `depth` rows of each lane, one lane after the other."""
        found: set[str] = set()
        ends: list[str] = []
        examined = 0
        for lane in lanes:
            with store_errors():
                answer: Any = self._client.query(TableName=self._table, **query_of(wanted, lane, after, depth))
            found |= {row["createdKey"]["S"] for row in answer["Items"]}
            examined += answer["ScannedCount"]
            if answer.get("LastEvaluatedKey"):
                ends.append(answer["LastEvaluatedKey"]["createdKey"]["S"])
        in_order = sorted(found, reverse=wanted.newest_first)
        if not ends:
            return Stretch(tuple(in_order), None, examined)
        # Behind the nearest end there is a lane of which nothing is known.
        end = max(ends) if wanted.newest_first else min(ends)
        known = (position for position in in_order if position == end or (position > end) is wanted.newest_first)
        return Stretch(tuple(known), end, examined)


def lanes_of(wanted: JobFilter) -> list[Lane]:
    """The partitions that hold a list, in the order in which they must be read.

    That is the order in which jobs move: one that moves on from a partition while they are read was seen in it, or
    will be seen in a later one.
    """
    statuses = [status for status in JobStatus if status in wanted.statuses]
    if len(statuses) == len(JobStatus):
        statuses = []
    if wanted.owner_id is not None:
        of_owner = [Lane("byOwnerStatus", "ownerStatus", owner_status_key(wanted.owner_id, each)) for each in statuses]
        return of_owner or [Lane("byOwner", "ownerId", wanted.owner_id)]
    of_status = [
        Lane("byStatus", "statusShard", f"{status}#{number:02d}")
        for status in statuses
        for number in range(STATUS_SHARDS)
    ]
    return of_status or [Lane("byCreated", "createdShard", f"{number:02d}") for number in range(CREATED_SHARDS)]


def depth_of(rows: int, wanted: JobFilter) -> int:
    """How many rows of each lane to read in order to know the first `rows` of all."""
    if wanted.owner_id is not None:
        return rows
    # A hash spreads the jobs over the shards; twice the root is what the fullest of 16 has above the mean.
    share = -(-rows // CREATED_SHARDS)
    return share + 2 * isqrt(share) + 2


def query_of(wanted: JobFilter, lane: Lane, after: str | None, depth: int) -> Item:
    """Query's arguments for up to `depth` rows of a lane from behind a position on."""
    key, values = f"{lane.name} = :partition", {":partition": lane.value}
    if wanted.created_from_ms is not None or wanted.created_until_ms is not None:
        key += " AND createdKey BETWEEN :from AND :until"
        values[":from"] = _bound(wanted.created_from_ms, FIRST_KEY)
        values[":until"] = _bound(wanted.created_until_ms, LAST_KEY)
    filters, of_filters = filter_of(wanted)
    request: Item = {
        "IndexName": lane.index,
        "KeyConditionExpression": key,
        "ExpressionAttributeValues": to_dynamodb(values | of_filters),
        "ProjectionExpression": "createdKey",
        "ScanIndexForward": not wanted.newest_first,
        "Limit": depth,
    }
    if filters:
        request["FilterExpression"] = filters
    if after is not None:  # the job of that position need not be in this lane
        start = {lane.name: lane.value, "createdKey": after, "jobId": _job_id(after)}
        request["ExclusiveStartKey"] = to_dynamodb(start)
    return request


def filter_of(wanted: JobFilter) -> tuple[str, dict[str, str]]:
    """What DynamoDB itself leaves out, and the values of that; all of it is in the indexes, and never changes."""
    conditions: list[str] = []
    values: dict[str, str] = {}
    if wanted.job_type is not None:
        conditions.append("jobType = :jobType")
        values[":jobType"] = wanted.job_type
    if wanted.replay_of is not None:
        conditions.append("replayOf = :replayOf")
        values[":replayOf"] = wanted.replay_of
    for number, tag in enumerate(wanted.tags):
        conditions.append(f"contains(tagWords, :tag{number})")
        values[f":tag{number}"] = tag_word(tag)
    return " AND ".join(conditions), values


def _bound(milliseconds: int | None, otherwise: str) -> str:
    """A text that lies before the createdKey of all jobs of that millisecond, and behind all earlier ones."""
    return otherwise if milliseconds is None else f"{milliseconds:013d}"


def _job_id(position: str) -> str:
    return position.partition("#")[2]
