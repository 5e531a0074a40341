"""Which documents are contracts here: what is checked, what is kept, and what is refused and why."""

import copy
import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft201909Validator, Draft202012Validator

from shared.contracts.contract_schema import DOCUMENT, MOST_COLUMNS
from shared.contracts.contracts import (
    Contract,
    digest_of_document,
    read_contract,
    read_reference,
    require_identity,
    version_of,
)
from shared.errors import ValidationFailed
from shared.schema_problems import SENTENCES
from tests.unit.contracts.documents import COLUMNS, EXAMPLE, column, document

STANDARD = json.loads((files("open_data_contract_standard") / "schema.json").read_text())
ID = f"{COLUMNS}/0"


def problems(given: dict[str, Any]) -> dict[str, str]:
    """What is wrong with a document, by pointer."""
    with pytest.raises(ValidationFailed) as refused:
        read_contract(given)
    return {problem.pointer: problem.message for problem in refused.value.problems}


def in_table(**changes: Any) -> dict[str, Any]:
    """The example with changes in its table."""
    found = copy.deepcopy(dict(EXAMPLE))
    found["schema"][0] |= changes
    return found


GOOD = {
    "the example": document(),
    "each integer": document(*(column(size, "integer", format=size) for size in ("i8", "i16", "i32", "i64"))),
    "each number": document(column("a", "number"), column("b", "number", format="f32"), column("c", "number")),
    "an exact number": document(column("price", "number", physicalType="decimal(10,2)", minimum=0.01, maximum=1e6)),
    "the widest decimal": document(column("n", "number", physicalType="decimal(38,38)")),
    "dates": document(column("day", "date", minimum="2020-02-29", exclusiveMaximum="2021-01-01")),
    "times": document(column("at", "timestamp", exclusiveMinimum="2020-01-01T00:00:00.5Z")),
    "a flag": document(column("is_late", "boolean", required=True)),
    "a text": document(column("code", "string", minLength=2, maxLength=2, pattern="^[A-Z]{2}$", unique=True)),
    "what describes is kept": document(
        tags=["flights"],
        team={"name": "ops", "members": [{"username": "ana"}]},
        support=[{"channel": "#flights", "url": "https://example.com/flights"}],
        price={"priceAmount": 0, "priceCurrency": "USD", "priceUnit": "megabyte"},
        customProperties=[{"property": "costCentre", "value": 7}],
        authoritativeDefinitions=[{"url": "https://example.com", "type": "businessDefinition"}],
    ),
    "the most columns": document(*(column(f"c{number}") for number in range(MOST_COLUMNS))),
}


@pytest.mark.parametrize("given", GOOD.values(), ids=GOOD.keys())
def test_a_contract_of_ours_is_one_by_the_standard(given):
    read_contract(given)

    assert [error.message for error in Draft201909Validator(STANDARD).iter_errors(given)] == []


