"""The operators' commands as real processes, against MiniStack and the local EMR Serverless."""
