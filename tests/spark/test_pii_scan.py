"""pii-scan: each column's kinds and decision, from any format, and not one value of the data anywhere."""

import json
import random
import re

import pytest
from faker import Faker
from flights_data import content_of
from labelled_pii import labelled_texts

from spark_jobs.pii_report import Finding, ScannedColumn, overall

FLIGHTS_TABLES = ("airlines", "airports", "planes", "weather")


def scan(platform, content, key="table.csv", **parameters):
    return platform.run("pii-scan", {"table": platform.put(key, content)}, parameters)


def report(attempt):
    return json.loads((attempt.folder / "reports" / "pii.json").read_text())


def decisions(attempt):
    return {column["name"]: column["pii"] for column in report(attempt)["columns"]}


def kinds(attempt):
    return {column["name"]: [each["kind"] for each in column["kinds"]] for column in report(attempt)["columns"]}


PEOPLE = (
    "id,mail,card,note\n"
    "1,ann@example.com,4111 1111 1111 1111,call +49 30 123456\n"
    '2,bob.b@example.org,5500005555555559,"nothing, really"\n'
    "3,,,\n"
)


def test_each_column_is_told_with_its_kinds_counts_and_shapes(platform):
    attempt = scan(platform, PEOPLE)

    told = report(attempt)
    assert (told["pii"], told["rows"], told["rowsScanned"]) == ("found", 3, 3)
    assert decisions(attempt) == {"id": "none", "mail": "found", "card": "found", "note": "found"}
    assert told["columns"][1] == {
        "position": 2,
        "name": "mail",
        "type": "string",
        "pii": "found",
        "doubts": [],
        "values": 2,
        "kinds": [
            {
                "kind": "email",
                "values": 2,
                "matches": 2,
                "candidates": 2,
                "confidence": 1.0,
                "samples": [{"shape": "a.a@a.a", "values": 1}, {"shape": "a@a.a", "values": 1}],
            }
        ],
    }
    assert attempt.counts == {"rowsRead": 3, "rowsWritten": 4, "rowsRejected": 0}


def test_the_findings_are_a_table_too(platform):
    attempt = scan(platform, PEOPLE)

    rows = platform.rows(attempt).select("position", "name", "pii", "kind", "values", "confidence").orderBy("position")
    assert [tuple(row) for row in rows.collect()] == [
        (1, "id", "none", None, 0, None),
        (2, "mail", "found", "email", 2, 1.0),
        (3, "card", "found", "card", 2, 1.0),
        (4, "note", "found", "phone", 1, 1.0),
    ]


# What differs from run to run, and may have any four digits in it: what a manifest measures, checksums, moments, and
# the names that Spark gives to files.
MEASURED = re.compile(r'"(sizeBytes|\w*[bB]ytes\w*|\w*Seconds|\w+At|timestamp)": ("[^"]*"|[0-9.]+)')
RANDOM = re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def everything_left_by(attempt, captured):
    """All that a scan leaves: what it wrote, names of files included, and what it printed."""
    paths = list(attempt.folder.rglob("*"))
    written = [path.read_bytes().decode("latin-1") for path in paths if path.is_file()]
    names = [str(path.relative_to(attempt.folder)) for path in paths]
    return RANDOM.sub("", MEASURED.sub("", "\0".join([*written, *names, captured.out, captured.err])))


def fragments_of(text):
    """A value, and the parts of it that would tell something: words of 5 letters and numbers of 4 digits and more."""
    words = "".join(each if each.isalnum() else " " for each in text).split()
    return {text} | {word for word in words if len(word) >= (4 if word.isdigit() else 5)}


def test_no_value_of_the_data_is_in_anything_that_a_scan_leaves(platform, capfd):
    planted = sorted({each.text for each in labelled_texts(5) if each.kinds and each.text.isascii()})[:100]
    frame = platform.spark.createDataFrame([(text,) for text in planted], "planted string")
    frame.coalesce(1).write.parquet(platform.uri("planted/"))
    capfd.readouterr()

    attempt = platform.run("pii-scan", {"table": platform.uri("planted/")})

    left = everything_left_by(attempt, capfd.readouterr())
    assert report(attempt)["pii"] == "found"
    assert "planted" in left
    ours = {"value", "second", "follows", "before", "contact", "email"}  # words of this platform's own
    assert [part for text in planted for part in fragments_of(text) if part in left and part.lower() not in ours] == []