BAD = {
    "nothing": ({}, "/apiVersion", "'apiVersion' is required"),
    "no schema": (document(schema=None), "/schema", "'schema' is required: One table."),
    "another kind": (document(kind="DataProduct"), "/kind", 'must be one of "DataContract"'),
    "the old standard": (document(apiVersion="v2.2.2"), "/apiVersion", "must be one of"),
    "a name in capitals": (document(name="Flights"), "/name", "small letters"),
    "a name with a line break": (document(name="flights\n"), "/name", "small letters"),
    "a version of two numbers": (document(version="1.0"), "/version", "three numbers"),
    "a version with a leading zero": (document(version="1.00.0"), "/version", "three numbers"),
    "a pre-release": (document(version="1.0.0-rc1"), "/version", "three numbers"),
    "an empty id": (document(id=""), "/id", "1 or more characters"),
    "a field of nobody's": (document(owner="me"), "/owner", 'There is no "owner"'),
    "no table": (document(schema=[]), "/schema", "1 or more items"),
    "two tables": (document(schema=EXAMPLE["schema"] * 2), "/schema", "1 or fewer items"),
    "no columns": (in_table(properties=[]), COLUMNS, "1 or more items"),
    "too many columns": (document(*([column()] * (MOST_COLUMNS + 1))), COLUMNS, f"{MOST_COLUMNS} or fewer"),
    "a column without a type": (document({"name": "id"}), f"{ID}/logicalType", "is required"),
    "a column without a name": (document({"logicalType": "date"}), f"{ID}/name", "is required"),
    "a column named twice": (document(column("id"), column("ID")), f"{COLUMNS}/1/name", "case is the same"),
    "a name of two lines": (document(column("a\nb")), f"{ID}/name", "no line breaks"),
    "a flag as text": (document(column(required="yes")), f"{ID}/required", "must be true or false"),
    "an unknown option": (document(column(minimun=1)), f"{ID}/logicalTypeOptions/minimun", "There is no"),
    "an option of another type": (document(column(pattern="a")), f"{ID}/logicalTypeOptions/pattern", "There is no"),
    "options of a flag": (document(column("f", "boolean", minimum=1)), f"{ID}/logicalTypeOptions/minimum", "no"),
    "an unsigned integer": (document(column(format="u8")), f"{ID}/logicalTypeOptions/format", "must be one of"),
    "a bound as text": (document(column(minimum="1")), f"{ID}/logicalTypeOptions/minimum", "a whole number"),
    "a bound between numbers": (document(column(minimum=0.5)), f"{ID}/logicalTypeOptions/minimum", "a whole number"),
    "a bound beyond its type": (
        document(column(format="i8", maximum=128)),
        f"{ID}/logicalTypeOptions/maximum",
        "no value that a column of type tinyint has",
    ),
    "a bound below its type": (document(column(format="i8", minimum=-129)), f"{ID}/logicalTypeOptions/minimum", "no"),
    "a bound beyond a float": (
        document(column("n", "number", format="f32", maximum=1e39)),
        f"{ID}/logicalTypeOptions/maximum",
        "type float",
    ),
    "a bound finer than a decimal": (
        document(column("n", "number", physicalType="decimal(4,2)", minimum=0.001)),
        f"{ID}/logicalTypeOptions/minimum",
        "type decimal(4,2)",
    ),
    "a bound longer than a decimal": (
        document(column("n", "number", physicalType="decimal(4,2)", maximum=100)),
        f"{ID}/logicalTypeOptions/maximum",
        "type decimal(4,2)",
    ),
    "a bound of hundreds of digits": (
        document(column("n", "number", maximum=10**301)),
        f"{ID}/logicalTypeOptions/maximum",
        "or less",
    ),
    "a day that is none": (
        document(column("d", "date", minimum="2021-02-29")),
        f"{ID}/logicalTypeOptions/minimum",
        "no value that a column of type date has",
    ),
    "a day in words": (document(column("d", "date", minimum="today")), f"{ID}/logicalTypeOptions/minimum", "yyyy-"),
    "a time without a zone": (
        document(column("d", "timestamp", minimum="2021-01-01T00:00:00")),
        f"{ID}/logicalTypeOptions/minimum",
        "yyyy-MM-ddTHH:mm:ssZ",
    ),
    "both lower bounds": (
        document(column(minimum=1, exclusiveMinimum=1)),
        f"{ID}/logicalTypeOptions/exclusiveMinimum",
        "not both",
    ),
    "an empty range": (document(column(minimum=2, maximum=1)), f"{ID}/logicalTypeOptions", "No value"),
    "a range without its only value": (
        document(column("n", "number", minimum=1, exclusiveMaximum=1)),
        f"{ID}/logicalTypeOptions",
        "No value",
    ),
    "no possible length": (
        document(column("t", "string", minLength=3, maxLength=2)),
        f"{ID}/logicalTypeOptions/minLength",
        "No text",
    ),
    "a broken pattern": (
        document(column("t", "string", pattern="(")),
        f"{ID}/logicalTypeOptions/pattern",
        "no regular expression",
    ),
    "a long pattern": (
        document(column("t", "string", pattern="a" * 201)),
        f"{ID}/logicalTypeOptions/pattern",
        "the most is 200",
    ),
    "a decimal that is none": (
        document(column("n", "number", physicalType="decimal(2,3)")),
        f"{ID}/physicalType",
        "Of 2 digits 3",
    ),
    "another physical type": (document(column("n", "number", physicalType="money")), f"{ID}/physicalType", "exact"),
    "a physical type of a text": (
        document(column("n", "string", physicalType="varchar(2)")),
        f"{ID}/physicalType",
        "Only a number's exact type",
    ),
    "a decimal of a size": (
        document(column("n", "number", physicalType="decimal(4,2)", format="f64")),
        f"{ID}/physicalType",
        "not both",
    ),
}


