"""Job type `sql`: one query over the inputs, each of which is a view under its name."""

import re
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Sequence

from pyspark.errors import ParseException
from pyspark.sql import SparkSession

from spark_jobs.failures import InvalidInput, is_a
from spark_jobs.inputs import InputFiles
from spark_jobs.job import read_parameters
from spark_jobs.result import Result
from spark_jobs.tables import known_format, read_table

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What parsePlan passes over behind a statement, and parseQuery does not from Spark 4 on.
END_OF_STATEMENT = re.compile(r"[;\s]+\Z")
# These call any method of any Java class, so a query could leave its inputs, and Spark.
FUNCTIONS_THAT_RUN_JAVA = ("reflect", "java_method", "try_reflect")
PLANS = "org.apache.spark.sql.catalyst.plans.logical"


@dataclass(frozen=True)
class Parameters:
    """What a job of this type may say; see the platform's catalogue of job types."""

    query: str
    formats: Mapping[str, str] = field(default_factory=dict)
    output_format: str = "parquet"


def run(spark: SparkSession, inputs: Sequence[InputFiles], parameters: Mapping[str, Any]) -> Result:
    """The rows of the query.

    Raises: InvalidInput, or Spark's own AnalysisException, for what is not one query over these inputs.
    """
    asked = read_parameters(Parameters, parameters)
    _check_names(inputs, asked.formats)
    check_is_query(spark, asked.query)
    _forget_functions_that_run_java(spark)
    rows_read = {}
    for source in inputs:
        table = read_table(spark, source, asked.formats.get(source.name))
        table.frame.createOrReplaceTempView(source.name)
        rows_read[source.name] = table.rows
    return Result(
        data=spark.sql(asked.query), rows_read=lambda: rows_read, file_format=known_format(asked.output_format)
    )


def check_is_query(spark: SparkSession, text: str) -> None:
    """Refuse what is not one SELECT, going by Spark's parser and not by the look of the text.

    Raises: ParseException for a text that is not one statement; InvalidInput for another kind of statement.
    """
    parser = spark._jsparkSession.sessionState().sqlParser()
    plan = parser.parsePlan(text)
    try:
        # Knows queries alone, but Spark 3 stops at the end of one: parsePlan looks at the rest.
        parser.parseQuery(END_OF_STATEMENT.sub("", text))
    except ParseException as error:
        kind = plan.getClass().getSimpleName()
        raise InvalidInput(f"The query must be one SELECT or WITH statement, but this is {kind}.") from error
    if any(is_a(node, f"{PLANS}.ScriptTransformation") for node in _nodes(plan)):
        raise InvalidInput("The query must not use TRANSFORM, MAP or REDUCE, which run programs outside of Spark.")


def _nodes(plan: Any) -> Iterator[Any]:
    """A plan and all plans in it: its children, its WITH clauses and the subqueries of its expressions."""
    yield plan
    for inner in (plan.children(), plan.innerChildren(), plan.subqueries()):
        for index in range(inner.size()):
            if is_a(inner.apply(index), f"{PLANS}.LogicalPlan"):
                yield from _nodes(inner.apply(index))


def _check_names(inputs: Sequence[InputFiles], formats: Mapping[str, str]) -> None:
    names = [source.name for source in inputs]
    for place, name in enumerate(names):
        if not IDENTIFIER.fullmatch(name):
            raise InvalidInput(f"Input {name!r} cannot be a view: a name is letters, digits and _, no digit first.")
        if name.lower() in [other.lower() for other in names[:place]]:
            raise InvalidInput(f"Two inputs are named {name!r}; SQL does not tell capitals from small letters.")
    strangers = sorted(set(formats) - set(names))
    if strangers:
        raise InvalidInput(f"`formats` speaks of {strangers[0]!r}, but the inputs are {', '.join(names)}.")


def _forget_functions_that_run_java(spark: SparkSession) -> None:
    registry = spark._jsparkSession.sessionState().functionRegistry()
    for name in FUNCTIONS_THAT_RUN_JAVA:
        registry.dropFunction(spark._jvm.org.apache.spark.sql.catalyst.FunctionIdentifier(name))
