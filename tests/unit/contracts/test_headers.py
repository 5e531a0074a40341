"""Whether a file's columns are those of a contract."""

import pytest

from shared.contracts.contract_headers import header_faults
from shared.contracts.contracts import read_contract
from tests.unit.contracts.documents import column, document

CONTRACT = read_contract(document(column("a", required=True), column("b"), column("c", required=True)))


@pytest.mark.parametrize("names", [["a", "b", "c"], ["A", "B", "C"], ["a", "c"]])
def test_a_file_may_do_without_columns_that_are_not_required(names):
    assert list(header_faults(CONTRACT, names)) == []


@pytest.mark.parametrize(
    ("names", "faults"),
    [
        (["a", "b"], ["These columns are missing: 'c'."]),
        ([], ["These columns are missing: 'a', 'c'."]),
        (["a", "b", "c", "d"], ["These columns are not in the contract: 'd'."]),
        (["a", "A", "c"], ["These columns are there twice: 'A'."]),
        (["c", "a"], ["The columns stand in another order: 'c', 'a', but the contract says 'a', 'c'."]),
        (
            ["c", "d", "b"],
            [
                "These columns are missing: 'a'.",
                "These columns are not in the contract: 'd'.",
                "The columns stand in another order: 'c', 'b', but the contract says 'b', 'c'.",
            ],
        ),
    ],
)
def test_what_is_missing_too_much_or_in_another_order_is_told_by_name(names, faults):
    assert list(header_faults(CONTRACT, names)) == faults


def test_a_header_of_thousands_of_names_makes_a_short_sentence():
    (fault,) = header_faults(CONTRACT, ["a", "c", *(f"column {number}" + "x" * 1000 for number in range(5000))])

    assert fault.endswith("and 4980 more.")
    assert len(fault) < 2000
