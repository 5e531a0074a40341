"""The platform's HTTP interface as Python calls. Knows HTTP and problem documents, and nothing of AWS."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

Record = dict[str, Any]

TIMEOUT_SECONDS = 30
TERMINAL = ("SUCCEEDED", "FAILED")
# Between two looks at a job that somebody waits for.
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 5.0
TOO_MANY_REQUESTS, SERVICE_UNAVAILABLE = 429, 503
# These change nothing when they are asked for again.
DONE_ONCE = ("/cancel", "/replay", "?dryRun=true", "/parts", "/complete")
# A Retry-After of 0 must not make a loop without an end.
LEAST_WAIT_SECONDS = 1.0
MOST_DIGITS = 9


@dataclass(eq=False)  # an exception is changed as it is raised, and is only ever itself
class Problem(Exception):
    """What the API answered instead: its problem document (RFC 9457)."""

    status: int
    code: str
    detail: str
    errors: tuple[Record, ...] = ()
    correlation_id: str = ""
    retry_after_seconds: int | None = None
    missing_parts: tuple[int, ...] = ()

    def __str__(self) -> str:
        where = "".join(f"\n  {row['pointer'] or 'the request'}: {row['message']}" for row in self.errors)
        return f"{self.detail} ({self.status} {self.code}, correlation id {self.correlation_id}){where}"


class Unreachable(Exception):
    """The API gave no answer."""


class WaitTimedOut(Exception):
    """The job had not ended when the patience did; it goes on."""


class ApiClient:
    """Calls of the platform's API."""

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        patience_seconds: float = 0.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """A call that is refused for now is tried again when the API said, for as long as the patience lasts."""
        if urlsplit(base_url).scheme not in ("http", "https"):
            raise ValueError(f"{base_url!r} is not an http(s) address")
        self._base_url = base_url.rstrip("/")
        self._token = token
        self._patience_seconds = patience_seconds
        self._pause = pause

    def submit(self, job: Record, idempotency_key: str | None = None) -> Record:
        """Submit a job and return its record. Raises: Problem, Unreachable."""
        return self._call("POST", "/jobs", job, _key(idempotency_key))

    def dry_run(self, job: Record, idempotency_key: str | None = None) -> Record:
        """What a submission would come to; nothing is stored. Raises: Problem, Unreachable."""
        return self._call("POST", "/jobs?dryRun=true", job, _key(idempotency_key))

    def get(self, job_id: str) -> Record:
        """A job's record. Raises: Problem, Unreachable."""
        return self._call("GET", f"/jobs/{job_id}")

    def list_jobs(self, **filters: str | int | Sequence[str] | None) -> Record:
        """A page of jobs: `items`, `nextCursor`. Each value of a sequence must hold. Raises: Problem, Unreachable."""
        query = urlencode({name: value for name, value in filters.items() if value is not None}, doseq=True)
        return self._call("GET", f"/jobs?{query}" if query else "/jobs")

    def cancel(self, job_id: str, reason: str | None = None) -> Record:
        """Ask for a job to be cancelled. Raises: Problem, Unreachable."""
        return self._call("POST", f"/jobs/{job_id}/cancel", {"reason": reason} if reason else {})

    def replay(self, job_id: str, overrides: Record, **more: str | None) -> Record:
        """Repeat a failed job as a new one, whose record is returned. Raises: Problem, Unreachable."""
        given = {name: value for name, value in more.items() if value is not None}
        return self._call("POST", f"/jobs/{job_id}/replay", {"overrides": overrides, **given})

    def history(self, job_id: str) -> Record:
        """All that happened to a job. Raises: Problem, Unreachable."""
        return self._call("GET", f"/jobs/{job_id}/history")

    def explain(self, job_id: str) -> Record:
        """Why a job is where it is. Raises: Problem, Unreachable."""
        return self._call("GET", f"/jobs/{job_id}/explain")

    def outputs(self, job_id: str) -> Record:
        """A job's manifest, with a link to each file. Raises: Problem, Unreachable."""
        return self._call("GET", f"/jobs/{job_id}/outputs")

    def logs(self, job_id: str, **asked: str | int | None) -> Record:
        """The end of what a job's driver printed, with a link to all of it. Raises: Problem, Unreachable."""
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return self._call("GET", f"/jobs/{job_id}/logs?{query}" if query else f"/jobs/{job_id}/logs")

    def dashboard(self, job_id: str, attempt: int | None = None) -> Record:
        """A new address of a job's Spark pages. Raises: Problem, Unreachable."""
        query = "" if attempt is None else f"?attempt={attempt}"
        return self._call("GET", f"/jobs/{job_id}/dashboard{query}")

    def register_dataset(self, registration: Record, idempotency_key: str) -> Record:
        """Register a file, and learn how to upload it. Raises: Problem, Unreachable."""
        return self._call("POST", "/datasets", registration, _key(idempotency_key))

    def part_links(self, dataset_id: str, parts: Sequence[Record]) -> list[Record]:
        """A link to each part, as they are asked for. Raises: Problem, Unreachable."""
        found: list[Record] = self._call("POST", f"/datasets/{dataset_id}/parts", {"parts": list(parts)})["parts"]
        return found

    def complete_dataset(self, dataset_id: str) -> Record:
        """Say that a dataset is uploaded. Raises: Problem, Unreachable."""
        return self._call("POST", f"/datasets/{dataset_id}/complete")

    def abandon_dataset(self, dataset_id: str) -> Record:
        """Give an upload up. Raises: Problem, Unreachable."""
        return self._call("POST", f"/datasets/{dataset_id}/abandon")

    def dataset(self, dataset_id: str) -> Record:
        """A dataset's record. Raises: Problem, Unreachable."""
        return self._call("GET", f"/datasets/{dataset_id}")

    def list_datasets(self, **filters: str | int | None) -> Record:
        """A page of datasets: `items`, `nextCursor`. Raises: Problem, Unreachable."""
        query = urlencode({name: value for name, value in filters.items() if value is not None})
        return self._call("GET", f"/datasets?{query}" if query else "/datasets")

    def quota(self) -> Record:
        """What the caller may use, and what it uses now. Raises: Problem, Unreachable."""
        return self._call("GET", "/quota")

    def put_contract(self, name: str, version: str, document: Record) -> Record:
        """Put a version of a contract. Raises: Problem, Unreachable."""
        return self._call("PUT", f"/contracts/{quote(name, safe='')}/{quote(version, safe='')}", document)

    def contract(self, name: str, version: str) -> Record:
        """A version of a contract. Raises: Problem, Unreachable."""
        return self._call("GET", f"/contracts/{quote(name, safe='')}/{quote(version, safe='')}")

    def contract_versions(self, name: str) -> Record:
        """All versions of a contract. Raises: Problem, Unreachable."""
        return self._call("GET", f"/contracts/{quote(name, safe='')}")

    def contracts(self, **filters: str | int | None) -> Record:
        """One page of contracts: `items` and `nextCursor`. Raises: Problem, Unreachable."""
        query = urlencode({name: value for name, value in filters.items() if value is not None})
        return self._call("GET", f"/contracts?{query}" if query else "/contracts")

    def job_types(self) -> Record:
        """The kinds of job there are. Raises: Problem, Unreachable."""
        return self._call("GET", "/job-types")

    def wait(self, job_id: str, timeout_seconds: float, on_change: Callable[[Record], None]) -> Record:
        """Look at a job until it has ended; `on_change` gets each record in which more than its times is new.

        Raises: Problem, Unreachable, WaitTimedOut.
        """
        deadline = time.monotonic() + timeout_seconds
        pause_seconds, before = FIRST_WAIT_SECONDS, None
        while True:
            record = self.get(job_id)
            told = {**record, "times": None}
            if told != before:
                on_change(record)
            if record["status"] in TERMINAL:
                return record
            if time.monotonic() + pause_seconds > deadline:
                raise WaitTimedOut(f"Job {job_id} is still {record['status']} after {timeout_seconds:.0f} s.")
            time.sleep(pause_seconds)
            pause_seconds, before = min(LONGEST_WAIT_SECONDS, pause_seconds * 1.3), told

    def _call(self, method: str, path: str, body: Record | None = None, headers: Record | None = None) -> Record:
        waited = 0.0
        while True:
            try:
                return self._send(method, path, body, headers or {})
            except Problem as problem:
                wait = wait_before_repeating(problem, is_safe_to_repeat(method, path, headers or {}))
                if wait is None or waited + wait > self._patience_seconds:
                    raise
            self._pause(wait)
            waited += wait

    def _send(self, method: str, path: str, body: Record | None, headers: Record) -> Record:
        request = urllib.request.Request(  # noqa: S310 (the scheme was checked when the client was made)
            self._base_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Accept": "application/json", "Content-Type": "application/json", **headers},
        )
        if self._token:  # to this address alone: a redirect does not take it along
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return _object(answer.read())
        except urllib.error.HTTPError as error:
            raise _problem(error.code, error.read(), error.headers.get("Retry-After", "")) from None
        except (OSError, ValueError) as error:
            raise Unreachable(f"{self._base_url} did not answer: {error}") from error


