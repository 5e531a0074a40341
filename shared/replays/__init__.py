"""Failed jobs and dead letters, and repeating them."""
