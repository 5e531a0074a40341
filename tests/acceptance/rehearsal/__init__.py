"""A release, its rollback and a rotation of keys, under load, with two versions of the code at once."""
