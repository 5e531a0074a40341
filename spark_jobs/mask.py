"""Job type `mask`: the rows of a table with some columns dropped, hashed, cut or replaced; all rows, no value told."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any, Callable, List, Mapping, Optional, Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention
from pyspark.sql.types import BinaryType, StringType, StructField

from spark_jobs.columns import is_nested, names_twice, quoted
from spark_jobs.discreet import reading
from spark_jobs.failures import InvalidInput
from spark_jobs.inputs import InputFiles
from spark_jobs.job import read_parameters
from spark_jobs.result import Result
from spark_jobs.tables import Table, read_table

DROP, HASH, TRUNCATE, REDACT = "drop", "hash", "truncate", "redact"
# Spark hides what this setting says in its UI, its event log and its logs, because its name holds "secret".
KEY_SETTING = "spark.cdp.mask.secret"
LEAST_KEY_CHARACTERS = 32
# What EMR Serverless puts the secret in place of; where it stands as it is, nobody did.
UNRESOLVED = "EMR.secret@"
KEY_BYTES = 32


@dataclass(frozen=True)
class Parameters:
    """What a job of this type may say; see the platform's catalogue of job types."""

    columns: List[Mapping[str, Any]] = field(default_factory=list)
    classes: List[Mapping[str, Any]] = field(default_factory=list)
    hash_key: str = "platform"
    format: Optional[str] = None


@dataclass(frozen=True)
class Masking:
    """What becomes of a column: `keep` is the number of characters that are left, `text` what stands instead."""

    method: str
    keep: int = 1
    text: str = "***"

    @classmethod
    def from_json(cls, stated: Mapping[str, Any]) -> "Masking":
        """Read `{"method", "keep", "text"}`."""
        return cls(**{name: stated[name] for name in ("method", "keep", "text") if name in stated})


def run(spark: SparkSession, inputs: Sequence[InputFiles], parameters: Mapping[str, Any]) -> Result:
    """All rows, masked. Raises: InvalidInput, also for a class that no column has, and for a hash without a key."""
    asked = read_parameters(Parameters, parameters)
    (source,) = inputs
    table = read_discreetly(spark, source, asked.format)
    maskings = maskings_of(table.frame, asked)
    key = hash_key(spark, asked.hash_key) if any(each.method == HASH for each in maskings.values()) else b""
    return Result(
        data=masked(table.frame, maskings, key),
        rows_read=lambda: {source.name: table.rows},
        keeps_every_row=True,
    )


def read_discreetly(spark: SparkSession, source: InputFiles, wanted_format: Optional[str]) -> Table:
    """The input as a table; if it cannot be read, the error quotes nothing of it."""
    with reading(source.name):
        return read_table(spark, source, wanted_format)


def maskings_of(frame: DataFrame, asked: Parameters) -> Mapping[str, Masking]:
    """What becomes of which column. What is said of a column goes before what is said of its class."""
    if not asked.columns and not asked.classes:
        raise InvalidInput("Nothing is to be masked: name columns by `columns`, or classes by `classes`.")
    named = [each["name"] for each in asked.columns]
    unknown = [name for name in named if name not in frame.columns]
    if unknown:  # the table's columns are not listed: a file without header has values for names
        raise InvalidInput(f"There is no column {unknown[0]!r} to mask.")
    if names_twice(named):
        raise InvalidInput(f"`columns` names {names_twice(named)[0]!r} twice.")
    return {**_by_class(frame, asked.classes), **{each["name"]: Masking.from_json(each) for each in asked.columns}}


def _by_class(frame: DataFrame, classes: Sequence[Mapping[str, Any]]) -> Mapping[str, Masking]:
    found = {}
    for each in classes:
        members = [field.name for field in frame.schema.fields if field.metadata.get("classification") == each["class"]]
        if not members:
            raise InvalidInput(
                f"No column is of the class {each['class']!r}; classes come from the contract under which a job, such "
                "as csv-to-parquet, wrote the input."
            )
        found.update({name: Masking.from_json(each) for name in members})
    return found


def masked(frame: DataFrame, maskings: Mapping[str, Masking], key: bytes) -> DataFrame:
    """The frame without the dropped columns and with the others masked, in their order."""
    kept = [each for each in frame.schema.fields if _method(maskings, each) != DROP]
    if not kept:
        raise InvalidInput("All columns are to be dropped, so nothing would be left.")
    return frame.select(*[_masked_column(each, maskings.get(each.name), key) for each in kept])


def _method(maskings: Mapping[str, Masking], field: StructField) -> Optional[str]:
    return maskings[field.name].method if field.name in maskings else None


def _masked_column(field: StructField, masking: Optional[Masking], key: bytes) -> Column:
    column = F.col(quoted(field.name))
    if masking is None:
        return column
    if masking.method == REDACT:
        replaced = F.when(column.isNotNull(), F.lit(masking.text))
    elif masking.method == HASH:
        replaced = hasher(key)(_as_text(field, column))
    else:
        if not isinstance(field.dataType, StringType):
            raise InvalidInput(f"The column {field.name!r} is no text, so it cannot be cut; hash, redact or drop it.")
        replaced = F.substring(column, 1, masking.keep)
    return replaced.alias(field.name, metadata=field.metadata)


def _as_text(field: StructField, column: Column) -> Column:
    """The same text for equal values; of a text itself. NULL stays NULL."""
    if is_nested(field.dataType):
        return F.when(column.isNotNull(), F.to_json(F.struct(column.alias("value"))))
    return F.hex(column) if isinstance(field.dataType, BinaryType) else column.cast("string")


def hasher(key: bytes) -> Callable[[Column], Column]:
    """HMAC-SHA256 of a text under a key, 64 hexadecimal digits.

    In Python, because Spark's own expressions would show the key wherever they show the query.
    """

    @F.udf("string")
    def hashed(text: Optional[str]) -> Optional[str]:
        return None if text is None else hmac.new(key, text.encode("utf-8"), hashlib.sha256).hexdigest()

    return hashed


def hash_key(spark: SparkSession, wanted: str) -> bytes:
    """The platform's key, or one that is made up for this run and forgotten with it.

    Raises: InvalidInput if the platform has none.
    """
    if wanted == "random":
        return secrets.token_bytes(KEY_BYTES)
    key = spark.conf.get(KEY_SETTING, "")
    if not key or key.startswith(UNRESOLVED):
        raise InvalidInput("This platform has no key to hash with; ask its operators, or say `hashKey: random`.")
    if len(key) < LEAST_KEY_CHARACTERS:
        raise InvalidInput(f"The platform's key to hash with is shorter than {LEAST_KEY_CHARACTERS} characters.")
    return key.encode("utf-8")
