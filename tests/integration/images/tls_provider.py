"""An OpenID provider behind TLS, as production demands it: its configuration, its keys, and tokens by them."""

import json
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from api.identity.issuer import DISCOVERY
from tests.unit.api.issuing import public_jwk, token

NAME = "localhost"


def write_certificate(folder: Path) -> Path:
    """A file with a new key and a certificate of this machine, which is its own authority."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "provider.pem"
    path.write_bytes(plain + certificate.public_bytes(pem))
    return path


class TlsProvider(ThreadingHTTPServer):
    """The provider; processes trust it if SSL_CERT_FILE is `certificate`."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.certificate = write_certificate(folder)
        self.issuer = f"https://{NAME}:{self.server_port}"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def log_in(self, audience: str) -> str:
        """A token of somebody who may read and write jobs."""
        now = int(time.time())
        return token(iss=self.issuer, aud=audience, iat=now, exp=now + 600)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: TlsProvider

    def do_GET(self) -> None:
        """Tell the configuration, or the keys."""
        issuer = self.server.issuer
        known = {DISCOVERY: {"issuer": issuer, "jwks_uri": f"{issuer}/keys"}, "/keys": {"keys": [public_jwk()]}}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(known[self.path]).encode())

    def log_message(self, *args: object) -> None:
        """Write nothing."""
