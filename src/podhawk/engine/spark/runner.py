"""The Spark runner: the batch runner with its scan done by a cluster.

Plans, legs, subsearches and everything after the states are the batch runner's. The scan splits the input (files that
cannot be split stay whole) and makes one Spark job of all searches: `mapInArrow` turns the numbers of splits into
states on the executors, `groupBy(search).applyInArrow` merges them, and the driver gets one state for each search. If a
split turns out not to be one event per line, the scan begins again with its file whole.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

from podhawk.engine.options import DEFAULTS, EngineOptions
from podhawk.engine.run.batch import BatchRunner, SearchJob
from podhawk.engine.run.files import FileSource
from podhawk.engine.run.source import EventSource, TimeRange
from podhawk.engine.search.collectors import Collector, EventCollector
from podhawk.engine.spark.cluster import Cluster
from podhawk.engine.spark.launch import check_master, start
from podhawk.engine.spark.payload import LookupCodec, Payload, pack, sent_search
from podhawk.engine.spark.worker import ACCOUNT, FAILED, NOT_BY_LINE, SCHEMA, map_splits, merge_states, raise_failure
from podhawk.engine.wire import VERSION, load
from podhawk.errors import EngineError, UsageError
from podhawk.events.splits import Split, splits_of
from podhawk.rows import Table
from podhawk.settings.version import __version__

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SPLITTABLE: Final = ("auto", "native", "json", "text")
_QUIET: Final = {"spark.ui.showConsoleProgress": "false", "spark.ui.enabled": "false"}


class SparkRunner:
    """Runs searches over one source on a cluster. Raises EngineError where the cluster fails."""

    def __init__(
        self,
        cluster: Cluster,
        source: FileSource,
        codec: LookupCodec,
        within: TimeRange | None = None,
        options: EngineOptions = DEFAULTS,
    ) -> None:
        self.cluster = cluster
        self.source = source
        self.within = within
        self.codec = codec
        self.options = options

    def run(self, searches: Sequence[SearchJob], *, masked: bool = True) -> list[Table]:
        """The rows of each search, in the order given."""
        with session(self.cluster) as spark:
            return self._on(spark).run(searches, masked=masked)

    def gather(self, searches: Sequence[SearchJob]) -> list[EventCollector]:
        """The events that each search wants."""
        with session(self.cluster) as spark:
            return self._on(spark).gather(searches)

    def gather_and_count(
        self, searches: Sequence[SearchJob], counted: Sequence[SearchJob]
    ) -> tuple[list[EventCollector], list[int]]:
        """The events that each of the first searches wants, and how many rows each of the others gives."""
        with session(self.cluster) as spark:
            return self._on(spark).gather_and_count(searches, counted)

    def _on(self, spark: SparkSession) -> BatchRunner:
        scan = SparkScan(spark, self.source, self.codec, self.cluster.split_size)
        return BatchRunner(self.source, self.within, scan=scan, options=self.options)


@contextlib.contextmanager
def session(cluster: Cluster) -> Iterator[SparkSession]:
    """A session on the cluster: the one that this process has, or a new one that ends with the block."""
    try:
        import pyarrow  # noqa: F401 - Spark needs it, and says so only in the middle of a job
        from pyspark import SparkContext
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise UsageError(
            f"--engine spark needs the package {error.name}, which is not installed",
            remedy="pip install 'podhawk[spark]'",
        ) from None
    if SparkContext._active_spark_context is not None:  # a session is active by thread, its context by process
        yield SparkSession.builder.getOrCreate()
        return
    check_master(cluster)
    with _errors_of_spark(cluster):
        start(cluster, {**_QUIET, **cluster.conf})
        spark = SparkSession.builder.getOrCreate()
    try:
        yield spark
    finally:
        spark.stop()


@contextlib.contextmanager
def _errors_of_spark(cluster: Cluster | None = None) -> Iterator[None]:
    """Within the block errors of Spark become errors of podhawk."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        _raise_for(str(error), cluster)


