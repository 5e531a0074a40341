"""What a contract says, which version may follow which, and where contracts are kept."""
