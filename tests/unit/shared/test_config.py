"""Settings: defaults for a laptop, nothing left to chance elsewhere, and no secret shown."""

import dataclasses
import re

import pytest

from shared.aws_clients import make_clients
from shared.config import ConfigurationError, read_settings
from shared.lifecycle import START_WINDOW
from shared.settings import API, OPERATOR, PROCESSES, WORKER, Settings

COMPLETE = {
    field.metadata["variable"]: "x" * 40 for field in dataclasses.fields(Settings) if field.metadata["production"]
} | {"SPARK_CODE_URI": "s3://artifacts/spark/1/"}
# Written by hand: what production must tell each process, so that none gets a secret or a place it has no use for.
NEEDS = {
    API: "RAW_BUCKET PROCESSED_BUCKET ARTIFACTS_BUCKET LOGS_BUCKET JOBS_TABLE CONTROL_TABLE DATASETS_TABLE "
    "CONTRACTS_TABLE JOBS_QUEUE EMR_APPLICATION_ID EMR_JOB_ROLE_ARN SPARK_CODE_URI CALLBACK_SIGNING_KEY "
    "CURSOR_SIGNING_KEY",
    WORKER: "PROCESSED_BUCKET LOGS_BUCKET JOBS_TABLE CONTROL_TABLE DATASETS_TABLE JOBS_QUEUE EVENTS_QUEUE "
    "DEAD_LETTER_QUEUE CALLBACK_SIGNING_KEY",
    OPERATOR: "PROCESSED_BUCKET LOGS_BUCKET JOBS_TABLE CONTROL_TABLE JOBS_QUEUE DEAD_LETTER_QUEUE EMR_APPLICATION_ID "
    "EMR_JOB_ROLE_ARN SPARK_CODE_URI",
}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch):
    for field in dataclasses.fields(Settings):
        monkeypatch.delenv(field.metadata["variable"], raising=False)


