"""Reading the settings at the start of a process."""

import sys

from shared.config import ConfigurationError, read_settings
from shared.settings import API, Settings

CONFIGURATION_IS_WRONG = 2


def settings_or_exit() -> Settings:
    """The settings; or the end of the process, with a sentence that says what is wrong with them."""
    try:
        return read_settings(API)
    except ConfigurationError as error:
        sys.stderr.write(f"api: {error}\n")
        sys.exit(CONFIGURATION_IS_WRONG)
