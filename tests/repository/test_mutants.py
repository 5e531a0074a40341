"""The mutants of the worker's protocol still name texts of the code."""

import pytest

from scripts.mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.number}-{mutant.name}")
def test_what_a_mutant_breaks_is_there_exactly_once(mutant: Mutant):
    assert (ROOT / mutant.path).read_text().count(mutant.old) == 1
