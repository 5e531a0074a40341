"""Which versions of items and messages are read: all before the own one, the own, and the next.

While a release is rolled out, and after it was rolled back, two versions of the code share tables and queues. So a new
version may only add what a reader of the version before can ignore; what was added last may be relied on by the next.
"""


def reads(version: object, own: int) -> bool:
    """Whether code that writes the version `own` can read what was written as `version`."""
    return type(version) is int and 1 <= version <= own + 1
