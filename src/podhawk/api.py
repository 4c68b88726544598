"""What a program calls: searches and detections over files, as values.

The command line uses these functions too, so the two cannot differ.
"""

from __future__ import annotations

import os
import time as clock
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from podhawk.commands.context import Context, Geo
from podhawk.commands.declare import Pipeline, Stage
from podhawk.commands.fieldformat import Display, displays
from podhawk.content.load import load_content, shipped_pack
from podhawk.content.lookups import LookupStore
from podhawk.content.model import Content, Detection
from podhawk.engine.batch import BatchRunner, Request, Runner, TimeRange
from podhawk.engine.cluster import Cluster, cluster_of
from podhawk.engine.files import FileSource
from podhawk.engine.geo import open_geo
from podhawk.engine.job import Observed
from podhawk.engine.plan import make_plan, read_search
from podhawk.engine.refusals import needs_geo, refusal
from podhawk.errors import ContentError, PodhawkError, SearchError, UsageError
from podhawk.events.read import InputReport, ReadOptions
from podhawk.functions.declare import Env
from podhawk.functions.times import resolve
from podhawk.rows import Table
from podhawk.rows.values import Value, as_text
from podhawk.settings.switches import chosen

Cell = str | list[str] | None


def plain_value(value: Value) -> str | list[str]:
    """A value as results show it: text, or a list of texts for a multivalue."""
    return list(value) if isinstance(value, tuple) else str(as_text(value))


@dataclass(slots=True)
class Result:
    """The rows of a search, with what it met on the way.

    Iterating gives one dict per row: single values are text, multivalue fields lists of text, and a
    column that `table` or `stats` named but the row lacks is None.
    """

    table: Table
    observed: Observed
    report: InputReport
    stages: Sequence[Stage] = ()
    formats: Mapping[str, Display] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """Every column, in the order of the search."""
        return self.table.header()

    def __len__(self) -> int:
        return len(self.table.rows)

    def __iter__(self) -> Iterator[dict[str, Cell]]:
        named = self.table.columns or ()
        for row in self.table.rows:
            cells: dict[str, Cell] = dict.fromkeys(named)
            for name, value in row.items():
                cells[name] = plain_value(value)
            yield cells

    def shown(self) -> Iterator[dict[str, Cell]]:
        """The rows as a table shows them: `fieldformat` changes what is shown, not the value."""
        for row, cells in zip(self.table.rows, self, strict=True):
            for name, show in self.formats.items():
                if name in row:
                    value = show(row)
                    cells[name] = None if value is None else plain_value(value)
            yield cells

    def to_arrow(self) -> Any:
        """The rows as a pyarrow table; multivalue columns are lists. Needs pyarrow."""
        import pyarrow

        rows = list(self)
        lists = {name for row in rows for name, cell in row.items() if isinstance(cell, list)}
        data = {name: [_listed(row.get(name)) if name in lists else row.get(name) for row in rows]
                for name in self.columns}
        return pyarrow.table(data)

    def to_pandas(self) -> Any:
        """The rows as a pandas frame. Needs pandas."""
        import pandas

        return pandas.DataFrame(list(self), columns=self.columns)

    def to_polars(self) -> Any:
        """The rows as a Polars frame. Needs polars."""
        import polars

        return polars.from_arrow(self.to_arrow())

    def _repr_html_(self) -> str:
        from html import escape

        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_shown(row.get(name)))}</td>" for name in self.columns) + "</tr>"
            for row in self)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _listed(cell: Cell) -> list[str] | None:
    return [cell] if isinstance(cell, str) else cell


def _shown(cell: Cell) -> str:
    return "" if cell is None else cell if isinstance(cell, str) else "\n".join(cell)


