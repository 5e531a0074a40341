"""What an operator may change, and what follows from it."""

import uuid
from typing import Any

import pytest

from api.jobs.replay_request import OverridesSchema
from shared.errors import ValidationFailed
from shared.models import JobInput
from shared.replays.replay_edits import (
    NO_EDITS,
    Edits,
    edits_of,
    field_problems,
    overrides_of,
    read_edits,
    replayed_job_id,
)
from shared.submission import Submission

ASKED = Submission(
    job_type="csv-to-parquet",
    inputs=(JobInput("flights", "s3://raw/flights.csv"),),
    parameters={"header": True, "columns": [{"name": "a", "type": "int"}]},
    tags={"team": "ops"},
    size="small",
    timeout_seconds=3600,
    max_attempts=3,
)


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("size=medium", "size", "medium"),
        ("timeoutSeconds=60", "timeoutSeconds", 60),
        ("timeoutSeconds=604800", "timeoutSeconds", 604800),
        ("maxAttempts=1", "maxAttempts", 1),
        ("maxAttempts=10", "maxAttempts", 10),
        ("parameters.delimiter=;", "parameters.delimiter", ";"),
        ('parameters.delimiter=";"', "parameters.delimiter", ";"),
        ("parameters.nullValue=a=b", "parameters.nullValue", "a=b"),
        ("parameters.nullValue=", "parameters.nullValue", ""),
        ('parameters.nullValue="7"', "parameters.nullValue", "7"),
        ("parameters.header=false", "parameters.header", False),
        ("parameters.columns=null", "parameters.columns", None),
        ("parameters.formats.flights=csv", "parameters.formats.flights", "csv"),
    ],
)
def test_a_value_is_json_where_it_can_be_and_else_the_text(assignment, path, value):
    assert read_edits([assignment]) == Edits({path: value})


@pytest.mark.parametrize(
    ("assignments", "told"),
    [
        (
            ["size=huge"],
            "size must be one of small, medium, large, or an object with driver, executor and maxExecutors, not",
        ),
        (['size={"driver": {"vcpu": 3}}'], "/driver/vcpu: 3 must be one of 1, 2, 4, 8, 16."),
        (["size=[]"], "size must be one of"),
        (["timeoutSeconds=59"], "timeoutSeconds must be a whole number from 60 to 604800, not 59."),
        (["timeoutSeconds=604801"], "not 604801"),
        (["timeoutSeconds=soon"], 'not "soon"'),
        (["timeoutSeconds=true"], "not true"),
        (["timeoutSeconds=3600.5"], "not 3600.5"),
        (["maxAttempts=0"], "maxAttempts must be a whole number from 1 to 10, not 0."),
        (["maxAttempts=11"], "not 11"),
        (["size"], "'size' has no value: write size=VALUE."),
        (
            ["owner=me"],
            "there are size, timeoutSeconds, maxAttempts, onOutOfMemory, maxCostUsd and parameters.NAME.",
        ),
        (["parameters=1"], "There is no 'parameters'"),
        (["parameters.=1"], "There is no 'parameters.'"),
        (["size=small", "size=large"], "size is set twice."),
        (["size=huge", "maxAttempts=0"], "not 0."),
        (["maxCostUsd=0"], "maxCostUsd must be a number from 0.01 to 100000, or null for no limit, not 0."),
        (["maxCostUsd=100001"], "not 100001."),
        (["maxCostUsd=NaN"], "maxCostUsd must be a number"),
        (["maxCostUsd=true"], "not true."),
        (["maxCostUsd=much"], 'not "much".'),
        (["onOutOfMemory=bigger"], 'onOutOfMemory must be one of fail, retry-bigger, not "bigger".'),
    ],
)
def test_wrong_edits_are_refused_with_all_that_is_wrong(assignments, told):
    with pytest.raises(ValidationFailed) as refusal:
        read_edits(assignments)

    assert told in refusal.value.detail


