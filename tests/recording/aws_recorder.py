"""Writes down which calls a process of the product makes of AWS, without a word of this in the product.

With this folder on PYTHONPATH and RECORD_AWS_CALLS naming a folder, each process of the API, of a worker and of an
operator's command appends a line of JSON to a file of its own there, for each call that is unlike those before: who
calls, what, on which places. It is written when the call is made, so that a process that is killed has told.

Links count too: whoever signs one needs the right that it gives. What has a setting is named by its variable, since
tests have tables, queues and buckets of their own.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = "RECORD_AWS_CALLS"
# What stands on their command lines after `python -m`.
CALLERS = {"gunicorn": "api", "worker": "worker", "cli": "operator"}
TABLES = ("JOBS_TABLE", "CONTROL_TABLE", "DATASETS_TABLE", "CONTRACTS_TABLE")
QUEUES = ("JOBS_QUEUE", "EVENTS_QUEUE", "DEAD_LETTER_QUEUE")
# The buckets, each with the folders that the product itself makes. Of others only that a key was anywhere is kept.
BUCKETS: dict[str, tuple[str, ...]] = {
    "RAW_BUCKET": ("uploads",),
    "PROCESSED_BUCKET": ("jobs",),
    "ARTIFACTS_BUCKET": ("callbacks", "contracts"),
    "LOGS_BUCKET": ("applications",),
}
# Parameters that ask for a right of their own.
TELLING = ("VersionId", "Tagging", "ACL", "executionRoleArn", "tags")


def begin(argv: Sequence[str], environment: Mapping[str, str]) -> None:
    """Record the calls of this process, if that is wanted and it is one of the product's."""
    who, folder = caller(argv), environment.get(FOLDER)
    if not folder or who is None:
        return
    from botocore.session import Session

    recorder = Recorder(who, Path(folder), environment)
    make = Session.__init__

    def make_and_listen(session: Session, *arguments: Any, **options: Any) -> None:
        make(session, *arguments, **options)
        session.register("provide-client-params", recorder.note)

    Session.__init__ = make_and_listen


def caller(argv: Sequence[str]) -> str | None:
    """Whose calls a process with this command line makes; None if it is none of the product's."""
    if "-m" not in argv[:-1]:
        return None
    return CALLERS.get(argv[argv.index("-m") + 1])


class Recorder:
    """Notes the calls of one process and its forks."""

    def __init__(self, who: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._who = who
        self._folder = folder
        self._places = Places(environment)
        self._seen: set[str] = set()

    def note(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        """A `provide-client-params` hook of botocore, which is called once for each call and for each signed link."""
        call = {
            "by": self._who,
            "operation": f"{model.service_model.service_name}:{model.name}",
            "places": self._places.of(params),
            "parameters": [name for name in TELLING if params.get(name)],
        }
        line = json.dumps(call)
        if line not in self._seen:
            self._seen.add(line)
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / f"{self._who}-{os.getpid()}.jsonl").open("a") as file:
                file.write(f"{line}\n")


class Places:
    """Names what calls work on: TABLE, TABLE/index, BUCKET, BUCKET/folder/*, QUEUE; what has no setting by its own
    name. In a transaction each comes with what is done to it, as in `Update JOBS_TABLE`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._tables, self._queues, self._buckets = (
            {environment[variable]: variable for variable in variables if variable in environment}
            for variables in (TABLES, QUEUES, BUCKETS)
        )

    def of(self, params: Mapping[str, Any]) -> list[str]:
        """The places of a call with these parameters, in order."""
        if "TransactItems" in params:
            writes = [(kind, one) for each in params["TransactItems"] for kind, one in each.items()]
            return sorted({f"{kind} {self._table(one['TableName'])}" for kind, one in writes})
        if "RequestItems" in params:
            return sorted(map(self._table, params["RequestItems"]))
        if "TableName" in params:
            index = f"/{params['IndexName']}" if "IndexName" in params else ""
            return [self._table(params["TableName"]) + index]
        if "Bucket" in params:
            return [self._bucket(params["Bucket"]) + self._folder_of(params)]
        if "QueueUrl" in params or "QueueName" in params:
            name = params.get("QueueName") or params["QueueUrl"].rpartition("/")[2]
            return [self._queues.get(name, name)]
        return []

    def _table(self, name: str) -> str:
        return self._tables.get(name, name)

    def _bucket(self, name: str) -> str:
        return self._buckets.get(name, name)

    def _folder_of(self, params: Mapping[str, Any]) -> str:
        if "Key" not in params:
            return ""
        folder = params["Key"].partition("/")[0]
        return f"/{folder}/*" if folder in BUCKETS.get(self._bucket(params["Bucket"]), ()) else "/*"
