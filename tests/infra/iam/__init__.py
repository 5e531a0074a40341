"""The proof that each role of the templates may do what is needed, and nothing else (docs/iam.md)."""
