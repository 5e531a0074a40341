"""The manifest of an attempt: what it wrote, from what, and how many rows. Written last; readers go by it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, Optional, Tuple

from pyspark.sql.types import StructType

from spark_jobs.job import Job
from spark_jobs.limits import Violations
from spark_jobs.moments import as_text
from spark_jobs.object_store import StoredFile
from spark_jobs.spark_work import Work

MANIFEST = "_manifest.json"
MANIFEST_VERSION = 1


@dataclass(frozen=True)
class OutputFile:
    """A file that the attempt wrote; `path` is relative to the attempt's folder, `etag` None if the store has none."""

    path: str
    size_bytes: int
    rows: int
    sha256: str
    etag: Optional[str] = None


@dataclass(frozen=True)
class ReportFile:
    """A document that the attempt wrote for people or programs; `path` is relative to the attempt's folder."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Output:
    """The data of an attempt: the files under `data/` and the schema of their rows."""

    files: Tuple[OutputFile, ...]
    schema: StructType

    @property
    def rows(self) -> int:
        """The rows of all files."""
        return sum(file.rows for file in self.files)

    @classmethod
    def from_json(cls, text: str) -> "Output":
        """What a manifest says of the data; KeyError, TypeError or ValueError if it is not one of ours."""
        manifest = json.loads(text)
        if manifest["manifestVersion"] != MANIFEST_VERSION:
            raise ValueError(manifest["manifestVersion"])
        files = (
            OutputFile(each["path"], each["sizeBytes"], each["rows"], each["sha256"]) for each in manifest["files"]
        )
        return cls(tuple(files), StructType.fromJson(manifest["schema"]))


@dataclass(frozen=True)
class InputRead:
    """An input as it was read."""

    name: str
    uri: str
    files: Tuple[StoredFile, ...]
    rows: int


@dataclass(frozen=True)
class Code:
    """What ran: the checksum of the zip that the code was shipped as, None if it was not, and which Spark."""

    sha256: Optional[str]
    spark_version: str


@dataclass(frozen=True)
class Written:
    """What an attempt made of its inputs, as it lies in the store."""

    inputs: Tuple[InputRead, ...]
    output: Output
    rejected_files: Tuple[OutputFile, ...]
    violations: Tuple[Violations, ...]
    report_files: Tuple[ReportFile, ...]


@dataclass(frozen=True)
class Manifest:
    """All that is known of a finished attempt; `work` is None where Spark could not say how much that was."""

    job: Job
    attempt: int
    started_at: datetime
    created_at: datetime
    written: Written
    code: Code
    work: Optional[Work]

    def to_json(self) -> str:
        """The content of `_manifest.json`."""
        written = self.written
        return json.dumps(
            {
                "manifestVersion": MANIFEST_VERSION,
                "jobId": self.job.job_id,
                "attempt": self.attempt,
                "jobType": self.job.job_type,
                "jobTypeVersion": self.job.job_type_version,
                "createdAt": as_text(self.created_at),
                "files": [_output_file(file) for file in written.output.files],
                "rejectedFiles": [_output_file(file) for file in written.rejected_files],
                "reportFiles": [_report_file(file) for file in written.report_files],
                "totals": {
                    "files": len(written.output.files),
                    "rows": written.output.rows,
                    "sizeBytes": sum(file.size_bytes for file in written.output.files),
                },
                "schema": written.output.schema.jsonValue(),
                "inputs": [_input_read(each) for each in written.inputs],
                "counts": {
                    "rowsRead": sum(each.rows for each in written.inputs),
                    "rowsWritten": written.output.rows,
                    "rowsRejected": sum(file.rows for file in written.rejected_files),
                },
                "code": {"sha256": self.code.sha256, "sparkVersion": self.code.spark_version},
                "metrics": self._metrics(),
                **self._contract(),
            }
        )

    def _metrics(self) -> Dict[str, Any]:
        """What the attempt cost, until this manifest; rows are in `counts`."""
        files = (*self.written.output.files, *self.written.rejected_files, *self.written.report_files)
        return {
            "startedAt": as_text(self.started_at),
            "durationSeconds": (self.created_at - self.started_at).total_seconds(),
            "bytesWritten": sum(file.size_bytes for file in files),
            "spark": None if self.work is None else _work(self.work),
        }

    def _contract(self) -> Dict[str, Any]:
        """Which contract the rows were held to, and how they were not as it says; nothing without one."""
        ref = self.job.contract
        if ref is None:
            return {}
        named = {"name": ref.name, "version": ref.version, "sha256": ref.sha256}
        return {"contract": {**named, "violations": [_violations(each) for each in self.written.violations]}}


def _violations(each: Violations) -> Dict[str, Any]:
    return {"column": each.column, "rule": each.rule, "rows": each.rows}


def _output_file(file: OutputFile) -> Dict[str, Any]:
    checksums = {"sha256": file.sha256, "etag": file.etag}
    return {"path": file.path, "sizeBytes": file.size_bytes, "rows": file.rows, **checksums}


def _work(work: Work) -> Dict[str, Any]:
    return {
        "stages": work.stages,
        "tasks": work.tasks,
        "failedTasks": work.failed_tasks,
        "taskSeconds": work.task_milliseconds / 1000,
        "bytesRead": work.bytes_read,
        "shuffleBytesRead": work.shuffle_bytes_read,
        "shuffleBytesWritten": work.shuffle_bytes_written,
    }


def _report_file(file: ReportFile) -> Dict[str, Any]:
    return {"path": file.path, "sizeBytes": file.size_bytes, "sha256": file.sha256}


def _input_read(each: InputRead) -> Dict[str, Any]:
    return {"name": each.name, "uri": each.uri, "files": [_stored_file(file) for file in each.files], "rows": each.rows}


def _stored_file(file: StoredFile) -> Dict[str, Any]:
    marks = {"etag": file.etag, "versionId": file.version_id}
    return {"uri": file.uri, "sizeBytes": file.size_bytes, "modifiedAt": as_text(file.modified_at), **marks}
