"""What the caller may use, and what it uses now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, validate

from api.identity.auth import caller, reads_jobs
from api.protocol.answers import iso, list_of, moment, number, text
from api.protocol.operations import returns, takes_nothing
from api.services import services
from shared.errors import StoreUnavailable
from shared.limits.quotas import BY_THE_DAY, MEANINGS, Quota, Usage, limits_of, midnight_after

blueprint = Blueprint("quota", __name__)

QuotaSchema = Schema.from_dict(
    {
        "name": fields.String(
            required=True,
            validate=validate.OneOf([str(quota) for quota in Quota]),
            metadata={"description": "What is counted; a 429 of code quota_exceeded names the same."},
        ),
        "description": text("What is counted, in words."),
        "limit": number("How much each owner may have."),
        "used": number("How much the caller has now."),
        "resetsAt": moment("When the count begins anew; null where it falls as jobs and uploads end.", allow_none=True),
    },
    name="QuotaSchema",
)

QuotasSchema = Schema.from_dict(
    {"owner": text("Whose they are."), "items": list_of(QuotaSchema, "Every quota there is.")}, name="QuotasSchema"
)


@blueprint.get("/quota")
@reads_jobs
@takes_nothing
@returns(QuotasSchema, problems=(StoreUnavailable,))
def get_quota() -> ResponseReturnValue:
    """Read what you may use, and what you use now.

    The counts are exact: a job is counted when it is stored and no longer when it ends, in the same write.
    """
    owner_id, now = caller().owner_id, services().clock()
    usage = services().quotas.usage(owner_id, now)
    return quotas_record(owner_id, usage, limits_of(services().settings), now)


def quotas_record(owner_id: str, usage: Usage, limits: Mapping[Quota, int], now: datetime) -> dict[str, Any]:
    """Quotas as `QuotasSchema` says."""
    return {
        "owner": owner_id,
        "items": [
            {
                "name": str(quota),
                "description": MEANINGS[quota],
                "limit": limits[quota],
                "used": usage.used[quota],
                "resetsAt": iso(midnight_after(now)) if quota in BY_THE_DAY else None,
            }
            for quota in Quota
        ],
    }
