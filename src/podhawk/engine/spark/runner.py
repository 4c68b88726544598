"""The Spark runner: the batch runner with its scan done by a cluster.

Plans, legs, subsearches and everything after the states are the batch runner's. The scan cuts the input into
pieces (files that cannot be cut stay whole) and makes one Spark job of all searches: `mapInArrow` turns the numbers
of pieces into states where the executors are, `groupBy(job).applyInArrow` merges them, and the driver gets one state
for each search. A piece that turns out not to be whole lines of events makes the scan begin again with its file whole,
as the batch runner reads the input in one then.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

from podhawk.engine.run.batch import BatchRunner, EventSource, Request, TimeRange
from podhawk.engine.run.files import FileSource
from podhawk.engine.search.collectors import GatherJob
from podhawk.engine.search.compiled import ScanJob
from podhawk.engine.spark.cluster import Cluster
from podhawk.engine.spark.payload import Ferry, Shipment, pack, send_search
from podhawk.engine.spark.wire import VERSION, load
from podhawk.engine.spark.worker import ACCOUNT, FAILED, NOT_BY_LINE, SCHEMA, map_pieces, merge_states, raise_failure
from podhawk.errors import EngineError, UsageError
from podhawk.events.pieces import Piece, splits_of
from podhawk.rows import Table
from podhawk.settings.version import __version__

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_CUTTABLE: Final = ("auto", "native", "json", "text")
_QUIET: Final = {"spark.ui.showConsoleProgress": "false", "spark.ui.enabled": "false"}


class SparkRunner:
    """Runs searches over one source on a cluster. Raises EngineError where the cluster fails."""

    def __init__(self, cluster: Cluster, source: FileSource, ferry: Ferry, within: TimeRange | None = None) -> None:
        self.cluster = cluster
        self.source = source
        self.within = within
        self.ferry = ferry

    def run(self, searches: Sequence[Request]) -> list[Table]:
        """The rows of each search, in the order given."""
        with session(self.cluster) as spark:
            return self._on(spark).run(searches)

    def gather(self, searches: Sequence[Request]) -> list[GatherJob]:
        """The events that each search wants."""
        with session(self.cluster) as spark:
            return self._on(spark).gather(searches)

    def _on(self, spark: SparkSession) -> BatchRunner:
        scan = SparkScan(spark, self.source, self.ferry, self.cluster.piece)
        return BatchRunner(self.source, self.within, scan=scan)


@contextlib.contextmanager
def session(cluster: Cluster) -> Iterator[SparkSession]:
    """A session on the cluster: the one that this process has, or a new one that ends with the block."""
    try:
        import pyarrow  # noqa: F401 - Spark needs it, and says so only in the middle of a job
        from pyspark import SparkContext
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise UsageError(
            f"--engine spark needs a package that is not installed: {error.name}", remedy="pip install 'podhawk[spark]'"
        ) from None
    if SparkContext._active_spark_context is not None:  # a session is active by thread, its context by process
        yield SparkSession.builder.getOrCreate()
        return
    builder = SparkSession.builder.appName("podhawk").master(cluster.master)
    for name, value in {**_QUIET, **cluster.conf}.items():
        builder = builder.config(name, value)
    with _told(cluster):
        spark = builder.getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
    try:
        yield spark
    finally:
        spark.stop()


@contextlib.contextmanager
def _told(cluster: Cluster | None = None) -> Iterator[None]:
    """Spark's errors as podhawk's."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        _tell(str(error), cluster)


def _tell(text: str, cluster: Cluster | None) -> NoReturn:
    if "JAVA_GATEWAY_EXITED" in text or "JAVA_HOME" in text:
        raise EngineError(
            "Spark did not start", remedy="It needs Java 17 or later on this machine; see above for what it said."
        ) from None
    if "No module named 'podhawk" in text:
        raise EngineError(
            "the executors have no podhawk",
            remedy="Put it into their image, or send it with --spark-conf spark.submit.pyFiles=…; see docs/spark.md.",
        ) from None
    last = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("at ")]
    where = f" at {cluster.master}" if cluster is not None else ""
    what = next((line for line in reversed(last) if "Error" in line or "Exception" in line), last[0] if last else "")
    raise EngineError(
        f"Spark{where} failed: {what[:500]}",
        remedy="Look whether the master can be reached, the "
        "workers have cores and memory left, and podhawk is installed where they are.",
    ) from None


