"""Who is calling. Today everybody is the same owner, which only a developer's machine and CI allow."""

from dataclasses import dataclass

LOCAL_OWNER = "local"


@dataclass(frozen=True)
class Caller:
    """Somebody whose jobs these are."""

    owner_id: str


def caller() -> Caller:
    """The caller of this request. AUTH_MODE=none, the only mode there is, knows one."""
    return Caller(LOCAL_OWNER)
