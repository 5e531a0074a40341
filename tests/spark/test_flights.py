"""The whole way on real data, with the catalogue's own examples: all flights that left New York City in 2013."""

import json
import statistics
import subprocess
from collections import Counter

import duckdb
import pytest
from conftest import ROOT
from flights_data import PRODUCT, TABLES, content_of, rows_of

from tests.spark.test_contracts import KEY, column

EXAMPLES = """
import json
from shared.job_types import JOB_TYPES
print(json.dumps({name: job_type.example for name, job_type in JOB_TYPES.items()}))
"""


def examples():
    """The bodies of requests that the catalogue shows; it needs a package that this environment lacks."""
    command = [PRODUCT / "bin" / "python", "-c", EXAMPLES]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)


# What each maker's planes fly, from where the wind was known, to where an airport is.
FIVE_TABLES = """
SELECT a.name AS airline, p.manufacturer, count(*) AS flights, max(airports.alt) AS highest, max(w.visib) AS visibility
FROM flights AS f
JOIN airlines AS a ON f.carrier = a.carrier
JOIN planes AS p ON f.tailnum = p.tailnum
JOIN airports ON f.dest = airports.faa
JOIN weather AS w ON f.origin = w.origin AND f.time_hour = w.time_hour
GROUP BY a.name, p.manufacturer
"""


def test_the_five_tables_together_are_as_another_database_joins_them(platform):
    uris = {table: platform.put(f"{table}.csv", content_of(table)) for table in TABLES}
    folder = platform.buckets_folder / "raw" / platform.prefix

    attempt = platform.query(FIVE_TABLES, uris)

    with duckdb.connect() as database:
        for table in TABLES:
            database.execute(f"CREATE VIEW {table} AS FROM read_csv('{folder}/{table}.csv', nullstr = 'NA')")
        expected = database.execute(FIVE_TABLES).fetchall()
    assert platform.tuples(attempt) == sorted(expected, key=repr)
    assert attempt.counts["rowsRead"] == 336_776 + 16 + 1_458 + 3_322 + 26_115


def test_the_flights_of_2013_arrive_on_average_7_minutes_late(platform):
    flights = platform.put("flights.csv", content_of("flights"))
    airlines = platform.put("airlines.csv", content_of("airlines"))
    example = examples()

    converted = platform.run("csv-to-parquet", {"flights": flights}, example["csv-to-parquet"]["parameters"])
    joined = platform.run("sql", {"flights": converted.uri, "airlines": airlines}, example["sql"]["parameters"])
    mean = platform.query("SELECT avg(arr_delay) AS minutes FROM flights", {"flights": converted.uri})

    assert converted.counts == {"rowsRead": 336_776, "rowsWritten": 336_776, "rowsRejected": 0}
    assert joined.counts == {"rowsRead": 336_776 + 16, "rowsWritten": 16, "rowsRejected": 0}
    assert sum(row["flights"] for row in platform.rows(joined).collect()) == 336_776
    assert platform.tuples(mean) == [(pytest.approx(6.895377, abs=5e-7),)]


def test_the_planes_are_kept_with_their_last_flight(platform):
    flights = platform.put("flights.csv", content_of("flights"))

    attempt = platform.run("deduplicate", {"flights": flights}, examples()["deduplicate"]["parameters"])

    last = {}
    for row in rows_of("flights"):
        last[row["tailnum"]] = max(last.get(row["tailnum"], ""), row["time_hour"])
    moment = "date_format(time_hour, \"yyyy-MM-dd'T'HH:mm:ss'Z'\")"
    assert dict(map(tuple, platform.rows(attempt).selectExpr("tailnum", moment).collect())) == last
    assert attempt.counts == {"rowsRead": 336_776, "rowsWritten": 4_044, "rowsRejected": 332_732}


