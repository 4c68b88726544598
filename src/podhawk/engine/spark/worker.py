"""What runs inside Spark's executors: splits of the input to states, and states to one state.

Spark sends the functions here by name; what they need comes as bytes (`podhawk.engine.spark.payload`). An executor
reads the bytes of its splits itself. Each split gives records of (search, split, part): one state for each search that
collected anything, and one account of what was read. A split that cannot be read by itself gives a record that says so,
and an error of podhawk another; the driver decides what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from podhawk.content.geo import open_geo
from podhawk.engine.run.files import FileSource
from podhawk.engine.run.scan import ScanWork
from podhawk.engine.search.collectors import Collector
from podhawk.engine.spark.payload import Payload, Unpack, collectors_of, unpack
from podhawk.engine.wire import dump, load
from podhawk.errors import EngineError, PodhawkError
from podhawk.events.options import InputReport
from podhawk.events.splits import NotByLine

if TYPE_CHECKING:
    import pyarrow

ACCOUNT: Final = -1
NOT_BY_LINE: Final = -2
FAILED: Final = -3
SCHEMA: Final = "search int, split int, part binary"

StateRecord = tuple[int, int, bytes]


class WorkerState:
    """The collectors of one payload in this process, and the work that maps splits for them."""

    def __init__(self, data: bytes, lookups: Unpack) -> None:
        self.payload: Payload = unpack(data)
        geo = open_geo(_beside(self.payload.geo)) if self.payload.geo else None
        source = FileSource([], self.payload.options)
        self.collectors: list[Collector] = collectors_of(self.payload, source.native(), lookups, geo)
        self.empty = [dump(one.state) for one in self.collectors]
        self.work = ScanWork(self.collectors, source, self.payload.within, self.payload.engine)

    def records(self, number: int) -> Iterator[StateRecord]:
        """The records of one split."""
        for one in self.collectors:
            one.clear()
            one.stats.restart(one.search.expected)
        report = InputReport()
        try:
            self.work(self.payload.splits[number], report)
            self.work.settle()
        except NotByLine:
            yield NOT_BY_LINE, number, b""
            return
        for search, one in enumerate(self.collectors):
            state = dump(one.state)
            if state != self.empty[search]:
                yield search, number, state
        yield ACCOUNT, number, dump([report, [one.stats for one in self.collectors]])


def _beside(name: str) -> str:
    """The path of a file that the driver sent along."""
    from pyspark import SparkFiles

    return str(SparkFiles.get(name))


_state = lru_cache(maxsize=2)(WorkerState)


def map_splits(data: bytes, lookups: Unpack, batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
    """For `mapInArrow`: numbers of splits to records."""
    for batch in batches:
        for number in batch.column(0).to_pylist():
            yield from map(_batch, _caught(number, partial(_records, data, lookups, number)))


def _records(data: bytes, lookups: Unpack, number: int) -> Iterator[StateRecord]:
    yield from _state(data, lookups).records(number)


def merge_states(data: bytes, lookups: Unpack, table: pyarrow.Table) -> pyarrow.Table:
    """For `applyInArrow`: the states of one search to one, merged in the order of the input. Other records, and states
    that are lists, stay as they are."""
    import pyarrow

    number = table.column(0)[0].as_py()
    order = table.sort_by("split")
    if number < 0 or order.num_rows < 2:
        return order
    found = list(
        _caught(order.column(1)[0].as_py(), lambda: _merged(_state(data, lookups).collectors[number], number, order))
    )
    return order if not found else pyarrow.Table.from_batches(map(_batch, found))


def _merged(collector: Collector, number: int, order: Any) -> Iterator[StateRecord]:
    search = collector.search
    if collector.positional or search.plan.reducer is None:
        return
    state = search.reducer.start()
    for part in order.column(2):
        state = search.reducer.merge(state, load(part.as_py()))
    yield number, order.column(1)[0].as_py(), dump(state)


def _caught(number: int, records: Callable[[], Iterable[StateRecord]]) -> Iterator[StateRecord]:
    """The records; an error of podhawk becomes a record."""
    try:
        yield from records()
    except PodhawkError as error:
        place = str(error.place) if error.place else ""
        yield FAILED, number, dump([type(error).__name__, error.message, place, error.remedy])


def _batch(record: StateRecord) -> pyarrow.RecordBatch:
    import pyarrow

    schema = pyarrow.schema([("search", pyarrow.int32()), ("split", pyarrow.int32()), ("part", pyarrow.binary())])
    return pyarrow.RecordBatch.from_arrays(
        [pyarrow.array([value], field.type) for value, field in zip(record, schema, strict=True)], schema=schema
    )


def raise_failure(part: bytes) -> None:
    """Raise on the driver the error that stopped an executor."""
    from podhawk import errors

    name, message, place, remedy = load(part)
    kind = getattr(errors, name, EngineError)
    where = f"{place}: " if place else ""
    raise kind(f"{where}{message}", remedy=remedy)
