"""Who is calling, and what is theirs."""
