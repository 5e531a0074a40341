"""The entry of `simulated`, which runs no Spark."""

from shared.job_types.job_type import JobType

SIMULATED = "simulated"
MAX_INPUTS = 20

SIMULATED_RUN = JobType(
    name=SIMULATED,
    version="1.0.0",
    title="Simulate a run",
    description="Takes some time, then succeeds or fails as told, without running Spark; for trials of the platform.",
    min_inputs=0,
    max_inputs=MAX_INPUTS,
    entry_point=SIMULATED,
    local_only=True,
    example={"jobType": SIMULATED, "inputs": [], "parameters": {"seconds": 2}},
    parameters_schema={
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "seconds": {
                "type": "number",
                "description": "How long the run takes.",
                "default": 1,
                "minimum": 0,
                "maximum": 3600,
                "examples": [2.5],
            },
            "fail": {
                "type": "string",
                "description": "The sentence the run fails with; without it the run succeeds.",
                "minLength": 1,
                "maxLength": 500,
                "examples": ["Connection reset by peer"],
            },
            "failAttempts": {
                "type": "integer",
                "description": "Only this many attempts fail, the first ones; without it all do.",
                "minimum": 1,
                "maximum": 100,
                "examples": [2],
            },
        },
    },
)
