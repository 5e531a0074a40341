"""The zip of the Spark code, the env file, the stored runs, and what a run has written."""

import os
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from deployment.spark_code import zip_package
from local.emr.runs import Run, RunState
from local.emr.staging import new_files, snapshot
from local.emr.store import Page, Store
from local.ports import PortTaken, settle
from local.variables import process_environment, signing_keys, write_env_file


def package(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / "spark_jobs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "spark_jobs"


def test_the_same_code_makes_the_same_zip_whenever_and_wherever_it_is_packed(tmp_path: Path) -> None:
    files = {"main.py": "print(1)", "types/__init__.py": ""}
    first = package(tmp_path / "a", files)
    second = package(tmp_path / "b", dict(reversed(files.items())))
    os.utime(second / "main.py", (0, 0))
    (second / "main.cpython-311.pyc").write_text("cache")

    assert zip_package(first) == zip_package(second)
    with zipfile.ZipFile(BytesIO(zip_package(first))) as archive:
        assert archive.namelist() == ["spark_jobs/main.py", "spark_jobs/types/__init__.py"]


def test_the_env_file_is_private_and_quotes_its_values(tmp_path: Path) -> None:
    write_env_file(tmp_path / "env", {"B": "two words", "A": "1"})

    assert (tmp_path / "env").read_text() == "export A=1\nexport B='two words'\n"
    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600


def test_the_signing_keys_of_a_folder_are_made_once(tmp_path: Path) -> None:
    first = signing_keys(tmp_path / "keys.json")

    assert signing_keys(tmp_path / "keys.json") == first
    assert signing_keys(tmp_path / "other.json") != first
    assert all(len(key) >= 32 for key in first.values())


def test_a_local_process_sees_nothing_of_the_callers_aws_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")

    environment = process_environment({"AWS_REGION": "us-east-1"})

    assert {name for name in environment if name.startswith("AWS_")} == {
        "AWS_REGION",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
    }


def test_ports_of_zero_become_free_ones() -> None:
    ports = settle({"LOCAL_AWS_PORT": 0, "LOCAL_EMR_PORT": 0})

    assert all(port > 1024 for port in ports.values())


def test_a_taken_port_is_named_with_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.ports.is_taken", lambda port: port == 4567)

    with pytest.raises(PortTaken, match=r"Port 4567 of .* taken; set LOCAL_EMR_PORT"):
        settle({"LOCAL_AWS_PORT": 4566, "LOCAL_EMR_PORT": 4567})


def test_what_a_run_wrote_is_what_is_new_or_changed_with_its_manifest_last(tmp_path: Path) -> None:
    for name in ("input.csv", "changed.csv"):
        (tmp_path / name).write_text("old")
    before = snapshot(tmp_path)
    (tmp_path / "changed.csv").write_text("longer than before")
    for name in ("_manifest.json", "z.parquet", ".z.parquet.crc", "_SUCCESS"):
        (tmp_path / name).write_text("new")
    (tmp_path / "_temporary").mkdir()
    (tmp_path / "_temporary" / "half.parquet").write_text("new")

    written = [path.name for path in new_files(tmp_path, before)]

    assert written == ["_SUCCESS", "changed.csv", "z.parquet", "_manifest.json"]


RUN = Run("00run", "00app", "token", {"name": "job.1"}, RunState.RUNNING, "", 1000, 1000, "emr-7.14.0", 4)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "emr.sqlite")


def test_a_run_is_changed_only_in_the_state_it_was_read_in(store: Store) -> None:
    store.add_run(RUN)

    first = store.change_run(RUN, state=RunState.CANCELLING)
    second = store.change_run(RUN, state=RunState.SUCCESS)

    assert first == replace(RUN, state=RunState.CANCELLING)
    assert second is None
    assert store.all_runs() == [first]


def test_what_fails_inside_a_transaction_leaves_nothing(store: Store) -> None:
    def add_and_fail() -> None:
        with store.transaction():
            store.add_run(RUN)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        add_and_fail()

    assert store.all_runs() == []


def test_runs_of_one_moment_are_listed_once_each_over_all_pages(store: Store) -> None:
    runs = [replace(RUN, run_id=f"00run{n}", client_token=f"t{n}") for n in range(5)]
    for run in runs:
        store.add_run(run)

    first = store.list_runs("00app", Page(limit=2))
    rest = store.list_runs("00app", Page(limit=9, before=(first[-1].created_ms, first[-1].run_id)))

    assert sorted(run.run_id for run in [*first, *rest]) == [run.run_id for run in runs]


def test_only_runs_that_hold_workers_count_against_the_capacity(store: Store) -> None:
    for state in RunState:
        store.add_run(replace(RUN, run_id=f"00{state.lower()}", client_token=state, state=state))

    assert store.held_vcpu() == 3 * 4  # SCHEDULED, RUNNING, CANCELLING
    assert store.held_vcpu("00other") == 0
