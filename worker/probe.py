"""`python -m worker.probe`: exit code 0 if the worker on this machine is well. The health check of its container."""

import sys

from shared.config import ConfigurationError, read_settings
from shared.probing import exit_code
from shared.settings import WORKER


def main() -> int:
    """Asks the worker's health endpoint, whose port must be set: a free one is known to the worker alone."""
    try:
        port = read_settings(WORKER).health_port
    except ConfigurationError as error:
        sys.stderr.write(f"probe: {error}\n")
        return 2
    if port == 0:
        sys.stderr.write("probe: HEALTH_PORT must name the port that the worker answers on.\n")
        return 2
    return exit_code(port, "/healthz")


if __name__ == "__main__":
    sys.exit(main())