@dataclass(slots=True)
class DetectionResult:
    """One detection over one input: its rows, or why it could not run or cannot fire."""

    detection: Detection
    result: Result | None = None
    refused: str = ""
    broken: SearchError | None = None
    cannot: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The options that every run shares, resolved: clock, zone, range, switches, how input is read."""

    now: float
    zone: tzinfo
    within: TimeRange
    reading: ReadOptions
    geo: Geo | None = None
    exact: bool = False
    switches: frozenset[str] = frozenset()
    write: bool = False
    state: str | None = None
    jobs: int = 1
    cluster: Cluster | None = None

    def runner(self, source: FileSource) -> Runner:
        """What runs searches over a source: this machine, or the cluster where one is chosen."""
        if self.cluster is None:
            return BatchRunner(source, self.within, self.jobs)
        from podhawk.content.ship import pack_lookups, unpack_lookups
        from podhawk.engine.shipment import Ferry
        from podhawk.engine.spark import SparkRunner

        return SparkRunner(self.cluster, source, Ferry(pack_lookups, unpack_lookups), self.within)

    def context(self, content: Content, store: LookupStore | None = None) -> Context:
        """A fresh context for one search."""
        lookups = store if store is not None else LookupStore(content, self.state, self.write)
        return Context(env=Env(now=self.now, zone=self.zone, switches=self.switches), lookups=lookups, geo=self.geo,
                       exact=self.exact, write=self.write, macros=content.macros)


@dataclass(slots=True)
class RunResult:
    """Every selected detection with its rows, over one scan of the input."""

    detections: list[DetectionResult]
    report: InputReport
    content: Content = field(default_factory=Content)


def surroundings(options: Mapping[str, Any]) -> Surroundings:
    """Options by name (as in `podhawk.toml`) to what a run needs. Raises UsageError."""
    zone = _zone(options.get("tz") or "UTC")
    try:
        now = resolve(str(options["now"]), clock.time(), zone) if options.get("now") else clock.time()
        bounds = [resolve(str(options[name]), now, zone) if options.get(name) else None
                  for name in ("earliest", "latest")]
    except SearchError as error:
        raise UsageError(error.message, remedy=error.remedy) from None
    reading = ReadOptions(
        input_format=options.get("input_format") or "auto", source=options.get("source"),
        sourcetype=options.get("sourcetype"), host=options.get("host"), index=options.get("index"),
        cluster=options.get("cluster"), strict=bool(options.get("strict")),
        time_field=options.get("time_field") or "requestReceivedTimestamp")
    geo = open_geo(str(options["geo"])) if options.get("geo") else None
    if options.get("write") and not options.get("state"):
        raise UsageError("--write needs a folder to write to", remedy="Add --state DIR.")
    return Surroundings(now, zone, TimeRange(bounds[0], bounds[1]), reading, geo, bool(options.get("splunk_exact")),
                        chosen(options.get("switch") or []), bool(options.get("write")), options.get("state"),
                        options.get("jobs") or _cores(), cluster_of(options))


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"unknown time zone {name!r}", remedy="Use a name such as UTC or Europe/Berlin.") from None


def content_of(options: Mapping[str, Any], macros: Mapping[str, str] | None = None) -> Content:
    """The content that options name, the shipped pack by default."""
    paths: Sequence[str | Path] = options.get("content") or [shipped_pack()]
    return load_content(paths, overrides=options.get("overrides") or (), macro_overrides=macros or {})


def search(spl: str, *paths: str | Path, content: Content | None = None, name: str = "search",
           settings: Surroundings | None = None, **options: Any) -> Result:
    """Run one search over files, folders, globs or `-` (standard input).

    Options are those of the command line, with underscores. Raises SearchError before anything is read
    if the search cannot run, and InputError if the input holds no audit event.
    """
    around = settings if settings is not None else surroundings(options)
    known = content if content is not None else content_of(options)
    context = around.context(known)
    pipeline = read_search(spl, known.macros, name, context.env)
    source = FileSource([str(path) for path in paths], around.reading, keep=_rereads([pipeline]))
    request = Request(pipeline, context)
    make_plan(pipeline, context)
    table = around.runner(source).run([request])[0]
    if paths and not source.unread:
        source.check()
    return Result(table, request.observed, source.report, pipeline.stages, displays(pipeline, context))


def _rereads(pipelines: Sequence[Pipeline]) -> bool:
    """Whether any search may read its input more than once."""
    from podhawk.engine.subsearch import has_subsearch

    return any(has_subsearch(pipeline) or any(stage.name == "map" or stage.command.legs(stage.node)
                                              for stage in pipeline.stages) for pipeline in pipelines)


def run(content: Content, *paths: str | Path, detections: Sequence[Detection] | None = None,
        settings: Surroundings | None = None, **options: Any) -> RunResult:
    """Run detections over files, in one scan; each result holds the rows as Splunk would show them.

    A detection that cannot run says why in its result; the others run. Raises InputError if the input
    holds no audit event.
    """
    around = settings if settings is not None else surroundings(options)
    store = LookupStore(content, around.state, around.write)
    chosen_ones = list(content.detections if detections is None else detections)
    results = [DetectionResult(detection) for detection in chosen_ones]
    requests: list[tuple[DetectionResult, Request]] = []
    for result in results:
        request = _prepare(result, content, around, store)
        if request is not None:
            requests.append((result, request))
    source = FileSource([str(path) for path in paths], around.reading,
                        keep=_rereads([request.pipeline for _, request in requests]))
    runner = around.runner(source)
    tables = runner.run([request for _, request in requests]) if requests else []
    if paths and (requests or not results):
        source.check()
    for (result, request), table in zip(requests, tables, strict=True):
        result.result = Result(table, request.observed, source.report, request.pipeline.stages)
        if not table.rows and not request.observed.not_evaluable:
            result.cannot = _cannot(request.observed, source.report)
    return RunResult(results, source.report, content)


def _prepare(result: DetectionResult, content: Content, around: Surroundings, store: LookupStore) -> Request | None:
    detection = result.detection
    context = around.context(content, store)
    name = f"{detection.file or detection.name}: search"
    try:
        reason = refusal(detection.search, content.macros, name)
        if reason:
            result.refused = reason
            return None
        pipeline = read_search(detection.search, content.macros, name, context.env)
        make_plan(pipeline, context)
    except (SearchError, ContentError) as error:
        result.broken = error if isinstance(error, SearchError) else SearchError(error.message, place=error.place,
                                                                                 remedy=error.remedy)
        return None
    if context.geo is None and needs_geo(pipeline):
        result.cannot = "no geo database: it needs iplocation; give one with --geo FILE.mmdb"
        return None
    return Request(pipeline, context)


def _cannot(observed: Observed, report: InputReport) -> str:
    """Why a silent search can never fire on this input, or nothing."""
    if observed.offered and not observed.selected:
        return "no event here is of the source, sourcetype, host or index that it selects"
    if not observed.unseen or not observed.offered:
        return ""
    names = ", ".join(sorted(observed.unseen)[:3])
    bodies = any(name.startswith(("requestObject", "responseObject")) for name in observed.unseen)
    levels = sorted(level for level in report.by_level if level)
    if bodies and levels and not set(levels) & {"Request", "RequestResponse"}:
        return f"no event has {names}: bodies are not logged at level {', '.join(levels)}"
    return "" if report.sifted else f"no event has {names}"


__all__ = ["DetectionResult", "PodhawkError", "Result", "RunResult", "Surroundings", "content_of", "run", "search",
           "surroundings"]