def is_safe_to_repeat(method: str, path: str, headers: Mapping[str, str]) -> bool:
    """Whether a request that may have been done already would do nothing twice."""
    return method == "GET" or "Idempotency-Key" in headers or path.endswith(DONE_ONCE)


def wait_before_repeating(problem: Problem, is_safe: bool) -> float | None:
    """How long to wait before the same request, or None if it is not to be sent again.

    429 says that nothing was done; 503 does not.
    """
    may_pass = problem.status == TOO_MANY_REQUESTS or (problem.status == SERVICE_UNAVAILABLE and is_safe)
    if problem.retry_after_seconds is None or not may_pass:
        return None
    return max(LEAST_WAIT_SECONDS, problem.retry_after_seconds)


def _key(idempotency_key: str | None) -> Record:
    return {"Idempotency-Key": idempotency_key} if idempotency_key else {}


def _object(body: bytes) -> Record:
    answer = json.loads(body)
    if not isinstance(answer, dict):
        raise ValueError("the answer is no JSON object")
    return answer


def _problem(status: int, body: bytes, retry_after: str) -> Problem:
    # A proxy may write a date instead, which says nothing that could be relied on here.
    seconds = int(retry_after) if retry_after.isdecimal() and len(retry_after) < MOST_DIGITS else None
    try:
        document = _object(body)
    except ValueError:
        text = body[:200].decode(errors="replace")
        return Problem(status, "no_problem_document", text, retry_after_seconds=seconds)
    return Problem(
        status,
        document.get("code", ""),
        document.get("detail") or document.get("title", ""),
        tuple(document.get("errors", ())),
        document.get("correlationId", ""),
        seconds,
        tuple(document.get("missingParts", ())),
    )
