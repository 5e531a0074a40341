"""How long what is stored is kept, and what says so. The buckets' rules are in cloudformation/data.yaml.

S3 deletes by those rules and not by this code. What is written here as well, a test compares with the template.
"""

import re
from collections.abc import Sequence

# A class and the days that uploads of it are kept, or a type and its class.
PAIR = re.compile(r"[a-z][a-z0-9-]{0,31}=[a-z0-9][a-z0-9-]{0,31}")
# An upload that was not completed.
PENDING_UPLOAD_DAYS = 7
# What lies below `jobs/` of the processed bucket.
OUTPUT_DAYS = 365
LOG_DAYS = 90
# What was deleted or written over in a bucket that keeps versions.
OLD_VERSION_DAYS = 30
MOST_DAYS = 36_500


def pairs_of(given: Sequence[str]) -> dict[str, str]:
    """The pairs of texts such as `standard=400`. Raises: ValueError for one that is none, and for a name twice."""
    wrong = [text for text in given if PAIR.fullmatch(text) is None]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is not name=value in small letters, digits and hyphens")
    pairs = dict(text.split("=", 1) for text in given)
    if len(pairs) < len(given):
        raise ValueError("a name comes twice")
    return pairs


def days_by_class(given: Sequence[str]) -> dict[str, int]:
    """How many days uploads of each retention class are kept. Raises: ValueError."""
    pairs = pairs_of(given)
    for name, days in pairs.items():
        if not days.isdecimal() or not 1 <= int(days) <= MOST_DAYS:
            raise ValueError(f"{name}={days} must be 1 to {MOST_DAYS} days")
    return {name: int(days) for name, days in pairs.items()}
