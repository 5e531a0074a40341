"""All settings of the product: which variable each comes from, what it means, and whether production must set it.

`docs/configuration.md` is made from these fields; `shared/config.py` reads them.
"""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from environs import ValidationError
from environs import validate as valid

from shared.retention import MOST_DAYS, OUTPUT_DAYS, days_by_class, pairs_of

VERSION = "0.1.0"
ENVIRONMENTS = ("local", "ci", "dev", "staging", "production")
DEVELOPMENT_ENVIRONMENTS = ("local", "ci")
# HMAC-SHA256 keys shorter than the hash weaken it (RFC 2104, section 3).
SIGNING_KEY_CHARACTERS = 32
# Of tokens. Only those of a public key: with the others, whoever can check a token can also make one.
SIGNATURE_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
REDACTED = "***"
# Who reads settings: the HTTP service, the queue side, and the commands of those who work on queues and tables by hand.
API, WORKER, OPERATOR = PROCESSES = ("api", "worker", "operator")
# From nothing to the strictest.
SCANS = ("off", "tell", "require", "refuse-pii")


def setting(
    variable: str,
    meaning: str,
    default: Any,
    *,
    read_by: tuple[str, ...] = (API,),
    production: bool = False,
    secret: bool = False,
    validate: Callable[[Any], Any] | None = None,
) -> Any:
    """A dataclass field read from `variable` by some processes; `production` says that there each of them must be told.

    A process is given what it reads and no more: what it does not know, it cannot lose.
    """
    metadata = {
        "variable": variable,
        "meaning": meaning,
        "read_by": read_by,
        "production": production,
        "secret": secret,
        "validate": validate,
    }
    return dataclasses.field(default=default, metadata=metadata)


def networks(given: list[str]) -> None:
    """Accept a list of networks. Raises: ValidationError."""
    for text in given:
        try:
            ip_network(text)
        except ValueError as error:
            raise ValidationError(f"{text!r} is no network such as 10.0.0.0/16: {error}.") from error


def classes(given: list[str]) -> None:
    """Accept retention classes with their days. Raises: ValidationError."""
    try:
        days_by_class(given)
    except ValueError as error:
        raise ValidationError(f"{error}.") from error


def pairs(given: list[str]) -> None:
    """Accept pairs of names. Raises: ValidationError."""
    try:
        pairs_of(given)
    except ValueError as error:
        raise ValidationError(f"{error}.") from error


def api_address(given: str) -> None:
    """Accept what the paths of an API can be put behind, or nothing at all. Raises: ValidationError."""
    try:
        parts = urlsplit(given)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    plain = re.fullmatch(r"[!-~]*", given) is not None and not any(mark in given for mark in "@?#")
    if given and not (is_address and plain):
        raise ValidationError("must be an address such as https://api.example.com, without a user or a query")


def traces_address(given: str) -> None:
    """Accept where spans may be sent, without TLS only on the same machine; or nothing. Raises: ValidationError."""
    api_address(given)
    if urlsplit(given).scheme == "http" and urlsplit(given).hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValidationError("must be https, or http to a collector on the same machine such as http://127.0.0.1:4318")


