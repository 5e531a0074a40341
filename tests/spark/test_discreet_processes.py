"""What a scan and a mask print as processes of their own, Spark's log included, holds no value and no key."""

import json

import pytest
from conftest import ROOT

KEY = "key-that-nobody-else-has-32-or-more"
VALUES = ("planted.person@example.com", "4111111111111111", "+4930987654", "DE89370400440532013000")
ROW = ",".join(VALUES)
INPUTS = {
    "a table": (f"mail,card,phone,iban\n{ROW}\n{ROW},one too many\n", 0),
    "more columns than Spark's reader takes": (f"{ROW}," * 10_000 + "\n1,2\n", 1),
    "a file that is not what its name says": ("\x1f\x8b" + ROW, 1),
}
HASHED = [{"name": name, "method": "hash"} for name in ("mail", "card", "phone", "iban")]


@pytest.mark.parametrize("name", INPUTS)
def test_a_scan_prints_no_value(platform, submit, tmp_path, name):
    content, status = INPUTS[name]
    key = "t.csv.gz" if content.startswith("\x1f") else "t.csv"
    arguments = platform.arguments("pii-scan", {"t": platform.put(key, content)}, {}, platform.prefix, 1)

    process = submit(tmp_path, str(ROOT / "spark_jobs" / "main.py"), *arguments)

    assert process.returncode == status, process.stdout
    assert [value for value in (*VALUES, "planted") if value in process.stdout + process.stderr] == []


def test_a_mask_prints_neither_a_value_nor_its_key_and_its_event_log_has_no_key(platform, submit, tmp_path):
    settings = tmp_path / "secret.conf"
    settings.write_text(
        f"spark.cdp.mask.secret {KEY}\nspark.eventLog.enabled true\nspark.eventLog.dir {tmp_path}/log\n"
        # One file of plain text: Spark 4 would make a folder of compressed ones.
        "spark.eventLog.rolling.enabled false\nspark.eventLog.compress false\n"
    )
    (tmp_path / "log").mkdir()
    uri = platform.put("t.csv", f"mail,card,phone,iban\n{ROW}\n")
    arguments = platform.arguments("mask", {"t": uri}, {"columns": HASHED}, platform.prefix, 1)

    process = submit(tmp_path, "--properties-file", str(settings), str(ROOT / "spark_jobs" / "main.py"), *arguments)

    (events,) = (tmp_path / "log").iterdir()
    assert process.returncode == 0, process.stdout
    assert "spark.cdp.mask.secret" in events.read_text()
    assert [each for each in (*VALUES, KEY) if each in process.stdout + process.stderr + events.read_text()] == []
    assert KEY not in json.dumps(arguments)


def test_a_mask_that_spark_ends_with_a_line_of_the_data_does_not_pass_it_on(platform, submit, tmp_path):
    platform.put("in/a.csv", "mail,n\nann@example.com,1\n")
    platform.put("in/b.csv", f"{VALUES[0]},2\n")  # no header, so Spark's error quotes the first row
    parameters = {"columns": [{"name": "mail", "method": "drop"}]}
    arguments = platform.arguments("mask", {"t": platform.uri("in/")}, parameters, platform.prefix, 1)

    process = submit(tmp_path, str(ROOT / "spark_jobs" / "main.py"), *arguments)

    failure = platform.buckets_folder / "processed" / "jobs" / platform.prefix / "attempt-1" / "_failure.json"
    assert process.returncode == 1
    assert json.loads(failure.read_text())["failureReason"] == "INVALID_INPUT"
    assert "is not shown, because it may quote the data" in failure.read_text()
    assert "planted" not in process.stdout + process.stderr + failure.read_text()
