"""What may be asked of lists: a query string or a body in, frozen dataclasses out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from api.identity.owned import EVERYBODY
from api.ids import JOB_ID
from api.jobs.schemas import STATUSES
from api.protocol.fields import CommaList, FullMatch, Moment, QueryNumber, RepeatedList, StrictSchema
from shared.job_filter import JobFilter
from shared.transitions import JobStatus

DEFAULT_PAGE = 100
LARGEST_PAGE = 1000
LARGEST_BATCH = 100
# All filters and a cursor must fit into one request line (limit_request_line of api/gunicorn.conf.py).
MOST_TAGS_ASKED = 5
NEWEST, OLDEST = "newest", "oldest"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The largest that a createdKey can begin with: in the year 2286.
LAST_MS = 10**13 - 1


@dataclass(frozen=True)
class ListQuery:
    """Which part of which list is wanted."""

    owner: str | None
    status: tuple[str, ...]
    job_type: str | None
    tag: tuple[str, ...]
    created_after: datetime | None
    created_before: datetime | None
    replay_of: str | None
    order: str
    limit: int
    cursor: str | None

    def filter_for(self, owner_id: str | None) -> JobFilter:
        """What the query says of the jobs of an owner, or of everybody's (None)."""
        return JobFilter(
            owner_id=owner_id,
            statuses=tuple(status for status in JobStatus if status in self.status),
            job_type=self.job_type,
            tags=tuple(sorted(set(self.tag))),
            created_from_ms=first_ms(self.created_after),
            created_until_ms=first_ms(self.created_before),
            replay_of=self.replay_of,
            newest_first=self.order == NEWEST,
        )


def first_ms(moment: datetime | None) -> int | None:
    """The first whole millisecond since 1970 that is not before a moment, within what a job's key can hold."""
    if moment is None:
        return None
    return min(LAST_MS, max(0, -((EPOCH - moment) // timedelta(milliseconds=1))))


class ListQuerySchema(StrictSchema):
    """Which jobs to list."""

    owner = fields.String(
        load_default=None,
        validate=validate.Length(1, 255),
        metadata={
            "description": (
                f"Whose jobs: your own if not set. Those of another owner, or of all owners ({EVERYBODY}), need the "
                "scope ops."
            )
        },
    )
    status = CommaList(
        fields.String(validate=validate.OneOf(STATUSES)),
        load_default=tuple,
        validate=validate.Length(min=1),
        metadata={"description": "Only jobs of these statuses, with commas between them."},
    )
    job_type = fields.String(
        data_key="jobType",
        load_default=None,
        validate=validate.Length(1, 64),
        metadata={"description": "Only jobs of this type."},
    )
    tag = RepeatedList(
        fields.String(validate=FullMatch("^[\\s\\S]{1,64}=[\\s\\S]{0,256}$", error="Give a tag as key=value.")),
        load_default=tuple,
        validate=validate.Length(1, MOST_TAGS_ASKED),
        metadata={"description": "Only jobs with this tag, as key=value; given several times, with each of them."},
    )
    created_after = Moment(
        data_key="createdAfter", load_default=None, metadata={"description": "Only jobs submitted then or later."}
    )
    created_before = Moment(
        data_key="createdBefore", load_default=None, metadata={"description": "Only jobs submitted before then."}
    )
    replay_of = fields.String(
        data_key="replayOf",
        load_default=None,
        validate=FullMatch(f"^{JOB_ID.pattern}$", error="Not a job id: a UUID in lower case."),
        metadata={"description": "Only jobs that repeat this one."},
    )
    order = fields.String(
        load_default=NEWEST,
        validate=validate.OneOf([NEWEST, OLDEST]),
        metadata={"description": "Which come first, by the time of their submission."},
    )
    limit = QueryNumber(
        load_default=DEFAULT_PAGE,
        validate=validate.Range(1, LARGEST_PAGE),
        metadata={"description": "The most jobs to list; a page can have fewer, even none, although more follow."},
    )
    cursor = fields.String(
        load_default=None,
        metadata={
            "description": "The nextCursor of the page before, with the same filters and order; limit may differ."
        },
    )

    @validates_schema
    def check_range(self, loaded: Mapping[str, Any], **_: Any) -> None:
        """The range holds at least a moment."""
        after, before = loaded["created_after"], loaded["created_before"]
        if after is not None and before is not None and before <= after:
            raise ValidationError(
                "Nothing can be before it and after createdAfter: give a later time.", "createdBefore"
            )

    @post_load
    def make(self, loaded: dict[str, Any], **_: Any) -> ListQuery:
        """The query."""
        return ListQuery(**{**loaded, "status": tuple(loaded["status"]), "tag": tuple(loaded["tag"])})


class BatchGetSchema(StrictSchema):
    """Which jobs to look at."""

    job_ids = fields.List(
        fields.String(validate=FullMatch(f"^{JOB_ID.pattern}$", error="Not a job id: a UUID in lower case.")),
        data_key="jobIds",
        required=True,
        validate=validate.Length(1, LARGEST_BATCH),
        metadata={"description": "Ids of jobs; one that is there twice is answered once."},
    )
