"""What the processes count, as they show it to Prometheus, and what of it has changed."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

# A gauge such as the age of a loop is another at each look, and buckets are many.
COUNTS = ("_total", "_count", "_sum")


def counts_in(text: str) -> dict[str, float]:
    """Counters, and the number and sum of what histograms and summaries saw, by name and labels."""
    return {
        shown(sample.name, sample.labels): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.endswith(COUNTS)
    }


def shown(name: str, labels: Mapping[str, str]) -> str:
    """A metric as Prometheus writes it."""
    inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{inside}}}" if inside else name


def changes(before: Mapping[str, float], after: Mapping[str, float]) -> list[str]:
    """A line for each count that is another than before: what it is now, and by how much it grew."""
    return [
        f"  {name} {value:g} ({value - before.get(name, 0):+g})"
        for name, value in sorted(after.items())
        if value != before.get(name, 0)
    ]