def _raise_for(text: str, cluster: Cluster | None) -> NoReturn:
    if "No module named 'podhawk" in text:
        raise EngineError(
            "podhawk is not installed on the executors",
            remedy="Install it in their image, or send it with --spark-conf spark.submit.pyFiles=…; see docs/spark.md.",
        ) from None
    last = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("at ")]
    where = f" at {cluster.master}" if cluster is not None else ""
    what = next((line for line in reversed(last) if "Error" in line or "Exception" in line), last[0] if last else "")
    raise EngineError(
        f"Spark{where} failed: {what[:500]}",
        remedy="Check that the master is reachable, that the workers have free cores and memory, and that "
        "podhawk is installed on them.",
    ) from None


class SparkScan:
    """Feeds collectors by a cluster."""

    def __init__(self, spark: SparkSession, source: FileSource, codec: LookupCodec, split_size: int) -> None:
        self.spark = spark
        self.source = source
        self.inputs = source.inputs
        self.options = source.options
        self.report = source.report
        self.codec = codec
        self.split_size = split_size

    def __call__(
        self,
        collectors: Sequence[Collector],
        source: EventSource,
        within: TimeRange,
        workers: int = 1,
        options: EngineOptions = DEFAULTS,
    ) -> None:
        """Feed the collectors. The report of the source is that of its first reading."""
        searches = [sent_search(one, self.codec) for one in collectors]
        geo = self._send_geo(collectors)
        whole: frozenset[int] = frozenset()
        while True:
            splits = self._splits(whole)
            sent = Payload(__version__, VERSION, searches, self.source.reading, within, splits, geo, options)
            records = self._records(pack(sent), len(splits))
            for _, _, part in (one for one in records if one[0] == FAILED):
                raise_failure(part)
            again = {splits[split].file for search, split, _ in records if search == NOT_BY_LINE}
            if not again:
                break
            whole |= again
        self._absorb(collectors, records, splits, source)
        source.unread = False

    def _splits(self, whole: frozenset[int]) -> list[Split]:
        if self.options.input_format in _SPLITTABLE:
            return splits_of(self.inputs, self.split_size, whole)
        return splits_of(self.inputs, self.split_size, frozenset(range(len(splits_of(self.inputs, sys.maxsize)))))

    def _send_geo(self, collectors: Sequence[Collector]) -> str:
        """The name of the geo database, which Spark brings to the executors."""
        found = (one.search.context.geo for one in collectors)
        path = next((getattr(geo, "path", "") for geo in found if geo is not None), "")
        if path:
            self.spark.sparkContext.addFile(os.path.abspath(path))
        return os.path.basename(path)

    def _records(self, data: bytes, count: int) -> list[tuple[int, int, bytes]]:
        """One Spark job over all splits, each a task, so that a lost worker costs no more than its splits."""
        if not count:
            return []
        with _errors_of_spark():
            numbers = self.spark.range(0, count, 1, count)
            lookups = self.codec.unpack
            # Spark looks at the parameters of what it is given, so partial() will not do.
            states: Any = numbers.mapInArrow(lambda batches: map_splits(data, lookups, batches), SCHEMA)
            merged = states.groupBy("search").applyInArrow(lambda table: merge_states(data, lookups, table), SCHEMA)
            return [(row.search, row.split, bytes(row.part)) for row in merged.collect()]

    def _absorb(
        self,
        collectors: Sequence[Collector],
        records: list[tuple[int, int, bytes]],
        splits: list[Split],
        source: EventSource,
    ) -> None:
        accounts = {split: load(part) for search, split, part in records if search == ACCOUNT}
        if len(accounts) != len(splits):
            raise EngineError(f"Spark returned results for {len(accounts)} of {len(splits)} splits of the input")
        first = source.unread
        lines: dict[str, int] = {}
        offsets: list[int] = []
        for number, split in enumerate(splits):
            report, stats = accounts[number]
            offset = lines.get(split.path, 0)
            offsets.append(offset)
            lines[split.path] = offset + report.lines
            for collector, met in zip(collectors, stats, strict=True):
                collector.stats.merge(met, offset)
            if first:
                self.report.absorb(report, offset)
        if first:
            self.report.files += len({split.file for split in splits})
        for number, at, part in sorted((one for one in records if one[0] >= 0), key=lambda one: one[:2]):
            collectors[number].merge(load(part), offsets[at])
