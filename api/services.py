"""All that the routes work with, handed over once by the composition root."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import current_app

from api.identity.callers import Callers
from shared.contracts.contract_registry import ContractRegistry
from shared.control_store import ControlStore
from shared.dashboards import Dashboards
from shared.datasets.dataset_store import DatasetStore
from shared.datasets.links import Links
from shared.datasets.uploads import UploadStore
from shared.job_lists import JobLists
from shared.job_queue import JobQueue
from shared.job_store import JobStore
from shared.limits.quota_items import QuotaStore
from shared.limits.rate_limiter import RateLimiter
from shared.object_store import ObjectStore
from shared.settings import Settings

EXTENSION = "cloud-data-platform"


@dataclass(frozen=True)
class Services:
    """The settings, one object for each thing outside, who tells who is calling, the clock, and the
    makers of ids."""

    settings: Settings
    store: JobStore
    lists: JobLists
    queue: JobQueue
    objects: ObjectStore
    control: ControlStore
    quotas: QuotaStore
    limiter: RateLimiter
    datasets: DatasetStore
    uploads: UploadStore
    links: Links
    contracts: ContractRegistry
    dashboards: Dashboards
    callers: Callers
    clock: Callable[[], datetime]
    new_job_id: Callable[[datetime], str]
    new_dataset_id: Callable[[datetime], str]


def services() -> Services:
    """The services of the application that answers this request."""
    found: Services = current_app.extensions[EXTENSION]
    return found
