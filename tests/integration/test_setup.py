"""`make setup` where it cannot work: one sentence, and nothing half-made behind."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NO_NETWORK = {
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_RETRIES": "0",
    "PIP_NO_CACHE_DIR": "1",
    "PIP_FIND_LINKS": "",
    "PIP_CONFIG_FILE": os.devnull,
}


@pytest.fixture
def checkout(tmp_path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "set_up.py", tmp_path / "scripts")
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


def set_up(checkout: Path, python: str = sys.executable, **variables: str) -> tuple[int, str]:
    result = subprocess.run(
        [python, str(checkout / "scripts" / "set_up.py")],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return result.returncode, result.stderr


def environments(checkout: Path) -> list[str]:
    return sorted(path.name for path in (checkout / ".venv").glob("*/")) if (checkout / ".venv").exists() else []


def test_without_a_network_it_says_so_and_leaves_no_environment(checkout):
    code, said = set_up(checkout, **NO_NETWORK)

    assert code == 1
    assert "the package index could not be reached (is there a network?)" in said
    assert said.count("\n") == 1
    assert environments(checkout) == []


def test_too_little_disk_is_said_before_anything_is_made(checkout):
    code, said = set_up(checkout, SETUP_NEEDED_DISK_BYTES=str(10**18))

    assert code == 1
    assert "GB of free disk are needed" in said
    assert not (checkout / ".venv").exists()


def test_a_python_that_does_not_fit_is_refused(checkout):
    """Another version is played by changing the one that is asked for."""
    script = checkout / "scripts" / "set_up.py"
    script.write_text(script.read_text().replace("NEEDED_PYTHON = (3, 11)", "NEEDED_PYTHON = (3, 99)"))

    code, said = set_up(checkout)

    assert code == 1
    assert said.startswith("make setup: Python 3.99 is needed, but this is 3.11.")
    assert not (checkout / ".venv").exists()


def test_a_package_that_is_not_the_one_that_was_locked_is_refused(checkout):
    package = checkout / "packages" / "nothing"
    package.mkdir(parents=True)
    wheel = package.parent / "nothing-1.0-py3-none-any.whl"
    wheel.write_bytes(b"not the locked one")
    for lock in (checkout / "requirements").glob("*.lock"):
        lock.write_text(f"nothing==1.0 --hash=sha256:{'0' * 64}\n")

    code, said = set_up(checkout, **{**NO_NETWORK, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(package.parent)})

    assert code == 1
    assert "did not have the hash that the lock file demands" in said
    assert environments(checkout) == []


JAVAS = {"none": None, "another version": ("21", "jdk.incubator.vector"), "a part of 17": ("17", "java.base")}


@pytest.mark.parametrize("java", JAVAS.values(), ids=JAVAS.keys())
def test_spark_4_without_a_whole_java_17_is_told_what_is_missing(tmp_path, java):
    if java is not None:
        install_java(tmp_path / "some-java", *java)

    found = find_java_17(tmp_path)

    assert found.returncode == 1
    assert "Java 17 with the module jdk.incubator.vector is needed" in found.stderr
    assert f"nor {tmp_path} has one" in found.stderr


def test_spark_4_gets_the_first_java_that_it_can_run_on(tmp_path):
    install_java(tmp_path / "java-17", "17", "jdk.incubator.vector")
    install_java(tmp_path / "java-11", "11", "jdk.incubator.vector")

    found = find_java_17(tmp_path, JAVA_HOME=str(tmp_path / "nothing"))

    assert (found.returncode, found.stdout) == (0, f"{tmp_path}/java-17\n")


def install_java(home: Path, version: str, module: str) -> None:
    """What says of itself what a Java says."""
    (home / "bin").mkdir(parents=True)
    settings = f"    java.home = {home}\n    java.specification.version = {version}\n"
    java = home / "bin" / "java"
    java.write_text(f"#!/bin/sh\n[ $1 = --list-modules ] && echo {module}@{version} || echo '{settings}' >&2\n")
    java.chmod(0o755)


def find_java_17(folder: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run the script on a path that has no Java."""
    (folder / "path").mkdir()
    for tool in ("grep", "sed"):
        (folder / "path" / tool).symlink_to(shutil.which(tool))
    return subprocess.run(
        ["/bin/sh", str(ROOT / "scripts" / "java_17.sh"), str(folder)],
        env={"PATH": str(folder / "path"), **variables},
        capture_output=True,
        text=True,
        timeout=30,
    )
