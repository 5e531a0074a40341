"""Job type `compact`: the rows of many small Parquet files in few large ones, in folders as they were."""

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.columns import quoted
from spark_jobs.failures import InvalidInput
from spark_jobs.inputs import InputFiles
from spark_jobs.job import read_parameters
from spark_jobs.object_store import StoredFile
from spark_jobs.result import Result
from spark_jobs.tables import format_of, read_table

MIB = 1024 * 1024
# Each folder is a part of the plan, which Spark's driver must hold and go through.
MAX_FOLDERS = 500
# Else code=01 would be read as the number 1, and written as code=1.
FOLDERS_AS_TEXTS = ("spark.sql.sources.partitionColumnTypeInference.enabled", "false")


@dataclass(frozen=True)
class Parameters:
    """What a job of this type may say; see the platform's catalogue of job types."""

    target_mib: int = 256


def run(spark: SparkSession, inputs: Sequence[InputFiles], parameters: Mapping[str, Any]) -> Result:
    """The rows as they were, folder by folder, as many tasks to each as files are wanted.

    Nothing is shuffled: rows that lay together stay together, and with them what readers skip by statistics.
    Raises: InvalidInput for what is not Parquet, and for too many folders.
    """
    asked = read_parameters(Parameters, parameters)
    (source,) = inputs
    _refuse_other_formats(source)
    spark.conf.set(*FOLDERS_AS_TEXTS)
    whole = read_table(spark, source)
    folders = files_by_folder(source)
    if len(folders) > MAX_FOLDERS:
        raise InvalidInput(
            f"Input {source.name!r} has {len(folders)} folders with files, and {MAX_FOLDERS} are possible; "
            "name a folder further down, one job for each."
        )
    pieces = [
        read_again(spark, replace(source, files=files), whole.frame).coalesce(files_wanted(files, asked.target_mib))
        for files in folders.values()
    ]
    data = pieces[0]
    for piece in pieces[1:]:
        data = data.unionByName(piece)
    return Result(
        data=data,
        rows_read=lambda: {source.name: whole.rows},
        partition_by=partition_names(source),
        keeps_every_row=True,
    )


def _refuse_other_formats(source: InputFiles) -> None:
    others = [file.uri for file in source.files if format_of(file.uri) != "parquet"]
    if others:
        raise InvalidInput(f"Going by its name {others[0]} is not Parquet, and compact reads nothing else.")


def files_by_folder(source: InputFiles) -> Dict[str, Tuple[StoredFile, ...]]:
    """The files of each folder that has any."""
    folders: Dict[str, List[StoredFile]] = defaultdict(list)
    for file in source.files:
        folders[file.uri.rsplit("/", 1)[0]].append(file)
    return {folder: tuple(files) for folder, files in folders.items()}


def files_wanted(files: Sequence[StoredFile], target_mib: int) -> int:
    """How many files of about the target's size hold what these hold."""
    return max(1, math.ceil(sum(file.size_bytes for file in files) / (target_mib * MIB)))


def partition_names(source: InputFiles) -> Tuple[str, ...]:
    """The columns that the folders' names tell, outermost first, as in `year=2013/month=1`."""
    if source.folder is None:
        return ()
    below = source.files[0].uri[len(source.folder) :].split("/")[:-1]
    return tuple(part.split("=", 1)[0] for part in below if "=" in part)


def read_again(spark: SparkSession, part: InputFiles, whole: DataFrame) -> DataFrame:
    """The rows of some of an input's files, with the columns that all have together."""
    frame = part.reader(spark).schema(whole.schema).parquet(*part.paths)
    return frame.select(*[quoted(name) for name in whole.columns])
