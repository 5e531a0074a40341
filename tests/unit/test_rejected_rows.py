"""How many rows a job may set aside: both limits on both sides of their edges, and what is said beyond them."""

import pytest

from spark_jobs.limits import Limits, SetAside, Violations, percent, worst_rules

FOLDER = "s3://processed/jobs/j/attempt-1/rejected/"

# limits, rows read, the most that may be set aside
EDGES = [
    (Limits(), 10, 10),
    (Limits(max_rejected_rows=0), 10, 0),
    (Limits(max_rejected_rows=3), 10, 3),
    (Limits(max_rejected_fraction=0), 10, 0),
    (Limits(max_rejected_fraction=0.1), 1000, 100),
    (Limits(max_rejected_fraction=0.29), 100, 29),  # as a binary number 0.29 is a little less
    (Limits(max_rejected_fraction=0.07), 100, 7),  # and 0.07 a little more
    (Limits(max_rejected_fraction=0.001), 999, 0),
    (Limits(max_rejected_fraction=1e-7), 10**7, 1),
    (Limits(max_rejected_fraction=1), 10, 10),
    (Limits(max_rejected_rows=5, max_rejected_fraction=0.1), 20, 2),
    (Limits(max_rejected_rows=1, max_rejected_fraction=0.1), 20, 1),
]


@pytest.mark.parametrize(("limits", "rows_read", "most"), EDGES)
def test_a_limit_allows_so_many_rows_and_not_one_more(limits, rows_read, most):
    assert limits.allow(rows_read, most)
    assert most == rows_read or not limits.allow(rows_read, most + 1)


def test_of_no_rows_none_is_too_many():
    assert Limits(0, 0).allow(0, 0)
    assert Limits(0, 0).refusal(SetAside(0, 0, (), FOLDER)) is None


def test_a_refusal_says_how_many_the_limit_the_worst_rules_and_where_the_rows_are():
    found = SetAside(2000, 12, (Violations("at", "type", 5), Violations(None, "fields", 1)), FOLDER)

    told = Limits(max_rejected_fraction=0.005).refusal(found)

    assert told == (
        "12 of 2,000 rows (0.6 %) would be set aside, and at most 0.5 % may be. Most often broken: "
        f"type of at (5 rows), fields of the whole row (1 row). The rows are in {FOLDER} with the reasons."
    )


def test_of_many_rules_the_worst_are_named_and_the_others_counted():
    violations = [Violations(f"c{number}", "type", number) for number in range(1, 9)]

    told = worst_rules(violations)

    assert told.startswith("type of c8 (8 rows), type of c7 (7 rows)")
    assert told.endswith("type of c4 (4 rows), and 3 more")


def test_a_rule_of_many_columns_is_cut_in_a_sentence():
    assert str(Violations("c" * 1000, "unique", 1)) == f"unique of {'c' * 100} (1 row)"


@pytest.mark.parametrize(
    ("share", "told"), [(1, "100 %"), (0.5, "50 %"), (1 / 3, "33.3 %"), (1e-6, "0.0001 %"), (0, "0 %")]
)
def test_a_share_is_told_with_three_digits(share, told):
    assert percent(share) == told
