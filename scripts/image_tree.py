"""Make in a folder what an image of the Dockerfile holds, where there is no container engine.

`python scripts/image_tree.py TARGET... FOLDER` follows the Dockerfile's own lines, so that the two cannot differ: what
they copy and nothing else, and the packages as they install them. It prints how images would be started, as JSON.
Three things are not as in a container: Python is this machine's, nobody adds a user, and / is the folder.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class BuildFailed(Exception):
    """Why there is no image, as a sentence."""


@dataclass
class Stage:
    """A stage of the Dockerfile: what it builds on, and its instructions."""

    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Image:
    """What was made of a stage: its files, and how it is started."""

    root: Path
    directory: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)

    def path(self, inside: str) -> Path:
        """Where a path of the image lies on this machine."""
        return self.root / inside.lstrip("/")


def read_stages(text: str) -> dict[str, Stage]:
    """The stages of a Dockerfile by their names."""
    stages: dict[str, Stage] = {}
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, name = rest.split()
            current = stages[name] = Stage(base)
        elif word:
            current.instructions.append((word, rest))
    return stages


class Builder:
    """Builds the stages of one Dockerfile in one folder."""

    def __init__(self, folder: Path, stages: dict[str, Stage]) -> None:
        self._folder = folder
        self._stages = stages
        self._made: dict[str, Image] = {}

    def build(self, name: str) -> Image:
        """The image of a stage. Raises: BuildFailed."""
        if name not in self._made:
            self._made[name] = Image(self._folder / name)
            self._follow(self._stages[name], self._made[name])
        return self._made[name]

    def _follow(self, stage: Stage, image: Image) -> None:
        if stage.base in self._stages:
            self._follow(self._stages[stage.base], image)
        for word, rest in stage.instructions:
            match word:
                case "COPY":
                    self._copy(shlex.split(rest), image)
                case "RUN":
                    run(rest, image)
                case "ENV":
                    for pair in shlex.split(rest):
                        variable, _, value = pair.partition("=")
                        image.environment[variable] = value
                case "WORKDIR":
                    image.directory = rest
                    image.path(rest).mkdir(parents=True)
                case "CMD":
                    image.command = json.loads(rest)
                case "USER" | "EXPOSE":
                    pass
                case _:
                    raise BuildFailed(f"{word} is not known here.")

    def _copy(self, words: list[str], image: Image) -> None:
        *options, source, target = words
        stage = next((word.removeprefix("--from=") for word in options), None)
        if stage is None:
            copy(ROOT / source, image.path(target), ignored_names(source))
        else:
            copied_from = self.build(stage)
            copy(copied_from.path(source), image.path(target), [])
            move_scripts(image.path(target), copied_from.path(source))


def ignored_names(source: str) -> list[str]:
    """The names that are left out of a folder. Raises: BuildFailed if .dockerignore keeps all of it out."""
    first, *rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    if first != "*" or f"!{source}" not in rules:
        raise BuildFailed(f".dockerignore keeps {source} out.")
    return [rule.removeprefix("**/") for rule in rules if rule.startswith("**/")]


def copy(source: Path, target: Path, without: list[str]) -> None:
    """Copy a file, or all that is in a folder."""
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns(*without))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def move_scripts(target: Path, source: Path) -> None:
    """Let scripts begin with the Python beside them: in an image both stages have the same path."""
    for path in (target / "bin").iterdir():
        if path.is_file() and not path.is_symlink() and path.read_bytes()[:2] == b"#!":
            path.write_bytes(path.read_bytes().replace(str(source).encode(), str(target).encode()))


def run(command: str, image: Image) -> None:
    """Run a command whose absolute paths are those of the image."""
    if command.startswith("useradd "):
        return
    inside = re.sub(r"(?<=\s)/(?=\w)", f"{image.root}/", command)
    search = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ended = subprocess.run(["sh", "-ec", inside], env={**os.environ, "PATH": search}, capture_output=True, text=True)
    if ended.returncode:
        raise BuildFailed(f"{command}\n{ended.stdout}{ended.stderr}")


def how_to_start(image: Image) -> dict[str, object]:
    """The command of an image, the folder that it starts in, and its environment."""
    environment = {
        variable: re.sub(r"(?<![\w/])/opt/", f"{image.root}/opt/", value).replace("$PATH", "/usr/bin:/bin")
        for variable, value in image.environment.items()
    }
    return {
        "command": image.command,
        "directory": str(image.path(image.directory)),
        "environment": environment,
    }


def main(targets: list[str], folder: Path) -> int:
    """Build each target below the folder; 0 if all could be."""
    builder = Builder(folder.resolve(), read_stages((ROOT / "Dockerfile").read_text()))
    try:
        print(json.dumps({target: how_to_start(builder.build(target)) for target in targets}))
    except BuildFailed as error:
        print(f"image_tree: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:-1], Path(sys.argv[-1])))
