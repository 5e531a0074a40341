"""What every route has in common: how it is declared, what it reads, and how its errors are answered."""