@pytest.mark.parametrize(("given", "pointer", "words"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_with_a_document_is_said_where_it_is(given, pointer, words):
    assert words in problems(given)[pointer]


NOT_CHECKED = {
    "/servers": document(servers=[]),
    "/roles": document(roles=[]),
    "/slaProperties": document(slaProperties=[]),
    "/context": document(context={}),
    "/schema/0/quality": in_table(quality=[]),
    "/schema/0/relationships": in_table(relationships=[]),
    **{
        f"{ID}/{name}": document(column() | {name: []})
        for name in ("quality", "relationships", "enum", "physicalName", "partitioned", "encryptedName", "items", "map")
    },
    **{
        f"{ID}/logicalTypeOptions/{option}": document(column("c", kind, **{option: 1}))
        for kind, option in (
            ("string", "format"),
            ("integer", "multipleOf"),
            ("number", "multipleOf"),
            ("date", "format"),
            ("timestamp", "format"),
            ("timestamp", "timezone"),
            ("timestamp", "defaultTimezone"),
        )
    },
}


@pytest.mark.parametrize(("pointer", "given"), NOT_CHECKED.items(), ids=NOT_CHECKED.keys())
def test_what_nobody_would_check_is_refused_with_the_reason(pointer, given):
    told = problems(given)

    assert list(told) == [pointer]
    assert not told[pointer].startswith("There is no")


@pytest.mark.parametrize("logical_type", ["time", "object", "array", "map", "vector", "varchar"])
def test_types_that_csv_cannot_hold_are_refused(logical_type):
    assert "must be one of" in problems(document(column("c", logical_type)))[f"{ID}/logicalType"]


def test_all_problems_of_a_document_are_told_at_once():
    told = problems(document(column(minimum="1"), column("", "string"), version="1"))

    assert list(told) == [f"{ID}/logicalTypeOptions/minimum", f"{COLUMNS}/1/name", "/version"]


@pytest.mark.parametrize(
    ("stated", "type_name"),
    [
        (column("c", "string"), "string"),
        (column("c", "boolean"), "boolean"),
        (column("c", "date"), "date"),
        (column("c", "timestamp"), "timestamp"),
        (column("c", "integer"), "int"),
        (column("c", "integer", format="i64"), "bigint"),
        (column("c", "number"), "double"),
        (column("c", "number", format="f32"), "float"),
        (column("c", "number", physicalType="decimal(10,2)"), "decimal(10,2)"),
    ],
)
def test_a_type_of_the_standard_is_a_type_of_spark(stated, type_name):
    assert read_contract(document(stated)).columns[0].type == type_name


def keys_of(contract: Contract) -> list[list[str]]:
    return sorted(map(sorted, contract.keys))


def test_a_part_of_the_key_is_required_and_only_all_parts_together_are_unique():
    contract = read_contract(document(column("a", primaryKey=True), column("B", primaryKey=True), column("c")))

    assert [each.required for each in contract.columns] == [True, True, False]
    assert keys_of(contract) == [["a", "b"]]


def test_unique_columns_are_keys_of_their_own():
    assert keys_of(read_contract(document(column("a", unique=True), column("b", unique=True)))) == [["a"], ["b"]]


def test_the_example_says_what_the_path_says():
    require_identity(document(), "flights", "1.0.0")

    with pytest.raises(ValidationFailed) as refused:
        require_identity(document(), "flight", "1.0.1")

    assert [problem.pointer for problem in refused.value.problems] == ["/name", "/version"]


def test_equal_documents_have_one_digest_whatever_the_order_of_their_fields():
    turned = dict(reversed(document().items()))

    assert digest_of_document(turned) == digest_of_document(document())
    assert digest_of_document(document(status="draft")) != digest_of_document(document())


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("flights/1.0.0", ("flights", "1.0.0")),
        ("a/0.0.0", ("a", "0.0.0")),
        ("flights", None),
        ("flights/", None),
        ("/1.0.0", None),
        ("flights/1.0", None),
        ("flights/1.0.0/", None),
        ("flights/1.0.0\n", None),
        ("../1.0.0", None),
    ],
)
def test_a_reference_is_a_name_and_a_version(text, reference):
    assert read_reference(text) == reference


def test_versions_are_ordered_by_their_numbers():
    assert version_of("1.10.0") > version_of("1.9.9")


def test_the_schema_is_sound_closed_and_every_rule_has_a_sentence():
    Draft202012Validator.check_schema(DOCUMENT)

    def walk(schema: dict[str, Any]) -> None:
        known = {"description", "default", "examples", "if", "then", "allOf", "properties", "items", "required"}
        assert set(schema) - known - {"additionalProperties"} <= set(SENTENCES), schema
        if "properties" in schema and "description" in schema:
            assert schema["additionalProperties"] is False
        for inner in (*schema.get("properties", {}).values(), *filter(None, [schema.get("items")])):
            assert inner["description"].endswith("."), inner
            walk(inner)
        for condition in schema.get("allOf", []):
            for inner in condition["then"]["properties"].values():
                walk(inner)

    walk(DOCUMENT)
