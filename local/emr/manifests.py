"""The manifests that simulated runs leave in S3, written aside so that no run waits for another's."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.emr.runs import Run
from local.emr.simulation import arguments_of, manifest_of
from local.emr.staging import make_s3_client

log = logging.getLogger(__name__)
WRITERS = 4


class ManifestWriter:
    """Writes each run's manifest; a run is successful only once its manifest is there."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._pool = ThreadPoolExecutor(WRITERS, thread_name_prefix="manifest")
        self._lock = threading.Lock()
        self._writing: dict[str, Future[bool]] = {}
        self._client: Any = None

    def write(self, run: Run) -> bool:
        """Whether the run's manifest is in S3 (or it wants none); if not, it is on its way: ask again."""
        found = manifest_of(arguments_of(run.request), datetime.now(UTC))
        if found is None:
            return True
        with self._lock:
            writing = self._writing.get(run.run_id)
            if writing is not None and writing.done():
                del self._writing[run.run_id]
                if writing.result():
                    return True
                writing = None
            if writing is None:
                self._writing[run.run_id] = writing = self._pool.submit(self._put, *found)
                writing.add_done_callback(lambda _: self._wake())
        return False

    def stop(self) -> None:
        """Begin no more writes."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _put(self, uri: str, body: bytes) -> bool:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            self._s3().put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
        except (BotoCoreError, ClientError) as error:
            log.info("the manifest %s is tried again: %s", uri, error)
            return False
        return True

    def _s3(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = make_s3_client()
            return self._client