class SparkScan:
    """Feeds jobs by a cluster."""

    def __init__(self, spark: SparkSession, source: FileSource, ferry: Ferry, piece: int) -> None:
        self.spark = spark
        self.inputs = source.inputs
        self.options = source.options
        self.report = source.report
        self.ferry = ferry
        self.piece = piece

    def __call__(self, jobs: Sequence[ScanJob], source: EventSource, within: TimeRange, workers: int = 1) -> None:
        """Feed the jobs. The report of the source is that of its first reading."""
        searches = [send_search(job, self.ferry) for job in jobs]
        geo = self._send_geo(jobs)
        uncut: frozenset[int] = frozenset()
        while True:
            pieces = self._pieces(uncut)
            sent = Shipment(__version__, VERSION, searches, self.options, within, pieces, geo)
            records = self._records(pack(sent), len(pieces))
            for _, _, part in (one for one in records if one[0] == FAILED):
                raise_failure(part)
            again = {pieces[piece].file for job, piece, _ in records if job == NOT_BY_LINE}
            if not again:
                break
            uncut |= again
        self._absorb(jobs, records, pieces, source)
        source.unread = False

    def _pieces(self, uncut: frozenset[int]) -> list[Piece]:
        if self.options.input_format in _CUTTABLE:
            return splits_of(self.inputs, self.piece, uncut)
        return splits_of(self.inputs, self.piece, frozenset(range(len(splits_of(self.inputs, sys.maxsize)))))

    def _send_geo(self, jobs: Sequence[ScanJob]) -> str:
        """The name of the geo database, which Spark brings to the executors."""
        path = next((getattr(job.context.geo, "path", "") for job in jobs if job.context.geo is not None), "")
        if path:
            self.spark.sparkContext.addFile(os.path.abspath(path))
        return os.path.basename(path)

    def _records(self, data: bytes, count: int) -> list[tuple[int, int, bytes]]:
        """One Spark job over all pieces, each a task, so that a lost worker costs no more than its pieces."""
        if not count:
            return []
        with _told():
            numbers = self.spark.range(0, count, 1, count)
            lookups = self.ferry.unpack
            # Spark looks at the parameters of what it is given, so partial() will not do.
            states: Any = numbers.mapInArrow(lambda batches: map_pieces(data, lookups, batches), SCHEMA)
            merged = states.groupBy("job").applyInArrow(lambda table: merge_states(data, lookups, table), SCHEMA)
            return [(row.job, row.piece, bytes(row.part)) for row in merged.collect()]

    def _absorb(
        self, jobs: Sequence[ScanJob], records: list[tuple[int, int, bytes]], pieces: list[Piece], source: EventSource
    ) -> None:
        accounts = {piece: load(part) for job, piece, part in records if job == ACCOUNT}
        if len(accounts) != len(pieces):
            raise EngineError(f"Spark gave what {len(accounts)} of {len(pieces)} pieces of the input hold")
        first = source.unread
        lines: dict[str, int] = {}
        offsets: list[int] = []
        for number, piece in enumerate(pieces):
            report, observed = accounts[number]
            offset = lines.get(piece.path, 0)
            offsets.append(offset)
            lines[piece.path] = offset + report.lines
            for job, seen in zip(jobs, observed, strict=True):
                job.observed.absorb(seen, offset)
            if first:
                self.report.absorb(report, offset)
        if first:
            self.report.files += len({piece.file for piece in pieces})
        for number, at, part in sorted((one for one in records if one[0] >= 0), key=lambda one: one[:2]):
            jobs[number].absorb_state(load(part), offsets[at])
