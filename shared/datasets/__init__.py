"""Datasets: what is known of one, where they are kept, and the links to their bytes."""
