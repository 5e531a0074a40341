"""The few things that Spark's own readers and writers do not do, through Hadoop's file systems in the JVM."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Iterator, List, Optional, Sequence, TypeVar

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from spark_jobs.failures import is_a

# Each waits for S3 most of its time; the driver's cores are not the limit.
PARALLEL_REQUESTS = 8
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# S3A, the file system of s3:// on EMR 7.10 and later. A folder's listing has ETags alone, an object's its version too.
WITH_ETAG = "org.apache.hadoop.fs.EtagSource"
WITH_VERSION = ("org.apache.hadoop.fs.s3a.S3AFileStatus", "org.apache.hadoop.fs.s3a.S3ALocatedFileStatus")

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class StoredFile:
    """An object as it was listed. `etag` and `version_id` are None where the store tells none."""

    uri: str
    size_bytes: int
    modified_at: datetime
    etag: Optional[str] = None
    version_id: Optional[str] = None


class NoSuchObject(Exception):
    """Neither an object nor a folder has this URI."""


class ObjectStore:
    """Reads and writes whole objects by URI, with the credentials that Spark itself uses."""

    def __init__(self, spark: SparkSession) -> None:
        self._jvm = spark._jvm
        self._configuration = spark._jsc.hadoopConfiguration()

    def list_files(self, uri: str) -> List[StoredFile]:
        """The object of this URI, or all objects of this folder and below, in the order of their URIs.

        Raises: NoSuchObject.
        """
        path = self._path(uri)
        try:
            statuses = self._file_system(path).listFiles(path, True)
        except Py4JJavaError as error:
            if is_a(error.java_exception, "java.io.FileNotFoundException"):
                raise NoSuchObject(uri) from error
            raise
        return sorted(read_statuses(statuses), key=lambda file: file.uri)

    def canonical(self, uri: str) -> str:
        """The URI as `list_files` would write it, without a slash at its end."""
        return self._path(uri).toString().rstrip("/")

    def exists(self, uri: str) -> bool:
        """Whether there is an object or folder of this URI."""
        path = self._path(uri)
        return self._file_system(path).exists(path)

    def read_text(self, uri: str) -> str:
        """The content of a small object."""
        stream = self._open(uri)
        try:
            return self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
        finally:
            stream.close()

    def write_text(self, uri: str, text: str) -> None:
        """Write a small object; S3 shows it only once it is complete."""
        path = self._path(uri)
        stream = self._file_system(path).create(path, True)
        try:
            stream.write(bytearray(text.encode("utf-8")))
        finally:
            stream.close()

    def delete(self, uri: str) -> None:
        """Delete a folder and all in it, if it is there."""
        path = self._path(uri)
        self._file_system(path).delete(path, True)

    def sha256(self, uri: str) -> str:
        """The SHA-256 of an object in hex, streamed: its size does not matter."""
        stream = self._open(uri)
        try:
            return self._jvm.org.apache.commons.codec.digest.DigestUtils.sha256Hex(stream)
        finally:
            stream.close()

    def parquet_rows(self, uri: str) -> int:
        """How many rows a Parquet file says it has; only its footer is read."""
        source = self._jvm.org.apache.parquet.hadoop.util.HadoopInputFile.fromPath(self._path(uri), self._configuration)
        reader = self._jvm.org.apache.parquet.hadoop.ParquetFileReader.open(source)
        try:
            return reader.getRecordCount()
        finally:
            reader.close()

    def _path(self, uri):
        return self._jvm.org.apache.hadoop.fs.Path(uri)

    def _file_system(self, path):
        return path.getFileSystem(self._configuration)

    def _open(self, uri: str):
        path = self._path(uri)
        return self._file_system(path).open(path)


def read_statuses(statuses: Any) -> Iterator[StoredFile]:
    """The files of a `RemoteIterator` over a listing."""
    has_etag, has_version = None, False
    while statuses.hasNext():
        status = statuses.next()
        if has_etag is None:  # asked once: a listing's are all of one kind, and each question is a call into the JVM
            has_etag, has_version = is_a(status, WITH_ETAG), status.getClass().getName() in WITH_VERSION
        yield StoredFile(
            uri=status.getPath().toString(),
            size_bytes=status.getLen(),
            modified_at=EPOCH + timedelta(milliseconds=status.getModificationTime()),
            etag=bare(status.getEtag()) if has_etag else None,
            version_id=status.getVersionId() if has_version else None,
        )


def bare(etag: Optional[str]) -> Optional[str]:
    """An ETag alone: some versions of S3A hand on the quotes of the HTTP header."""
    return etag.strip('"') if etag else None


def in_parallel(ask: Callable[[str], Answer], uris: Sequence[str]) -> List[Answer]:
    """`ask` of every URI, in their order, several at a time."""
    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        return list(pool.map(ask, uris))
