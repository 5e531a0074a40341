"""`python -m local up`: the local cloud, its API and its workers, until Ctrl-C."""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from local.cloud import PARTS, AlreadyRunning, LocalCloud
from local.deploy import DeployFailed
from local.ports import PortTaken
from local.processes import Child, NotReady
from local.settings import LocalSettings
from shared.config import ConfigurationError, read_fields
from shared.settings import Settings

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_SECONDS = 0.2
FIRST_BACKOFF_SECONDS, LAST_BACKOFF_SECONDS = 0.5, 30.0
# A process that lived this long starts again at once.
STEADY_SECONDS = 60.0


class Stopped(Exception):
    """Somebody asked for the end."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Start what is wanted and watch over it; exit 1 with one sentence when it cannot be."""
    options = parse(arguments)
    for number in STOP_SIGNALS:
        ignored_on_purpose = number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN  # nohup
        if not ignored_on_purpose:
            signal.signal(number, _raise_stopped)
    try:
        settings, product = read_fields(LocalSettings), read_fields(Settings)
        cloud = LocalCloud(settings, options.only, api_port=product.api_port, region=product.aws_region)
        up(cloud)
    except (AlreadyRunning, ConfigurationError, DeployFailed, NotReady, PortTaken) as problem:
        sys.exit(f"local cloud: {problem}")
    except Stopped:
        print("local cloud: interrupted before it was up; nothing runs.", flush=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("up", help="start the local cloud and stay until Ctrl-C")
    command.add_argument("--only", type=_parts, default=PARTS, help=f"some of {','.join(PARTS)}; all by default")
    return parser.parse_args(arguments)


def up(cloud: LocalCloud) -> None:
    """Start the cloud, say what runs, and keep it running until somebody asks for its end."""
    started = time.monotonic()
    cloud.start()
    try:
        print(welcome(cloud, time.monotonic() - started), flush=True)
        watch(cloud)
    except Stopped:
        print("local cloud: stopping ...", flush=True)
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # the end takes a moment and must not be cut short
        cloud.stop()
    print("local cloud: everything has stopped.", flush=True)


def welcome(cloud: LocalCloud, seconds: float) -> str:
    """What runs, and how to use it."""
    variables = cloud.environment
    lines = [f"local cloud: up in {seconds:.1f} s; it starts empty each time, Ctrl-C ends it."]
    known = {
        "api": f"  API              {variables['CDP_API_URL']}",
        "aws": f"  DynamoDB SQS S3  {variables['AWS_ENDPOINT_URL']}",
        "emr": f"  EMR Serverless   {variables['AWS_ENDPOINT_URL_EMR_SERVERLESS']}",
    }
    lines += [line for name, line in known.items() if name in cloud.processes]
    workers = sum(name.startswith("worker-") for name in cloud.processes)
    lines += [f"  workers          {workers}"] if workers else []
    lines += [
        f"  in another shell: . {cloud.directory / 'env'}    (then any AWS tool, and cdp, use this cloud)",
        f"  logs: {cloud.directory / 'logs'}",
    ]
    return "\n".join(lines)


@dataclass
class Restarts:
    """How often a process ended lately, and when it may start again."""

    backoff_seconds: float = FIRST_BACKOFF_SECONDS
    started_at: float = 0.0
    due_at: float | None = None


def watch(cloud: LocalCloud) -> None:
    """Start again whatever ends, as ECS would: soon at first, more slowly when it keeps ending."""
    now = time.monotonic()
    restarts = {name: Restarts(started_at=now) for name in cloud.processes}
    while True:
        for name, child in cloud.processes.items():
            _look_after(cloud, name, child, restarts[name])
        time.sleep(LOOK_SECONDS)


def _look_after(cloud: LocalCloud, name: str, child: Child, restarts: Restarts) -> None:
    if child.exit_code is None:
        return
    now = time.monotonic()
    if restarts.due_at is None:
        if now - restarts.started_at > STEADY_SECONDS:
            restarts.backoff_seconds = FIRST_BACKOFF_SECONDS
        restarts.due_at = now + restarts.backoff_seconds
        print(
            f"local cloud: {name} ended unexpectedly (exit code {child.exit_code}), "
            f"starting it again in {restarts.backoff_seconds:g} s; its log is {child.log_path}",
            flush=True,
        )
        restarts.backoff_seconds = min(LAST_BACKOFF_SECONDS, restarts.backoff_seconds * 2)
    elif now >= restarts.due_at:
        restarts.due_at, restarts.started_at = None, now
        try:
            cloud.restart(name)
        except (NotReady, DeployFailed) as problem:
            print(f"local cloud: {problem}", flush=True)


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(text.split(","))
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: unknown; the parts are {', '.join(PARTS)}")
    return parts


def _raise_stopped(*_: object) -> None:
    raise Stopped


if __name__ == "__main__":
    main()
