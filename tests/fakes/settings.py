"""Settings as a process has them in production, where it is given what it reads and nothing else."""

from dataclasses import fields
from typing import Any

from shared.settings import Settings


def as_given_to(process: str, settings: Settings) -> Settings:
    """The same settings, of which only those can be read that say that this process reads them."""
    unread = {field.name for field in fields(Settings) if process not in field.metadata["read_by"]}

    class Given(Settings):
        def __getattribute__(self, name: str) -> Any:
            assert name not in unread, f"{name} does not say that the {process} reads it"
            return super().__getattribute__(name)

    given = object.__new__(Given)
    vars(given).update(vars(settings))
    return given
