"""What the simulation tried in this process: told at the end of a test run."""

from collections import Counter

TRIED: Counter[str] = Counter()
