"""Make the project's Python environments, one for each thing that must not mix.

Run by `make setup`. Written so that any Python 3 can parse it, because its first task is to say which
Python is needed. An environment counts as made when its stamp holds the digest of its lock files; one that
fails half-way is removed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".venv"
NEEDED_PYTHON = (3, 11)
# Measured: the three environments take 1.1 GB, and building pyspark needs as much again for a moment.
NEEDED_DISK_BYTES = 3 * 1024**3

# environment -> its lock files, in the order of installation
LOCKS = {
    "product": ["build", "dev", "flights"],
    "ministack": ["ministack"],
    "spark": ["build", "spark", "spark-tests"],
    "spark4": ["build", "spark4", "spark-tests"],
    "node": ["node"],
    "infra": ["infra"],
    "checkov": ["build", "checkov"],
}
# What everything needs; the others are made when they are named on the command line.
EVERYDAY = ("product", "ministack", "spark")

# What pip and npm print when they cannot reach an index.
NO_NETWORK = ("NewConnectionError", "Temporary failure", "Could not find a version", "timed out", "ECONNREFUSED")


class SetupFailed(Exception):
    """Why the environments cannot be made, as one sentence for a person."""


def check_python():
    """Refuse a Python that the pinned packages were not made for."""
    if sys.version_info[:2] != NEEDED_PYTHON:
        raise SetupFailed(
            "Python %d.%d is needed, but this is %s (%s); install it and run `make setup PYTHON=python3.11`."
            % (*NEEDED_PYTHON, sys.version.split()[0], sys.executable)
        )


def check_disk():
    """Refuse a disk that would run full half-way."""
    free_bytes = shutil.disk_usage(ROOT).free
    needed_bytes = int(os.environ.get("SETUP_NEEDED_DISK_BYTES", NEEDED_DISK_BYTES))
    if free_bytes < needed_bytes:
        raise SetupFailed(
            "%.1f GB of free disk are needed under %s, but only %.1f GB are left; free some and run `make setup` again."
            % (needed_bytes / 1e9, ROOT, free_bytes / 1e9)
        )


def digest_of(names):
    """One digest over the content of the named lock files, and of what npm locks beside them."""
    paths = [ROOT / "requirements" / (name + ".lock") for name in names]
    paths += [path for path in map(node_lock, names) if path.is_file()]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def node_lock(name):
    """What npm installs after the lock file of this name, in an environment whose lock file brings a Node."""
    return ROOT / "requirements" / name / "package-lock.json"


def pip_install(python, lock, log):
    """Install one lock file exactly: nothing that it does not name, nothing whose hash differs."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-build-isolation", "--no-deps", "--require-hashes", "-r", str(lock)]
    return subprocess.call(command, stdout=log, stderr=subprocess.STDOUT)


def npm_install(directory, folder, log):
    """Install one package-lock.json exactly, without running anything that comes with the packages."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(folder / name, directory)
    command = [str(directory / "bin" / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    command += ["--prefix", str(directory)]
    path = os.pathsep.join((str(directory / "bin"), os.environ.get("PATH", os.defpath)))
    return subprocess.call(command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "PATH": path})


def reason_in(log_text):
    """What a person can act on, from what pip printed."""
    if "No space left on device" in log_text:
        return "the disk ran full"
    if "THESE PACKAGES DO NOT MATCH THE HASHES" in log_text or "EINTEGRITY" in log_text:
        return "a download did not have the hash that the lock file demands"
    if any(sign in log_text for sign in NO_NETWORK):
        return "the package index could not be reached (is there a network?)"
    lines = [line for line in log_text.splitlines() if line.strip()]
    return lines[-1] if lines else "pip printed nothing"


def make_environment(name, locks):
    """Make one environment, or leave nothing of it behind."""
    directory, stamp = ENVIRONMENTS / name, ENVIRONMENTS / name / ".made-from"
    digest = digest_of(locks)
    if stamp.is_file() and stamp.read_text() == digest:
        return
    print("setting up .venv/%s ..." % name, flush=True)
    shutil.rmtree(directory, ignore_errors=True)
    log_path = ENVIRONMENTS / (name + ".log")
    try:
        fill_environment(directory, locks, log_path)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    stamp.write_text(digest)
    log_path.unlink()


def fill_environment(directory, locks, log_path):
    """Create the environment and install its lock files into it, in order."""
    directory.parent.mkdir(exist_ok=True)
    with log_path.open("w") as log:
        if subprocess.call([sys.executable, "-m", "venv", str(directory)], stdout=log, stderr=subprocess.STDOUT) != 0:
            raise SetupFailed("the venv module failed: %s; see %s." % (reason_in(log_path.read_text()), log_path))
        for lock in locks:
            path = ROOT / "requirements" / (lock + ".lock")
            failed = path if pip_install(directory / "bin" / "python", path, log) != 0 else None
            if (
                failed is None
                and node_lock(lock).is_file()
                and npm_install(directory, node_lock(lock).parent, log) != 0
            ):
                failed = node_lock(lock)
            if failed is not None:
                raise SetupFailed(
                    "%s could not be installed: %s; the whole output is in %s."
                    % (failed.relative_to(ROOT), reason_in(log_path.read_text()), log_path.relative_to(ROOT))
                )


def main():
    """Make what is missing of the named environments, or of the everyday ones; exit 1 with one sentence if it fails."""
    wanted = sys.argv[1:] or EVERYDAY
    try:
        check_python()
        missing = {
            name: LOCKS[name]
            for name in wanted
            if not (ENVIRONMENTS / name / ".made-from").is_file()
            or (ENVIRONMENTS / name / ".made-from").read_text() != digest_of(LOCKS[name])
        }
        if missing:
            check_disk()
        for name, locks in missing.items():
            make_environment(name, locks)
    except SetupFailed as failure:
        sys.exit("make setup: %s" % failure)
    except KeyboardInterrupt:
        sys.exit("make setup: interrupted; nothing half-made was left behind.")


if __name__ == "__main__":
    main()
