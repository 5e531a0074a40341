"""Which objects a run names, wherever they stand."""

import json

import pytest

from local.emr.s3_uris import Location, locations_in, locations_of, output_of, parts_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://raw/a.csv", [Location("raw", "a.csv")]),
        ("s3://raw/folder/", [Location("raw", "folder/")]),
        ("s3://raw", [Location("raw", "")]),
        ("s3://raw/a name, with a comma.csv", [Location("raw", "a name, with a comma.csv")]),
        ("s3://raw/a.zip,s3://code/b.zip", [Location("raw", "a.zip"), Location("code", "b.zip")]),
        ("spark.jars=s3://code/a.jar", [Location("code", "a.jar")]),
        ('{"inputs": [{"uri": "s3://raw/my file.csv"}]}', [Location("raw", "my file.csv")]),
        ("""{"sql": "FROM csv.`s3://raw/p/`, 's3://raw/q'"}""", [Location("raw", "p/"), Location("raw", "q")]),
        ("https://raw/a.csv", []),
        ("s3://UPPER/a.csv", []),
        ("", []),
        ("17", []),
    ],
)
def test_locations_are_found_in_words_and_in_json(text: str, expected: list[Location]) -> None:
    assert locations_in(text) == expected


def test_all_parts_of_a_run_are_looked_at_and_each_location_counts_once() -> None:
    job = json.dumps({"inputs": [{"uri": "s3://raw/in/"}], "parameters": {"lookup": "s3://raw/lookup.csv"}})
    submit = {
        "entryPoint": "s3://code/main.py",
        "entryPointArguments": ["--job", job, "--output", "s3://out/jobs/1/"],
        "sparkSubmitParameters": "--py-files s3://code/jobs.zip --conf spark.jars=s3://code/x.jar",
    }

    found = locations_of({"jobDriver": {"sparkSubmit": submit}})

    assert found == [
        Location("code", "jobs.zip"),
        Location("code", "main.py"),
        Location("code", "x.jar"),
        Location("out", "jobs/1/"),
        Location("raw", "in/"),
        Location("raw", "lookup.csv"),
    ]


@pytest.mark.parametrize(
    ("key", "prefix"),
    [
        ("in/2026-*/x.csv", "in/"),
        ("*.csv", ""),
        ("in/a{b,c}.csv", "in/"),
        ("in/part-[0-9].csv", "in/"),
        ("in/plain.csv", "in/plain.csv"),
    ],
)
def test_a_wildcard_is_fetched_from_the_folder_before_it(key: str, prefix: str) -> None:
    assert Location("raw", key).fixed_prefix == prefix


def test_the_output_is_what_follows_its_flag() -> None:
    assert output_of(["--job", "{}", "--output", "s3://out/jobs/1/"]) == Location("out", "jobs/1/")
    assert output_of(["s3://out/jobs/1/"]) is None


def test_a_list_of_files_is_parted_at_commas_before_files() -> None:
    assert parts_of("s3://b/a,b.zip,s3://b/c.zip,/local/d.py") == ["s3://b/a,b.zip", "s3://b/c.zip", "/local/d.py"]
