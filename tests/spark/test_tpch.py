"""The tables of TPC-H, at a hundredth of its smallest size, against the answers of another database, DuckDB."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest


@pytest.fixture(scope="session")
def generate(tmp_path_factory):
    """Write a table in some format, and return its file, or its folder if it is to be in parts."""
    folder = tmp_path_factory.mktemp("tpch")

    def write(table, file_format="parquet", *options):
        target = folder / "-".join((file_format, *options)).replace("|", "pipe")
        path = target / (table if "--parts" in options else f"{table}.{file_format}")
        if not path.exists():
            generator = Path(sys.executable).with_name("tpchgen-cli")
            command = [generator, file_format, "-s", "0.01", "-T", table, "-o", target, *options]
            subprocess.run(command, check=True, timeout=60)
        return path

    return write


@pytest.fixture
def put(platform, generate):
    """Generate a table, store it as objects, and return their URI."""

    def put(table, *form):
        path = generate(table, *form)
        for file in sorted(path.glob("*")) if path.is_dir() else [path]:
            platform.put(f"{path.name}/{file.name}", file.read_bytes())
        return platform.uri(path.name + "/")

    return put


def answer(query, **paths):
    """What DuckDB makes of a query over Parquet files, each a view under its name."""
    with duckdb.connect() as database:
        for name, path in paths.items():
            database.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")
        return database.execute(query).fetchall()


def in_floats(rows):
    """Rows in an order of their own, with plain numbers: the two give an average of decimals other types."""
    numbers = (int, float, Decimal)
    plain = [tuple(float(each) if isinstance(each, numbers) else each for each in row) for row in rows]
    return sorted(plain, key=repr)


QUERIES = {
    "Q1, the pricing summary": (
        ["lineitem"],
        """SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, sum(l_extendedprice) AS sum_base_price,
                  sum(l_extendedprice * (1 - l_discount)) AS sum_disc_price,
                  sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge, avg(l_quantity) AS avg_qty,
                  avg(l_extendedprice) AS avg_price, avg(l_discount) AS avg_disc, count(*) AS count_order
           FROM lineitem WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL '90' DAY
           GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus""",
    ),
    "Q3, the shipping priority": (
        ["customer", "orders", "lineitem"],
        """SELECT l_orderkey, sum(l_extendedprice * (1 - l_discount)) AS revenue, o_orderdate, o_shippriority
           FROM customer, orders, lineitem
           WHERE c_mktsegment = 'BUILDING' AND c_custkey = o_custkey AND l_orderkey = o_orderkey
             AND o_orderdate < DATE '1995-03-15' AND l_shipdate > DATE '1995-03-15'
           GROUP BY l_orderkey, o_orderdate, o_shippriority ORDER BY revenue DESC, o_orderdate LIMIT 10""",
    ),
    "Q5, the local suppliers": (
        ["customer", "orders", "lineitem", "supplier", "nation", "region"],
        """SELECT n_name, sum(l_extendedprice * (1 - l_discount)) AS revenue
           FROM customer, orders, lineitem, supplier, nation, region
           WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND l_suppkey = s_suppkey
             AND c_nationkey = s_nationkey AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey
             AND r_name = 'ASIA' AND o_orderdate >= DATE '1994-01-01' AND o_orderdate < DATE '1995-01-01'
           GROUP BY n_name ORDER BY revenue DESC""",
    ),
    "Q6, the forecast of revenue": (
        ["lineitem"],
        """SELECT sum(l_extendedprice * l_discount) AS revenue FROM lineitem
           WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01'
             AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24""",
    ),
}


@pytest.mark.parametrize(("tables", "query"), QUERIES.values(), ids=QUERIES.keys())
def test_a_query_over_several_tables_answers_as_another_database(platform, put, generate, tables, query):
    attempt = platform.query(query, {table: put(table) for table in tables})

    expected = answer(query, **{table: generate(table) for table in tables})
    assert expected
    # Spark rounds an average of such decimals to six digits.
    assert in_floats(platform.rows(attempt).collect()) == [
        pytest.approx(row, abs=5.1e-7) for row in in_floats(expected)
    ]
    read = {each["name"]: each["rows"] for each in attempt.manifest["inputs"]}
    assert read == {table: answer("SELECT count(*) FROM t", t=generate(table))[0][0] for table in tables}


# The rows that only one side has.
DIFFERENCE = """(SELECT * FROM ours EXCEPT ALL SELECT * FROM theirs)
                UNION ALL (SELECT * FROM theirs EXCEPT ALL SELECT * FROM ours)"""


def test_orders_with_bars_between_the_fields_become_the_same_parquet(platform, put, generate):
    names = "orderkey bigint, custkey bigint, orderstatus string, totalprice decimal(15,2), orderdate date, "
    names += "orderpriority string, clerk string, shippriority int, comment string"
    columns = [dict(zip(("name", "type"), f"o_{each}".split(), strict=True)) for each in names.split(", ")]

    attempt = platform.run(
        "csv-to-parquet", {"orders": put("orders", "csv", "--delimiter", "|")}, {"delimiter": "|", "columns": columns}
    )

    assert attempt.counts == {"rowsRead": 15_000, "rowsWritten": 15_000, "rowsRejected": 0}
    assert answer(DIFFERENCE, ours=attempt.folder / "data/*.parquet", theirs=generate("orders")) == []


def test_the_last_line_of_each_order_is_kept(platform, put, generate):
    parameters = {"keys": ["l_orderkey"], "orderBy": "l_linenumber", "keep": "last"}

    attempt = platform.run("deduplicate", {"lineitem": put("lineitem")}, parameters)

    last = "SELECT * FROM lineitem QUALIFY row_number() OVER (PARTITION BY l_orderkey ORDER BY l_linenumber DESC) = 1"
    both = {"kept": attempt.folder / "data/*.parquet", "lineitem": generate("lineitem")}
    views = f"WITH ours AS (SELECT * FROM kept), theirs AS ({last})"
    assert answer(f"{views} {DIFFERENCE}", **both) == []
    assert attempt.counts == {"rowsRead": 60_175, "rowsWritten": 15_000, "rowsRejected": 45_175}


def test_orders_in_four_files_are_the_same_in_one(platform, put, generate):
    attempt = platform.run("compact", {"orders": put("orders", "parquet", "--parts", "4")}, {})

    assert [len(attempt.manifest["inputs"][0]["files"]), attempt.manifest["totals"]["files"]] == [4, 1]
    assert answer(DIFFERENCE, ours=attempt.folder / "data/*.parquet", theirs=generate("orders")) == []


def test_the_profile_of_the_lines_is_as_another_database_counts_it(platform, put, generate):
    columns = ["l_quantity", "l_shipdate", "l_shipmode"]

    attempt = platform.run("profile", {"lineitem": put("lineitem")}, {"columns": columns})

    report = json.loads((attempt.folder / "reports" / "profile.json").read_text())
    for found in report["columns"]:
        name = found["name"]
        figures = f"count(*), count(DISTINCT {name}), min({name})::VARCHAR, max({name})::VARCHAR"
        ((rows, distinct, least, most),) = answer(f"SELECT {figures} FROM t", t=generate("lineitem"))
        assert (found["rows"], found["nulls"], found["min"], found["max"]) == (rows, 0, least, most)
        assert found["distinctEstimate"] == pytest.approx(distinct, rel=0.1)
        top = f"SELECT {name}::VARCHAR, count(*) AS n FROM t GROUP BY 1 ORDER BY n DESC, 1 LIMIT 1"
        assert [(found["topValues"][0]["value"], found["topValues"][0]["rows"])] == answer(top, t=generate("lineitem"))
