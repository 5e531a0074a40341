"""Ends what a local cloud left behind: `python -m local.reaper MARK`, started with every cloud.

Its standard input is a pipe that only the cloud's owner holds. When that closes, the owner has stopped or was
killed: then every process with the cloud's mark is ended, Spark's too, and the lock on the folder, which this
process holds as well, is free again.
"""

import signal
import sys

from local.marked import end_marked
from local.processes import CLOUD_MARK

GRACE_SECONDS = 10.0


def main() -> None:
    """Wait for the owner's end, then sweep."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end_marked(CLOUD_MARK, sys.argv[1], GRACE_SECONDS)


if __name__ == "__main__":
    main()
