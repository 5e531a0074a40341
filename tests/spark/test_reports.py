"""What the driver reports, told to a real HTTP server: signed, again while that can help, and never for long."""

import base64
import hashlib
import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from spark_jobs.callback import Callback, send, signature
from spark_jobs.reporter import Reporter
from spark_jobs.stages import Stages

KEY = b"0123456789abcdef0123456789abcdef"
SHA256 = "ab" * 32
DONE = {"status": "SUCCEEDED", "statusMessage": "The program reported success.", "manifestSha256": SHA256}
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PATIENCE_SECONDS = 10
# The third try, 0.75 to 1.5 s after the first, is then the last: even a slow machine answers it within the grace.
ROOMY_GRACE_SECONDS = 2.4


class Api:
    """An HTTP server that answers each POST with the next of its codes, the last of them for ever."""

    def __init__(self, server, codes):
        self.url = f"http://127.0.0.1:{server.server_port}/internal/jobs/job-1/status"
        self.codes = list(codes)
        self.got = []  # (headers, body) of each request
        self.changed = threading.Condition()
        self.hold = threading.Event()  # answers with code 0 wait for it

    def callback(self):
        return Callback(self.url, 1, KEY, 0.05)

    def next_code(self, headers, body):
        with self.changed:
            self.got.append((headers, body))
            self.changed.notify_all()
            return self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]

    def wait_for(self, count):
        """The reports, once there are so many."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.got) >= count, PATIENCE_SECONDS), self.got
        return [json.loads(body) for _, body in self.got]


@contextmanager
def serving(*codes):
    api = None

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            code = api.next_code({name.lower(): value for name, value in self.headers.items()}, body)
            if code == 0:
                api.hold.wait(PATIENCE_SECONDS)
                return
            self.send_response(code)
            if code in (301, 302, 307, 308):
                self.send_header("Location", api.url)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api = Api(server, codes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield api
    finally:
        api.hold.set()
        server.shutdown()
        server.server_close()


class Left(list):
    """The texts of `_reports.json`, as they were left."""

    @property
    def reports(self):
        (text,) = self
        return json.loads(text)["reports"]


def reporter(callback, left=None, progress=lambda: {"stagesDone": 0, "stagesTotal": 0}, **seconds):
    leave = (Left() if left is None else left).append
    return Reporter(callback, progress, leave, lambda: NOON, **{"end_seconds": 60.0, **seconds})


def test_a_report_is_signed_as_the_api_checks_it():
    told = json.loads((Path(__file__).parent / "signed_report.json").read_text())

    made = signature(base64.b64decode(told["key"]), told["messageId"], told["timestampSeconds"], told["body"].encode())

    assert made == told["signature"]


def test_each_sending_has_an_id_and_a_signature_of_its_own():
    with serving(200) as api:
        for _ in range(2):
            assert send(api.callback(), DONE).why is None

    (first, body), (second, _) = api.got
    assert json.loads(body) == {**DONE, "attempt": 1}
    assert first["webhook-id"] != second["webhook-id"]
    assert abs(int(first["webhook-timestamp"]) - time.time()) < 60
    assert first["webhook-signature"] == signature(KEY, first["webhook-id"], int(first["webhook-timestamp"]), body)


@pytest.mark.parametrize(
    ("codes", "tries", "left"),
    [
        ([200], 1, None),
        ([500, 200], 2, None),
        ([429, 503, 200], 3, None),
        ([400], 1, "the API answered 400."),
        ([401], 1, "the API answered 401."),
        ([302], 1, "the API answered 302."),
        ([307], 1, "the API answered 307."),
    ],
    ids=str,
)
def test_an_end_is_reported_again_while_that_can_help_and_left_when_it_was_in_vain(codes, tries, left):
    found = Left()
    with serving(*codes) as api:
        reporter(api.callback(), found).succeeded(SHA256)

    assert len(api.got) == tries
    assert len({headers["webhook-id"] for headers, _ in api.got}) == len(api.got)
    if left is None:
        assert found == []
    else:
        assert found.reports == [{**DONE, "at": "2026-11-23T12:00:00Z", "why": left}]


def test_a_failure_is_reported_with_its_reason_its_sentence_and_its_exceptions():
    with serving(200) as api:
        reporter(api.callback()).failed("INVALID_INPUT", "x" * 2000, ["y" * 5000])
        reporter(api.callback()).failed("RUN_FAILED", "", [])
        reporter(api.callback()).failed("RUN_FAILED", "\ud800", ["SparkException: \ud800", "OSError: gone"])

    told = [json.loads(body) for _, body in api.got]
    assert {(each["status"], each["attempt"]) for each in told} == {("FAILED", 1)}
    assert [(each["failureReason"], each["statusMessage"], each.get("exceptions")) for each in told] == [
        ("INVALID_INPUT", "x" * 1000, "y" * 4096),
        ("RUN_FAILED", "The program gave no reason.", None),
        ("RUN_FAILED", "?", "SparkException: ?\nOSError: gone"),
    ]


def test_an_api_that_always_fails_is_asked_until_the_grace_is_over():
    found, began = Left(), time.monotonic()
    with serving(500) as api:
        reporter(api.callback(), found, end_seconds=ROOMY_GRACE_SECONDS).succeeded(SHA256)

    assert time.monotonic() - began < 8
    assert len(api.got) > 1
    assert found.reports[0]["why"] == "the API answered 500."


def test_an_api_that_is_dead_costs_an_end_no_more_than_its_grace():
    with serving(200) as api:
        callback = api.callback()  # nobody listens there any more
    found, began = Left(), time.monotonic()

    reporter(callback, found, end_seconds=ROOMY_GRACE_SECONDS).succeeded(SHA256)

    assert time.monotonic() - began < 5
    assert "Connection refused" in found.reports[0]["why"]


def test_an_api_that_hangs_costs_an_end_no_more_than_its_grace():
    with serving(0) as api:
        found, began = Left(), time.monotonic()
        reporter(api.callback(), found, end_seconds=0.5).succeeded(SHA256)
        took = time.monotonic() - began

    assert took < 4
    assert found.reports[0]["why"].startswith(("TimeoutError", "timeout", "there was no answer within"))


def test_a_store_that_cannot_be_written_is_nobodys_error():
    def leave(text):
        raise OSError("the store is gone")

    with serving(400) as api:
        Reporter(api.callback(), dict, leave, lambda: NOON).succeeded(SHA256)

    assert len(api.got) == 1


def test_progress_is_told_when_it_changes_and_the_end_comes_last():
    counts = iter([(0, 0), (0, 2), (0, 2), (1, 2)])
    last = threading.Event()

    def progress():
        done, total = next(counts, (None, None))
        if done is None:
            last.set()
            raise RuntimeError("Spark is ending")
        return {"stagesDone": done, "stagesTotal": total}

    with serving(200) as api:
        running = reporter(api.callback(), progress=progress)
        running.begin()
        assert last.wait(PATIENCE_SECONDS)
        running.succeeded(SHA256)

    told = [json.loads(body) for _, body in api.got]
    assert [(each["status"], each.get("progress")) for each in told] == [
        ("RUNNING", None),
        ("RUNNING", {"stagesDone": 0, "stagesTotal": 2}),
        ("RUNNING", {"stagesDone": 1, "stagesTotal": 2}),
        ("SUCCEEDED", None),
    ]
    assert told[2]["statusMessage"] == "1 of the 2 stages that Spark knows so far are done."


def test_progress_that_was_not_taken_is_dropped_for_newer_and_the_last_of_it_is_left():
    done = iter(range(1, 1000))
    found = Left()
    with serving(503) as api:
        running = reporter(
            api.callback(), found, lambda: {"stagesDone": next(done), "stagesTotal": 1000}, end_seconds=0.1
        )
        running.begin()
        told = api.wait_for(3)
        running.succeeded(SHA256)

    assert told[1]["progress"]["stagesDone"] < told[2]["progress"]["stagesDone"]
    progress, end = found.reports
    assert (end["status"], progress["status"]) == ("SUCCEEDED", "RUNNING")
    assert progress["progress"]["stagesDone"] >= told[1]["progress"]["stagesDone"]


def test_an_attempt_that_is_not_heard_any_more_tells_no_more_progress():
    asked = threading.Event()

    def progress():
        asked.set()
        return {"stagesDone": 0, "stagesTotal": 1}

    with serving(400) as api:
        running = reporter(api.callback(), progress=progress)
        running.begin()
        api.wait_for(1)
        assert not asked.wait(0.5)

    assert len(api.got) == 1


def test_the_progress_of_an_end_that_waits_is_not_waited_for():
    with serving(0, 200) as api:
        running = reporter(api.callback())
        running.begin()
        api.wait_for(1)  # the report of the begin hangs
        began = time.monotonic()
        running.succeeded(SHA256)
        took = time.monotonic() - began

    assert took < 2
    assert api.wait_for(2)[1]["status"] == "SUCCEEDED"


def test_without_a_callback_nobody_is_told_and_nothing_is_left():
    found = Left()
    silent = reporter(None, found)

    silent.begin()
    silent.succeeded(SHA256)

    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"url": "https://api.example.com", "attempt": 1}',
        '{"url": "https://api.example.com", "attempt": 1, "key": "?", "progressSeconds": 15}',
        '{"url": "https://api.example.com", "attempt": 1, "key": "QQ==", "progressSeconds": "x"}',
        '{"url": "file:///etc/passwd", "attempt": 1, "key": "QQ==", "progressSeconds": 15}',
    ],
)
def test_what_does_not_say_whom_to_report_to_is_not_believed(text):
    with pytest.raises((ValueError, KeyError, TypeError)):
        Callback.from_json(text)


def test_a_key_is_not_shown():
    assert KEY.decode() not in repr(Callback("https://api.example.com", 1, KEY, 15))


def test_the_stages_of_a_job_are_counted_as_spark_does_them(spark):
    stages = Stages(spark.sparkContext.statusTracker())
    before = stages.progress()

    spark.range(100).repartition(3).groupBy("id").count().collect()

    after = stages.progress()
    assert before["stagesDone"] == before["stagesTotal"]  # those of other tests
    assert after["stagesDone"] == after["stagesTotal"] > before["stagesTotal"]


class Job:
    """A job as Spark's tracker tells it."""

    def __init__(self, status, *stages):
        self.status, self.stageIds = status, stages


