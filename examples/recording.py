"""What is kept of a played step: nothing that only one machine has, and nothing that lets anybody in."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from examples.player import Played, changed

# Of requests and answers alike; what else there is, HTTP libraries and servers add.
HEADERS = (
    "Allow",
    "Content-Type",
    "Idempotency-Key",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Correlation-Id",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
)
SECRET_MEMBERS = frozenset({"x-amz-signature", "x-amz-credential", "x-amz-security-token", "policy", "awsaccesskeyid"})
SECRET_IN_URL = re.compile(r"((?:X-Amz-(?:Signature|Credential|Security-Token)|AWSAccessKeyId|Signature)=)[^&\"]+")
OWN_ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost):[0-9]+")
OWN_DASHBOARD = re.compile(OWN_ADDRESS.pattern + r"/_local/dashboards/[\w-]+")
DASHBOARD = "https://p-00example.emrappui-prod.us-east-1.amazonaws.com/shs/?authToken=..."
ELSEWHERE = "https://s3.us-east-1.amazonaws.com"
HIDDEN = "..."


def recordings_of(played: Iterable[Played]) -> list[dict[str, Any]]:
    """What the API ships of a played scenario."""
    return [recording_of(each) for each in played if not each.step.hidden]


def recording_of(played: Played) -> dict[str, Any]:
    """One step as it is kept."""
    url = urlsplit(str(played.sent.url))
    return {
        "operation": played.step.operation,
        "name": played.step.name,
        "request": {
            "method": played.sent.method,
            "path": url.path,
            "query": dict(parse_qsl(url.query)),
            "headers": headers_of(played.sent.headers),
            "body": body_of(played.sent.body),
        },
        "answer": {
            "status": played.answer.status_code,
            "headers": headers_of(played.answer.headers),
            "body": masked(played.answer.json()),
        },
    }


def headers_of(headers: Mapping[str, Any]) -> dict[str, str]:
    """Those that are kept."""
    found = {name: str(headers[name]) for name in HEADERS if name in headers}
    if "webhook-signature" in found:
        found["webhook-signature"] = f"v1,{HIDDEN}"
    return found


def body_of(body: bytes | str | None) -> Any:
    """A body as JSON; as text, if it is none."""
    if body is None:
        return None
    text = body.decode() if isinstance(body, bytes) else body
    try:
        return masked(json.loads(text))
    except ValueError:
        return text


def masked(value: Any) -> Any:
    """The same JSON without signatures, and with no address of this machine."""
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if name.lower() in SECRET_MEMBERS and isinstance(inner, str) else masked(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    return changed(value, masked_text)


def masked_text(text: str) -> str:
    """A text without signatures, and with no address of this machine."""
    without_dashboards = OWN_DASHBOARD.sub(DASHBOARD, text)
    return OWN_ADDRESS.sub(ELSEWHERE, SECRET_IN_URL.sub(rf"\1{HIDDEN}", without_dashboards))
