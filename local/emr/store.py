"""The service's memory: applications, runs and the events still to send, in one SQLite file.

Every public method is one transaction, durable once it returns, so a killed service forgets nothing that
it answered. One connection under one lock: the load is a few hundred small statements a second.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from local.emr.runs import ADMITTED_STATES, HOLDING_STATES, TERMINAL_STATES, Application, Run, RunState

SCHEMA = """
CREATE TABLE IF NOT EXISTS applications (
    application_id TEXT PRIMARY KEY, client_token TEXT NOT NULL UNIQUE, request TEXT NOT NULL,
    state TEXT NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY, application_id TEXT NOT NULL, client_token TEXT NOT NULL, request TEXT NOT NULL,
    state TEXT NOT NULL, state_details TEXT NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,
    release_label TEXT NOT NULL, vcpu INTEGER NOT NULL, next_ms INTEGER, queued_ms INTEGER,
    queue_wait_ms INTEGER NOT NULL, started_ms INTEGER, ended_ms INTEGER, fate_seconds REAL, fate_failure TEXT,
    launches INTEGER NOT NULL, UNIQUE (application_id, client_token)
);
CREATE INDEX IF NOT EXISTS runs_by_creation ON runs (application_id, created_ms DESC, run_id DESC);
CREATE INDEX IF NOT EXISTS runs_by_due ON runs (next_ms) WHERE next_ms IS NOT NULL;
CREATE INDEX IF NOT EXISTS runs_by_state ON runs (state);
CREATE TABLE IF NOT EXISTS events (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, due_ms INTEGER NOT NULL, tries INTEGER NOT NULL
);
"""

RUN_COLUMNS = [field.name for field in fields(Run)]
INSERT_RUN = f"INSERT INTO runs ({', '.join(RUN_COLUMNS)}) VALUES ({', '.join('?' * len(RUN_COLUMNS))})"  # noqa: S608
UPDATE_RUN = f"UPDATE runs SET {', '.join(f'{name} = ?' for name in RUN_COLUMNS)} WHERE run_id = ?"  # noqa: S608


@dataclass(frozen=True)
class Page:
    """Which runs of an application a list asks for; `before` is the position after which to go on."""

    limit: int
    before: tuple[int, str] | None = None
    states: frozenset[str] = frozenset()
    mode: str | None = None
    created_after_ms: int | None = None
    created_before_ms: int | None = None


@dataclass(frozen=True)
class StoredEvent:
    """An event still to send, and how often that failed."""

    event_id: int
    body: str
    tries: int


class Store:
    """Applications, runs and events of one state folder."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is done inside, and nobody else in between; may be nested."""
        with self._lock:
            if self._database.in_transaction:
                yield
                return
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    # Applications

    def add_application(self, application: Application) -> None:
        """Keep a new application."""
        with self.transaction():
            self._database.execute(
                "INSERT INTO applications VALUES (?, ?, ?, ?, ?, ?)",
                (
                    application.application_id,
                    application.client_token,
                    json.dumps(application.request),
                    application.state,
                    application.created_ms,
                    application.updated_ms,
                ),
            )

    def set_application_state(self, application_id: str, state: str, now_ms: int) -> None:
        """Move an application to another state."""
        with self.transaction():
            self._database.execute(
                "UPDATE applications SET state = ?, updated_ms = ? WHERE application_id = ?",
                (state, now_ms, application_id),
            )

    def application(self, application_id: str) -> Application | None:
        """The application of that id."""
        rows = self._rows("SELECT * FROM applications WHERE application_id = ?", (application_id,))
        return _application(rows[0]) if rows else None

    def application_by_token(self, client_token: str) -> Application | None:
        """The application that was created with that token."""
        rows = self._rows("SELECT * FROM applications WHERE client_token = ?", (client_token,))
        return _application(rows[0]) if rows else None

    def applications(self) -> list[Application]:
        """All applications, oldest first."""
        return [_application(row) for row in self._rows("SELECT * FROM applications ORDER BY created_ms, rowid")]

    # Runs

    def add_run(self, run: Run) -> None:
        """Keep a new run."""
        with self.transaction():
            self._database.execute(INSERT_RUN, _values(run))

    def change_run(self, run: Run, **changes: Any) -> Run | None:
        """The run with `changes`, if it still is in the state that `run` was read in; else nothing is written."""
        with self.transaction():
            rows = self._rows("SELECT * FROM runs WHERE run_id = ? AND state = ?", (run.run_id, run.state))
            if not rows:
                return None
            changed = replace(_run(rows[0]), **changes)
            self._database.execute(UPDATE_RUN, (*_values(changed), run.run_id))
            return changed

    def run(self, application_id: str, run_id: str) -> Run | None:
        """The run of that id, if it is that application's."""
        rows = self._rows("SELECT * FROM runs WHERE run_id = ? AND application_id = ?", (run_id, application_id))
        return _run(rows[0]) if rows else None

    def run_by_token(self, application_id: str, client_token: str) -> Run | None:
        """The run that was started with that token."""
        rows = self._rows(
            "SELECT * FROM runs WHERE application_id = ? AND client_token = ?", (application_id, client_token)
        )
        return _run(rows[0]) if rows else None

    def all_runs(self) -> list[Run]:
        """Every run, oldest first."""
        return [_run(row) for row in self._rows("SELECT * FROM runs ORDER BY created_ms, run_id")]

    def running_since(self, started_ms: int) -> list[Run]:
        """The runs that are at work, and were at that time."""
        query = "SELECT * FROM runs WHERE state = 'RUNNING' AND started_ms <= ? ORDER BY created_ms, rowid"
        return [_run(row) for row in self._rows(query, (started_ms,))]

    def launched_runs(self) -> list[Run]:
        """The runs that a process was started for and that are not over."""
        query = "SELECT * FROM runs WHERE state IN ('RUNNING', 'CANCELLING') AND launches > 0 ORDER BY created_ms"
        return [_run(row) for row in self._rows(query)]

    def oldest_queued(self, application_id: str, limit: int) -> list[Run]:
        """The first runs of an application's queue."""
        query = "SELECT * FROM runs WHERE state = 'QUEUED' AND application_id = ? ORDER BY queued_ms, rowid LIMIT ?"
        return [_run(row) for row in self._rows(query, (application_id, limit))]

    def due_runs(self, now_ms: int) -> list[Run]:
        """The runs whose time has come, oldest first."""
        query = "SELECT * FROM runs WHERE next_ms IS NOT NULL AND next_ms <= ? ORDER BY created_ms, rowid"
        return [_run(row) for row in self._rows(query, (now_ms,))]

    def next_due_ms(self) -> int | None:
        """When the next run's time comes."""
        due: int | None = self._rows("SELECT MIN(next_ms) AS due FROM runs WHERE next_ms IS NOT NULL")[0]["due"]
        return due

    def admitted_runs(self, application_id: str) -> int:
        """How many runs of an application are beyond its queue."""
        states = sorted(ADMITTED_STATES)
        return self._count(f"state IN ({_marks(states)})", states, application_id)

    def queued_runs(self, application_id: str | None = None) -> int:
        """How many runs are in the queue of one application, or of all."""
        return self._count("state = 'QUEUED'", (), application_id)

    def held_places_for_spark(self) -> int:
        """How many runs that are not simulated hold workers."""
        states = sorted(HOLDING_STATES)
        return self._count(f"state IN ({_marks(states)}) AND fate_seconds IS NULL", states, None)

    def held_vcpu(self, application_id: str | None = None) -> int:
        """The vCPUs of the runs that hold workers, of one application or of all."""
        states = sorted(HOLDING_STATES)
        return self._count(f"state IN ({_marks(states)})", states, application_id, "COALESCE(SUM(vcpu), 0)")

    def has_active_runs(self, application_id: str) -> bool:
        """Whether any run of an application is not over."""
        states = sorted(TERMINAL_STATES)
        query = f"SELECT 1 FROM runs WHERE application_id = ? AND state NOT IN ({_marks(states)}) LIMIT 1"  # noqa: S608
        return bool(self._rows(query, (application_id, *states)))

    def list_runs(self, application_id: str, page: Page) -> list[Run]:
        """A page of an application's runs, newest first; runs added later never shift it."""
        where, values = ["application_id = ?"], [application_id]
        for condition, parameters in _conditions(page).items():
            where.append(condition)
            values.extend(parameters)
        order = "ORDER BY created_ms DESC, run_id DESC LIMIT ?"
        query = f"SELECT * FROM runs WHERE {' AND '.join(where)} {order}"  # noqa: S608
        return [_run(row) for row in self._rows(query, (*values, page.limit))]

    # Events

    def add_event(self, body: str, due_ms: int) -> None:
        """Keep an event until it is sent."""
        with self.transaction():
            self._database.execute("INSERT INTO events (body, due_ms, tries) VALUES (?, ?, 0)", (body, due_ms))

    def due_events(self, now_ms: int, limit: int) -> list[StoredEvent]:
        """The first events whose time has come."""
        query = "SELECT event_id, body, tries FROM events WHERE due_ms <= ? ORDER BY due_ms, event_id LIMIT ?"
        return [StoredEvent(row["event_id"], row["body"], row["tries"]) for row in self._rows(query, (now_ms, limit))]

    def next_event_ms(self) -> int | None:
        """When the next event is to be sent."""
        due: int | None = self._rows("SELECT MIN(due_ms) AS due FROM events")[0]["due"]
        return due

    def forget_events(self, events: Iterable[StoredEvent]) -> None:
        """Drop events that were sent."""
        with self.transaction():
            self._database.executemany("DELETE FROM events WHERE event_id = ?", [(e.event_id,) for e in events])

    def postpone_event(self, event: StoredEvent, due_ms: int) -> None:
        """Try an event again later."""
        with self.transaction():
            self._database.execute(
                "UPDATE events SET due_ms = ?, tries = tries + 1 WHERE event_id = ?", (due_ms, event.event_id)
            )

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._database.close()

    def _count(self, where: str, values: Iterable[str], application_id: str | None, what: str = "COUNT(*)") -> int:
        query = f"SELECT {what} AS n FROM runs WHERE {where}"  # noqa: S608
        if application_id is None:
            return int(self._rows(query, values)[0]["n"])
        return int(self._rows(f"{query} AND application_id = ?", (*values, application_id))[0]["n"])

    def _rows(self, query: str, values: Iterable[Any] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._database.execute(query, tuple(values)).fetchall()


def _marks(values: list[Any]) -> str:
    return ", ".join("?" * len(values))


def _conditions(page: Page) -> dict[str, list[Any]]:
    conditions: dict[str, list[Any]] = {}
    if page.before is not None:
        conditions["(created_ms, run_id) < (?, ?)"] = list(page.before)
    if page.states:
        states = sorted(page.states)
        conditions[f"state IN ({_marks(states)})"] = states
    if page.mode is not None:
        conditions["COALESCE(json_extract(request, '$.mode'), 'BATCH') = ?"] = [page.mode]
    if page.created_after_ms is not None:
        conditions["created_ms >= ?"] = [page.created_after_ms]
    if page.created_before_ms is not None:
        conditions["created_ms <= ?"] = [page.created_before_ms]
    return conditions


def _values(run: Run) -> list[Any]:
    values: Mapping[str, Any] = {name: getattr(run, name) for name in RUN_COLUMNS}
    return [json.dumps(value) if name == "request" else value for name, value in values.items()]


def _run(row: sqlite3.Row) -> Run:
    values = {name: row[name] for name in RUN_COLUMNS}
    return Run(**{**values, "request": json.loads(values["request"]), "state": RunState(values["state"])})


def _application(row: sqlite3.Row) -> Application:
    return Application(**{**dict(row), "request": json.loads(row["request"])})
