"""The API as its users have it: a running local cloud, and tools that know nothing of it but its document."""