UNREADABLE = {
    "a damaged file": ("t.parquet", b"PAR1 secret.person@example.com PAR1"),
    "a truncated gzip file": ("t.csv.gz", b"\x1f\x8b\x08\x00 secret.person@example.com"),
    "more columns than Spark's reader takes": ("t.csv", "secret.person@example.com," * 30_000 + "\n1,2\n"),
    "an empty file": ("t.csv", ""),
}


@pytest.mark.parametrize(("key", "content"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_scan_that_fails_quotes_nothing(platform, capfd, key, content):
    attempt = scan(platform, content, key)

    left = everything_left_by(attempt, capfd.readouterr())
    assert attempt.status == 1
    assert attempt.failure["message"]
    assert "secret" not in left


def test_a_file_without_header_names_its_columns_by_nothing(platform):
    attempt = scan(platform, "ann@example.com,1\nbob@example.com,2\n")

    told = report(attempt)
    assert (told["pii"], told["namesHoldPii"]) == ("found", True)
    assert [column["name"] for column in told["columns"]] == [None, None]
    assert decisions(scan(platform, "1,x\n2,y\n", header=False)) == {None: "none"}


def test_names_alone_that_are_personal_data_are_found(platform):
    assert report(scan(platform, "ann@example.com,n\n1,2\n"))["pii"] == "found"


def test_lines_that_are_not_rows_are_looked_at_too(platform):
    attempt = scan(platform, "id,name\n1,ant\n2,bee,ann@example.com\n3\n")

    assert kinds(attempt)["(lines that are not rows)"] == ["email"]
    assert report(attempt)["rows"] == 3


JSON_LINES = (
    '{"id": 4111111111111111, "who": {"mail": ["ann@example.com"]}, "at": "2013-01-01"}\n'
    '{"id": 5, "who": null}\n'
    "not json, but bob@example.com\n"
)


def test_json_is_looked_at_to_its_last_level(platform):
    attempt = scan(platform, JSON_LINES, "t.jsonl")

    assert kinds(attempt) == {"(lines that are not rows)": ["email"], "at": [], "id": ["card"], "who": ["email"]}


def test_json_of_which_no_line_can_be_read_is_looked_at_as_text(platform):
    assert kinds(scan(platform, "ann@example.com\n", "t.json")) == {"(lines that are not rows)": ["email"]}


TYPED = "long bigint, double double, exact decimal(20,2), small int, bytes binary, nested array<string>, day date"


def test_numbers_and_nested_values_are_looked_at_under_their_types(platform):
    row = (4111111111111111, 4111111111111111.0, None, 411111, b"ann@example.com", ["a", "ann@example.com"], None)
    frame = platform.spark.createDataFrame([row], TYPED)
    frame = frame.withColumn("exact", frame["long"].cast("decimal(20,2)"))
    frame.write.parquet(platform.uri("typed/"))

    attempt = platform.run("pii-scan", {"table": platform.uri("typed/")})

    assert kinds(attempt) == {
        "long": ["card"], "double": ["card"], "exact": ["card"], "small": [], "bytes": [],
        "nested": ["email"], "day": [],
    }  # fmt: skip
    assert decisions(attempt)["bytes"] == "unknown"
    assert decisions(attempt)["day"] == "none"


def test_a_column_that_luck_explains_is_unknown_and_one_of_cards_is_found(platform):
    chance, faker = random.Random(4), Faker("en_US")
    faker.seed_instance(4)
    orders = [f"4{chance.randrange(10**15):015d}" for _ in range(1000)]
    cards = [faker.credit_card_number("visa16") for _ in range(1000)]
    lines = [f"{order},{card}" for order, card in zip(orders, cards, strict=True)]

    attempt = scan(platform, "order,card\n" + "\n".join(lines))

    order, card = report(attempt)["columns"]
    assert (order["pii"], card["pii"]) == ("unknown", "found")
    assert order["doubts"] == ["There are matches, but no more than luck explains."]
    assert order["kinds"][0]["candidates"] == 1000
    assert 60 < order["kinds"][0]["matches"] < 140
    assert order["kinds"][0]["confidence"] < 0.3
    assert card["kinds"][0]["confidence"] == 1.0


def test_a_sample_hangs_on_the_seed_and_not_on_files_and_decides_nothing_but_found(platform):
    rows = [f"{n},ann{n}@example.com" for n in range(1000)]
    whole = "id,mail\n" + "\n".join(rows) + "\n"
    platform.put("parts/a.csv", "id,mail\n" + "\n".join(rows[700:]) + "\n")
    platform.put("parts/b.csv", "id,mail\n" + "\n".join(rows[:700]) + "\n")

    once = report(scan(platform, whole, sampleFraction=0.1, seed=7))
    again = report(platform.run("pii-scan", {"t": platform.uri("parts/")}, {"sampleFraction": 0.1, "seed": 7}))
    other = report(scan(platform, whole, sampleFraction=0.1, seed=8))

    assert 60 < once["rowsScanned"] < 140
    assert once["columns"] == again["columns"]
    assert once["columns"] != other["columns"]
    assert once["columns"][0]["pii"] == "unknown"
    assert once["columns"][0]["doubts"] == ["Only a sample of the rows was looked at."]
    assert (once["columns"][1]["pii"], once["rows"]) == ("found", 1000)


def test_a_name_that_speaks_of_persons_is_a_doubt(platform):
    attempt = scan(platform, "last_name,birth_date,name,ip_address\nSmith,1970-01-01,x,y\n")

    assert decisions(attempt) == {"last_name": "unknown", "birth_date": "unknown", "name": "none", "ip_address": "none"}


def test_there_is_no_personal_data_in_the_tables_about_flights(platform):
    for name in FLIGHTS_TABLES:
        attempt = platform.run("pii-scan", {name: platform.put(f"{name}.csv", content_of(name))})

        assert report(attempt)["pii"] == "none", name
        assert all(found == [] for found in kinds(attempt).values()), name


def test_a_table_without_rows_holds_nothing(platform):
    assert report(scan(platform, "id,name\n"))["pii"] == "none"


def column(pii_kinds=(), **changes):
    plain = {
        "position": 1, "name": "c", "type": "string", "values": 1, "is_looked_at": True, "is_cut": False,
        "is_sample": False, "findings": tuple(pii_kinds),
    }  # fmt: skip
    return ScannedColumn(**{**plain, **changes})


SURE, LUCK = Finding("email", 1, 1, 1, 0.0, ()), Finding("card", 1, 1, 10, 0.1, ())
DECISIONS = [
    ([column()], False, "none"),
    ([column([LUCK])], False, "unknown"),
    ([column([SURE])], False, "found"),
    ([column(), column(is_sample=True)], False, "unknown"),
    ([column(is_cut=True), column([SURE])], False, "found"),
    ([column()], True, "found"),
]


@pytest.mark.parametrize(("columns", "names_hold_pii", "decision"), DECISIONS)
def test_the_whole_is_what_its_columns_are(columns, names_hold_pii, decision):
    assert overall(columns, names_hold_pii) == decision


CONFIDENCES = [(0, 10, 0.1, 0.0), (1, 1, 0.1, 1.0), (10, 100, 0.1, 0.0), (100, 100, 0.1, 1.0), (55, 100, 0.1, 0.9091)]


@pytest.mark.parametrize(("matches", "candidates", "chance", "confidence"), CONFIDENCES)
def test_confidence_is_the_share_of_matches_that_luck_does_not_explain(matches, candidates, chance, confidence):
    assert Finding("card", matches, matches, candidates, chance, ()).confidence == confidence
