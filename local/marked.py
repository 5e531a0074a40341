"""Processes that carry a mark in their environment, found and ended through /proc.

Children inherit the environment, whatever sessions and groups they make, so a mark finds all that was
started for one purpose: nothing is left behind, and nothing else is touched.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

PROC = Path("/proc")


def marked_pids(name: str, value: str) -> list[int]:
    """The processes whose environment has `name` set to `value`, the caller left out."""
    mark = f"{name}={value}".encode()
    own = os.getpid()
    return [pid for pid in _pids() if pid != own and mark in _environment(pid)]


def end_marked(name: str, value: str, grace_seconds: float) -> None:
    """End all processes with the mark: politely, then for good once the grace is over."""
    if not _until_none(name, value, signal.SIGTERM, grace_seconds):
        _until_none(name, value, signal.SIGKILL, 5.0)


def _until_none(name: str, value: str, signal_number: int, seconds: float) -> bool:
    """Signal each process with the mark once, also those that come late; whether all of them ended in time."""
    signalled: set[int] = set()

    def none_left() -> bool:
        pids = marked_pids(name, value)
        for pid in set(pids) - signalled:
            _signal(pid, signal_number)
        signalled.update(pids)
        return not pids

    return wait_until(none_left, seconds)


def is_alive(pid: str) -> bool:
    """Whether a process of this id runs; one that only waits to be collected by its parent does not."""
    try:
        return pid.isdigit() and bool((PROC / pid / "cmdline").read_bytes())
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float, every_seconds: float = 0.05) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_seconds)
    return True


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def _environment(pid: int) -> list[bytes]:
    """The variables of a process; none for one that is gone, a zombie, or another user's."""
    try:
        return (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _signal(pid: int, signal_number: int) -> None:
    try:
        os.kill(pid, signal_number)
    except ProcessLookupError:
        return
