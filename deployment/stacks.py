"""Which stacks there are, in which order, and where each gets its parameters from. Pure.

A parameter is given by the environment's file, by an output of an earlier stack that has its name, or by what was made
for this release. Nothing is exported from one stack to another: an export could not be changed while it is used.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).resolve().parents[1] / "cloudformation"
# CloudFormation takes no longer template in a request.
MOST_TEMPLATE_BYTES = 51_200
# In the order in which they are made; each knows only those before it.
ORDER = ("base", "data", "spark", "roles", "edge", "app", "records", "watch")
# A started EMR application cannot be changed, so there may be several of it, and all are known to these parameters.
GENERATIONS = "SparkGenerations"
OF_ALL_GENERATIONS = {"ApplicationArns": "ApplicationArn", "JobRunArns": "JobRunsArn", "JobRoleArns": "JobRoleArn"}


class DeploymentRefused(Exception):
    """Why nothing more is done, as a sentence for who deploys."""


@dataclass(frozen=True)
class Stack:
    """A stack of an environment: its full name, its template, and what is said for it alone."""

    name: str
    template: str
    own: Mapping[str, str]

    @property
    def path(self) -> Path:
        """Where the template lies."""
        return TEMPLATES / f"{self.template}.yaml"

    def body(self) -> str:
        """The template's text. Raises: DeploymentRefused if CloudFormation would not take it."""
        text = self.path.read_text()
        size_bytes = len(text.encode())
        if size_bytes > MOST_TEMPLATE_BYTES:
            raise DeploymentRefused(f"{self.path.name} has {size_bytes} bytes; {MOST_TEMPLATE_BYTES} are possible.")
        return text


def read_environment(name: str) -> dict[str, Any]:
    """The parameters of an environment's file. Raises: DeploymentRefused if there is none."""
    path = TEMPLATES / "environments" / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in path.parent.glob("*.toml")))
        raise DeploymentRefused(f"There is no environment {name!r}; there are {known}.")
    return tomllib.loads(path.read_text())


def stacks_of(environment: Mapping[str, Any], wanted: Iterable[str] = ORDER) -> list[Stack]:
    """The stacks of an environment in their order, those of `wanted` alone."""
    prefix = f"{environment['ProjectName']}-{environment['Environment']}"
    chosen = set(wanted)
    stacks: list[Stack] = []
    for template in ORDER:
        if template not in chosen:
            continue
        if template == "spark":
            stacks += [
                Stack(f"{prefix}-spark-{generation}", "spark", {"Generation": generation})
                for generation in environment[GENERATIONS]
            ]
        else:
            stacks.append(Stack(f"{prefix}-{template}", template, {}))
    return stacks


def parameters_of(
    stack: Stack, declared: Mapping[str, str | None], environment: Mapping[str, Any], known: Mapping[str, str]
) -> dict[str, str]:
    """The value of each declared parameter (name to default, None without one) that is not left to its default.

    `known` are the outputs of earlier stacks and what was made for this release. Raises: DeploymentRefused, naming all
    that nobody gives.
    """
    given = {**known, **{name: as_text(value) for name, value in environment.items()}, **stack.own}
    missing = [name for name, default in declared.items() if default is None and name not in given]
    if missing:
        raise DeploymentRefused(
            f"Nothing gives {', '.join(sorted(missing))} of {stack.name}: set it in the environment's file, or deploy "
            "the stack first that has an output of this name."
        )
    return {name: given[name] for name in declared if name in given}


def as_text(value: Any) -> str:
    """A value of an environment's file as CloudFormation takes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def outputs_of_generations(outputs: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What later stacks see of the generations: the outputs of the first, where runs are started, and lists of all."""
    lists = {name: ",".join(each[output] for each in outputs) for name, output in OF_ALL_GENERATIONS.items()}
    return {**outputs[0], **lists}
