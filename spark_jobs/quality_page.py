"""What a check found as one HTML page for people: no script, nothing fetched, and every value escaped."""

from html import escape
from typing import Sequence

from spark_jobs.limits import in_rows, percent
from spark_jobs.quality_report import Check, QualityReport
from spark_jobs.report_page import bar, page
from spark_jobs.violation_samples import Sample


def page_of(report: QualityReport) -> str:
    """The whole page: the verdict, then all rules, those first that most rows break."""
    found, ref = report.found, report.contract.ref
    verdict = "accepted" if report.is_accepted else "not accepted"
    share = percent(found.rows / found.rows_read) if found.rows_read else "0 %"
    head = (
        f"<header><h1>{in_rows(found.rows_read)}, {found.rows:,} of them broken ({share}): {verdict}</h1>"
        f"<p>{escape(report.uri)}</p><p>Contract {escape(str(ref))}</p></header>\n"
    )
    forms = (
        "<p>The contract classifies columns, so samples show the form of values alone: "
        "a for letters, 9 for digits, x for both.</p>\n"
    )
    return page("Quality", head + (forms if report.contract.is_sensitive else "") + _table(report))


def _table(report: QualityReport) -> str:
    head = "<tr><th>column</th><th>rule</th><th>rows</th><th></th><th>samples</th></tr>\n"
    rows = "".join(_row(check, report.found.rows_read) for check in report.checks)
    return f'<table class="index">\n{head}{rows}</table>\n'


def _row(check: Check, rows_read: int) -> str:
    broken = check.violations
    return (
        f"<tr><td>{escape(broken.column or 'the whole row')}</td><td>{escape(f'{broken.rule} {check.demands}')}</td>"
        f'<td class="number">{broken.rows:,}</td>{bar(broken.rows, rows_read)}<td>{_samples(check.samples)}</td></tr>\n'
    )


def _samples(samples: Sequence[Sample]) -> str:
    return "<br>".join(escape("no value" if each.value is None else each.value) for each in samples)
