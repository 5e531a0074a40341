"""What each operation does. Parameters come checked against the model; answers go out by the model's shapes."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any

from local.emr import rules
from local.emr.dashboards import SHOWN_STATES, Dashboards
from local.emr.errors import Conflict, InvalidRequest, NotFound, QuotaExceeded
from local.emr.faults import FaultBox
from local.emr.ids import new_id
from local.emr.runs import Application, Run, RunState
from local.emr.scheduler import Scheduler
from local.emr.simulation import Fate, arguments_of, fate_of, is_simulated
from local.emr.sizes import workers_of
from local.emr.store import Page, Store
from local.emr.views import application_arn, application_view, run_arn, run_summary, run_view
from local.settings import LocalSettings

Parameters = Mapping[str, Any]
Result = dict[str, Any]
PAGE = 50  # runs or applications on a page, when not fewer are asked for
CANCEL_TRIES = 20


class Operations:
    """The service itself, apart from its wire format."""

    def __init__(
        self,
        store: Store,
        scheduler: Scheduler,
        faults: FaultBox,
        dashboards: Dashboards,
        settings: LocalSettings,
        region: str,
        now_ms: Callable[[], int],
    ) -> None:
        self._store, self._scheduler, self._faults, self._dashboards = store, scheduler, faults, dashboards
        self._settings, self._region, self._now_ms = settings, region, now_ms

    def perform(self, operation: str, parameters: Parameters) -> Result:
        """The result of one call.

        Raises: ServiceError.
        """
        return HANDLERS[operation](self, parameters)

    # Applications

    def _create_application(self, parameters: Parameters) -> Result:
        rules.check_application(parameters)
        with self._store.transaction():
            application = self._store.application_by_token(parameters["clientToken"])
            if application is None:
                application = self._new_application(parameters)
                self._store.add_application(application)
        if application.request != dict(parameters):
            raise Conflict(f"Client token {parameters['clientToken']} was used for another application.")
        return {
            "applicationId": application.application_id,
            "name": application.request.get("name"),
            "arn": application_arn(self._region, application.application_id),
        }

    def _new_application(self, parameters: Parameters) -> Application:
        now = self._now_ms()
        return Application(new_id(), parameters["clientToken"], dict(parameters), "CREATED", now, now)

    def _get_application(self, parameters: Parameters) -> Result:
        return {"application": application_view(self._application(parameters), self._region)}

    def _list_applications(self, parameters: Parameters) -> Result:
        wanted = parameters.get("states")
        found = [each for each in self._store.applications() if not wanted or each.state in wanted]
        start, size = int(_position(parameters, [0])[0]), parameters.get("maxResults", PAGE)
        page = found[start : start + size]
        result: Result = {"applications": [application_view(each, self._region) for each in page]}
        if start + size < len(found):
            result["nextToken"] = _token([start + size])
        return result

    def _start_application(self, parameters: Parameters) -> Result:
        application = self._application(parameters)
        self._store.set_application_state(application.application_id, "STARTED", self._now_ms())
        return {}

    def _stop_application(self, parameters: Parameters) -> Result:
        application = self._application(parameters)
        if self._store.has_active_runs(application.application_id):
            raise InvalidRequest(
                f"Application {application.application_id} cannot be stopped, since it has runs that are not over."
            )
        self._store.set_application_state(application.application_id, "STOPPED", self._now_ms())
        return {}

    # Runs

    def _start_job_run(self, parameters: Parameters) -> Result:
        rules.check_start(parameters)
        with self._store.transaction():
            application = self._application(parameters)
            run = self._store.run_by_token(application.application_id, parameters["clientToken"])
            if run is None:
                run = self._accept(application, parameters)
        if run.request != dict(parameters):
            raise Conflict(f"Client token {parameters['clientToken']} was used for another job run.")
        self._scheduler.wake()
        return {"applicationId": run.application_id, "jobRunId": run.run_id, "arn": run_arn(self._region, run)}

    def _accept(self, application: Application, parameters: Parameters) -> Run:
        if self._store.queued_runs() >= self._settings.max_queued_runs:
            raise QuotaExceeded(f"The account has {self._settings.max_queued_runs} queued job runs already.")
        self._start_for(application)
        now, fate = self._now_ms(), self._fate_of(parameters)
        run = Run(
            run_id=new_id(),
            application_id=application.application_id,
            client_token=parameters["clientToken"],
            request=dict(parameters),
            state=RunState.SUBMITTED,
            state_details="",
            created_ms=now,
            updated_ms=now,
            release_label=application.request["releaseLabel"],
            vcpu=workers_of(parameters).vcpu,
            next_ms=now + round(self._settings.state_seconds * 1000),
            fate_seconds=None if fate is None else fate.seconds,
            fate_failure=None if fate is None else fate.failure,
        )
        self._store.add_run(run)
        return run

    def _start_for(self, application: Application) -> None:
        """A run starts its application, unless that was switched off."""
        if application.state == "STARTED":
            return
        if not application.starts_by_itself:
            raise InvalidRequest(
                f"Application {application.application_id} is {application.state} and does not start by itself."
            )
        self._store.set_application_state(application.application_id, "STARTED", self._now_ms())

    def _fate_of(self, parameters: Parameters) -> Fate | None:
        """How the run ends if it is simulated, by its own wish or by a fault in force."""
        if is_simulated(parameters):
            return fate_of(arguments_of(parameters))
        seconds = self._faults.faults.simulate_seconds
        return None if seconds is None else Fate(seconds, None)

    def _get_job_run(self, parameters: Parameters) -> Result:
        run = self._run_of_attempt(parameters)
        return {"jobRun": run_view(run, self._region, self._now_ms(), self._settings.bill_seconds)}

    def _list_job_runs(self, parameters: Parameters) -> Result:
        application = self._application(parameters)
        size = parameters.get("maxResults", PAGE)
        position = _position(parameters, None)
        after, before = parameters.get("createdAtAfter"), parameters.get("createdAtBefore")
        page = Page(
            limit=size + 1,
            before=None if position is None else (int(position[0]), str(position[1])),
            states=frozenset(parameters.get("states", ())),
            mode=parameters.get("mode"),
            created_after_ms=None if after is None else round(after.timestamp() * 1000),
            created_before_ms=None if before is None else round(before.timestamp() * 1000),
        )
        runs = self._store.list_runs(application.application_id, page)
        result: Result = {"jobRuns": [run_summary(run, self._region) for run in runs[:size]]}
        if len(runs) > size:
            result["nextToken"] = _token([runs[size - 1].created_ms, runs[size - 1].run_id])
        return result

    def _cancel_job_run(self, parameters: Parameters) -> Result:
        rules.check_cancel(parameters)
        for _ in range(CANCEL_TRIES):  # the run may move between reading and writing it
            run = self._run(parameters)
            if run.state.is_terminal:
                raise InvalidRequest(f"Job run {run.run_id} is in state {run.state} and cannot be cancelled.")
            if run.state is RunState.CANCELLING or self._scheduler.cancel(run) is not None:
                break
        return {"applicationId": run.application_id, "jobRunId": run.run_id}

    def _get_dashboard(self, parameters: Parameters) -> Result:
        run = self._run_of_attempt(parameters)
        if run.state not in SHOWN_STATES:
            raise InvalidRequest(f"Dashboard cannot be served for job in {run.state} state")
        return {"url": self._dashboards.address_of(run)}

    def _list_attempts(self, parameters: Parameters) -> Result:
        return {"jobRunAttempts": [run_summary(self._run(parameters), self._region)]}

    def _application(self, parameters: Parameters) -> Application:
        application = self._store.application(parameters["applicationId"])
        if application is None:
            raise NotFound(f"Application {parameters['applicationId']} does not exist.")
        return application

    def _run_of_attempt(self, parameters: Parameters) -> Run:
        run = self._run(parameters)
        if parameters.get("attempt", 1) != 1:
            raise NotFound(f"Job run {run.run_id} has no attempt {parameters['attempt']}.")
        return run

    def _run(self, parameters: Parameters) -> Run:
        application = self._application(parameters)
        run = self._store.run(application.application_id, parameters["jobRunId"])
        if run is None:
            raise NotFound(f"Job run {parameters['jobRunId']} does not exist.")
        return run


def _token(position: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def _position(parameters: Parameters, start: Any) -> Any:
    """Where a list goes on."""
    token = parameters.get("nextToken")
    if token is None:
        return start
    try:
        position = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, binascii.Error):
        position = None
    if not isinstance(position, list) or not position or not isinstance(position[0], int):
        raise InvalidRequest("nextToken is not one of this list.")
    return position


HANDLERS: dict[str, Callable[[Operations, Parameters], Result]] = {
    "CreateApplication": Operations._create_application,
    "GetApplication": Operations._get_application,
    "ListApplications": Operations._list_applications,
    "StartApplication": Operations._start_application,
    "StopApplication": Operations._stop_application,
    "StartJobRun": Operations._start_job_run,
    "GetJobRun": Operations._get_job_run,
    "ListJobRuns": Operations._list_job_runs,
    "CancelJobRun": Operations._cancel_job_run,
    "GetDashboardForJobRun": Operations._get_dashboard,
    "ListJobRunAttempts": Operations._list_attempts,
}
