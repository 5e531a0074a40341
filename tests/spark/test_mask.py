"""mask: all rows, the columns that were asked for changed as asked, all others as they were, and no value told."""

import hashlib
import hmac
import json

import pytest
from flights_data import content_of, rows_of

from spark_jobs.mask import KEY_SETTING

KEY = "a key that nobody else has, 32 or more"
TABLE = "id,mail,card,at\n1,ann@example.com,4111111111111111,2013-01-01\n2,,5500005555555559,2013-01-02\n3,,,\n"


def mask(platform, *columns, content=TABLE, **parameters):
    stated = [dict(zip(("name", "method", "keep"), column, strict=False)) for column in columns]
    return platform.run("mask", {"table": platform.put("table.csv", content)}, {"columns": stated, **parameters})


def digest(text):
    return hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


@pytest.fixture
def keyed(platform):
    platform.spark.conf.set(KEY_SETTING, KEY)
    yield platform
    platform.spark.conf.unset(KEY_SETTING)


def types_of(attempt):
    return {field["name"]: field["type"] for field in attempt.manifest["schema"]["fields"]}


def test_columns_are_dropped_hashed_cut_and_replaced_and_rows_stay(keyed):
    attempt = mask(keyed, ("id", "hash"), ("mail", "truncate", 3), ("card", "redact"), ("at", "drop"))

    assert keyed.tuples(attempt) == sorted(
        [(digest("1"), "ann", "***"), (digest("2"), None, "***"), (digest("3"), None, None)], key=repr
    )
    assert types_of(attempt) == {"id": "string", "mail": "string", "card": "string"}
    assert attempt.counts == {"rowsRead": 3, "rowsWritten": 3, "rowsRejected": 0}


def test_columns_that_nobody_named_stay_as_they_are(keyed):
    attempt = mask(keyed, ("mail", "drop"))

    assert types_of(attempt) == {"id": "integer", "card": "long", "at": "date"}
    assert [row[:2] for row in keyed.tuples(attempt)] == [(1, 4111111111111111), (2, 5500005555555559), (3, None)]


def test_equal_values_have_equal_hashes_under_the_platforms_key_and_differ_under_random_ones(keyed):
    by_platform = [keyed.tuples(mask(keyed, ("id", "hash"), ("card", "drop"))) for _ in range(2)]
    by_chance = [keyed.tuples(mask(keyed, ("id", "hash"), ("card", "drop"), hashKey="random")) for _ in range(2)]

    assert by_platform[0] == by_platform[1]
    assert {row[0] for row in by_chance[0]} & {row[0] for row in by_chance[1]} == set()


def test_values_of_any_type_have_a_hash(keyed):
    frame = keyed.spark.createDataFrame(
        [(1.5, bytearray(b"\xff"), ["a"], True)], "d double, b binary, n array<string>, t boolean"
    )
    frame.write.parquet(keyed.uri("typed/"))
    columns = [{"name": name, "method": "hash"} for name in "dbnt"]

    attempt = keyed.run("mask", {"t": keyed.uri("typed/")}, {"columns": columns})

    assert keyed.tuples(attempt) == [tuple(map(digest, ("1.5", "FF", '{"value":["a"]}', "true")))]


def test_columns_are_masked_by_the_class_that_a_contract_gives_them(keyed):
    frame = keyed.spark.createDataFrame([(1, "ann@example.com", 4)], "id int, mail string, card bigint")
    marked = frame.select(
        "id",
        frame["mail"].alias("mail", metadata={"classification": "pii"}),
        frame["card"].alias("card", metadata={"classification": "pii"}),
    )
    marked.write.parquet(keyed.uri("marked/"))
    classes = [{"class": "pii", "method": "redact", "text": "-"}]

    attempt = keyed.run(
        "mask", {"t": keyed.uri("marked/")}, {"classes": classes, "columns": [{"name": "card", "method": "drop"}]}
    )

    assert keyed.tuples(attempt) == [(1, "-")]


REFUSED = {
    "an unknown column": ([("name", "drop")], {}, "There is no column 'name' to mask."),
    "a column twice": ([("id", "drop"), ("id", "hash")], {}, "`columns` names 'id' twice."),
    "nothing": ([], {}, "Nothing is to be masked"),
    "everything dropped": (
        [("id", "drop"), ("mail", "drop"), ("card", "drop"), ("at", "drop")], {}, "nothing would be left",
    ),
    "a number cut": ([("id", "truncate")], {}, "The column 'id' is no text, so it cannot be cut"),
    "a class of no column": ([], {"classes": [{"class": "pii", "method": "drop"}]}, "No column is of the class 'pii'"),
}  # fmt: skip


@pytest.mark.parametrize(("columns", "parameters", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_masked_is_invalid_input(platform, columns, parameters, words):
    attempt = mask(platform, *columns, **parameters)

    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert words in attempt.failure["message"]


KEYS = [
    ("", "This platform has no key to hash with"),
    ("EMR.secret@a-name-that-nobody-resolved-for-us", "has no key"),
    ("too short", "is shorter than 32 characters"),
]


@pytest.mark.parametrize(("key", "words"), KEYS)
def test_a_hash_without_a_proper_key_is_refused_and_the_key_is_not_told(keyed, key, words):
    keyed.spark.conf.set(KEY_SETTING, key)

    attempt = mask(keyed, ("id", "hash"))

    assert words in attempt.failure["message"]
    assert not key or key not in attempt.failure["message"]


MALFORMED = {
    "a row": "id,name\n1,ant\n2,secret@example.com,3\n",
    "a header": "secret@example.com,secret@example.com\n1,2\n",
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_table_that_cannot_be_read_is_not_quoted(platform, capfd, content):
    attempt = mask(platform, ("id", "drop"), content=content)

    printed = capfd.readouterr()
    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert "which is not shown" in attempt.failure["message"]
    assert "secret" not in json.dumps(attempt.failure) + printed.out + printed.err


def test_neither_the_key_nor_a_value_is_in_what_a_mask_leaves(keyed, capfd):
    attempt = mask(keyed, ("id", "hash"), ("mail", "hash"), ("card", "redact"))

    printed = capfd.readouterr()
    written = b"".join(path.read_bytes() for path in attempt.folder.rglob("*") if path.is_file()).decode("latin-1")
    left = written + printed.out + printed.err
    assert [each for each in (KEY, "ann@example.com", "4111111111111111") if each in left] == []


def test_spark_shows_neither_the_key_setting_nor_the_key_in_a_plan(keyed):
    from spark_jobs.mask import hasher

    plan = keyed.spark.range(1).select(hasher(KEY.encode())("id"))._jdf.queryExecution().toString()
    redaction = keyed.spark.conf.get("spark.redaction.regex", "(?i)secret|password|token|access[.]?key")

    assert "hashed" in plan
    assert KEY not in plan
    assert "secret" in redaction
    assert "secret" in KEY_SETTING


def test_the_planes_keep_their_number_and_lose_their_tail_numbers(platform):
    columns = [{"name": "tailnum", "method": "hash"}, {"name": "speed", "method": "drop"}]

    attempt = platform.run(
        "mask", {"planes": platform.put("planes.csv", content_of("planes"))}, {"columns": columns, "hashKey": "random"}
    )

    planes = rows_of("planes")
    hashes = {row["tailnum"] for row in platform.rows(attempt).collect()}
    assert attempt.counts["rowsWritten"] == len(planes) == 3322
    assert len(hashes) == len({row["tailnum"] for row in planes})
    assert hashes.isdisjoint(row["tailnum"] for row in planes)
