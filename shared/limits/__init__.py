"""What each owner may have, and how fast each caller may ask."""
