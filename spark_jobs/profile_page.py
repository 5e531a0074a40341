"""A profile as one HTML page for people: no script, nothing fetched, and every value escaped."""

from html import escape
from typing import Iterator, Sequence, Tuple

from spark_jobs.column_profile import ColumnProfile
from spark_jobs.report_page import bar, page


def page_of(uri: str, rows: int, profiles: Sequence[ColumnProfile]) -> str:
    """The whole page: an index of all columns, then a section for each."""
    parts = [f"<header><h1>{rows:,} rows, {len(profiles)} columns</h1><p>{escape(uri)}</p></header>\n"]
    parts += [_index(profiles), *(_section(place, each) for place, each in enumerate(profiles))]
    return page("Profile", "".join(parts))


def _index(profiles: Sequence[ColumnProfile]) -> str:
    head = "<tr><th>column</th><th>type</th><th>missing</th><th>distinct, about</th></tr>\n"
    rows = (
        f'<tr><td><a href="#c{place}">{escape(each.name)}</a></td><td>{escape(each.type)}</td>'
        f'<td class="number">{_share(each.nulls, each.rows)}</td>'
        f'<td class="number">{each.distinct_estimate:,}</td></tr>\n'
        for place, each in enumerate(profiles)
    )
    return f'<table class="index">\n{head}{"".join(rows)}</table>\n'


def _section(place: int, each: ColumnProfile) -> str:
    figures = "".join(
        f'<tr><th>{name}</th><td class="number">{escape(value)}</td></tr>\n' for name, value in _figures(each)
    )
    tops = "".join(
        f'<tr><td>{escape(top.value)}</td><td class="number">{top.rows:,}</td>{bar(top.rows, each.rows)}</tr>\n'
        for top in each.top_values
    )
    return (
        f'<section id="c{place}">\n<h2>{escape(each.name)}</h2><p>{escape(each.type)}</p>\n'
        f"<table>\n{figures}</table>\n<table>\n{tops}</table>\n</section>\n"
    )


def _figures(each: ColumnProfile) -> Iterator[Tuple[str, str]]:
    yield "rows", f"{each.rows:,}"
    yield "missing", f"{each.nulls:,} ({_share(each.nulls, each.rows)})"
    if each.nans:
        yield "not a number", f"{each.nans:,}"
    yield "distinct, about", f"{each.distinct_estimate:,}"
    if each.min is not None and each.max is not None:
        yield "least", each.min
        yield "greatest", each.max
    if each.mean is not None:
        yield "mean", f"{each.mean:,.6g}"
    if each.standard_deviation is not None:
        yield "standard deviation", f"{each.standard_deviation:,.6g}"
    for quantile in each.quantiles:
        yield f"{quantile.share:.0%} are at most", quantile.value


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "0.0 %"
