"""The provider as a process, which can be given other keys, and taken away."""

import json
import os
import signal
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from local.marked import wait_until
from tests.integration.api.server import HOST, PATIENCE_SECONDS, ROOT, free_port

ENVIRONMENT = ROOT / ".venv" / "node"
AUDIENCE = "urn:cloud-data-platform"


@dataclass(frozen=True)
class Client:
    """Somebody who can log in, and what its tokens are like."""

    id: str
    scope: str
    seconds: int = 600
    algorithm: str = "RS256"
    secret: str = "a secret of a client"


CLIENTS = (
    Client("ann", "jobs:read jobs:write"),
    Client("bob", "jobs:read jobs:write", algorithm="ES256"),
    Client("reader", "jobs:read"),
    Client("olga", "ops"),
    Client("brief", "jobs:read", seconds=4),
    # For a search that takes long; they must not see each other's things.
    Client("cleo", "jobs:read jobs:write datasets:write", seconds=4 * 3600),
    Client("dora", "jobs:read jobs:write datasets:write", seconds=4 * 3600),
)


def signing_keys(name: str) -> list[dict[str, Any]]:
    """A new RSA key and a new EC key, which the provider signs with."""
    made = {
        "RS256": jwt.algorithms.RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048), as_dict=True),
        "ES256": jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True),
    }
    unneeded = ("key_ops",)
    return [
        {member: value for member, value in key.items() if member not in unneeded}
        | {"kid": f"{name}-{algorithm}", "alg": algorithm, "use": "sig"}
        for algorithm, key in made.items()
    ]


class Provider:
    """A provider on a port of its own, which it keeps over its restarts."""

    def __init__(self, folder: Path, *keys: dict[str, Any]) -> None:
        self.port = free_port()
        self.issuer = f"http://{HOST}:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        if keys:
            self.start(*keys)

    def start(self, *keys: dict[str, Any]) -> None:
        """Begin to answer, with these keys: it signs with the first of each kind, and publishes all."""
        assert (ENVIRONMENT / "bin" / "node").exists(), "run `make node` first"
        told = {"port": self.port, "packages": str(ENVIRONMENT), "keys": keys, "clients": [*map(asdict, CLIENTS)]}
        path, log = self._folder / f"provider-{self.port}.json", self._folder / f"provider-{self.port}.log"
        path.write_text(json.dumps(told))
        command = [ENVIRONMENT / "bin" / "node", Path(__file__).with_name("provider.mjs"), path]
        with log.open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        assert wait_until(self._answers, PATIENCE_SECONDS), f"the provider did not start: {log.read_text()}"

    def stop(self) -> None:
        """Answer no more."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def restart(self, *keys: dict[str, Any]) -> None:
        """Go on with other keys."""
        self.stop()
        self.start(*keys)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the provider ended"
        try:
            return requests.get(f"{self.issuer}/.well-known/openid-configuration", timeout=2).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def log_in(self, client_id: str, audience: str = AUDIENCE, scope: str | None = None) -> str:
        """An access token, by the credentials of a client."""
        client = next(each for each in CLIENTS if each.id == client_id)
        answer = requests.post(
            f"{self.issuer}/token",
            auth=(client.id, client.secret.replace(" ", "+")),
            data={"grant_type": "client_credentials", "resource": audience, "scope": scope or client.scope},
            timeout=PATIENCE_SECONDS,
        )
        assert answer.ok, answer.text
        token: str = answer.json()["access_token"]
        return token
