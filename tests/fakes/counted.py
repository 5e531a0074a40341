"""What the product's metrics counted since a moment. They are real, and one process has them once for all tests."""

from shared.metrics import METRICS

Sample = tuple[str, frozenset[tuple[str, str]]]


def samples() -> dict[Sample, float]:
    """Every number that is kept now."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in METRICS.collect()
        for sample in family.samples
    }


class Counted:
    """Made before what is to be counted."""

    def __init__(self) -> None:
        self._before = samples()

    def __call__(self, name: str, **labels: str) -> float:
        """How much more one sample says now."""
        key = (name, frozenset(labels.items()))
        return samples().get(key, 0.0) - self._before.get(key, 0.0)

    def all_of(self, name: str) -> dict[tuple[str, ...], float]:
        """How much more each sample of a name says, where it does, by its labels' values in their names' order."""
        return {
            tuple(value for _, value in sorted(labels)): value - self._before.get((sample, labels), 0.0)
            for (sample, labels), value in samples().items()
            if sample == name and value != self._before.get((sample, labels), 0.0)
        }
