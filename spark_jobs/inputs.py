"""Which files an input means: one object, a folder, or the output of another job."""

import re
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

from pyspark.sql import DataFrameReader, SparkSession
from pyspark.sql.types import StructType

from spark_jobs.failures import FAILURE, InvalidInput
from spark_jobs.job import Input
from spark_jobs.manifest import MANIFEST, Output
from spark_jobs.object_store import NoSuchObject, ObjectStore, StoredFile

ATTEMPT_FOLDER = re.compile(r"/attempt-[0-9]+(/data)?\Z")
# By these names Hadoop knows its codecs.
COMPRESSED = (".gz", ".bz2", ".deflate", ".snappy", ".lz4", ".zst")
PATTERN_CHARACTER = re.compile(r"[{}\[\]*?\\]")


@dataclass(frozen=True)
class InputFiles:
    """The files of an input as listed once: what is read is what the manifest of this job will say was read.

    `folder` is where partition directories start, None for a single object. `schema` and `rows` are known for
    the output of another job only.
    """

    name: str
    uri: str
    files: Tuple[StoredFile, ...]
    folder: Optional[str] = None
    schema: Optional[StructType] = None
    rows: Optional[int] = None

    @property
    def uris(self) -> List[str]:
        """The URI of each file."""
        return [file.uri for file in self.files]

    @property
    def paths(self) -> List[str]:
        """`uris` for Spark's readers, which would take a * or [ in a name for a pattern."""
        return [PATTERN_CHARACTER.sub(r"\\\g<0>", uri) for uri in self.uris]

    def reader(self, spark: SparkSession) -> DataFrameReader:
        """A reader for `paths`."""
        return spark.read.option("basePath", self.folder) if self.folder else spark.read


def find_input(store: ObjectStore, wanted: Input) -> InputFiles:
    """List the files that hold the input's data.

    Raises: InvalidInput when there is none, or when it is the output of an attempt that did not succeed.
    """
    if not wanted.uri.startswith("s3://"):
        raise InvalidInput(f"Input {wanted.name!r} is {wanted.uri}, but inputs are s3:// URIs.")
    root = store.canonical(wanted.uri)
    try:
        listed = store.list_files(root)
    except NoSuchObject:
        raise InvalidInput(f"Input {wanted.name!r}: there is no object or folder {wanted.uri}.") from None
    home = _finished_attempt(store, root, listed)
    if home is not None:
        return _output_of_job(store, wanted, home)
    _refuse_unfinished(wanted, root, listed)
    return _files_with_data(wanted, root, listed)


def _finished_attempt(store: ObjectStore, root: str, listed: List[StoredFile]) -> Optional[str]:
    """The folder of the attempt whose manifest speaks for `root`, if there is one."""
    if any(file.uri == f"{root}/{MANIFEST}" for file in listed):
        return root
    # A job may be allowed to read its inputs alone, so nothing is looked for beside any other folder.
    if ATTEMPT_FOLDER.search(root) and root.endswith("/data"):
        home = root[: -len("/data")]
        return home if store.exists(f"{home}/{MANIFEST}") else None
    return None


def _output_of_job(store: ObjectStore, wanted: Input, home: str) -> InputFiles:
    """The files that the manifest of a finished attempt names, and no others."""
    try:
        output = Output.from_json(store.read_text(f"{home}/{MANIFEST}"))
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"Input {wanted.name!r}: {home}/{MANIFEST} is not a manifest of this platform.") from error
    present: Dict[str, StoredFile] = {file.uri: file for file in store.list_files(home)}
    files = []
    for named in output.files:
        file = present.get(f"{home}/{named.path}")
        if file is None or file.size_bytes != named.size_bytes:
            raise InvalidInput(f"Input {wanted.name!r}: {home}/{named.path} is not as its manifest says.")
        files.append(file)
    return InputFiles(wanted.name, wanted.uri, tuple(files), f"{home}/data", output.schema, output.rows)


def _refuse_unfinished(wanted: Input, root: str, listed: List[StoredFile]) -> None:
    """A folder of attempts holds the same rows more than once, and an attempt without manifest only some."""
    if ATTEMPT_FOLDER.search(root):
        raise InvalidInput(f"Input {wanted.name!r}: {wanted.uri} has no {MANIFEST}, so that attempt did not succeed.")
    inside = [file.uri for file in listed if file.uri.endswith((f"/{MANIFEST}", f"/{FAILURE}"))]
    if inside:
        folder = inside[-1].rsplit("/", 1)[0]
        raise InvalidInput(f"Input {wanted.name!r}: {wanted.uri} holds attempts of a job; name one, such as {folder}/.")


def _files_with_data(wanted: Input, root: str, listed: List[StoredFile]) -> InputFiles:
    is_object = [file.uri for file in listed] == [root]
    # Spark skips hidden names too. Empty objects are what consoles make to show a folder.
    seen = [file for file in listed if is_object or not is_hidden(file.uri[len(root) :])]
    files = tuple(file for file in seen if file.size_bytes > 0)
    if not files:
        state = "is empty" if seen else "holds no files"
        raise InvalidInput(f"Input {wanted.name!r}: {wanted.uri} {state}; there is nothing to read.")
    return InputFiles(wanted.name, wanted.uri, files, None if is_object else root)


def is_read_in_parts(source: InputFiles, multi_line: bool) -> bool:
    """Whether Spark may divide large files of text among tasks.

    Where it may not, a task that fails at a row has read up to a whole file, and Spark lets it try four times.
    """
    return not multi_line and not any(uri.lower().endswith(COMPRESSED) for uri in source.uris)


def is_hidden(path: str) -> bool:
    """Whether Spark, listing a folder, would pass over this path in it."""
    return any(part.startswith(".") or (part.startswith("_") and "=" not in part) for part in path.split("/"))
