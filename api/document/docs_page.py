"""The document of this API, and a page to read it by, which loads nothing from anywhere else."""

import functools
from importlib.util import find_spec
from pathlib import Path

from flask import Blueprint, Response, current_app, send_from_directory
from flask.typing import ResponseReturnValue

from api.document.openapi import document_of, document_text
from shared.errors import NotFound

blueprint: Blueprint = Blueprint("docs", __name__)

ASSETS = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
# Swagger UI styles elements from its script; nothing else is let in.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Cloud Data Platform API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/init.js"></script>
</body>
</html>
"""
SCRIPT = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#page", validatorUrl: null, deepLinking: true});\n'


@blueprint.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """The document, as it is committed in docs/api/openapi.json."""
    return Response(document_text(document_of(current_app)), content_type="application/json")


@blueprint.get("/docs")
def page() -> ResponseReturnValue:
    """The page."""
    headers = {"Content-Security-Policy": POLICY}
    return Response(PAGE, content_type="text/html; charset=utf-8", headers=headers)


@blueprint.get("/docs/init.js")
def script() -> ResponseReturnValue:
    """The page's own script, in a file of its own since the policy allows none inside of the page."""
    return Response(SCRIPT, content_type="text/javascript; charset=utf-8")


@blueprint.get("/docs/<name>")
def asset(name: str) -> ResponseReturnValue:
    """A file of Swagger UI."""
    if name not in ASSETS:
        raise NotFound("The page has no such part.")
    response = send_from_directory(assets_folder(), name, max_age=3600)
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@functools.cache
def assets_folder() -> Path:
    """Where flask-swagger-ui keeps Swagger UI; the package itself is not imported."""
    spec = find_spec("flask_swagger_ui")
    if spec is None or spec.origin is None:
        raise NotFound("The page's parts are not installed.")
    return Path(spec.origin).parent / "dist"
