"""csv-to-parquet: every row is read as the schema says or set aside with its line and a reason; none is lost."""

import datetime
import gzip
import random
from decimal import Decimal

import pytest
from words_of_spark import BROKEN_PATTERN

from spark_jobs.csv_files import LINE, CsvDialect, read_csv
from spark_jobs.inputs import find_input
from spark_jobs.job import Input
from spark_jobs.object_store import ObjectStore

COLUMNS = [{"name": "id", "type": "int"}, {"name": "name", "type": "string"}, {"name": "price", "type": "double"}]


def counts(read, written, rejected):
    return {"rowsRead": read, "rowsWritten": written, "rowsRejected": rejected}


def types_of(attempt):
    return {field["name"]: field["type"] for field in attempt.manifest["schema"]["fields"]}


def test_malformed_rows_are_set_aside_with_their_line_and_the_reason(platform):
    attempt = platform.convert(
        "id,name,price\n1,ant,1.5\n2,bee\n3,cat,2.5,extra\nfour,dog,4\n5,elk,a lot\n6,,\n", {"columns": COLUMNS}
    )

    wrong_length = "The row does not have the 3 fields of the schema"
    assert platform.tuples(attempt) == [(1, "ant", 1.5), (6, None, None)]
    assert attempt.rejected == [
        ("2,bee", wrong_length),
        ("3,cat,2.5,extra", wrong_length),
        ("5,elk,a lot", "price: 'a lot' does not fit the type double"),
        ("four,dog,4", "id: 'four' does not fit the type int"),
    ]
    assert attempt.counts == counts(read=6, written=2, rejected=4)


def test_a_row_that_is_too_short_for_an_inferred_schema_is_set_aside(platform):
    attempt = platform.convert("id,name\n1,ant\n2\n3,cat\n")

    assert platform.tuples(attempt) == [(1, "ant"), (3, "cat")]
    assert [line for line, _ in attempt.rejected] == ["2"]


def test_a_row_is_malformed_whichever_columns_are_asked_for(platform):
    table = find_input(ObjectStore(platform.spark), Input("table", platform.put("t.csv", "id,name\n1,ant\n2\n")))

    frame = read_csv(platform.spark, table, CsvDialect()).frame

    assert [tuple(row) for row in frame.select("id", LINE).collect()] == [(1, None), (2, "2")]


def test_a_file_without_malformed_rows_has_no_rejected_folder(platform):
    attempt = platform.convert("id,name\n1,ant\n")

    assert attempt.status == 0
    assert attempt.manifest["rejectedFiles"] == []
    assert not (attempt.folder / "rejected").exists()


def test_types_are_inferred_from_all_rows(platform):
    attempt = platform.convert(
        "i,l,d,s,day,at\n1,3000000000,1.5,x,2013-01-01,2013-01-01T10:00:00Z\n2,1,2,y,2013-01-02,2013-01-02T00:00:00Z\n"
    )

    assert types_of(attempt) == {
        "i": "integer", "l": "long", "d": "double", "s": "string", "day": "date", "at": "timestamp",
    }  # fmt: skip
    assert platform.rows(attempt).where("i = 1").first()["at"] == datetime.datetime(2013, 1, 1, 10, 0)


TYPES = [
    ("string", "007", "007"),
    ("boolean", "true", True),
    ("tinyint", "-128", -128),
    ("smallint", "32767", 32767),
    ("int", "2147483647", 2147483647),
    ("bigint", "9223372036854775807", 9223372036854775807),
    ("float", "1.5", 1.5),
    ("double", "1e300", 1e300),
    ("decimal(10,2)", "12345678.90", Decimal("12345678.90")),
    ("date", "0001-01-01", datetime.date(1, 1, 1)),
    ("timestamp", "2013-01-01 10:00:00", datetime.datetime(2013, 1, 1, 10, 0)),
]
MISFITS = {
    "boolean": "yes",
    "tinyint": "128",
    "smallint": "32768",
    "int": "1.0",
    "bigint": "9223372036854775808",
    "float": "x",
    "double": "x",
    "decimal(10,2)": "123456789.00",
    "date": "2013-02-30",
    "timestamp": "2013-01-01 25:00:00",
}


def test_each_type_reads_what_fits_and_sets_aside_what_does_not(platform):
    columns = [{"name": f"c{place}", "type": name} for place, (name, _, _) in enumerate(TYPES)]
    good = [text for _, text, _ in TYPES]
    bad = [
        [*good[:place], MISFITS[name], *good[place + 1 :]]
        for place, (name, _, _) in enumerate(TYPES)
        if name in MISFITS
    ]
    lines = [",".join(row) for row in [good, *bad]]

    attempt = platform.convert("\n".join(lines), {"columns": columns, "header": False})

    assert platform.tuples(attempt) == [tuple(value for _, _, value in TYPES)]
    assert sorted(attempt.rejected) == sorted(
        (lines[place], f"c{place}: '{MISFITS[name]}' does not fit the type {name}")
        for place, (name, _, _) in enumerate(TYPES)
        if name in MISFITS
    )


