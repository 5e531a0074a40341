"""Print docs/job-types.md, made from the catalogue of job types. Run by `make docs`; a test compares the two."""

import json
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from shared.job_types import JOB_TYPES, JobType

HEAD = """# Job types

Made from `shared/job_types/` by `make docs`; do not edit by hand. A running platform tells the same by
`GET /job-types` and `GET /job-types/{name}`, the latter with the JSON Schema of the parameters. How to add a type:
[how-to/add-a-job-type.md](how-to/add-a-job-type.md).

A type's version changes when the same job would give another result. Every type writes below its attempt's folder:
`data/`, what it set aside under `rejected/` with the reason, documents for people under `reports/`, and
`_manifest.json`, last of all. Types that set rows aside promise that rows read = rows written + rows set aside, and a
run in which that is not so fails.
"""
LINE_CHARACTERS = 120


def section_of(job_type: JobType) -> str:
    """Everything about a type."""
    where = " On the local cloud only." if job_type.local_only else ""
    contract = ", with or without a contract" if job_type.takes_contract else ""
    description = textwrap.fill(job_type.description + where, LINE_CHARACTERS, break_on_hyphens=False)
    example = json.dumps(job_type.example, indent=2, ensure_ascii=False)
    return (
        f"## {job_type.name}\n\n{job_type.title}. Version {job_type.version}, {inputs_of(job_type)}{contract}.\n\n"
        f"{description}\n\n"
        f"{table_of(job_type.parameters_schema)}\n\n```json\n{example}\n```\n"
    )


def inputs_of(job_type: JobType) -> str:
    """How many inputs it takes."""
    least, most = job_type.min_inputs, job_type.max_inputs
    if least == most:
        return f"{least} input" if least == 1 else f"{least} inputs"
    return f"{least} to {most} inputs"


def table_of(schema: Mapping[str, Any]) -> str:
    """A Markdown table of the parameters."""
    rows = ["| parameter | what it may be | default | meaning |", "|---|---|---|---|"]
    for name, each in schema["properties"].items():
        required = name in schema.get("required", [])
        default = "*required*" if required else code(each["default"]) if "default" in each else ""
        rows.append(f"| `{name}` | {values_of(each)} | {default} | {cell(each['description'])} |")
    return "\n".join(rows)


def values_of(schema: Mapping[str, Any]) -> str:
    """What a value may be, in short."""
    if "enum" in schema:
        return " or ".join(code(value) for value in schema["enum"])
    if {"minimum", "maximum"} <= set(schema):
        return f"{schema['type']}, {schema['minimum']} to {schema['maximum']}"
    if schema["type"] == "array":
        return f"list of {schema['items']['type']}, at most {schema['maxItems']}"
    return str(schema["type"])


def code(value: object) -> str:
    """A value as JSON writes it."""
    return f"`{cell(json.dumps(value, ensure_ascii=False))}`"


def cell(text: str) -> str:
    """A text for a cell of a table."""
    return text.replace("|", "\\|")


def document() -> str:
    """The whole page."""
    return "\n".join([HEAD, *map(section_of, JOB_TYPES.values())])


if __name__ == "__main__":
    sys.stdout.write(document())