def test_an_amount_is_the_same_edit_however_it_is_written_and_by_the_api():
    by_the_api = {"maxCostUsd": OverridesSchema().fields["max_cost_usd"].deserialize(5)}

    written = {read_edits([f"maxCostUsd={text}"]).canonical for text in ("5", "5.0", "5e0")}

    assert written == {edits_of(by_the_api).canonical}


@pytest.mark.parametrize(
    ("values", "changed"),
    [
        ({}, {}),
        ({"size": "large", "timeoutSeconds": 60, "maxAttempts": 1}, {"size": "large", "timeout_seconds": 60}),
        ({"parameters.delimiter": ";"}, {"parameters": {**ASKED.parameters, "delimiter": ";"}}),
        ({"parameters.columns": None}, {"parameters": {"header": True}}),
        ({"parameters.missing": None}, {}),
        ({"parameters.formats.a": "csv"}, {"parameters": {**ASKED.parameters, "formats": {"a": "csv"}}}),
    ],
)
def test_edits_change_what_they_name_and_nothing_else(values: dict[str, Any], changed: dict[str, Any]):
    before = repr(ASKED)

    edited = Edits(values).apply(ASKED)

    fields = {name: getattr(edited, name) for name in ("size", "timeout_seconds", "parameters", "inputs", "tags")}
    assert fields == {**{name: getattr(ASKED, name) for name in fields}, **changed}
    assert repr(ASKED) == before


@pytest.mark.parametrize(
    "assignments",
    [
        [],
        ["size=large"],
        ["timeoutSeconds=60", "maxAttempts=1"],
        ["parameters.formats.flights=csv", "parameters.columns=null"],
        ['parameters.columns=[{"name": "a", "type": "int"}]'],
    ],
)
def test_assignments_and_an_object_say_the_same(assignments):
    edits = read_edits(assignments)

    assert edits_of(overrides_of(edits)).canonical == edits.canonical


@pytest.mark.parametrize(
    ("parameters", "pointer", "told"),
    [
        ({"a.b": 1}, "/parameters/a.b", "has a dot"),
        ({"a": {"b/c.d": 1}}, "/parameters/a/b~1c.d", "has a dot"),
        ({"": 1}, "/parameters/", "is empty"),
        ({"formats": {}}, "/parameters/formats", "parameters.formats is an empty object, which changes nothing"),
    ],
)
def test_an_object_whose_names_cannot_be_paths_is_refused(parameters, pointer, told):
    with pytest.raises(ValidationFailed) as refusal:
        edits_of({"parameters": parameters})

    assert [problem.pointer for problem in refusal.value.problems] == [pointer]
    assert told in refusal.value.detail


def test_a_path_through_something_that_holds_nothing_is_refused():
    with pytest.raises(ValidationFailed, match=r"parameters.header.deep cannot be set: header is true"):
        Edits({"parameters.header.deep": 1}).apply(ASKED)


def test_a_field_that_was_never_edited_is_looked_at_too():
    wrong = Submission(**{**vars(ASKED), "size": "tiny", "max_attempts": 99})

    assert [problem.pointer for problem in field_problems(wrong)] == ["/size", "/maxAttempts"]
    assert field_problems(ASKED) == []


def test_the_new_id_follows_from_the_failure_the_edits_and_the_salt_alone():
    edits = Edits({"size": "large", "maxAttempts": 5})
    same = Edits({"maxAttempts": 5, "size": "large"})
    new_id = replayed_job_id("job.failed", edits, "")

    assert new_id == replayed_job_id("job.failed", same, "")
    assert str(uuid.UUID(new_id)) == new_id
    others = [
        replayed_job_id("another.failed", edits, ""),
        replayed_job_id("job.failed", NO_EDITS, ""),
        replayed_job_id("job.failed", edits, "again"),
    ]
    assert len({new_id, *others}) == 4


def test_the_id_of_a_replay_is_the_same_in_every_version():
    assert replayed_job_id("job.failed", NO_EDITS, "") == "822e652e-9b93-54cd-a61c-30fa51f759bc"
