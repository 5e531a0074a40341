"""A whole platform in real processes whose AWS lies behind proxies, seen from outside: its tables and records."""

import json
import os
import signal
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.client import ApiClient, Problem, Record, Unreachable
from local.cloud import PARTS, LocalCloud, TemporaryCloud
from local.deploy import make_client
from local.marked import wait_until
from local.ports import HOST, free_ports
from local.processes import Child
from local.settings import LocalSettings
from shared.dynamodb import from_dynamodb
from tests.acceptance.chaos.proxy import Proxy
from tests.acceptance.conftest import QUICK

# The variable that points a client at each service.
ENDPOINTS = {
    "dynamodb": "AWS_ENDPOINT_URL_DYNAMODB",
    "sqs": "AWS_ENDPOINT_URL_SQS",
    "s3": "AWS_ENDPOINT_URL_S3",
    "emr": "AWS_ENDPOINT_URL_EMR_SERVERLESS",
}
# A job whose last look at its run was cut off asks for the bill a minute after its end (BILL_WAITS).
PATIENCE_SECONDS = 100.0
AGAIN_SECONDS = 0.3
# A job is left alone only when its bills are known. Told with the run's end they cost no further minute of a trial.
BILLED_AT_ONCE = {"LOCAL_EMR_BILL_SECONDS": "0"}
TERMINAL = ("SUCCEEDED", "FAILED")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Trial:
    """The cloud, its API, and the proxies between the product and each service. What a test reads goes past them."""

    cloud: LocalCloud
    api: ApiClient
    proxies: Mapping[str, Proxy]
    direct: Mapping[str, str]

    # The processes

    @property
    def workers(self) -> list[str]:
        """The names of the worker processes."""
        return [name for name in self.cloud.processes if name.startswith("worker-")]

    def child(self, name: str) -> Child:
        """One process."""
        return self.cloud.processes[name]

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one process."""
        pid = self.child(name).pid
        if pid is not None:
            os.kill(pid, number)

    def cpu_seconds(self, name: str) -> float:
        """The CPU time that a process has used since its start."""
        fields = Path(f"/proc/{self.child(name).pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def log_lines(self, name: str) -> list[Record]:
        """What a process has logged until now."""
        text = self.child(name).log_path.read_text(errors="replace")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]

    def health(self, name: str) -> tuple[int, Record]:
        """A worker's own word on its health."""
        started = [line for line in self.log_lines(name) if line["event"] == "worker_started"]
        try:
            with urllib.request.urlopen(f"http://{HOST}:{started[-1]['health_port']}/healthz", timeout=5) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def is_healthy(self, name: str) -> bool:
        """Whether a worker says that it is well."""
        return self.health(name)[0] == 200

    # The client

    def submit(self, key: str, **parameters: Any) -> str:
        """The id of a simulated job, once it is acknowledged; a client asks again with its key until it is."""
        job = {"jobType": "simulated", "inputs": [], "parameters": parameters}
        return self.insist(lambda: self.api.submit(job, key))["jobId"]

    def cancel(self, job_id: str) -> bool:
        """Whether the cancellation was accepted; a job that has ended refuses it."""
        try:
            self.insist(lambda: self.api.cancel(job_id, "not needed any more"))
        except Problem as problem:
            if problem.code == "job_already_ended":
                return False
            raise
        return True

    def insist(self, ask: Callable[[], Record]) -> Record:
        """The answer to a request that is sent again while the service cannot answer."""
        answers: list[Record] = []

        def answered() -> bool:
            try:
                answers.append(ask())
            except Unreachable:
                return False
            except Problem as problem:
                if problem.status < 500:
                    raise
                return False
            return True

        assert wait_until(answered, PATIENCE_SECONDS, AGAIN_SECONDS), "the API accepted nothing"
        return answers[0]

    # The records

    def aws(self, service: str) -> Any:
        """A client of one of AWS's services, past the proxies."""
        return make_client(service, self.direct)

    def items(self) -> list[Record]:
        """All items of the jobs table."""
        pages = self.aws("dynamodb").get_paginator("scan").paginate(TableName=self.direct["JOBS_TABLE"])
        return [from_dynamodb(item) for page in pages for item in page["Items"]]

    def counts(self) -> list[Record]:
        """What the control table counts for each owner."""
        pages = self.aws("dynamodb").get_paginator("scan").paginate(TableName=self.direct["CONTROL_TABLE"])
        items = [from_dynamodb(item) for page in pages for item in page["Items"]]
        return [item for item in items if item["key"].startswith("QUOTA#")]

    def runs(self) -> list[Record]:
        """Every run that EMR Serverless ever began, as it keeps it."""
        url = f"{self.direct['AWS_ENDPOINT_URL_EMR_SERVERLESS']}/_local/runs"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return [{**run, "name": run["request"]["name"]} for run in json.loads(answer.read())["runs"]]

    def queue_url(self, setting: str) -> str:
        """The address of the queue that a setting names."""
        return self.aws("sqs").get_queue_url(QueueName=self.direct[setting])["QueueUrl"]

    def send(self, setting: str, body: str) -> None:
        """Send a message of any kind to a queue."""
        self.aws("sqs").send_message(QueueUrl=self.queue_url(setting), MessageBody=body)

    def waiting_messages(self, setting: str) -> int:
        """How many messages of a queue could be received now."""
        name = "ApproximateNumberOfMessages"
        answer = self.aws("sqs").get_queue_attributes(QueueUrl=self.queue_url(setting), AttributeNames=[name])
        return int(answer["Attributes"][name])

    def left_messages(self, setting: str) -> list[str]:
        """What a queue still holds although the workers had their time with it."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        sqs, url = self.aws("sqs"), self.queue_url(setting)

        def is_empty() -> bool:
            counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            return all(int(counts[name]) == 0 for name in names)

        if wait_until(is_empty, PATIENCE_SECONDS, AGAIN_SECONDS):
            return []
        return [row["Body"] for row in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])]

    def dead_letters(self) -> list[Record]:
        """All messages of the dead-letter queue, hidden from now on."""
        sqs, url, found = self.aws("sqs"), self.queue_url("DEAD_LETTER_QUEUE"), {}
        while rows := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600).get("Messages"):
            found |= {row["MessageId"]: row["Body"] for row in rows}
        return [read_letter(body) for body in found.values()]

    def wait_for_end(self, job_ids: Sequence[str], seconds: float = PATIENCE_SECONDS) -> dict[str, Record]:
        """The items of these jobs by id, once all of them have ended and owe nothing; fails if that takes too long."""
        seen: dict[str, Record] = {}

        def all_ended() -> bool:
            seen.update({item["jobId"]: item for item in self.items()})
            return all(has_ended(seen.get(job_id)) for job_id in job_ids)

        if not wait_until(all_ended, seconds, 0.5):
            left = [
                standing(seen.get(job_id, {"jobId": job_id})) for job_id in job_ids if not has_ended(seen.get(job_id))
            ]
            raise AssertionError("\n".join([f"{len(left)} jobs had not ended after {seconds:g} s:", *left]))
        return {job_id: seen[job_id] for job_id in job_ids}


def has_ended(item: Record | None) -> bool:
    """Whether a job is over and nobody must look at it again."""
    return item is not None and item["status"] in TERMINAL and "dueAt" not in item


def standing(item: Record) -> str:
    """Where a job is, in a line."""
    wait = round(item["dueAt"] / 1000 - time.time(), 1) if "dueAt" in item else None
    asked = "cancel requested" if "cancelRequestedAt" in item else ""
    words = (item.get("status"), item.get("attempt"), item.get("runId"), item.get("statusMessage"), asked)
    return f"{item['jobId']} {words} due in {wait} s, started for {item.get('intentAt')}"


def read_letter(body: str) -> Record:
    """A dead letter; one that is no JSON object, under `body`."""
    try:
        letter = json.loads(body)
    except ValueError:
        return {"body": body}
    return letter if isinstance(letter, dict) else {"body": body}


@contextmanager
def start_trial(workers: int, **variables: str) -> Iterator[Trial]:
    """A platform with so many workers; `variables` are settings besides the quick ones."""
    aws_port, emr_port = free_ports(2)
    proxies = {service: Proxy(emr_port if service == "emr" else aws_port) for service in ENDPOINTS}
    told = {
        **QUICK,
        **BILLED_AT_ONCE,
        **{ENDPOINTS[service]: proxy.url for service, proxy in proxies.items()},
        **variables,
    }
    folder = tempfile.mkdtemp(prefix="local-cloud-")
    settings = LocalSettings(directory=folder, aws_port=aws_port, emr_port=emr_port, workers=workers)
    try:
        with TemporaryCloud(settings, PARTS, told) as cloud:
            cloud.start()
            aws_url, emr_url = f"http://{HOST}:{aws_port}", f"http://{HOST}:{emr_port}"
            direct = {**cloud.environment, **dict.fromkeys(ENDPOINTS.values(), aws_url), ENDPOINTS["emr"]: emr_url}
            yield Trial(cloud, ApiClient(cloud.environment["CDP_API_URL"]), proxies, direct)
            for proxy in proxies.values():  # the processes stop in order only if they can speak
                proxy.forward()
    finally:
        for proxy in proxies.values():
            proxy.close()
