"""What a request for a replay may contain."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import fields, post_load, validate

from api.jobs.schemas import cost_limit_field, out_of_memory_field
from api.jobs.size_field import SizeField
from api.protocol.fields import StrictSchema, WholeNumber
from shared.submission import LONGEST_TIMEOUT_SECONDS, MOST_ATTEMPTS, SHORTEST_TIMEOUT_SECONDS


@dataclass(frozen=True)
class ReplayRequest:
    """What is to be different this time, by the names of a submission; whether once more than before; and why."""

    overrides: Mapping[str, Any]
    again: str
    reason: str


class OverridesSchema(StrictSchema):
    """What is to be different from the failed job."""

    size = SizeField(metadata={"description": "How many workers of which size its runs may use."})
    timeout_seconds = WholeNumber(
        data_key="timeoutSeconds",
        validate=validate.Range(SHORTEST_TIMEOUT_SECONDS, LONGEST_TIMEOUT_SECONDS),
        metadata={"description": "How long one attempt may run."},
    )
    max_attempts = WholeNumber(
        data_key="maxAttempts",
        validate=validate.Range(1, MOST_ATTEMPTS),
        metadata={"description": "How often failures that may pass are tried, the first time included."},
    )
    on_out_of_memory = out_of_memory_field()
    max_cost_usd = cost_limit_field(allow_none=True)
    parameters = fields.Dict(
        keys=fields.String(),
        metadata={
            "description": "Merged into the failed job's parameters as RFC 7396 says: null takes one away.",
            "additionalProperties": True,
        },
    )

    @post_load
    def make(self, loaded: dict[str, Any], **_: Any) -> Mapping[str, Any]:
        """The changes by the names of a submission; what is not given is not changed."""
        return {self.fields[name].data_key or name: value for name, value in loaded.items()}


class ReplaySchema(StrictSchema):
    """How a failed job is to be repeated."""

    overrides = fields.Nested(OverridesSchema, load_default=dict)
    reason = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, 200),
        metadata={"description": "A sentence for both histories."},
    )
    again = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, 64),
        metadata={"description": "Any new word, to repeat once more what was repeated before."},
    )

    @post_load
    def make(self, loaded: dict[str, Any], **_: Any) -> ReplayRequest:
        """The request."""
        return ReplayRequest(loaded["overrides"], loaded["again"] or "", loaded["reason"] or "")
