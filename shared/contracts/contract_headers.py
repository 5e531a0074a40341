"""Whether the columns of a file are those of a contract. Pure."""

from collections.abc import Iterator, Sequence

from shared.contracts.contracts import Contract
from shared.redaction import clean_text

SHOWN_NAMES = 20
SHOWN_CHARACTERS = 60


def header_faults(contract: Contract, names: Sequence[str]) -> Iterator[str]:
    """What is wrong with a file's columns, a sentence each: those missing, those too many, and their order.

    A column that is not required may be missing. To Spark capitals make no difference, so not here either.
    """
    given = [name.lower() for name in names]
    missing = [column.name for column in contract.columns if column.required and column.name.lower() not in given]
    extra = [name for name in names if name.lower() not in contract.by_name]
    twice = [name for place, name in enumerate(names) if name.lower() in given[:place]]
    if missing:
        yield f"These columns are missing: {_list(missing)}."
    if extra:
        yield f"These columns are not in the contract: {_list(extra)}."
    if twice:
        yield f"These columns are there twice: {_list(twice)}."
    wanted = [column.name for column in contract.columns if column.name.lower() in given]
    known = [name for name in names if name.lower() in contract.by_name]
    if not twice and [name.lower() for name in known] != [name.lower() for name in wanted]:
        yield f"The columns stand in another order: {_list(known)}, but the contract says {_list(wanted)}."


def _list(names: Sequence[str]) -> str:
    """Names for a sentence; a header may hold thousands of them."""
    shown = [repr(clean_text(name)[:SHOWN_CHARACTERS]) for name in names[:SHOWN_NAMES]]
    return ", ".join(shown) + (f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else "")
