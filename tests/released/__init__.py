"""Whether today's API keeps what the last release promised; run by `make api-changes`, which needs Go."""
