"""The catalogue of job types: its schemas are sound, its sentences help, and the Spark code agrees with it."""

import ast
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from shared.errors import FieldProblem
from shared.job_types import JOB_TYPES, MAX_QUERY_CHARACTERS, parameter_problems
from shared.job_types.parts import CSV_DIALECT, DATE_FORMATS
from shared.schema_problems import MOST_ERRORS, SENTENCES

SPARK_JOBS = Path(__file__).resolve().parents[2] / "spark_jobs"
EACH_TYPE = pytest.mark.parametrize("job_type", JOB_TYPES.values(), ids=JOB_TYPES.keys())
# Keywords that describe instead of demanding, and those that lead to further schemas.
ANNOTATIONS = {"$schema", "description", "default", "examples"}
STRUCTURE = {"properties", "items", "propertyNames", "additionalProperties", "required"}


def schemas_in(schema, path=""):
    """A schema and all schemas in it, each with its place."""
    yield path, schema
    for keyword in ("items", "propertyNames", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from schemas_in(schema[keyword], f"{path}/{keyword}")
    for name, inner in schema.get("properties", {}).items():
        yield from schemas_in(inner, f"{path}/{name}")


def problems(name, parameters):
    return [(problem.pointer, problem.message) for problem in parameter_problems(JOB_TYPES[name], parameters)]


@EACH_TYPE
def test_a_schema_is_sound_closed_and_bounded(job_type):
    Draft202012Validator.check_schema(job_type.parameters_schema)
    for path, schema in schemas_in(job_type.parameters_schema):
        if schema["type"] == "object":
            assert "additionalProperties" in schema, path
            assert "properties" in schema or "maxProperties" in schema, path
        if schema["type"] == "array":
            assert "maxItems" in schema, path
        if schema["type"] == "string":
            assert "maxLength" in schema or "enum" in schema, path
        if schema["type"] in ("number", "integer"):
            assert {"minimum", "maximum"} <= set(schema), path
        if path:
            assert schema["description"].endswith("."), path


@EACH_TYPE
def test_defaults_and_examples_are_valid(job_type):
    properties = job_type.parameters_schema["properties"]
    required = {name: properties[name]["examples"][0] for name in job_type.parameters_schema.get("required", [])}
    for name, schema in properties.items():
        values = [*schema["examples"], *([schema["default"]] if "default" in schema else [])]
        for value in values:
            assert parameter_problems(job_type, {**required, name: value}) == [], (name, value)


@EACH_TYPE
def test_the_example_is_a_job_that_would_be_accepted(job_type):
    example = job_type.example

    assert example["jobType"] == job_type.name
    assert parameter_problems(job_type, example["parameters"]) == []
    assert job_type.min_inputs <= len(example["inputs"]) <= job_type.max_inputs
    assert all(each["uri"].startswith("s3://cloud-data-platform-dev-raw/") for each in example["inputs"])


@EACH_TYPE
def test_there_is_a_sentence_for_all_that_a_schema_may_demand(job_type):
    demanded = {keyword for _, schema in schemas_in(job_type.parameters_schema) for keyword in schema}

    assert demanded <= ANNOTATIONS | STRUCTURE | set(SENTENCES)


@EACH_TYPE
def test_patterns_mean_the_same_to_python_and_to_ecmascript(job_type):
    patterns = [schema["pattern"] for _, schema in schemas_in(job_type.parameters_schema) if "pattern" in schema]

    for pattern in patterns:
        assert pattern.startswith("^"), pattern
        assert pattern.endswith(r"$(?!\n)"), pattern
        assert not re.search(r"\\[AZwdsbWDSB]", pattern), pattern  # differ in anchors or in Unicode


WRONG = {
    "an unknown parameter": (
        "csv-to-parquet", {"seperator": ";"}, "/seperator",
        'There is no "seperator"; there are columns, dateFormat, delimiter, encoding, escape, header, '
        "maxRejectedFraction, maxRejectedRows, multiLine, nullValue, partitionBy, quote, timestampFormat.",
    ),
    "a wrong type": ("csv-to-parquet", {"header": "yes"}, "/header", '"yes" must be true or false.'),
    "a number for a text": ("sql", {"query": 1}, "/query", "1 must be a text."),
    "a value that is none of a few": (
        "sql", {"query": "q", "outputFormat": "orc"}, "/outputFormat", '"orc" must be one of "parquet", "csv".',
    ),
    "a delimiter of two characters": (
        "csv-to-parquet", {"delimiter": "||"}, "/delimiter", "A text of 2 characters is too long; the most is 1.",
    ),
    "an unknown type": (
        "csv-to-parquet", {"columns": [{"name": "id", "type": "money"}]}, "/columns/0/type",
        '"money" is not valid. One of string, boolean, tinyint, smallint, int, bigint, float, double, date, timestamp '
        "and decimal(p,s), with p digits in all (1 to 38) of which s (0 to p) follow the point.",
    ),
    "a column without type": (
        "csv-to-parquet", {"columns": [{"name": "id"}]}, "/columns/0/type",
        "'type' is required: One of string, boolean, tinyint, smallint, int, bigint, float, double, date, timestamp "
        "and decimal(p,s), with p digits in all (1 to 38) of which s (0 to p) follow the point.",
    ),
    "no column": ("csv-to-parquet", {"columns": []}, "/columns", "The list must have 1 or more items, not 0."),
    "a column twice": (
        "csv-to-parquet", {"partitionBy": ["a", "a"]}, "/partitionBy", 'No item of ["a", "a"] may appear twice.',
    ),
    "no query": ("sql", {}, "/query", "'query' is required: One SELECT or WITH statement over the inputs' names."),
    "an empty query": ("sql", {"query": ""}, "/query", '"" must have 1 or more characters.'),
    "a name that is no identifier": (
        "sql", {"query": "q", "formats": {"a-b": "csv"}}, "/formats",
        '"a-b" is not valid. The name of an input: letters, digits and _, no digit first.',
    ),
    "a format behind a name to escape": (
        "sql", {"query": "q", "formats": {"ok": "csv", "bad": "xml"}}, "/formats/bad",
        '"xml" must be one of "csv", "json", "parquet".',
    ),
    "no keys": (
        "deduplicate", {}, "/keys",
        "'keys' is required: The columns that make two rows alike if all their values are equal.",
    ),
    "a type of JSON that is none": (
        "json-to-parquet", {"columns": [{"name": "id", "type": "int; drop"}]}, "/columns/0/type",
        '"int; drop" is not valid. A type of Spark SQL: string, boolean, tinyint, smallint, int, bigint, float, '
        "double, date, timestamp, decimal(p,s), array<...>, map<string,...> or struct<name:type,...>.",
    ),
    "too long a run": ("simulated", {"seconds": 3601}, "/seconds", "3601 must be 3600 or less."),
    "no parameters at all": ("simulated", [], "", "[] must be an object."),
}  # fmt: skip


@pytest.mark.parametrize(("name", "parameters", "pointer", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_problem_says_where_and_what_is_right(name, parameters, pointer, message):
    assert problems(name, parameters) == [(pointer, message)]


def test_all_problems_are_told_at_once_in_the_order_of_their_places():
    found = parameter_problems(JOB_TYPES["csv-to-parquet"], {"header": 1, "a/b~c": 2, "columns": [{}]})

    assert all(isinstance(problem, FieldProblem) for problem in found)
    assert [problem.pointer for problem in found] == ["/a~1b~0c", "/columns/0/name", "/columns/0/type", "/header"]


LINE_BREAKS = [
    ("csv-to-parquet", {"columns": [{"name": "id", "type": "int\n"}]}, "/columns/0/type"),
    ("csv-to-parquet", {"columns": [{"name": "id\n", "type": "int"}]}, "/columns/0/name"),
    ("csv-to-parquet", {"quote": "\n"}, "/quote"),
    ("csv-to-parquet", {"escape": "\n"}, "/escape"),
    ("csv-to-parquet", {"delimiter": "\n"}, "/delimiter"),
    ("csv-to-parquet", {"dateFormat": "yyyy\n"}, "/dateFormat"),
    ("csv-to-parquet", {"partitionBy": ["id\n"]}, "/partitionBy/0"),
    ("sql", {"query": "q", "formats": {"t\n": "csv"}}, "/formats"),
    ("json-to-parquet", {"columns": [{"name": "id", "type": "int\n"}]}, "/columns/0/type"),
    ("deduplicate", {"keys": ["id\n"]}, "/keys/0"),
    ("deduplicate", {"keys": ["id"], "orderBy": "at\n"}, "/orderBy"),
]


@pytest.mark.parametrize(("name", "parameters", "pointer"), LINE_BREAKS)
def test_a_line_break_at_the_end_does_not_slip_through_a_pattern(name, parameters, pointer):
    assert [problem.pointer for problem in parameter_problems(JOB_TYPES[name], parameters)] == [pointer]


EDGES = [
    ("sql", "query", "x" * MAX_QUERY_CHARACTERS, "x" * (MAX_QUERY_CHARACTERS + 1)),
    ("csv-to-parquet", "columns", [{"name": "a", "type": "int"}] * 200, [{"name": "a", "type": "int"}] * 201),
    ("csv-to-parquet", "partitionBy", [f"c{n}" for n in range(10)], [f"c{n}" for n in range(11)]),
    ("csv-to-parquet", "nullValue", "x" * 100, "x" * 101),
    ("csv-to-parquet", "quote", "", "ab"),
    ("csv-to-parquet", "delimiter", "\t", ""),
    ("csv-to-parquet", "delimiter", "¦", "\\"),
    ("json-to-parquet", "columns", [{"name": "a", "type": "x" * 1000}], [{"name": "a", "type": "x" * 1001}]),
    ("deduplicate", "keys", [f"c{n}" for n in range(20)], [f"c{n}" for n in range(21)]),
    ("deduplicate", "keys", ["a"], []),
    ("deduplicate", "keep", "last", "any"),
    ("profile", "columns", [f"c{n}" for n in range(300)], [f"c{n}" for n in range(301)]),
    ("profile", "topValues", 0, -1),
    ("profile", "topValues", 100, 101),
    ("csv-to-parquet", "maxRejectedRows", 0, -1),
    ("csv-to-parquet", "maxRejectedRows", 10**12, 0.5),
    ("json-to-parquet", "maxRejectedFraction", 0, -0.01),
    ("json-to-parquet", "maxRejectedFraction", 1, 1.01),
    ("quality", "onViolation", "quarantine", "warn"),
    ("quality", "samples", 0, -1),
    ("quality", "samples", 20, 21),
    ("quality", "delimiter", ";", "||"),
    ("compact", "targetMib", 16, 15),
    ("compact", "targetMib", 4096, 4097),
    ("pyspark", "script", "s3://b/a.py", "s3://b/a.sh"),
    ("pyspark", "arguments", ["x" * 1000] * 100, ["x"] * 101),
    ("pyspark", "arguments", [""], ["x" * 1001]),
    ("spark-jar", "jar", "s3://b/a.jar", "s3://b/a.jar/"),
    ("spark-jar", "mainClass", "a.b_1.C$D", "a..B"),
    ("spark-jar", "mainClass", "Main", "a.B --conf x=y"),
    ("simulated", "seconds", 0, -0.1),
    ("simulated", "failAttempts", 1, 0),
    *(
        ("csv-to-parquet", "columns", [{"name": "a", "type": good}], [{"name": "a", "type": bad}])
        for good, bad in [
            ("decimal(38,38)", "decimal(39,0)"),
            ("decimal(1,0)", "decimal(0,0)"),
            ("decimal(10, 2)", "decimal(10)"),
            ("bigint", "BIGINT"),
            ("string", "array<int>"),
        ]
    ),
]


REQUIRED = {
    "sql": {"query": "SELECT 1"},
    "deduplicate": {"keys": ["id"]},
    "pyspark": {"script": "s3://b/a.py"},
    "spark-jar": {"mainClass": "a.B"},
}


@pytest.mark.parametrize(("name", "parameter", "accepted", "refused"), EDGES)
def test_each_bound_is_where_it_should_be(name, parameter, accepted, refused):
    required = REQUIRED.get(name, {})

    assert problems(name, {**required, parameter: accepted}) == []
    assert problems(name, {**required, parameter: refused}) != []


def test_a_long_value_is_cut_in_a_message():
    ((_, message),) = problems("simulated", {"seconds": "x" * 1000})

    assert message == '"' + "x" * 56 + "... must be a number."


def assignments_in(module, class_name):
    """The fields of a dataclass of the Spark code and their defaults, by the names that JSON gives them."""
    (found,) = (
        node for node in ast.parse((SPARK_JOBS / module).read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == class_name
    )  # fmt: skip
    fields = [node for node in found.body if isinstance(node, ast.AnnAssign)]
    return {re.sub("_(.)", lambda match: match[1].upper(), field.target.id): field.value for field in fields}


@pytest.mark.parametrize("name", [name for name, each in JOB_TYPES.items() if each.entry_point == "main.py"])
def test_the_spark_code_has_the_parameters_and_defaults_of_the_catalogue(name):
    properties = JOB_TYPES[name].parameters_schema["properties"]

    in_code = assignments_in(f"{name.replace('-', '_')}.py", "Parameters")

    assert set(in_code) == set(properties)
    for name, value in in_code.items():
        if isinstance(value, ast.Constant) and value.value is not None:
            assert value.value == properties[name]["default"], name


def test_how_csv_is_read_has_the_names_of_parameters():
    assert set(assignments_in("csv_files.py", "CsvDialect")) == {*CSV_DIALECT, *DATE_FORMATS}


@EACH_TYPE
def test_a_type_that_takes_a_contract_says_what_it_reads(job_type):
    assert bool(job_type.formats) == job_type.takes_contract
    assert job_type.takes_contract or not job_type.needs_contract
    assert ("contract" in job_type.example) == job_type.needs_contract


def test_of_more_mistakes_than_anybody_reads_a_part_is_looked_for():
    found = parameter_problems(JOB_TYPES["csv-to-parquet"], {"columns": [1] * 100_000, "colour": "red"})

    assert len(found) <= MOST_ERRORS
    assert "/columns/0" in {problem.pointer for problem in found}


def test_the_spark_code_has_the_job_types_of_the_catalogue():
    (found,) = (
        node.value for node in ast.parse((SPARK_JOBS / "runner.py").read_text()).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "JOB_TYPES"
    )  # fmt: skip

    in_code = {key.value for key in found.keys}

    assert in_code == {name for name, each in JOB_TYPES.items() if each.entry_point == "main.py"}
    assert [name for name, each in JOB_TYPES.items() if each.local_only] == ["simulated"]


@pytest.mark.parametrize("path", sorted(SPARK_JOBS.glob("*.py")), ids=lambda path: path.name)
def test_the_spark_code_keeps_to_the_python_that_emr_runs(path):
    tree = ast.parse(path.read_text(), feature_version=(3, 9))

    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    ours = {name for name in imported if name.split(".")[0] in {"api", "worker", "shared", "cli", "local", "boto3"}}
    assert ours == set()
