"""What the simulation tried in this process: told at the end of a test run."""

from collections import Counter

TRIED: Counter[str] = Counter()
# What is too much for every run is sampled with this.
SEED = 20261123