class Stage:
    """A stage as Spark's tracker tells it."""

    def __init__(self, done, tasks):
        self.numCompletedTasks, self.numTasks = done, tasks


class Tracker:
    """Spark's status tracker, at one moment."""

    def __init__(self, jobs, stages):
        self.jobs, self.stages = jobs, stages

    def getJobIdsForGroup(self, group):  # noqa: N802  its name in Spark
        return list(self.jobs)

    def getJobInfo(self, job_id):  # noqa: N802
        return self.jobs[job_id]

    def getStageInfo(self, stage_id):  # noqa: N802
        return self.stages.get(stage_id)


def test_stages_are_counted_once_and_remembered_when_spark_forgets_them():
    tracker = Tracker({}, {})
    stages = Stages(tracker)
    found = [stages.progress()]
    for jobs, known in [
        ({0: Job("RUNNING", 0, 1, 2)}, {1: Stage(4, 4), 2: Stage(1, 4)}),  # stage 0 was skipped: Spark knows none
        ({0: Job("SUCCEEDED", 0, 1, 2), 1: Job("RUNNING", 2, 3)}, {3: Stage(0, 4)}),
        ({2: Job("FAILED", 4), 3: None}, {}),  # the first two are forgotten
    ]:
        tracker.jobs, tracker.stages = jobs, known
        found.append(stages.progress())

    assert [(each["stagesDone"], each["stagesTotal"]) for each in found] == [(0, 0), (1, 3), (3, 4), (4, 4)]


