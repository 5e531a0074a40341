"""What the platform adds to a submission: `POST /jobs` against the bare calls it is made of. Run by `make bench`.

Both sides do the same AWS work in one process, in turn, on the same MiniStack: a count of the rate limit, is the input
there, a transaction of a conditional put and a count, a send. What is compared is this process' own CPU time, which the
speed of MiniStack does not enter.
"""

import importlib
import os
import statistics
import time
import uuid
from collections.abc import Callable

from local.cloud import LocalCloud, start_cloud
from local.deploy import make_client

ROUNDS, CALLS_A_ROUND = 7, 100
JOB = {
    "jobType": "csv-to-parquet",
    "inputs": [{"name": "flights", "uri": "s3://cloud-data-platform-dev-raw/bench/flights.csv"}],
    "parameters": {"nullValue": "NA", "partitionBy": ["month"]},
    "tags": {"team": "bench"},
}
COUNT = {
    "TableName": "cloud-data-platform-dev-control",
    "Key": {"key": {"S": "BENCH"}},
    "UpdateExpression": "ADD activeJobs :one",
    "ExpressionAttributeValues": {":one": {"N": "1"}},
}
UNLIMITED = {"LOG_LEVEL": "WARNING", "QUOTA_ACTIVE_JOBS": "100000", "RATE_WRITES_BURST": "1000000"}


def cpu_milliseconds(call: Callable[[], None]) -> float:
    """CPU time of one call, over a round of them."""
    started = time.process_time()
    for _ in range(CALLS_A_ROUND):
        call()
    return (time.process_time() - started) * 1000 / CALLS_A_ROUND


def bare_calls(cloud: LocalCloud) -> Callable[[], None]:
    """The AWS calls of a submission, as a script would make them, with an item of the same size."""
    environment = cloud.environment
    s3, dynamodb, sqs = (make_client(name, environment) for name in ("s3", "dynamodb", "sqs"))
    queue_url = sqs.get_queue_url(QueueName=environment["JOBS_QUEUE"])["QueueUrl"]
    (stored,) = dynamodb.scan(TableName=environment["JOBS_TABLE"], Limit=1)["Items"]

    def submit() -> None:
        dynamodb.update_item(**COUNT)
        s3.head_object(Bucket=environment["RAW_BUCKET"], Key="bench/flights.csv")
        item = {**stored, "jobId": {"S": str(uuid.uuid4())}}
        condition = "attribute_not_exists(jobId)"
        put = {"TableName": environment["JOBS_TABLE"], "Item": item, "ConditionExpression": condition}
        dynamodb.transact_write_items(TransactItems=[{"Put": put}, {"Update": COUNT}])
        sqs.send_message(QueueUrl=queue_url, MessageBody="{}")

    return submit


def platform_calls() -> Callable[[], None]:
    """`POST /jobs` to the real application, without a server around it."""
    client = importlib.import_module("api.wsgi").app.test_client()

    def submit() -> None:
        answer = client.post("/jobs", json=JOB)
        if answer.status_code != 202:
            raise SystemExit(f"benchmark: {answer.get_data(as_text=True)}")

    return submit


def main() -> None:
    """Measure both in turn and print the median of the rounds' ratios."""
    with start_cloud(("aws",), UNLIMITED) as cloud:
        os.environ.update(cloud.environment)
        s3 = make_client("s3", cloud.environment)
        s3.put_object(Bucket=cloud.environment["RAW_BUCKET"], Key="bench/flights.csv", Body=b"month\n1\n")
        platform = platform_calls()
        platform()  # the first call builds what later calls share, and stores the item that the bare side copies
        bare = bare_calls(cloud)
        bare()
        rounds = [(cpu_milliseconds(platform), cpu_milliseconds(bare)) for _ in range(ROUNDS)]
    ratios = [ours / theirs for ours, theirs in rounds]
    ours, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"POST /jobs {ours:.2f} ms CPU, its bare AWS calls {theirs:.2f} ms CPU (medians of {ROUNDS} rounds)")
    print(f"ratio {statistics.median(ratios):.2f} (from {min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
