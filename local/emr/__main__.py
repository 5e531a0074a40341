"""Starts EMR Serverless: `python -m local.emr`. All of it is put together here."""

import json
import logging
import signal
import sys
import threading
import time

from local.emr.dashboards import Dashboards
from local.emr.events import EventOutbox, EventSender
from local.emr.faults import BadFaults, FaultBox, Faults, read_faults
from local.emr.history_server import HistoryServer
from local.emr.manifests import ManifestWriter
from local.emr.operations import Operations
from local.emr.scheduler import Scheduler
from local.emr.server import Server, Service
from local.emr.spark_runs import SparkRuns
from local.emr.store import Store
from local.emr.throttle import make_throttle
from local.settings import LocalSettings
from shared.config import read_fields
from shared.settings import Settings

log = logging.getLogger(__name__)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", stream=sys.stdout)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    settings, product = read_fields(LocalSettings), read_fields(Settings)
    directory = settings.state_path / "emr"
    directory.mkdir(parents=True, exist_ok=True)

    store = Store(directory / "emr.sqlite")
    faults = FaultBox(faults_from(settings.faults))
    log.info("faults in force from the start: %s, seed %d", settings.faults or "none", faults.faults.seed)
    sender = EventSender(store, product.events_queue, now_ms)
    manifests = ManifestWriter(lambda: scheduler.wake())
    outbox = EventOutbox(store, faults, product.aws_region, sender.wake)
    runs = directory / "runs"
    spark = SparkRuns(runs, settings.max_driver_memory_mib)
    scheduler = Scheduler(store, spark, manifests, outbox, faults, settings, now_ms)
    history = HistoryServer(runs)
    dashboards = Dashboards(spark, history, settings.emr_port, now_ms)
    operations = Operations(store, scheduler, faults, dashboards, settings, product.aws_region, now_ms)
    service = Service(operations, make_throttle(settings, time.monotonic), faults, store, dashboards)
    server = Server(settings.emr_port, service)

    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    scheduler.start()
    sender.start()
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    log.info("EMR Serverless listens on http://127.0.0.1:%d", server.server_port)
    stopped.wait()
    server.shutdown()
    sender.stop()
    manifests.stop()
    scheduler.stop()
    history.stop()
    store.close()


def faults_from(text: str) -> Faults:
    """The faults that a setting describes; the process ends with a sentence when it describes none."""
    try:
        return read_faults(json.loads(text)) if text else Faults()
    except (ValueError, BadFaults) as error:
        sys.exit(f"LOCAL_EMR_FAULTS is not a document of faults: {error}")


def now_ms() -> int:
    """The time as the store keeps it."""
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    main()
