"""Ids of jobs and datasets: UUIDs that sort by time, or that an Idempotency-Key decides."""

import re
import secrets
import uuid
from datetime import datetime

from shared.moments import epoch_ms

JOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Ours alone, so that no key of anybody else's gives the same ids. Changing it breaks every key in use.
KEYED_JOBS = uuid.UUID("6f1c2c0a-4d0e-5b0f-9d5e-2f6b6f0f4a11")
KEYED_DATASETS = uuid.UUID("b7d5f3a1-4c6e-5f1d-8a57-0c9d0a4d6e21")
RANDOM_BITS = 74


def new_job_id(now: datetime) -> str:
    """A fresh id."""
    return uuid7(now, secrets.randbits(RANDOM_BITS))


def uuid7(now: datetime, random_bits: int) -> str:
    """The UUID of version 7 (RFC 9562) of a moment and 74 random bits."""
    high, low = random_bits >> 62, random_bits & ((1 << 62) - 1)
    return str(uuid.UUID(int=epoch_ms(now) << 80 | 7 << 76 | high << 64 | 2 << 62 | low))


def keyed_job_id(owner_id: str, idempotency_key: str) -> str:
    """The one id that an owner's key can have."""
    return str(uuid.uuid5(KEYED_JOBS, f"{owner_id}\0{idempotency_key}"))


def is_job_id(text: str) -> bool:
    """Whether a job could have this id."""
    return JOB_ID.fullmatch(text) is not None


def new_dataset_id(now: datetime) -> str:
    """A fresh id."""
    return uuid7(now, secrets.randbits(RANDOM_BITS))


def keyed_dataset_id(owner_id: str, idempotency_key: str) -> str:
    """The one dataset id that an owner's key can have."""
    return str(uuid.uuid5(KEYED_DATASETS, f"{owner_id}\0{idempotency_key}"))


def is_dataset_id(text: str) -> bool:
    """Whether a dataset could have this id."""
    return is_job_id(text)
