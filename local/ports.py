"""Ports on 127.0.0.1: which are free, and a sentence for one that is not."""

import socket
from contextlib import ExitStack

HOST = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """So many ports that nobody listens on, all different."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind((HOST, 0))
        return [listener.getsockname()[1] for listener in listeners]


def is_taken(port: int) -> bool:
    """Whether somebody listens on the port already."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return True
    return False


def settle(wanted: dict[str, int]) -> dict[str, int]:
    """The ports to use, by the settings they come from: the wanted ones, and a free one for each 0.

    Raises: PortTaken.
    """
    for variable, port in wanted.items():
        if port and is_taken(port):
            raise PortTaken(f"Port {port} of {HOST} is taken; set {variable} to another one, or to 0 for any free one.")
    free = free_ports(len(wanted))
    return {variable: port or spare for (variable, port), spare in zip(wanted.items(), free, strict=True)}


class PortTaken(Exception):
    """Somebody else listens on a port; the text says which and which setting changes it."""