@dataclass(frozen=True, repr=False)
class Settings:
    """What the API, the worker and the command line are told from outside."""

    environment: str = setting(
        "ENVIRONMENT",
        "Where this runs: local, ci, dev, staging or production",
        "local",
        read_by=PROCESSES,
        validate=valid.OneOf(ENVIRONMENTS),
    )
    aws_region: str = setting(
        "AWS_REGION", "The AWS region of everything below", "us-east-1", read_by=PROCESSES, validate=valid.Length(min=1)
    )
    raw_bucket: str = setting(
        "RAW_BUCKET", "Bucket of the input data; never written by jobs", "cloud-data-platform-dev-raw", production=True
    )
    processed_bucket: str = setting(
        "PROCESSED_BUCKET",
        "Bucket of the jobs' outputs",
        "cloud-data-platform-dev-processed",
        read_by=PROCESSES,
        production=True,
    )
    artifacts_bucket: str = setting(
        "ARTIFACTS_BUCKET",
        "Bucket of the Spark code, jars and contracts",
        "cloud-data-platform-dev-artifacts",
        production=True,
    )
    logs_bucket: str = setting(
        "LOGS_BUCKET",
        "Bucket of the Spark drivers' logs",
        "cloud-data-platform-dev-logs",
        read_by=PROCESSES,
        production=True,
    )
    readable_buckets: tuple[str, ...] = setting(
        "READABLE_BUCKETS",
        "Further buckets that jobs may read, separated by commas; the raw and processed buckets always are",
        (),
    )
    jobs_table: str = setting(
        "JOBS_TABLE", "DynamoDB table of the jobs", "cloud-data-platform-dev-jobs", read_by=PROCESSES, production=True
    )
    control_table: str = setting(
        "CONTROL_TABLE",
        "DynamoDB table of the start pacing, the quotas, the rate limits and the callbacks seen",
        "cloud-data-platform-dev-control",
        read_by=PROCESSES,
        production=True,
    )
    datasets_table: str = setting(
        "DATASETS_TABLE",
        "DynamoDB table of the datasets",
        "cloud-data-platform-dev-datasets",
        read_by=(API, WORKER),
        production=True,
    )
    contracts_table: str = setting(
        "CONTRACTS_TABLE",
        "DynamoDB table of the contracts' versions; their documents lie in the artifacts bucket",
        "cloud-data-platform-dev-contracts",
        production=True,
    )
    jobs_queue: str = setting(
        "JOBS_QUEUE",
        "Name of the SQS queue of submitted jobs",
        "cloud-data-platform-dev-jobs",
        read_by=PROCESSES,
        production=True,
    )
    events_queue: str = setting(
        "EVENTS_QUEUE",
        "Name of the SQS queue that EventBridge sends the runs' events to",
        "cloud-data-platform-dev-events",
        read_by=(WORKER,),
        production=True,
    )
    dead_letter_queue: str = setting(
        "DEAD_LETTER_QUEUE",
        "Name of the SQS queue of failed jobs and unreadable messages",
        "cloud-data-platform-dev-dlq",
        read_by=(WORKER, OPERATOR),
        production=True,
    )
    emr_application_id: str = setting(
        "EMR_APPLICATION_ID",
        "The EMR Serverless application that runs the jobs",
        "",
        read_by=(API, OPERATOR),
        production=True,
    )
    emr_job_role_arn: str = setting(
        "EMR_JOB_ROLE_ARN", "The role that the Spark programs run as", "", read_by=(API, OPERATOR), production=True
    )
    spark_code_uri: str = setting(
        "SPARK_CODE_URI",
        "Where the platform's own Spark code lies: the folder of main.py and spark_jobs.zip",
        "s3://cloud-data-platform-dev-artifacts/spark/0.1.0/",
        read_by=(API, OPERATOR),
        production=True,
        validate=valid.Regexp(r"s3://.+/\Z", error="must be an s3:// URI that ends with /"),
    )
    mask_key_secret: str = setting(
        "MASK_KEY_SECRET",
        "Name in Secrets Manager of the key that mask jobs hash with; empty for none",
        "",
        read_by=(API, OPERATOR),
        validate=valid.Regexp(r"[A-Za-z0-9/_+=.@-]*\Z", error="must be the name of a secret"),
    )
    spark_jar_path: str = setting(
        "SPARK_JAR_PATH",
        "The jar of jobs that run a jar and name none",
        "s3://cloud-data-platform-dev-raw/jars/cloud-data-platform-spark-jobs-0.1.0.jar",
        read_by=(API, OPERATOR),
        validate=valid.Regexp(r"s3://.+\.jar\Z", error="must be the s3:// URI of a jar"),
    )
    auth_mode: str = setting(
        "AUTH_MODE",
        "How callers are known: oidc (by tokens of an OpenID provider), or none (not at all; local and ci only)",
        "none",
        validate=valid.OneOf(("none", "oidc")),
    )
    oidc_issuer: str = setting(
        "OIDC_ISSUER",
        "The OpenID provider, exactly as `iss` of tokens names it; https outside local and ci; AUTH_MODE=oidc needs it",
        "",
        validate=valid.Regexp(r"(https?://[!-~]+)?\Z", error="must be an https:// address"),
    )
    oidc_audience: str = setting(
        "OIDC_AUDIENCE", "What `aud` of a token must name or contain: this API; AUTH_MODE=oidc needs it", ""
    )
    oidc_algorithms: tuple[str, ...] = setting(
        "OIDC_ALGORITHMS",
        f"Signature algorithms of tokens that are taken, out of {', '.join(SIGNATURE_ALGORITHMS)}",
        ("RS256", "PS256", "ES256", "EdDSA"),
        validate=valid.And(valid.Length(min=1), valid.ContainsOnly(SIGNATURE_ALGORITHMS)),
    )
    oidc_token_types: tuple[str, ...] = setting(
        "OIDC_TOKEN_TYPES",
        "What `typ` of a token's header may be; at+jwt alone is the strictest, if the provider writes it (RFC 9068)",
        ("at+jwt", "JWT"),
        validate=valid.And(valid.Length(min=1), valid.ContainsOnly(("at+jwt", "JWT"))),
    )
    oidc_owner_claim: str = setting(
        "OIDC_OWNER_CLAIM", "The claim of a token that says whose jobs these are", "sub", validate=valid.Length(min=1)
    )
    oidc_skew_seconds: int = setting(
        "OIDC_SKEW_SECONDS",
        "How far the provider's clock may be from ours",
        30,
        validate=valid.Range(0, 300),
    )
    oidc_longest_token_seconds: int = setting(
        "OIDC_LONGEST_TOKEN_SECONDS",
        "The longest life, from `iat` to `exp`, of a token that is taken",
        24 * 3600,
        validate=valid.Range(60, 7 * 24 * 3600),
    )
    oidc_keys_seconds: int = setting(
        "OIDC_KEYS_SECONDS",
        "How long the provider's keys are used before it is asked for them again",
        300,
        validate=valid.Range(1, 3600),
    )
    callback_signing_keys: tuple[str, ...] = setting(
        "CALLBACK_SIGNING_KEY",
        "Master key of the signatures on status callbacks; 32 characters or more. While it is rotated there are two, "
        "separated by a comma: the first signs, both are taken",
        (),
        read_by=(API, WORKER),
        production=True,
        secret=True,
    )
    callback_url: str = setting(
        "CALLBACK_URL",
        "Where the Spark drivers reach the API, to report how their attempts go; https outside local and ci; empty for "
        "no reports. It needs CALLBACK_SIGNING_KEY",
        "",
        read_by=PROCESSES,
        validate=api_address,
    )
    callback_progress_seconds: int = setting(
        "CALLBACK_PROGRESS_SECONDS",
        "How often a Spark program reports how far it is, if that has changed; each such report writes the job's item",
        15,
        read_by=(WORKER,),
        validate=valid.Range(6, 3600),  # the API drops what comes within 5 s of another write
    )
    cursor_signing_keys: tuple[str, ...] = setting(
        "CURSOR_SIGNING_KEY",
        "Key that signs the cursors of lists; 32 characters or more. While it is rotated there are two, separated by a "
        "comma: the first signs, both are taken",
        (),
        production=True,
        secret=True,
    )
    api_host: str = setting("API_HOST", "Address the API listens on", "127.0.0.1")
    api_port: int = setting("API_PORT", "Port the API listens on", 8000, validate=valid.Range(1, 65535))
    trusted_proxies: tuple[str, ...] = setting(
        "TRUSTED_PROXIES",
        "Networks of the balancers whose X-Forwarded-For and X-Forwarded-Proto are believed, separated by commas; "
        "without any, nobody's are",
        (),
        validate=networks,
    )
    api_processes: int = setting("API_PROCESSES", "Processes of the API", 2, validate=valid.Range(1, 64))
    api_threads: int = setting(
        "API_THREADS",
        "Threads of each API process; also its connections to each AWS service",
        8,
        validate=valid.Range(1, 64),
    )
    max_body_bytes: int = setting(
        "MAX_BODY_BYTES", "The largest request body the API reads", 64 * 1024, validate=valid.Range(1024, 1024 * 1024)
    )
    max_batch_body_bytes: int = setting(
        "MAX_BATCH_BODY_BYTES",
        "The largest body of POST /jobs/batch that the API reads",
        1024 * 1024,
        validate=valid.Range(1024, 16 * 1024 * 1024),
    )
    rate_reads_per_second: float = setting(
        "RATE_READS_PER_SECOND",
        "Requests that read, that each caller may send a second; each API process counts by itself",
        200.0,
        validate=valid.Range(0.01, 100_000),
    )
    rate_reads_burst: int = setting(
        "RATE_READS_BURST",
        "Requests that read, that each caller may send at once",
        2000,
        validate=valid.Range(1, 1_000_000),
    )
    rate_writes_per_second: float = setting(
        "RATE_WRITES_PER_SECOND",
        "Requests that change something, that each caller may send a second to all API processes together",
        50.0,
        validate=valid.Range(0.01, 1000),
    )
    rate_writes_burst: int = setting(
        "RATE_WRITES_BURST",
        "Requests that change something, that each caller may send at once",
        1000,
        validate=valid.Range(1, 1_000_000),
    )
    rate_uploads_per_second: float = setting(
        "RATE_UPLOADS_PER_SECOND",
        "Requests about uploads, that each caller may send a second to all API processes together",
        10.0,
        validate=valid.Range(0.01, 1000),
    )
    rate_uploads_burst: int = setting(
        "RATE_UPLOADS_BURST",
        "Requests about uploads, that each caller may send at once",
        200,
        validate=valid.Range(1, 1_000_000),
    )
    rate_logs_per_second: float = setting(
        "RATE_LOGS_PER_SECOND",
        "Looks at logs, that each caller may take a second; each API process counts by itself",
        5.0,
        validate=valid.Range(0.01, 100_000),
    )
    rate_logs_burst: int = setting(
        "RATE_LOGS_BURST",
        "Looks at logs, that each caller may take at once",
        50,
        validate=valid.Range(1, 1_000_000),
    )
    rate_dashboards_per_second: float = setting(
        "RATE_DASHBOARDS_PER_SECOND",
        "Dashboards that each caller may ask all API processes for a second; AWS gives all users together one",
        0.1,
        validate=valid.Range(0.01, 1000),
    )
    rate_dashboards_burst: int = setting(
        "RATE_DASHBOARDS_BURST",
        "Dashboards that each caller may ask for at once; AWS gives all users together two",
        2,
        validate=valid.Range(1, 1_000_000),
    )
    log_settle_seconds: int = setting(
        "LOG_SETTLE_SECONDS",
        "How long after its end a run's log may still come to S3 or grow there",
        120,
        validate=valid.Range(0, 3600),
    )
    price_vcpu_hour: float = setting(
        "PRICE_VCPU_HOUR",
        "What EMR Serverless asks for one vCPU for one hour; dry runs estimate by it",
        0.052624,
        read_by=(API, WORKER),
        validate=valid.Range(0, 1000),
    )
    price_memory_gb_hour: float = setting(
        "PRICE_MEMORY_GB_HOUR",
        "What EMR Serverless asks for one GB of memory for one hour",
        0.0057785,
        read_by=(API, WORKER),
        validate=valid.Range(0, 1000),
    )
    price_storage_gb_hour: float = setting(
        "PRICE_STORAGE_GB_HOUR",
        "What EMR Serverless asks for one GB of disk for one hour, beyond the 20 GB of each worker that are free",
        0.000111,
        read_by=(API, WORKER),
        validate=valid.Range(0, 1000),
    )
    price_currency: str = setting(
        "PRICE_CURRENCY", "The currency of the prices", "USD", read_by=(API, WORKER), validate=valid.Length(3, 3)
    )
    price_source: str = setting(
        "PRICE_SOURCE",
        "Where the prices come from, as dry runs show it",
        "Amazon EMR Serverless price list, us-east-1, Linux/x86",
        read_by=(API, WORKER),
        validate=valid.Length(1, 200),
    )
    price_as_of: str = setting(
        "PRICE_AS_OF",
        "The day on which the source gave the prices, as YYYY-MM-DD; compare them with AWS's own page",
        "2026-08-13",
        read_by=(API, WORKER),
        validate=valid.Regexp(r"\d{4}-\d{2}-\d{2}\Z", error="must be a day such as 2026-11-01"),
    )
    emr_vcpu_quota: int = setting(
        "EMR_VCPU_QUOTA",
        "vCPUs that EMR Serverless gives this account at a time, as Service Quotas shows it; AWS begins with 16",
        16,
        read_by=(API, OPERATOR),
        validate=valid.Range(2, 1_000_000),
    )
    job_vcpu_share: float = setting(
        "JOB_VCPU_SHARE",
        "The part of EMR_VCPU_QUOTA that one job's run may take, though a driver and one executor always",
        0.75,
        read_by=(API, OPERATOR),
        validate=valid.Range(0.01, 1),
    )
    max_inputs: int = setting("MAX_INPUTS", "How many inputs one job may name", 20, validate=valid.Range(1, 100))
    max_attempts: int = setting(
        "MAX_ATTEMPTS", "Attempts of a job that names none", 3, read_by=(API, OPERATOR), validate=valid.Range(1, 10)
    )
    quota_active_jobs: int = setting(
        "QUOTA_ACTIVE_JOBS", "Jobs that have not ended, of each owner", 1000, validate=valid.Range(1, 1_000_000)
    )
    quota_submissions_per_day: int = setting(
        "QUOTA_SUBMISSIONS_PER_DAY",
        "Jobs that each owner may submit in a day (UTC), replays included",
        10_000,
        validate=valid.Range(1, 100_000_000),
    )
    quota_upload_bytes_per_day: int = setting(
        "QUOTA_UPLOAD_BYTES_PER_DAY",
        "Bytes that each owner may register for upload in a day (UTC)",
        1024**4,
        validate=valid.Range(1, 1024**5),
    )
    quota_open_uploads: int = setting(
        "QUOTA_OPEN_UPLOADS",
        "Uploads of each owner that are neither complete nor expired",
        50,
        validate=valid.Range(1, 1000),
    )
    max_upload_bytes: int = setting(
        "MAX_UPLOAD_BYTES", "The largest file that may be uploaded", 1024**4, validate=valid.Range(1, 5 * 1024**4)
    )
    max_single_upload_bytes: int = setting(
        "MAX_SINGLE_UPLOAD_BYTES",
        "The largest file that may be uploaded in one request; S3 allows 5 GiB",
        5 * 1024**3,
        validate=valid.Range(1, 5 * 1024**3),
    )
    upload_seconds: int = setting(
        "UPLOAD_SECONDS",
        "How long an upload in one request may take to begin",
        3600,
        validate=valid.Range(60, 24 * 3600),
    )
    multipart_upload_seconds: int = setting(
        "MULTIPART_UPLOAD_SECONDS",
        "How long an upload in parts may take; the raw bucket forgets its parts after 7 days",
        24 * 3600,
        validate=valid.Range(60, 6 * 24 * 3600),
    )
    links_per_owner: int = setting(
        "LINKS_PER_OWNER",
        "Presigned links that a process of the API makes for one owner in 15 minutes, before it refuses",
        5000,
        validate=valid.Range(1, 1_000_000),
    )
    dataset_scans: str = setting(
        "DATASET_SCANS",
        "What uploads are scanned for personal data for: off (they are not), tell (the dataset says what was found), "
        "require (jobs read only datasets of which it is known), refuse-pii (jobs read only those without any)",
        "tell",
        validate=valid.OneOf(SCANS),
    )
    retention_classes: tuple[str, ...] = setting(
        "RETENTION_CLASSES",
        "Days that an uploaded file is kept, by retention class; the raw bucket's lifecycle rules must say the same",
        ("short=30", "standard=400", "long=2555"),
        validate=valid.And(valid.Length(min=1), classes),
    )
    dataset_types: tuple[str, ...] = setting(
        "DATASET_TYPES",
        "The types of datasets and the retention class of each; a registration that names none has the first",
        ("general=standard", "temporary=short", "reference=long"),
        validate=valid.And(valid.Length(min=1), pairs),
    )
    job_retention_days: int = setting(
        "JOB_RETENTION_DAYS",
        "Days after its end that the item of a job is kept, and with it its Idempotency-Key; more than its outputs",
        400,
        read_by=(API, OPERATOR),
        validate=valid.Range(OUTPUT_DAYS + 1, MOST_DAYS),
    )
    retry_base_seconds: int = setting(
        "RETRY_BASE_SECONDS",
        "First backoff between two attempts of a job; doubles each time, with full jitter",
        30,
        read_by=(API, OPERATOR),
        validate=valid.Range(1, 3600),
    )
    retry_cap_seconds: int = setting(
        "RETRY_CAP_SECONDS",
        "Longest backoff between two attempts of a job",
        900,
        read_by=(API, OPERATOR),
        validate=valid.Range(1, 3600),
    )
    deadline_seconds: int = setting(
        "DEADLINE_SECONDS",
        "How long a job may take in all, from its submission, waits and retries included",
        24 * 3600,
        read_by=(API, OPERATOR),
        validate=valid.Range(60, 7 * 24 * 3600),
    )
    submit_grace_seconds: int = setting(
        "SUBMIT_GRACE_SECONDS",
        "How long a submitted job waits for its message before the timer looks",
        120,
        read_by=(API, OPERATOR),
        validate=valid.Range(1, 900),
    )
    hold_seconds: int = setting(
        "HOLD_SECONDS",
        "How long a step of a worker is its own before the timer takes it over",
        90,
        read_by=PROCESSES,
        validate=valid.Range(5, 900),
    )
    poll_seconds: int = setting(
        "POLL_SECONDS",
        "How often a run is looked at when no event comes",
        600,
        read_by=(API, WORKER),
        validate=valid.Range(1, 3600),
    )
    timer_seconds: float = setting(
        "TIMER_SECONDS", "How often the timer reads what is due", 5.0, read_by=(WORKER,), validate=valid.Range(0.1, 60)
    )
    drain_seconds: int = setting(
        "DRAIN_SECONDS",
        "How long a stopping worker may take to finish the steps in hand",
        45,
        read_by=(WORKER,),
        validate=valid.Range(1, 110),
    )
    start_rate_per_second: float = setting(
        "START_RATE",
        "Runs the whole fleet may start a second; AWS allows one",
        0.95,
        read_by=(API, WORKER),
        validate=valid.Range(0.01, 1000),
    )
    start_burst: int = setting(
        "START_BURST",
        "Runs the whole fleet may start at once; AWS allows 25 to all users of the account",
        15,
        read_by=(API, WORKER),
        validate=valid.Range(1, 1000),
    )
    due_batch: int = setting(
        "DUE_BATCH",
        "Jobs that the timer reads at once from each of the due index's 16 shards",
        50,
        read_by=(WORKER,),
        validate=valid.Range(1, 1000),
    )
    event_batch: int = setting(
        "EVENT_BATCH",
        "Events of runs that a worker receives at once; SQS allows 10",
        10,
        read_by=(WORKER,),
        validate=valid.Range(1, 10),
    )
    job_consumers: int = setting(
        "JOB_CONSUMERS",
        "Threads of a worker that take submitted jobs",
        2,
        read_by=(WORKER,),
        validate=valid.Range(1, 32),
    )
    event_consumers: int = setting(
        "EVENT_CONSUMERS",
        "Threads of a worker that take the runs' events",
        1,
        read_by=(WORKER,),
        validate=valid.Range(1, 32),
    )
    visibility_seconds: int = setting(
        "VISIBILITY_SECONDS",
        "How long a received message stays hidden from other workers",
        120,
        read_by=(WORKER,),
        validate=valid.Range(5, 900),
    )
    long_poll_seconds: int = setting(
        "LONG_POLL_SECONDS",
        "How long a receive waits for a message",
        20,
        read_by=(WORKER,),
        validate=valid.Range(0, 20),
    )
    health_port: int = setting(
        "HEALTH_PORT",
        "Port of a worker's health endpoint, on 127.0.0.1; 0 takes any free one",
        0,
        read_by=(WORKER,),
        validate=valid.Range(0, 65535),
    )
    stale_seconds: float = setting(
        "STALE_SECONDS",
        "How long a loop of a worker may show no progress before its health endpoint says so; more than a long poll",
        60.0,
        read_by=(WORKER,),
        validate=valid.Range(5, 3600),
    )
    log_format: str = setting(
        "LOG_FORMAT",
        "json (one object a line) or console (for people)",
        "json",
        read_by=(API, WORKER),
        validate=valid.OneOf(("json", "console")),
    )
    log_level: str = setting(
        "LOG_LEVEL",
        "The least severe level that is logged",
        "INFO",
        read_by=(API, WORKER),
        validate=valid.OneOf(("DEBUG", "INFO", "WARNING", "ERROR")),
    )
    traces_endpoint: str = setting(
        "TRACES_ENDPOINT",
        "Where spans are sent by OTLP over HTTP, the path included, such as http://127.0.0.1:4318/v1/traces; https, "
        "or http to a collector on the same machine; empty for no traces",
        "",
        read_by=(API, WORKER),
        validate=traces_address,
    )
    traces_ratio: float = setting(
        "TRACES_RATIO",
        "The part of the requests that is recorded, with all that follows from them; a caller that does not record its "
        "own trace is never",
        0.1,
        validate=valid.Range(0, 1),
    )

    @property
    def is_development(self) -> bool:
        """Whether this is a developer's machine or CI, where identity and secrets may be missing."""
        return self.environment in DEVELOPMENT_ENVIRONMENTS

    @property
    def retention_of_types(self) -> dict[str, str]:
        """The types that a dataset may have, the default first, and the retention class of each."""
        return pairs_of(self.dataset_types)

    @property
    def retention_days(self) -> dict[str, int]:
        """How many days an upload of each retention class is kept."""
        return days_by_class(self.retention_classes)

    @property
    def takes_reports(self) -> bool:
        """Whether Spark programs are told whom to report to; who tells them has a key then."""
        return bool(self.callback_url)

    @property
    def cursor_keys(self) -> tuple[str, ...]:
        """The keys of cursors, of which the first signs. A laptop needs none: there it is the empty one."""
        return self.cursor_signing_keys or ("",)

    @property
    def jobs_may_read(self) -> frozenset[str]:
        """All buckets that a job's inputs may lie in."""
        return frozenset((self.raw_bucket, self.processed_bucket, *self.readable_buckets))

    def __repr__(self) -> str:
        shown = (
            f"{field.name}={REDACTED if field.metadata['secret'] else getattr(self, field.name)!r}"
            for field in dataclasses.fields(self)
        )
        return f"Settings({', '.join(shown)})"
