"""EMR Serverless as the tests speak to it: a boto3 client, and short words for what they need of it.

Everything here goes through the client, so the same tests can run against anything that answers like one.
"""

import contextlib
import itertools
import json
import uuid
from typing import Any

from botocore.exceptions import ClientError

from tests.integration.emr.waiting import wait_for

ROLE = "arn:aws:iam::000000000000:role/jobs"
ONE_CORE = "--conf spark.driver.cores=1 --conf spark.executor.cores=1 --conf spark.executor.instances=1"
TERMINAL = {"SUCCESS", "FAILED", "CANCELLED"}
_numbers = itertools.count(1)


class Emr:
    """One application of the service, and its runs."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._applications: list[str] = []
        self.application_id = self.new_application()

    def new_application(self, **request: Any) -> str:
        """A fresh application, so that no test sees another's runs."""
        asked = {"releaseLabel": "emr-7.14.0", "type": "SPARK", "clientToken": str(uuid.uuid4()), **request}
        application_id: str = self.client.create_application(**asked)["applicationId"]
        self._applications.append(application_id)
        return application_id

    def end_all_runs(self) -> None:
        """No run of this test's applications goes on, so none takes the next test's vCPUs."""
        for application_id in self._applications:
            for run_id in self._live_runs(application_id):
                with contextlib.suppress(ClientError):  # it may end by itself meanwhile
                    self.client.cancel_job_run(applicationId=application_id, jobRunId=run_id)
        for application_id in self._applications:
            wait_for(lambda of=application_id: not self._live_runs(of), "all runs to end")

    def _live_runs(self, application_id: str) -> list[str]:
        live = ["SUBMITTED", "QUEUED", "PENDING", "SCHEDULED", "RUNNING", "CANCELLING"]
        pages = self.client.get_paginator("list_job_runs").paginate(applicationId=application_id, states=live)
        return [run["id"] for page in pages for run in page["jobRuns"]]

    def request(self, **changes: Any) -> dict[str, Any]:
        """A request to start a simulated run; `seconds`, `fail` and so on go to the simulation."""
        simulation = {name: changes.pop(name) for name in ("seconds", "fail", "failAttempts") if name in changes}
        arguments = ["--job", json.dumps({"jobId": "job", "parameters": {"seconds": 0, **simulation}})]
        arguments += ["--attempt", str(changes.pop("attempt", 1))]
        arguments += ["--output", changes.pop("output")] if "output" in changes else []
        parameters = changes.pop("parameters", ONE_CORE)
        driver = {"entryPoint": "simulated", "entryPointArguments": arguments, "sparkSubmitParameters": parameters}
        return {
            "applicationId": self.application_id,
            "clientToken": f"token-{next(_numbers)}",
            "executionRoleArn": ROLE,
            "jobDriver": {"sparkSubmit": driver},
            **changes,
        }

    def start(self, **changes: Any) -> str:
        """The id of a new run."""
        run_id: str = self.client.start_job_run(**self.request(**changes))["jobRunId"]
        return run_id

    def get(self, run_id: str, application_id: str | None = None) -> dict[str, Any]:
        """The run as GetJobRun shows it."""
        answer = self.client.get_job_run(applicationId=application_id or self.application_id, jobRunId=run_id)
        run: dict[str, Any] = answer["jobRun"]
        return run

    def cancel(self, run_id: str) -> None:
        """Ask for a run's end."""
        self.client.cancel_job_run(applicationId=self.application_id, jobRunId=run_id)

    def wait_for_bill(self, run_id: str) -> dict[str, Any]:
        """The run, once it says what is billed."""

        def look() -> dict[str, Any] | None:
            run = self.get(run_id)
            return run if "billedResourceUtilization" in run else None

        return wait_for(look, f"the bill of run {run_id}")

    def wait_for_state(self, run_id: str, *states: str, seconds: float = 20.0, **where: str) -> dict[str, Any]:
        """The run, once it is in one of these states."""

        def look() -> dict[str, Any] | None:
            run = self.get(run_id, **where)
            assert run["state"] not in TERMINAL - set(states), f"the run ended otherwise: {run}"
            return run if run["state"] in states else None

        return wait_for(look, f"run {run_id} to be {' or '.join(states)}", seconds)

    def list_ids(self, **filters: Any) -> list[str]:
        """The ids of the runs of every page, in the order of the list."""
        pages = self.client.get_paginator("list_job_runs").paginate(applicationId=self.application_id, **filters)
        return [run["id"] for page in pages for run in page["jobRuns"]]


def error_of(call: Any, **request: Any) -> tuple[str, int, str]:
    """The code, the status and the message of the error that a call ends in."""
    try:
        answer = call(**request)
    except ClientError as error:
        details = error.response["Error"]
        return details["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"], details["Message"]
    raise AssertionError(f"the call was answered: {answer}")
