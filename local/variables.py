"""The environment variables of a local cloud: what its processes and its users are told, and the `env` file."""

import json
import os
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

from local.ports import HOST
from local.settings import ACCOUNT_ID
from shared.settings import SIGNING_KEY_CHARACTERS, Settings

# Public on purpose: the local cloud asks for credentials and verifies none.
DUMMY_CREDENTIAL = "local"

# What a person may set otherwise. A worker stops only after its long poll, and Ctrl-C should not take that long. A run
# of this cloud puts its log before it ends.
LOCAL_DEFAULTS = {"LONG_POLL_SECONDS": "2", "LOG_SETTLE_SECONDS": "0"}
SIGNING_KEYS = ("CALLBACK_SIGNING_KEY", "CURSOR_SIGNING_KEY")
NAMES = {
    "RAW_BUCKET": "raw_bucket",
    "PROCESSED_BUCKET": "processed_bucket",
    "ARTIFACTS_BUCKET": "artifacts_bucket",
    "LOGS_BUCKET": "logs_bucket",
    "JOBS_TABLE": "jobs_table",
    "CONTROL_TABLE": "control_table",
    "DATASETS_TABLE": "datasets_table",
    "CONTRACTS_TABLE": "contracts_table",
    "JOBS_QUEUE": "jobs_queue",
    "EVENTS_QUEUE": "events_queue",
    "DEAD_LETTER_QUEUE": "dead_letter_queue",
    "SPARK_CODE_URI": "spark_code_uri",
}


def cloud_variables(ports: Mapping[str, int], directory: Path, region: str) -> dict[str, str]:
    """Everything but the id of the EMR application, which only the running service can tell."""
    defaults = Settings()
    return {
        "ENVIRONMENT": "local",
        "AWS_ENDPOINT_URL": f"http://{HOST}:{ports['LOCAL_AWS_PORT']}",
        "AWS_ENDPOINT_URL_EMR_SERVERLESS": f"http://{HOST}:{ports['LOCAL_EMR_PORT']}",
        "AWS_ACCESS_KEY_ID": DUMMY_CREDENTIAL,
        "AWS_SECRET_ACCESS_KEY": DUMMY_CREDENTIAL,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        **{variable: str(getattr(defaults, field)) for variable, field in NAMES.items()},
        "EMR_JOB_ROLE_ARN": f"arn:aws:iam::{ACCOUNT_ID}:role/cloud-data-platform-local-jobs",
        **signing_keys(directory / "keys.json"),
        "CDP_API_URL": f"http://{HOST}:{ports['API_PORT']}",
    }


def process_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a local process: the caller's without any AWS settings, and the cloud's variables."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return {**LOCAL_DEFAULTS, **inherited, **nowhere, "PYTHONUNBUFFERED": "1", **variables}


def signing_keys(path: Path) -> dict[str, str]:
    """The keys of this folder's cloud, made once: links and signatures outlive a restart."""
    if not path.exists():
        keys = {variable: secrets.token_hex(SIGNING_KEY_CHARACTERS) for variable in SIGNING_KEYS}
        write_privately(path, json.dumps(keys))
    found: dict[str, str] = json.loads(path.read_text())
    return found


def write_env_file(path: Path, variables: Mapping[str, str]) -> None:
    """The variables as lines for a shell to read: `. .local/env`."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items())]
    write_privately(path, "".join(lines))


def write_privately(path: Path, text: str) -> None:
    """Write a file that only its owner may read, all of it or none."""
    written = path.with_name(f"{path.name}.new")
    written.unlink(missing_ok=True)
    with open(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    written.replace(path)
