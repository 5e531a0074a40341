"""The spark-submit command of a run on this machine."""

from itertools import pairwise
from pathlib import Path

from local.emr.spark_command import driver_variables, spark_submit

FOLDER = Path("/runs/1/s3")


def command(parameters: str = "", arguments: tuple[str, ...] = (), overrides: dict | None = None) -> list[str]:
    submit = {"entryPoint": "s3://code/main.py", "entryPointArguments": list(arguments)}
    request = {
        "jobDriver": {"sparkSubmit": {**submit, "sparkSubmitParameters": parameters}},
        "configurationOverrides": {
            "applicationConfiguration": [{"classification": "spark-defaults", "properties": overrides or {}}]
        },
    }
    return spark_submit(Path("/spark/bin"), request, FOLDER, ["code", "raw"], 1024)


def settings_of(words: list[str]) -> dict[str, str]:
    """The properties as spark-submit takes them: the last one wins."""
    return dict(value.split("=", 1) for flag, value in pairwise(words) if flag == "--conf")


def test_code_is_passed_as_staged_files_and_arguments_as_given() -> None:
    words = command("--py-files s3://code/a.zip,s3://code/b.zip", ("--output", "s3://out/1/"))

    assert words[0] == "/spark/bin/spark-submit"
    assert words[words.index("--py-files") + 1] == "/runs/1/s3/code/a.zip,/runs/1/s3/code/b.zip"
    assert words[-3:] == ["/runs/1/s3/code/main.py", "--output", "s3://out/1/"]


def test_each_bucket_is_a_folder_below_the_runs_own() -> None:
    settings = settings_of(command())

    assert settings["spark.hadoop.fs.viewfs.mounttable.raw.linkFallback"] == "file:///runs/1/s3/raw"
    assert settings["spark.hadoop.fs.s3.impl"].endswith("ViewFileSystemOverloadScheme")


def test_size_and_place_are_this_machines_whatever_was_asked() -> None:
    words = command("--master yarn --deploy-mode cluster --driver-memory 64g --conf spark.driver.memory=64g")

    assert [value for flag, value in pairwise(words) if flag == "--master"] == ["local[2]"]
    assert [value for flag, value in pairwise(words) if flag == "--driver-memory"] == ["1024m"]
    assert "--deploy-mode" not in words


def test_a_run_that_asks_for_less_memory_gets_less() -> None:
    words = command("--conf spark.driver.memory=600m")

    assert words[words.index("--driver-memory") + 1] == "600m"


def test_a_runs_own_settings_win_over_our_small_ones_but_not_over_the_fixed_ones() -> None:
    settings = settings_of(
        command(
            "--conf spark.sql.shuffle.partitions=9 --conf spark.ui.enabled=true --conf spark.eventLog.dir=file:///mine",
            overrides={"spark.default.parallelism": "7", "spark.sql.shuffle.partitions": "8"},
        )
    )

    assert settings["spark.sql.shuffle.partitions"] == "9"
    assert settings["spark.default.parallelism"] == "7"
    assert settings["spark.ui.enabled"] == "false"
    assert settings["spark.eventLog.dir"] == "file:///runs/1/events"


def test_what_only_emr_has_is_left_out_but_the_drivers_variables_are_kept() -> None:
    parameters = (
        "--conf spark.emr-serverless.driverEnv.JOB_ID=7 --conf spark.emr-serverless.driverEnv.PYSPARK_PYTHON=./x "
        "--conf spark.hadoop.hive.metastore.client.factory.class=com.amazonaws.glue.Factory"
    )

    words = command(parameters)

    assert not [word for word in words if "emr-serverless" in word or "glue" in word]
    request = {"jobDriver": {"sparkSubmit": {"entryPoint": "x", "sparkSubmitParameters": parameters}}}
    assert driver_variables(request) == {"JOB_ID": "7"}
