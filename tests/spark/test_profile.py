"""profile: the figures are those that Python counts by itself, and the page shows values without obeying them."""

import json
import statistics
from collections import Counter
from html.parser import HTMLParser

import pytest
from flights_data import content_of, rows_of


def profile(platform, content, parameters=None, key="table.csv"):
    return platform.run("profile", {"table": platform.put(key, content)}, parameters)


def report(attempt):
    return json.loads((attempt.folder / "reports" / "profile.json").read_text())


def column(attempt, name):
    (found,) = (each for each in report(attempt)["columns"] if each["name"] == name)
    return found


def page(attempt):
    return (attempt.folder / "reports" / "profile.html").read_text()


def test_each_column_of_the_planes_is_as_python_counts_it(platform):
    planes = rows_of("planes")
    converted = platform.run("csv-to-parquet", {"p": platform.put("p.csv", content_of("planes"))}, {"nullValue": "NA"})

    attempt = platform.run("profile", {"planes": converted.uri}, {"topValues": 4})

    assert report(attempt)["rows"] == len(planes) == 3322
    assert [each["name"] for each in report(attempt)["columns"]] == list(planes[0])
    for name in planes[0]:
        values = [row[name] for row in planes if row[name] != "NA"]
        found = column(attempt, name)
        assert (found["rows"], found["nulls"]) == (3322, 3322 - len(values)), name
        assert found["distinctEstimate"] == pytest.approx(len(set(values)), rel=0.15), name
        commonest = sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))[:4]
        assert [(top["value"], top["rows"]) for top in found["topValues"]] == commonest, name
        if found["mean"] is None:
            assert (found["min"], found["max"]) == (min(values), max(values)), name
        else:
            numbers = sorted(map(int, values))
            assert (found["min"], found["max"]) == (str(numbers[0]), str(numbers[-1])), name
            assert found["mean"] == pytest.approx(statistics.fmean(numbers)), name
            assert found["standardDeviation"] == pytest.approx(statistics.stdev(numbers)), name
            for each in found["quantiles"]:
                at = numbers[max(0, -int(-each["share"] * len(numbers)) - 1)]
                assert int(each["value"]) == pytest.approx(at, abs=2), (name, each)


def test_the_profile_is_a_table_too(platform):
    attempt = profile(platform, "id,name\n1,a\n2,a\n3,\n")

    rows = platform.rows(attempt).selectExpr("name", "rows", "nulls", "topValues[0].value", "topValues[0].rows")
    assert [tuple(row) for row in rows.collect()] == [("id", 3, 0, "1", 1), ("name", 3, 1, "a", 2)]
    assert attempt.counts == {"rowsRead": 3, "rowsWritten": 2, "rowsRejected": 0}


def test_the_manifest_names_the_reports(platform):
    attempt = profile(platform, "id\n1\n")

    assert attempt.manifest["reportFiles"] == attempt.files_on_disk("reports")
    assert [file["path"] for file in attempt.manifest["reportFiles"]] == [
        "reports/profile.html", "reports/profile.json",
    ]  # fmt: skip


def test_only_the_columns_asked_for_are_profiled(platform):
    attempt = profile(platform, "id,name\n1,a\n", {"columns": ["name"], "topValues": 0})

    assert [(each["name"], each["topValues"]) for each in report(attempt)["columns"]] == [("name", [])]


def test_each_kind_of_value_has_the_figures_that_suit_it(platform):
    platform.spark.sql(
        """SELECT * FROM VALUES
           (CAST('NaN' AS DOUBLE), 1.50BD, DATE '2013-01-01', true, X'00FF', array(1), map('a', 1)),
           (2.0D, 2.50BD, DATE '2013-01-03', false, NULL, array(1), map('a', 1)),
           (NULL, NULL, NULL, NULL, NULL, NULL, NULL)
           AS t(d, n, day, b, bin, list, map)"""
    ).coalesce(1).write.parquet(platform.uri("kinds"))

    attempt = platform.run("profile", {"kinds": platform.uri("kinds")})

    kinds = {
        name: (found["nulls"], found["nans"], found["min"], found["max"], found["mean"], found["topValues"][0])
        for name in ("d", "n", "day", "b", "bin", "list", "map")
        for found in [column(attempt, name)]
    }

    def top(value, rows):
        return {"value": value, "rows": rows}

    assert kinds == {
        "d": (1, 1, "2.0", "2.0", 2.0, top("2.0", 1)),
        "n": (1, None, "1.50", "2.50", 2.0, top("1.50", 1)),
        "day": (1, None, "2013-01-01", "2013-01-03", None, top("2013-01-01", 1)),
        "b": (1, None, "false", "true", None, top("false", 1)),
        "bin": (2, None, None, None, None, top("00FF", 1)),
        "list": (1, None, None, None, None, top('{"value":[1]}', 2)),
        "map": (1, None, None, None, None, top('{"value":{"a":1}}', 2)),
    }  # fmt: skip
    assert column(attempt, "day")["quantiles"][2] == {"share": 0.5, "value": "2013-01-01"}


def test_a_table_without_rows_has_a_profile(platform):
    attempt = profile(platform, "id,name\n")

    assert [(each["rows"], each["min"], each["topValues"]) for each in report(attempt)["columns"]] == [
        (0, None, [])
    ] * 2
    assert "0 rows, 2 columns" in page(attempt)


class Tags(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_shows_values_and_names_without_obeying_them(platform):
    attempt = profile(platform, '<b>id</b>,"</table>"\n<script>alert(1)</script>,"""><img src=x onerror=alert(1)>"\n')

    read = Tags(page(attempt))
    assert {tag for tag, _ in read.tags} <= {
        "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "p", "section", "table", "tr", "th",
        "td", "div", "a",
    }  # fmt: skip
    assert not [name for _, attributes in read.tags for name in attributes if name.startswith("on")]
    for shown in ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "<b>id</b>", "</table>"):
        assert shown in read.text


def test_the_page_fetches_nothing(platform):
    attempt = profile(platform, "id\n1\n")

    assert "default-src 'none'" in page(attempt)
    links = [value for _, attributes in Tags(page(attempt)).tags for name, value in attributes.items()
             if name in ("src", "href")]  # fmt: skip
    assert links == ["#c0"]


def test_long_values_are_cut(platform):
    attempt = profile(platform, f"id\n{'x' * 5000}\n")

    found = column(attempt, "id")
    assert found["max"] == found["topValues"][0]["value"] == "x" * 97 + "..."


REFUSED = {
    "an unknown column": ("id\n1\n", {"columns": ["idd"]}, "There is no column 'idd' to profile; the columns are id."),
    "too many columns": (",".join(f"c{n}" for n in range(301)) + "\n", {}, "There are 301 columns; name 300 or fewer"),
    "a malformed row": ("id,name\n1\n", {}, "convert it with csv-to-parquet"),
}


@pytest.mark.parametrize(("content", "parameters", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_the_user_can_put_right_is_invalid_input(platform, content, parameters, words):
    attempt = profile(platform, content, parameters)

    assert attempt.failure["failureReason"] == "INVALID_INPUT"
    assert words in attempt.failure["message"]