def run_reporting(platform, api, content, key=None):
    """Run csv-to-parquet as a job whose attempts report; its exit status, and its folder."""
    from spark_jobs.main import main

    told = {"url": api.url, "attempt": 1, "key": base64.b64encode(KEY).decode(), "progressSeconds": 60}
    platform.put("callbacks/attempt-1.json", json.dumps(told) if key is None else key)
    job_id = f"reporting-{platform.prefix}"
    _, text, *rest = platform.arguments("csv-to-parquet", {"table": platform.put("table.csv", content)}, {}, job_id, 1)
    job = {**json.loads(text), "callbacks": platform.uri("callbacks/")}
    status = main(["--job", json.dumps(job), *rest], platform.spark)
    return status, platform.buckets_folder / "processed" / "jobs" / job_id / "attempt-1"


def test_success_is_reported_once_all_is_written_and_not_again_by_a_second_run(platform):
    seen = []
    with serving(200) as api:
        folder = platform.buckets_folder / "processed" / "jobs" / f"reporting-{platform.prefix}" / "attempt-1"
        manifest, next_code = folder / "_manifest.json", api.next_code
        api.next_code = lambda *request: seen.append(manifest.exists()) or next_code(*request)
        status, _ = run_reporting(platform, api, "id\n1\n2\n")
        told = [json.loads(body) for _, body in api.got]
        again, _ = run_reporting(platform, api, "id\n1\n2\n")
        api.wait_for(len(told) + 1)

    assert (status, again) == (0, 1)
    sha256 = hashlib.sha256(manifest.read_bytes()).hexdigest()
    assert (told[0]["status"], told[-1]) == ("RUNNING", {**DONE, "manifestSha256": sha256, "attempt": 1})
    assert (seen[0], seen[len(told) - 1]) == (False, True)
    assert [json.loads(body)["status"] for _, body in api.got[len(told) :]] == ["RUNNING"]
    assert not (folder / "_reports.json").exists()


def test_a_failure_is_reported_as_it_is_left_and_what_the_api_refuses_lies_beside_it(platform, capfd):
    with serving(404) as api:
        status, folder = run_reporting(platform, api, "")

    failure = json.loads((folder / "_failure.json").read_text())
    end = json.loads((folder / "_reports.json").read_text())["reports"][-1]
    assert status == 1
    assert (end["status"], end["failureReason"], end["why"]) == ("FAILED", "INVALID_INPUT", "the API answered 404.")
    assert end["exceptions"] == "\n".join(failure["causes"]) != ""
    assert end["statusMessage"] == failure["message"] == capfd.readouterr().err.splitlines()[-1]


def test_a_run_that_cannot_read_whom_to_report_to_succeeds_and_does_not_quote_it(platform, capfd):
    with serving(200) as api:
        status, folder = run_reporting(platform, api, "id\n1\n", key='{"key": "SECRET')

    said = capfd.readouterr().err
    assert (status, api.got, (folder / "_manifest.json").exists()) == (0, [], True)
    assert "No reports are sent: whom to report to cannot be read (JSONDecodeError)." in said
    assert "SECRET" not in said
