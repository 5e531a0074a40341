"""What the local cloud cannot make and moto can; in an environment of its own (make infra)."""
