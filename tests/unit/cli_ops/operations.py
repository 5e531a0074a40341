"""The platform on fakes as an operator meets it: AWS by the fakes, dead letters as workers write them."""

import json
from datetime import datetime, timedelta
from typing import Any

from click.testing import CliRunner, Result

from cli.aws import Aws
from cli.dead_letters import dead_letters
from cli.jobs import jobs
from shared.job_queue import Message
from shared.models import FailureReason, Job
from shared.replays.dead_letter_replay import Outcome, Pace, Replayer, read_all, replay, to_replay
from shared.replays.dead_letters import DeadLetter
from shared.replays.held_messages import HeldMessages
from shared.replays.job_replay import Orders
from shared.replays.replay_lease import ReplayLease
from shared.spark_runner import SparkRunner
from shared.transitions import JobStatus
from tests.fakes.clock import NOON
from tests.fakes.emr import FakeEMR
from tests.fakes.jobs import ended_job
from tests.fakes.settings import as_given_to
from tests.fakes.world import World
from worker.envelopes import failed_job_envelope, unprocessable_envelope

OPERATOR = "anna@laptop"
GROUPS = {"dlq": dead_letters, "jobs": jobs}
RUN_EVENT = {"source": "aws.emr-serverless", "detail": {"applicationId": "00app", "jobRunId": "run-9"}}


class ListingEMR(FakeEMR):
    """Lists by state, as operators do; three runs a page."""

    def list_job_runs(self, **request: Any) -> Any:
        if "states" not in request:
            return super().list_job_runs(**request)
        application_id = request["applicationId"]
        rows = [self.get_job_run(applicationId=application_id, jobRunId=run_id)["jobRun"] for run_id in self.runs]
        rows = [{**row, "id": row["jobRunId"]} for row in rows if row["state"] in request["states"]]
        start = int(request.get("nextToken", "0"))
        more = {"nextToken": str(start + 3)} if len(rows) > start + 3 else {}
        return {"jobRuns": rows[start : start + 3], **more}


def failed_job(number: int = 1, at: datetime = NOON, **changes: Any) -> Job:
    """A job that has failed and has put its dead letter on the queue."""
    facts: dict[str, Any] = {"finished_at": at, "failure_reason": FailureReason.RUN_FAILED, "failure_detail": "Boom."}
    return ended_job(JobStatus.FAILED, number=number, at=at, **{**facts, **changes})


class Ops:
    """A world, and what an operator holds."""

    def __init__(self, **settings: Any) -> None:
        self.world = World(emr_job_role_arn="arn:aws:iam::000000000000:role/jobs", **settings)
        self.clock, self.store, self.seam = self.world.clock, self.world.store, self.world.seam
        self.settings = self.world.settings
        self.emr = ListingEMR(self.clock)
        client = self.world.client(self.emr)
        self.runner = SparkRunner(client, client)
        self.queue = self.world.queue(self.settings.dead_letter_queue)
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.forward(seconds)

    def aws(self, operator: str = OPERATOR) -> Aws:
        """What the commands get."""
        return Aws(
            settings=as_given_to("operator", self.settings),
            store=self.store,
            jobs_queue=self.world.jobs_queue,
            dead_letters=self.queue,
            runner=self.runner,
            lease=lambda seconds: self.lease(seconds, operator),
            clock=self.clock,
            pause=self.pause,
            operator=operator,
        )

    def lease(self, seconds: int = 120, holder: str = OPERATOR) -> ReplayLease:
        client = self.world.client(self.world.dynamodb)
        return ReplayLease(client, self.settings.control_table, holder, seconds, self.clock)

    def fail(self, *numbers: int, **changes: Any) -> list[Job]:
        """Jobs that failed a second after each other, in the table and on the queue."""
        made = [failed_job(number, NOON + timedelta(seconds=number), **changes) for number in numbers]
        for job in made:
            self.store.create(job)
            self.send(failed_job_envelope(job, self.settings))
        return [self.store.get(job.job_id) for job in made]

    def send(self, body: Any) -> None:
        """Put a message on the dead-letter queue; text as it is."""
        text = body if isinstance(body, str) else json.dumps(body)
        self.world.sqs.send_message(QueueUrl=self.settings.dead_letter_queue, MessageBody=text)

    def poison(self) -> None:
        """Put one message of each kind that no replay can do anything with on the queue."""
        self.send(unprocessable_envelope("m-1", "jobs", "it is not JSON", "{"))
        self.send("{no json \x1b[31m")
        self.send('"\\ud800"')
        self.send([1])
        self.send({"hello": "world"})
        self.send({"envelope": "job-failed", "schemaVersion": 3})
        self.send({"envelope": "job-failed", "schemaVersion": 1, "id": 7})
        self.send({"envelope": "party", "schemaVersion": 1})

    def bodies(self) -> list[str]:
        """All messages of the dead-letter queue, hidden ones too."""
        return self.world.sqs.bodies(self.settings.dead_letter_queue)

    def hidden(self) -> int:
        """How many messages of the dead-letter queue nobody could receive now."""
        messages = self.world.sqs.queues[self.settings.dead_letter_queue]
        return sum(message.visible_at > self.clock() for message in messages)

    def jobs(self) -> dict[str, Job]:
        """All jobs, by id."""
        return {key: self.store.get(key) for key in self.world.dynamodb.items(self.settings.jobs_table)}

    def new_jobs(self) -> list[Job]:
        """The jobs that replays made."""
        return [job for job in self.jobs().values() if job.replay_of]

    def replayer(self, **orders: Any) -> Replayer:
        given = Orders(**{"by": f"operator:{OPERATOR}", **orders})
        return Replayer(self.store, self.world.jobs_queue, self.runner, self.settings, self.clock, given)

    def held(self, **options: Any) -> HeldMessages:
        return HeldMessages(self.queue, 60, self.clock, **options)

    def read(self, held: HeldMessages) -> list[DeadLetter]:
        return read_all(held, lambda count: None)

    def replay(self, wanted: Any, *, most: int | None = None, rate: float = 1000, **orders: Any) -> list[Outcome]:
        """Replay what is wanted, as the command does."""
        with self.held() as held:
            letters = to_replay(self.read(held), wanted)
            pace = Pace(rate, self.clock, self.pause)
            return replay(held, letters, self.replayer(**orders), pace, most, lambda outcome: None)

    def cdp(self, *arguments: str, operator: str = OPERATOR) -> Result:
        """Run an operator's command."""
        group, *rest = arguments
        return CliRunner().invoke(GROUPS[group], rest, obj=self.aws(operator))


def letter_of(body: Any, message_id: str = "message-1") -> Message:
    """A message that was received."""
    return Message(message_id, "receipt", body if isinstance(body, str) else json.dumps(body))
