"""`python -m local.observe`: a local cloud of its own with traces on, and what they and the metrics say, as it happens.

It submits an example job, shows its trace and what was counted, and goes on with whatever else is asked of the API,
until Ctrl-C.
"""

import argparse
import json
import signal
import sys
import time
import urllib.request
from collections.abc import Sequence

from local.cloud import LocalCloud, start_cloud
from local.deploy import DeployFailed
from local.observe.collector import Collector, Received, collecting
from local.observe.counts import changes, counts_in
from local.observe.finished import Traces
from local.observe.tree import tree
from local.ports import HOST, free_ports
from local.processes import NotReady

# No Spark, so that it is over in seconds.
EXAMPLE = {"jobType": "simulated", "inputs": [], "parameters": {"seconds": 1}}
LOOK_SECONDS = 0.2
ANSWER_SECONDS = 10.0


class View:
    """What has been shown, and what is next."""

    def __init__(self, collector: Collector, addresses: dict[str, str]) -> None:
        self._collector, self._addresses = collector, addresses
        self._taken = 0
        self._traces = Traces()
        self._counts = self._read_counts()

    def show_news(self, now: float) -> list[Received]:
        """Print the traces that are ready and the counts that changed; the spans that were printed."""
        spans = self._collector.spans[self._taken :]
        self._taken += len(spans)
        self._traces.add(spans, now)
        ready = self._traces.take_quiet(now)
        for trace in ready:
            print("\n" + "\n".join(tree(trace)), flush=True)
        if ready:
            self._show_counts()
        return [span for trace in ready for span in trace]

    def _show_counts(self) -> None:
        counts = self._read_counts()
        for process, now in counts.items():
            lines = changes(self._counts[process], now)
            if lines:
                print("\n".join(["", f"metrics of the {process} that changed:", *lines]), flush=True)
        self._counts = counts

    def _read_counts(self) -> dict[str, dict[str, float]]:
        return {process: counts_of(url) for process, url in self._addresses.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Show what happens until Ctrl-C, or until the example's run was shown."""
    parser = argparse.ArgumentParser(prog="python -m local.observe", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the trace of the example job")
    once = parser.parse_args(arguments).once
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        observe(once)
    except (DeployFailed, NotReady) as problem:
        sys.exit(f"observe: {problem}")
    except KeyboardInterrupt:
        print("observe: everything has stopped.", flush=True)


def observe(once: bool) -> None:
    """Start everything, submit the example and show what comes."""
    (health_port,) = free_ports(1)
    print("Starting a local cloud with traces ...", flush=True)
    with collecting() as collector:
        told = {"TRACES_ENDPOINT": collector.url, "TRACES_RATIO": "1", "HEALTH_PORT": str(health_port)}
        with start_cloud(("aws", "emr", "api", "workers"), told, workers=1) as cloud:
            api = cloud.environment["CDP_API_URL"]
            addresses = {"API": f"{api}/metrics", "worker": f"http://{HOST}:{health_port}/metrics"}
            print(welcome(cloud, addresses), flush=True)
            view = View(collector, addresses)
            submit(api)
            while not (has_run(view.show_news(time.monotonic())) and once):
                time.sleep(LOOK_SECONDS)


def welcome(cloud: LocalCloud, addresses: dict[str, str]) -> str:
    """What runs, and how to use it."""
    lines = [f"  metrics of the {process:<7} {url}" for process, url in addresses.items()]
    return "\n".join(
        [
            f"The API is {cloud.environment['CDP_API_URL']}; traces are shown once they are quiet. Ctrl-C ends all.",
            f"  in another shell: . {cloud.directory / 'env'}    (then cdp uses this cloud)",
            *lines,
        ]
    )


def submit(api: str) -> None:
    """Submit the example job."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{api}/jobs", json.dumps(EXAMPLE).encode(), headers)  # noqa: S310  # our own URL
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
        print(f"POST /jobs -> job {json.load(answer)['jobId']}", flush=True)


def has_run(spans: Sequence[Received]) -> bool:
    """Whether a run that is over is among them."""
    return any(span.name == "run" for span in spans)


def counts_of(url: str) -> dict[str, float]:
    """What a process has counted; nothing if it does not answer, since then it begins anew."""
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:  # noqa: S310  # our own URL
            return counts_in(answer.read().decode())
    except OSError:
        return {}


if __name__ == "__main__":
    main()
