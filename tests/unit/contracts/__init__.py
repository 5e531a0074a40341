"""What a contract may be, and which version may follow which."""
