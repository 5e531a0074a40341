"""`python -m api.probe`: exit code 0 if the API on this machine answers. The health check of its container."""

import sys

from api.start import settings_or_exit
from shared.probing import exit_code

# What listens everywhere is asked by this machine's own address.
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def main() -> int:
    """Asks whether the process answers, not whether it can work: a restart would not bring a table back."""
    settings = settings_or_exit()
    return exit_code(settings.api_port, "/health/live", EVERYWHERE.get(settings.api_host, settings.api_host))


if __name__ == "__main__":
    sys.exit(main())
