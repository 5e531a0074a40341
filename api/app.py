"""The Flask application: its routes and its error handlers, around services that it is given."""

from flask import Blueprint, Flask

from api import health, metrics, quota
from api.contracts import contracts
from api.datasets import datasets, uploads
from api.document import docs_page
from api.jobs import (
    batches,
    callbacks,
    cancellation,
    dashboard,
    explain,
    history,
    job_lists,
    job_types,
    jobs,
    logs,
    outputs,
    replays,
)
from api.protocol.edges import register_edges
from api.protocol.errors import register_error_handlers
from api.protocol.forwarding import networks_of
from api.protocol.request_spans import trace_requests
from api.services import EXTENSION, Services

BLUEPRINTS: tuple[Blueprint, ...] = (
    jobs.blueprint,
    batches.blueprint,
    job_lists.blueprint,
    cancellation.blueprint,
    replays.blueprint,
    history.blueprint,
    explain.blueprint,
    outputs.blueprint,
    logs.blueprint,
    dashboard.blueprint,
    datasets.blueprint,
    uploads.blueprint,
    quota.blueprint,
    job_types.blueprint,
    contracts.blueprint,
    callbacks.blueprint,
    health.blueprint,
    metrics.blueprint,
    docs_page.blueprint,
)


def create_app(services: Services) -> Flask:
    """The application. It connects to nothing before the first request that needs it."""
    app = Flask(__name__, static_folder=None)
    # For whatever reads a body and does not say how long it may be; one byte more, since Flask cuts silently.
    app.config["MAX_CONTENT_LENGTH"] = services.settings.max_body_bytes + 1
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of Flask's own provider
    app.url_map.merge_slashes = False
    app.extensions[EXTENSION] = services
    register_edges(app, networks_of(services.settings.trusted_proxies))
    if services.settings.traces_endpoint:
        trace_requests(app)
    register_error_handlers(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app
