"""Whether this process lives, and whether it can work."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import Schema

from api.protocol.answers import text
from api.protocol.operations import returns
from api.services import services
from shared.errors import StoreUnavailable

blueprint = Blueprint("health", __name__)


HealthSchema = Schema.from_dict({"status": text("live or ready.")}, name="HealthSchema")


@blueprint.get("/health/live")
@returns(HealthSchema)
def live() -> ResponseReturnValue:
    """Ask whether the process answers; nothing else is looked at."""
    return {"status": "live"}


@blueprint.get("/health/ready")
@returns(HealthSchema, problems=(StoreUnavailable,))
def ready() -> ResponseReturnValue:
    """Ask whether the jobs can be read. The queue may be away: jobs are taken all the same."""
    services().store.ping()
    return {"status": "ready"}
