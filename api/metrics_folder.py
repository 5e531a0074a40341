"""The folder by which the processes of one gunicorn add up their metrics.

It is new for each start: what an earlier one left there would be counted again.
"""

import functools
import shutil
import tempfile

# prometheus_client reads it when it is first imported.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@functools.cache
def metrics_folder(parent: str | None) -> str:
    """The folder of this gunicorn, made at the first call; a reload of the settings keeps it."""
    return tempfile.mkdtemp(prefix="cdp-metrics-", dir=parent)


def remove_folder(folder: str) -> None:
    """Forget all of it: gunicorn ends."""
    shutil.rmtree(folder, ignore_errors=True)


def leave_out(process_id: int) -> None:
    """A process of gunicorn has ended. What it counted stays, what was true of it while it lived goes."""
    # Imported here, in the parent and late: it must not be before the variable is set.
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(process_id)  # type: ignore[no-untyped-call]
