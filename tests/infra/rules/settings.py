"""Rules about what the tasks are told: all that they need, nothing that they do not read, and what they can take."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any
from unittest import mock

from shared.config import ConfigurationError, read_settings
from shared.settings import PROCESSES, Settings
from tests.infra.rules.services import containers_of
from tests.infra.templates import Resolved

Stacks = Mapping[str, Resolved]
SETTINGS: Mapping[str, Mapping[str, Any]] = {field.metadata["variable"]: field.metadata for field in fields(Settings)}
# What Secrets Manager might have for a secret.
A_KEY = "k" * 64


def variables_of(container: Mapping[str, Any]) -> dict[str, str]:
    """All that a container is told: the values of its variables, and where its secrets lie."""
    told = {each["Name"]: each["Value"] for each in container["Environment"]}
    return told | {each["Name"]: each["ValueFrom"] for each in container["Secrets"]}


def tasks_are_told_all_that_they_need(stacks: Stacks) -> Iterator[str]:
    """Each setting that production requires of a process, and secrets as secrets."""
    for process, _, container in containers_of(stacks):
        for variable, about in SETTINGS.items():
            given = container["Secrets" if about["secret"] else "Environment"]
            is_needed = about["production"] and process in about["read_by"]
            if is_needed and variable not in [each["Name"] for each in given]:
                yield f"{process} is not told {variable}"


def tasks_are_told_nothing_else(stacks: Stacks) -> Iterator[str]:
    """A task is a process; each variable is a setting that it reads, and is there once."""
    for process, _, container in containers_of(stacks):
        if process not in PROCESSES:
            yield f"there is no process {process}"
        names = [each["Name"] for each in (*container["Environment"], *container["Secrets"])]
        for name in names:
            if name not in SETTINGS or process not in SETTINGS[name]["read_by"]:
                yield f"{process} is told {name}, which it does not read"
            if names.count(name) > 1:
                yield f"{process} is told {name} twice"


def tasks_are_told_the_same(stacks: Stacks) -> Iterator[str]:
    """What several tasks read, all of them are told or none, and alike: else they work on different things."""
    told = {process: variables_of(container) for process, _, container in containers_of(stacks)}
    for variable, about in SETTINGS.items():
        values = {told[process].get(variable) for process in about["read_by"] if process in told}
        if len(values) > 1:
            yield f"{variable} is {' or '.join(sorted(map(str, values)))}"


def tasks_start_with_what_they_are_told(stacks: Stacks) -> Iterator[str]:
    """No value is one that the process refuses."""
    for process, _, container in containers_of(stacks):
        secrets = {each["Name"]: A_KEY for each in container["Secrets"]}
        with mock.patch.dict(os.environ, variables_of(container) | secrets, clear=True):
            try:
                read_settings(process)
            except ConfigurationError as error:
                yield f"{process} does not start: {error}"


RULES = (
    tasks_are_told_all_that_they_need,
    tasks_are_told_nothing_else,
    tasks_are_told_the_same,
    tasks_start_with_what_they_are_told,
)