def test_the_profile_of_the_flights_is_as_python_counts_it(platform):
    flights, rows = platform.put("flights.csv", content_of("flights")), rows_of("flights")
    asked = examples()["profile"]["parameters"]

    attempt = platform.run("profile", {"flights": flights}, asked)

    report = json.loads((attempt.folder / "reports" / "profile.json").read_text())
    assert [each["name"] for each in report["columns"]] == asked["columns"]
    for each in report["columns"][:3]:
        values = Counter(row[each["name"]] for row in rows)
        commonest = sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
        assert [(top["value"], top["rows"]) for top in each["topValues"]] == commonest
        assert each["distinctEstimate"] == pytest.approx(len(values), rel=0.1)
    distances = sorted(int(row["distance"]) for row in rows)
    distance = report["columns"][3]
    assert (distance["min"], distance["max"]) == (str(distances[0]), str(distances[-1])) == ("17", "4983")
    assert distance["mean"] == pytest.approx(statistics.fmean(distances))
    assert distance["quantiles"][2] == {"share": 0.5, "value": str(distances[len(distances) // 2])}


def test_the_flights_by_month_become_one_file_a_month(platform):
    flights = platform.put("flights.csv", content_of("flights"))
    parted = {"nullValue": "NA", "partitionBy": ["month"]}
    by_month = platform.run("csv-to-parquet", {"flights": flights}, parted)

    attempt = platform.run("compact", {"flights": by_month.uri}, examples()["compact"]["parameters"])

    assert len(by_month.manifest["files"]) > len(attempt.manifest["files"]) == 12
    rows = {file["path"].split("/")[1]: file["rows"] for file in attempt.manifest["files"]}
    assert rows == {f"month={month}": n for month, n in Counter(row["month"] for row in rows_of("flights")).items()}
    assert platform.rows(attempt).exceptAll(platform.rows(by_month)).count() == 0


def test_the_airports_keep_their_position_as_an_object(platform):
    airports = rows_of("airports")
    lines = (
        json.dumps({
            "faa": row["faa"], "name": row["name"], "position": {"lat": float(row["lat"]), "lon": float(row["lon"])},
        })
        for row in airports
    )  # fmt: skip

    attempt = platform.run(
        "json-to-parquet",
        {"airports": platform.put("airports.jsonl", "\n".join(lines))},
        examples()["json-to-parquet"]["parameters"],
    )

    expected = {row["faa"]: (row["name"], float(row["lat"]), float(row["lon"])) for row in airports}
    found = platform.rows(attempt).select("faa", "name", "position.lat", "position.lon").collect()
    assert {row[0]: tuple(row[1:]) for row in found} == expected
    assert attempt.counts == {"rowsRead": 1458, "rowsWritten": 1458, "rowsRejected": 0}


def test_there_is_no_personal_data_about_the_planes_and_masking_keeps_every_plane(platform):
    planes, example = platform.put("planes.csv", content_of("planes")), examples()

    scanned = platform.run("pii-scan", {"planes": planes}, example["pii-scan"]["parameters"])
    masked = platform.run("mask", {"planes": planes}, example["mask"]["parameters"])

    report = json.loads((scanned.folder / "reports" / "pii.json").read_text())
    assert (report["pii"], report["rows"]) == ("unknown", 3_322)  # a sample never says that there is none
    assert [column["kinds"] for column in report["columns"]] == [[]] * 9
    assert masked.counts == {"rowsRead": 3_322, "rowsWritten": 3_322, "rowsRejected": 0}
    assert {row["engine"] for row in platform.rows(masked).collect()} == {"***"}


def test_the_airports_are_held_to_a_contract_as_python_would_hold_them(platform):
    rows = rows_of("airports")
    contract = platform.put_contract([
        column("faa", "string", KEY), column("name", "string"), column("lat", "number", minimum=-90, maximum=90),
        column("lon", "number"), column("alt", minimum=0), column("tz", maximum=0),
        column("dst", "string", pattern="^[ANU]$"), column("tzone", "string"),
    ])  # fmt: skip

    attempt = platform.run(
        "quality",
        {"airports": platform.put("airports.csv", content_of("airports"))},
        examples()["quality"]["parameters"],
        contract=contract,
    )

    low = {row["faa"] for row in rows if int(row["alt"]) < 0}
    east = {row["faa"] for row in rows if int(row["tz"]) > 0}
    assert attempt.violations == {("alt", "minimum"): len(low), ("tz", "maximum"): len(east)}
    assert {row["row"]["faa"] for row in attempt.rejected_rows} == low | east
    assert {row["faa"] for row in platform.rows(attempt).collect()} == {row["faa"] for row in rows} - low - east
