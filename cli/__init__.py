"""The `cdp` command: what clients do over HTTP, and operators with access to AWS, from a terminal."""
