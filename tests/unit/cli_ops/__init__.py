"""The operators' side: dead letters, replay, orphans, stuck jobs; on the fakes."""