def set_all(monkeypatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("environment", ["local", "ci"])
def test_a_laptop_needs_no_settings(monkeypatch, environment):
    monkeypatch.setenv("ENVIRONMENT", environment)

    settings = read_settings(API)

    assert settings.is_development
    assert settings.jobs_may_read == {"cloud-data-platform-dev-raw", "cloud-data-platform-dev-processed"}


@pytest.mark.parametrize("environment", ["dev", "staging", "production"])
@pytest.mark.parametrize("process", PROCESSES)
def test_elsewhere_all_that_a_process_needs_is_named_at_once_and_no_more(monkeypatch, environment, process):
    monkeypatch.setenv("ENVIRONMENT", environment)

    with pytest.raises(ConfigurationError) as refusal:
        read_settings(process)

    assert re.findall(r"([A-Z_]+) \(", str(refusal.value)) == NEEDS[process].split()
    assert ("AUTH_MODE=oidc" in str(refusal.value)) == (process == API)


@pytest.mark.parametrize("process", [WORKER, OPERATOR])
def test_what_a_process_needs_is_enough_for_it(monkeypatch, process):
    needed = {variable: COMPLETE[variable] for variable in NEEDS[process].split()}
    set_all(monkeypatch, {**needed, "ENVIRONMENT": "production"})

    assert read_settings(process).jobs_table == "x" * 40


def test_a_worker_is_not_asked_how_callers_are_known(monkeypatch):
    monkeypatch.setenv("AUTH_MODE", "oidc")

    assert read_settings(WORKER).auth_mode == "oidc"


@pytest.mark.parametrize("secret", ["CALLBACK_SIGNING_KEY", "CURSOR_SIGNING_KEY"])
def test_keys_that_rotate_are_a_list(monkeypatch, secret):
    set_all(monkeypatch, {secret: f"{'n' * 40},{'o' * 40}"})

    assert getattr(read_settings(API), f"{secret.lower()}s") == ("n" * 40, "o" * 40)


@pytest.mark.parametrize("secret", ["CALLBACK_SIGNING_KEY", "CURSOR_SIGNING_KEY"])
@pytest.mark.parametrize("value", ["too-short-a-key", f"{'k' * 40},too-short-a-key", f"too-short-a-key,{'k' * 40}"])
def test_a_short_signing_key_is_refused_and_not_repeated(monkeypatch, secret, value):
    set_all(monkeypatch, {**COMPLETE, "ENVIRONMENT": "production", secret: value})

    with pytest.raises(ConfigurationError, match=f"{secret} of at least 32 characters") as refusal:
        read_settings(API)

    assert "too-short-a-key" not in str(refusal.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ENVIRONMENT", "moon"),
        ("API_PORT", "eight"),
        ("API_PORT", "0"),
        ("START_RATE", "0"),
        ("LOG_FORMAT", "xml"),
        ("SPARK_CODE_URI", "s3://no-slash-at-the-end"),
        ("SPARK_CODE_URI", "s3://newline/\n"),
        ("CALLBACK_URL", "api.example.com"),
        ("CALLBACK_URL", "ftp://api.example.com"),
        ("CALLBACK_URL", "https://"),
        ("CALLBACK_URL", "https://user@api.example.com"),
        ("CALLBACK_URL", "https://api.example.com/?a=b"),
        ("CALLBACK_URL", "https://api.example.com/#x"),
        ("CALLBACK_URL", "https://api.example.com:port"),
        ("CALLBACK_URL", "https://[::1"),
        ("CALLBACK_URL", "https://api.example.com\n"),
        ("MASK_KEY_SECRET", "two words"),
        ("MASK_KEY_SECRET", "newline\n"),
        ("AUTH_MODE", "trust-me"),
        ("TRUSTED_PROXIES", "10.0.0.0/16,balancer"),
        ("TRUSTED_PROXIES", "10.0.0.1/16"),
        ("TRUSTED_PROXIES", "*"),
        ("PRICE_AS_OF", "yesterday"),
        ("RATE_WRITES_PER_SECOND", "1001"),
        ("DATASET_SCANS", "maybe"),
        ("RETENTION_CLASSES", ""),
        ("RETENTION_CLASSES", "standard"),
        ("RETENTION_CLASSES", "standard=forever"),
        ("RETENTION_CLASSES", "standard=0"),
        ("RETENTION_CLASSES", "standard=36501"),
        ("RETENTION_CLASSES", "standard=1,standard=2"),
        ("DATASET_TYPES", "General=standard"),
        ("DATASET_TYPES", "general=standard,flights=none"),
        ("JOB_RETENTION_DAYS", "365"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError, match=variable):
        read_settings(API)


def test_every_wrong_value_is_named_at_once(monkeypatch):
    set_all(monkeypatch, {"API_PORT": "x", "HOLD_SECONDS": "y"})

    with pytest.raises(ConfigurationError, match=r"(?s)API_PORT.*HOLD_SECONDS"):
        read_settings(API)


def test_further_buckets_are_a_list_with_commas(monkeypatch):
    monkeypatch.setenv("READABLE_BUCKETS", "one,two")

    assert {"one", "two"} < read_settings(API).jobs_may_read


def test_no_secret_is_shown(monkeypatch):
    set_all(monkeypatch, {"CALLBACK_SIGNING_KEY": "k" * 40, "CURSOR_SIGNING_KEY": "c" * 40})

    shown = repr(read_settings(API))

    assert "kkkk" not in shown
    assert "cccc" not in shown
    assert "callback_signing_keys='***'" in shown


def test_clients_retry_as_we_say_whatever_the_environment_says(monkeypatch):
    set_all(monkeypatch, {"AWS_MAX_ATTEMPTS": "9", "AWS_RETRY_MODE": "adaptive"})

    clients = make_clients(Settings(), threads=7)

    for name in ("dynamodb", "sqs", "emr", "s3"):
        config = getattr(clients, name).meta.config
        assert config.retries == {"mode": "standard", "total_max_attempts": 3}, name
        assert (config.connect_timeout, config.max_pool_connections) == (3, 7), name
    assert clients.emr_start.meta.config.retries["total_max_attempts"] == 1
    assert clients.sqs_receive.meta.config.retries["total_max_attempts"] == 1
    assert clients.sqs_receive.meta.config.read_timeout > 20


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"CALLBACK_URL": "http://127.0.0.1:8000"}, "CALLBACK_SIGNING_KEY, for CALLBACK_URL"),
        ({**COMPLETE, "ENVIRONMENT": "dev", "CALLBACK_URL": "http://api.example.com"}, "a CALLBACK_URL of https"),
    ],
)
def test_programs_report_by_a_key_and_outside_a_laptop_over_https(monkeypatch, variables, problem):
    set_all(monkeypatch, variables)

    with pytest.raises(ConfigurationError, match=problem):
        read_settings(API)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "https://api.example.com/platform/"])
def test_programs_report_where_they_are_told(monkeypatch, address):
    set_all(monkeypatch, {"CALLBACK_URL": address, "CALLBACK_SIGNING_KEY": "k" * 40})

    assert read_settings(API).takes_reports


def test_what_is_put_before_a_start_leaves_it_the_time_that_it_needs():
    config = make_clients(Settings(), threads=1).s3_before_start.meta.config

    waits_seconds = config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout)
    assert waits_seconds < START_WINDOW.total_seconds() / 3
