"""How much Spark worked, as its own status store counts it for the UI, which need not be shown."""

from dataclasses import dataclass, fields
from typing import Optional

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

# The store learns of tasks by events that are on their way for some milliseconds.
PATIENCE_MILLISECONDS = 10_000
EXECUTOR = "org.apache.spark.status.ExecutorSummaryWrapper"


@dataclass(frozen=True)
class Work:
    """What the tasks of an application did. Bytes are counted each time that they are read."""

    stages: int
    tasks: int
    failed_tasks: int
    task_milliseconds: int
    bytes_read: int
    shuffle_bytes_read: int
    shuffle_bytes_written: int


def work_so_far(spark: SparkSession) -> Optional[Work]:
    """All work of this application until now; None if Spark does not get its events counted in time."""
    context = spark._jsc.sc()
    try:
        context.listenerBus().waitUntilEmpty(PATIENCE_MILLISECONDS)
    except Py4JJavaError:
        return None
    store = context.statusStore()
    # By executor and not by stage: of more than a thousand stages the store forgets the first.
    listed = store.executorList(False)
    ids = [listed.apply(index).id() for index in range(listed.size())]
    # As they are stored: `executorList` itself puts the driver's uptime in the place of its tasks' time.
    kind = spark._jvm.java.lang.Class.forName(EXECUTOR)
    executors = [store.store().read(kind, each).info() for each in ids]
    return Work(
        stages=store.appSummary().numCompletedStages(),
        tasks=sum(each.completedTasks() for each in executors),
        failed_tasks=sum(each.failedTasks() for each in executors),
        task_milliseconds=sum(each.totalDuration() for each in executors),
        bytes_read=sum(each.totalInputBytes() for each in executors),
        shuffle_bytes_read=sum(each.totalShuffleRead() for each in executors),
        shuffle_bytes_written=sum(each.totalShuffleWrite() for each in executors),
    )


def work_since(spark: SparkSession, before: Optional[Work]) -> Optional[Work]:
    """What was done after `before` was counted; None if it is not known."""
    now = work_so_far(spark)
    if before is None or now is None:
        return None
    return Work(**{each.name: getattr(now, each.name) - getattr(before, each.name) for each in fields(Work)})
