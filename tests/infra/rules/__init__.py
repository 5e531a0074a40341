"""What the templates must say that no linter knows. A rule takes an environment's stacks and returns its findings."""
