"""What a run's parameters ask for, in vCPUs and memory."""

import pytest

from local.emr.sizes import Workers, gib, vcpu_of, words_of, workers_of


def request(parameters: str, **overrides: str) -> dict:
    configuration = [{"classification": "spark-defaults", "properties": overrides}] if overrides else []
    return {
        "jobDriver": {"sparkSubmit": {"entryPoint": "x", "sparkSubmitParameters": parameters}},
        "configurationOverrides": {"applicationConfiguration": configuration},
    }


@pytest.mark.parametrize(
    ("parameters", "workers"),
    [
        ("", Workers(16, 64, 4, 80)),  # EMR's defaults: four workers of 4 vCPU and 14 GB, and a tenth more
        (
            "--conf spark.driver.cores=1 --conf spark.driver.memory=2g --conf spark.executor.cores=2 "
            "--conf spark.executor.memory=4g --conf spark.executor.instances=3",
            Workers(7, 18, 4, 80),
        ),
        ("--driver-cores 2 --num-executors=1 --executor-cores 1 --driver-memory 512m", Workers(3, 17, 2, 40)),
        ("--conf 'spark.driver.cores=2' --conf \"spark.executor.instances=0\"", Workers(2, 16, 1, 20)),
        ("--conf spark.driver.cores=many --conf spark.executor.instances=0", Workers(4, 16, 1, 20)),
        (
            "--conf spark.driver.memory=1664m --conf spark.driver.memoryOverhead=384m "
            "--conf spark.executor.memory=14894m --conf spark.executor.memoryOverhead=1490m "
            "--conf spark.emr-serverless.executor.disk=100g "
            "--conf spark.executor.instances=2",
            Workers(12, 34, 3, 220),
        ),
    ],
)
def test_workers_are_what_the_parameters_say_or_emrs_defaults(parameters: str, workers: Workers) -> None:
    assert workers_of(request(parameters)) == workers


def test_parameters_win_over_the_configuration_overrides() -> None:
    asked = request("--conf spark.driver.cores=2", **{"spark.driver.cores": "8", "spark.executor.instances": "0"})

    assert workers_of(asked).vcpu == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4g", 4.0),
        ("4G", 4.0),
        ("512m", 0.5),
        ("1t", 1024.0),
        ("2048", 2.0),
        ("1gb", 1.0),
        ("lots", 14.0),
        (None, 14.0),
    ],
)
def test_a_memory_size_is_read_as_spark_reads_it(text: str | None, expected: float) -> None:
    assert gib(text) == expected


def test_words_of_parameters_keep_quoted_values_whole_and_part_flags_from_values() -> None:
    words = words_of("--conf 'spark.driver.extraJavaOptions=-Da=1 -Db=2' --py-files=s3://b/x.zip")

    assert words == ["--conf", "spark.driver.extraJavaOptions=-Da=1 -Db=2", "--py-files", "s3://b/x.zip"]


@pytest.mark.parametrize(("text", "expected"), [("4 vCPU", 4), ("16vCPU", 16), ("400", 400)])
def test_an_applications_capacity_is_a_number_of_vcpus(text: str, expected: int) -> None:
    assert vcpu_of(text) == expected
