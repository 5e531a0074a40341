"""The `cdp` command: what a client does over HTTP, from a terminal."""