def test_dates_that_only_an_older_parser_would_read_are_malformed_rows(platform):
    columns = [{"name": "day", "type": "date"}, {"name": "n", "type": "int"}]

    attempt = platform.convert(
        "day,n\n31/12/2013,1\n1/5/2013,2\n2013-12-31,3\n", {"columns": columns, "dateFormat": "dd/MM/yyyy"}
    )

    assert platform.tuples(attempt) == [(datetime.date(2013, 12, 31), 1)]
    assert [line for line, _ in attempt.rejected] == ["1/5/2013,2", "2013-12-31,3"]


def test_the_null_value_is_null_under_any_type(platform):
    attempt = platform.convert("id,name,price\n1,NA,NA\nNA,bee,2.5\n", {"nullValue": "NA"})

    assert types_of(attempt) == {"id": "integer", "name": "string", "price": "double"}
    assert platform.tuples(attempt) == [(1, None, None), (None, "bee", 2.5)]


def test_quotes_delimiters_and_line_breaks_inside_fields_are_text(platform):
    attempt = platform.convert(
        'id;text\r\n1;"said ""hi"";"\r\n2;"two\r\nlines"\r\n3;back\\slash\r\n', {"delimiter": ";", "multiLine": True}
    )

    assert platform.tuples(attempt) == [(1, 'said "hi";'), (2, "two\nlines"), (3, "back\\slash")]


def test_a_malformed_row_of_several_lines_is_set_aside_whole(platform):
    attempt = platform.convert('id,text,n\n1,"a\nb",1\n2,"c\nd"\n', {"multiLine": True})

    assert platform.tuples(attempt) == [(1, "a\nb", 1)]
    assert [line for line, _ in attempt.rejected] == ['2,"c\nd"']


def test_a_byte_order_mark_and_another_encoding_leave_no_trace(platform):
    marked = platform.convert("\ufeffid,name\n1,ant\n")
    latin = platform.convert("id,name\n1,Zoë\n".encode("latin-1"), {"encoding": "ISO-8859-1"})

    assert list(types_of(marked)) == ["id", "name"]
    assert platform.tuples(latin) == [(1, "Zoë")]


def test_column_names_may_hold_what_sql_takes_for_syntax(platform):
    attempt = platform.convert("a.b,c`d,e f\n1,2,3\n4,5\n")

    assert platform.tuples(attempt) == [(1, 2, 3)]
    assert len(attempt.rejected) == 1


def test_a_file_with_only_a_header_becomes_parquet_without_rows(platform):
    attempt = platform.convert("id,name,price\n", {"columns": COLUMNS})

    assert platform.rows(attempt).schema.simpleString() == "struct<id:int,name:string,price:double>"
    assert attempt.manifest["totals"]["files"] == 1
    assert attempt.counts == counts(read=0, written=0, rejected=0)


def test_partitioned_output_without_rows_keeps_its_schema(platform):
    attempt = platform.convert("id,name,price\n", {"columns": COLUMNS, "partitionBy": ["name"]})

    assert platform.rows(attempt).schema.simpleString() == "struct<id:int,name:string,price:double>"
    assert attempt.manifest["totals"] == {
        "files": 1, "rows": 0, "sizeBytes": attempt.files_on_disk("data")[0]["sizeBytes"],
    }  # fmt: skip


def test_rows_are_partitioned_by_the_columns_asked_for(platform):
    attempt = platform.convert("id,code\n1,01\n2,01\n3,02\n4,\n5,02,\n", {
        "columns": [{"name": "id", "type": "int"}, {"name": "code", "type": "string"}], "partitionBy": ["code"],
    })  # fmt: skip

    folders = {file["path"].split("/")[1] for file in attempt.manifest["files"]}
    assert folders == {"code=01", "code=02", "code=__HIVE_DEFAULT_PARTITION__"}
    assert attempt.counts == counts(read=5, written=4, rejected=1)


def test_a_folder_is_read_whole_hidden_and_empty_files_aside(platform):
    for key, content in {
        "in/a.csv": "id,name\n1,ant\n",
        "in/more/b[1]*.csv": "id,name\n2,bee\n",
        "in/_SUCCESS": "not,data\n",
        "in/.hidden.csv": "not,data\n",
        "in/empty.csv": "",
        "in/c.csv.gz": gzip.compress(b"id,name\n3,cat\n"),
    }.items():
        platform.put(key, content)

    attempt = platform.run("csv-to-parquet", {"table": platform.uri("in/")})

    assert platform.tuples(attempt) == [(1, "ant"), (2, "bee"), (3, "cat")]
    (read,) = attempt.manifest["inputs"]
    assert [file["uri"].rsplit("/", 1)[-1] for file in read["files"]] == ["a.csv", "c.csv.gz", "b[1]*.csv"]
    assert read["rows"] == 3


