"""The requests that the documentation shows: sent to a real server, with what it really answered."""
