"""The recorded calls: read, compared, and written by `make iam` and `make iam-record`.

Their file is kept with the templates' tests, so that the proof needs no other tests to have run; the tests that do run
record again, and `make iam` compares.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

KEPT = Path(__file__).with_name("recorded_calls.jsonl")
# Calls that not each run of the tests makes: (who, call).
NOT_ALWAYS_SEEN = {
    # A worker that is stopped gives back what it has just received, if it has.
    ("worker", "sqs:ChangeMessageVisibilityBatch"),
}


@dataclass(frozen=True, order=True)
class Call:
    """Who called what, on which places (tests/recording/aws_recorder.py), asking for what else (parameters' names)."""

    by: str
    operation: str
    places: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()

    def __str__(self) -> str:
        asking = f" with {', '.join(self.parameters)}" if self.parameters else ""
        return f"{self.by}: {self.operation} on {', '.join(self.places) or 'nothing named'}{asking}"


def read_calls(lines: Iterable[str]) -> set[Call]:
    """The calls that lines of a recording tell of."""
    rows = [json.loads(line) for line in lines if line.strip()]
    return {Call(row["by"], row["operation"], tuple(row["places"]), tuple(row["parameters"])) for row in rows}


def kept_calls() -> set[Call]:
    """The calls of the kept recording."""
    return read_calls(KEPT.read_text().splitlines())


def calls_in(folder: Path) -> set[Call]:
    """The calls that processes have just recorded in a folder."""
    return read_calls(line for path in folder.glob("*.jsonl") for line in path.read_text().splitlines())


def differences(kept: set[Call], seen: set[Call]) -> list[str]:
    """What a new recording has that the kept one has not, and the other way round, each as a sentence."""
    gone = [call for call in kept - seen if (call.by, call.operation) not in NOT_ALWAYS_SEEN]
    return [
        *(f"not recorded before: {call}" for call in sorted(seen - kept)),
        *(f"not seen any more: {call}" for call in sorted(gone)),
    ]


def write(calls: Iterable[Call], path: Path) -> None:
    """Keep a recording, in an order that shows what has changed."""
    path.write_text("".join(f"{json.dumps(asdict(call))}\n" for call in sorted(calls)))


def main(argv: Sequence[str]) -> int:
    """0 if the recording is as the kept one, or was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.infra.iam.calls")
    parser.add_argument("action", choices=["check", "keep"])
    parser.add_argument("folder", type=Path, help="where the tests have recorded")
    arguments = parser.parse_args(argv)
    seen = calls_in(arguments.folder)
    if not seen:
        sys.stderr.write(f"Nothing was recorded in {arguments.folder}: run make integration acceptance first.\n")
        return 1
    if arguments.action == "keep":
        write(seen, KEPT)
        return 0
    found = differences(kept_calls(), seen)
    if found:
        told = "\n  ".join(found)
        sys.stderr.write(
            f"The calls of AWS differ from {KEPT.name}:\n  {told}\n"
            "If they are meant, run make iam-record and let the roles allow what is new (docs/iam.md).\n"
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
