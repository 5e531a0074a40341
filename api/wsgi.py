"""The API's composition root: `app` is what a WSGI server serves."""

import random
import time

from flask import Flask

from api.app import create_app
from api.identity.tokens import make_callers
from api.ids import new_dataset_id, new_job_id
from api.services import Services
from api.start import settings_or_exit
from shared.aws_clients import make_clients
from shared.contracts.contract_registry import ContractRegistry
from shared.contracts.contract_store import ContractStore
from shared.control_store import ControlStore
from shared.dashboards import Dashboards
from shared.datasets.dataset_store import DatasetStore
from shared.datasets.links import Links
from shared.datasets.uploads import UploadStore
from shared.job_lists import JobLists
from shared.job_queue import JobQueue
from shared.job_store import JobStore
from shared.limits.quota_items import QuotaStore
from shared.limits.rate_limit_table import SharedLimiter
from shared.limits.rate_limiter import LocalLimiter, RateLimiter
from shared.limits.rate_limits import rates_of
from shared.log_setup import set_up_logging
from shared.moments import utc_now
from shared.object_store import ObjectStore
from shared.settings import API, Settings
from shared.tracing import set_up_tracing
from shared.transitions import JobStatusTransitionValidator


def build(settings: Settings) -> Flask:
    """The application on the real services, none of which is asked for anything yet."""
    clients = make_clients(settings, settings.api_threads)
    control = ControlStore(
        clients.dynamodb,
        settings.control_table,
        settings.start_rate_per_second,
        settings.start_burst,
        pause=lambda tries: time.sleep(random.uniform(0.02, 0.05 * tries)),
    )
    store = JobStore(clients.dynamodb, settings.jobs_table, settings.control_table, JobStatusTransitionValidator())
    objects = ObjectStore(clients.s3)
    return create_app(
        Services(
            settings=settings,
            store=store,
            lists=JobLists(clients.dynamodb, settings.jobs_table, store),
            queue=JobQueue(clients.sqs, clients.sqs_receive, settings.jobs_queue),
            objects=objects,
            control=control,
            quotas=QuotaStore(clients.dynamodb, settings.control_table),
            limiter=RateLimiter(
                rates_of(settings), LocalLimiter(), SharedLimiter(clients.dynamodb, settings.control_table)
            ),
            datasets=DatasetStore(clients.dynamodb, settings.datasets_table, settings.control_table),
            uploads=UploadStore(clients.s3),
            links=Links(clients.s3, settings.links_per_owner, clients.access_key),
            contracts=ContractRegistry(ContractStore(clients.dynamodb, settings.contracts_table), objects, settings),
            dashboards=Dashboards(clients.emr_dashboard),
            callers=make_callers(settings),
            clock=utc_now,
            new_job_id=new_job_id,
            new_dataset_id=new_dataset_id,
        )
    )


_settings = settings_or_exit()
set_up_logging(_settings, API)
set_up_tracing(_settings, API)
app = build(_settings)
