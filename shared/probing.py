"""Asking a process of this machine whether it is well, as a container's health check does: no image has a curl."""

import http.client
import sys

# Less than the task definitions give a health check.
PATIENCE_SECONDS = 3.0


def exit_code(port: int, path: str, host: str = "127.0.0.1") -> int:
    """0 if the answer is 200; else 1, with a sentence on stderr that says what was answered."""
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"probe: {host}:{port} does not answer: {error!r}\n")
        return 1
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        sys.stderr.write(f"probe: {answer.status} {text}\n")
        return 1
    return 0
