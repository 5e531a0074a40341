"""What the templates must say that no linter knows. Each rule takes an environment's stacks and returns its findings."""