def test_partition_folders_of_an_input_are_columns(platform):
    platform.put("in/year=2012/a.csv", "id\n1\n")
    platform.put("in/year=2013/a.csv", "id\n2\n")

    attempt = platform.run("csv-to-parquet", {"table": platform.uri("in")})

    assert platform.tuples(attempt) == [(1, 2012), (2, 2013)]


def truncated_gzip():
    numbers = random.Random(1)
    rows = "".join(f"{place},{numbers.random()}\n" for place in range(50_000))
    return gzip.compress(f"id,name\n{rows}".encode())[:-2000]


REFUSED = {
    "an empty file": ("", {}, "is empty"),
    "only blank lines": ("\n\n", {}, "is empty: it has neither a header nor a row"),
    "blank lines under a given schema": ("\n\n", {"columns": COLUMNS}, "is empty"),
    "another header": ("id,title,price\n1,a,2\n", {"columns": COLUMNS}, "is id, title, price, but `columns` says id,"),
    "another order": ("name,id,price\na,1,2\n", {"columns": COLUMNS}, "is name, id, price, but"),
    "a shorter header": ("id,name\n1,a\n", {"columns": COLUMNS}, "is id, name, but"),
    "a column without a name": ('"",name\n1,a\n', {}, "has no name for column 1"),
    "a column named like the null value": ("id,NA\n1,a\n", {"nullValue": "NA"}, "has no name for column 2"),
    "a column named twice": ("id,ID\n1,2\n", {}, "names 'ID' twice"),
    "an unknown partition column": ("id,name\n1,a\n", {"partitionBy": ["city"]}, "no column 'city' to partition by;"),
    "only partition columns": ("id\n1\n", {"partitionBy": ["id"]}, "[ALL_PARTITION_COLUMNS_NOT_ALLOWED]"),
    "a broken date pattern": ("id\n1\n", {"dateFormat": "QQQQQQ"}, BROKEN_PATTERN),
    "an old date pattern": ("id\n1\n", {"dateFormat": "YYYY"}, "Fail to recognize 'YYYY' pattern"),
    "an unknown type": ("id\n1\n", {"columns": [{"name": "id", "type": "money"}]}, "MONEY"),
    "an impossible decimal": ("id\n1\n", {"columns": [{"name": "id", "type": "decimal(5,7)"}]}, "scale"),
    "an unknown parameter": ("id\n1\n", {"seperator": ";"}, "There is no parameter 'seperator'; there are columns,"),
    "a backslash as delimiter": ("id\n1\n", {"delimiter": "\\"}, "must not be a backslash"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "parameters", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_the_user_can_put_right_is_invalid_input(platform, content, parameters, words):
    attempt = platform.convert(content, parameters)

    assert attempt.status == 1
    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert words in attempt.failure["message"]
    assert attempt.manifest is None


DAMAGED = {
    "a truncated gzip file": ("t.csv.gz", truncated_gzip(), "A compressed input ends too early"),
    "a gzip file that is none": ("t.csv.gz", b"id,name\n1,a\n", "input"),
    "an archive": ("t.csv.zip", b"PK", "t.csv.zip is not CSV; an archive must be unpacked"),
}


@pytest.mark.parametrize(("key", "content", "words"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_file_is_invalid_input(platform, key, content, words):
    attempt = platform.convert(content, key=key)

    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert words in attempt.failure["message"]
    assert attempt.manifest is None


@pytest.mark.parametrize("parameters", [{}, {"columns": [{"name": "id", "type": "int"}]}], ids=["inferred", "given"])
def test_a_second_file_with_another_header_is_invalid_input(platform, parameters):
    platform.put("in/a.csv", "id\n1\n2\n3\n4\n5\n")
    platform.put("in/b.csv", "number\n2\n")

    attempt = platform.run("csv-to-parquet", {"table": platform.uri("in/")}, parameters)

    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert "CSV header does not conform to the schema" in attempt.failure["message"]
    assert "in/b.csv" in attempt.failure["message"]


@pytest.mark.parametrize("uri", ["s3://raw/nothing/here.csv", "s3://no-such-bucket/a.csv"])
def test_a_missing_object_is_invalid_input(platform, uri):
    attempt = platform.run("csv-to-parquet", {"table": uri})

    assert attempt.failure == {
        "failureReason": "INVALID_INPUT",
        "message": f"Input 'table': there is no object or folder {uri}.",
        "exception": "InvalidInput",
        "causes": [f"InvalidInput: Input 'table': there is no object or folder {uri}."],
    }


def test_only_s3_is_read(platform, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("id\n1\n")

    attempt = platform.run("csv-to-parquet", {"table": secret.as_uri()})

    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert "inputs are s3:// URIs" in attempt.failure["message"]
