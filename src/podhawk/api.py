"""What a program calls: searches and detections over files, as values.

The command line uses these functions too, so the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from podhawk.commands.declare import Stage
from podhawk.commands.fieldformat import Display, displays
from podhawk.content.datasets import own_attacks, shipped_attacks
from podhawk.content.load import load_content, shipped_pack
from podhawk.content.lookups import LookupStore
from podhawk.content.model import Content, Detection
from podhawk.detect.evaluate.match import Match
from podhawk.detect.evaluate.prepare import Prepared, prepare
from podhawk.detect.finding import Finding
from podhawk.detect.findings import Found, Policies, find
from podhawk.detect.increment.memory import Memory
from podhawk.detect.noise.registry import policy_of
from podhawk.detect.rank.exceptions import SiteException, load_exceptions
from podhawk.detect.rank.priority import priority_policy
from podhawk.detect.rank.visibility import hidden_by_noise
from podhawk.detect.risk.factors import risk_policy
from podhawk.engine.plan.planner import make_plan, read_search
from podhawk.engine.plan.subsearches import rereads
from podhawk.engine.run.batch import Request, TimeRange
from podhawk.engine.run.files import FileSource
from podhawk.engine.search.compiled import Observed
from podhawk.errors import Place, PodhawkError, SearchError, UsageError
from podhawk.events.inputs import Inputs
from podhawk.events.options import ReadOptions
from podhawk.events.read import InputReport
from podhawk.rows import Table
from podhawk.rows.values import Value, as_text
from podhawk.session import Surroundings, content_of, surroundings
from podhawk.settings.resolve import Settings

Cell = str | list[str] | None


def plain_value(value: Value) -> str | list[str]:
    """A value as results show it: text, or a list of texts for a multivalue."""
    return list(value) if isinstance(value, tuple) else str(as_text(value))


class Result(Struct):
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
                cells[name] = value if value.__class__ is str else plain_value(value)
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
        data = {
            name: [_listed(row.get(name)) if name in lists else row.get(name) for row in rows] for name in self.columns
        }
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
            for row in self
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _listed(cell: Cell) -> list[str] | None:
    return [cell] if isinstance(cell, str) else cell


def _shown(cell: Cell) -> str:
    return "" if cell is None else cell if isinstance(cell, str) else "\n".join(cell)


class DetectionResult(Struct):
    """One detection over one input: its rows, or why it could not run or cannot fire."""

    detection: Detection
    result: Result | None = None
    refused: str = ""
    broken: SearchError | None = None
    cannot: str = ""


class RowsResult(Struct):
    """Every selected detection with its rows, over one scan of the input."""

    detections: list[DetectionResult]
    report: InputReport
    content: Content = field(default_factory=Content)


def search(
    spl: str,
    *paths: str | Path,
    content: Content | None = None,
    name: str = "search",
    settings: Surroundings | None = None,
    inputs: Inputs | None = None,
    **options: Any,
) -> Result:
    """Run one search over files, folders, globs or `-` (standard input), or over `inputs` that are open already.

    Options are those of the command line, with underscores. Raises SearchError before anything is read
    if the search cannot run, and InputError if the input holds no audit event.
    """
    around = settings if settings is not None else surroundings(options)
    known = content if content is not None else content_of(options)
    context = around.context(known)
    if around.state is not None:
        from podhawk.store.datasets import SqlDatasets

        context.datasets = SqlDatasets(around.state)
    pipeline = read_search(spl, known.macros, name, context.env)
    request = Request(pipeline, context)
    make_plan(pipeline, context)
    with FileSource(_inputs(paths, inputs), around.reading, keep=rereads(pipeline)) as source:
        table = around.runner(source).run([request])[0]
        if source.inputs.paths and not source.unread:
            source.check()
    return Result(table, request.observed, source.report, pipeline.stages, displays(pipeline, context))


def rows(
    content: Content,
    *paths: str | Path,
    detections: Sequence[Detection] | None = None,
    settings: Surroundings | None = None,
    inputs: Inputs | None = None,
    **options: Any,
) -> RowsResult:
    """Run detections over files (or over `inputs` that are open already), in one scan; each result holds the rows as
    Splunk would show them.

    A detection that cannot run says why in its result; the others run. Raises InputError if the input
    holds no audit event.
    """
    around = settings if settings is not None else surroundings(options)
    store = around.lookups(content)
    chosen_ones = list(content.detections if detections is None else detections)
    results: list[DetectionResult] = []
    requests: list[tuple[DetectionResult, Request]] = []
    for detection in chosen_ones:
        made = prepare(detection, content, around, store)
        result = DetectionResult(detection, None, made.refused, made.broken, made.cannot)
        results.append(result)
        if made.request is not None:
            requests.append((result, made.request))
    keep = any(rereads(request.pipeline) for _, request in requests)
    with FileSource(_inputs(paths, inputs), around.reading, keep=keep) as source:
        tables = around.runner(source).run([request for _, request in requests]) if requests else []
        if source.inputs.paths and (requests or not results):
            source.check()
    for (result, request), table in zip(requests, tables, strict=True):
        result.result = Result(table, request.observed, source.report, request.pipeline.stages)
        if not table.rows and not request.observed.not_evaluable:
            result.cannot = _cannot(request.observed, source.report)
    return RowsResult(results, source.report, content)


class FindingsResult(Struct):
    """The findings of a run; iterating gives each, in order of time, incidents last.

    `detections` says of each detection whether it could run and what it met; `result` holds no rows there.
    """

    found: Found
    detections: list[DetectionResult]
    report: InputReport
    content: Content = field(default_factory=Content)
    exceptions: Sequence[SiteException] = ()
    now: float = 0.0

    def expired(self) -> list[SiteException]:
        """The exceptions that have ended and do nothing any more."""
        return [one for one in self.exceptions if not one.active(self.now)]

    def aimless(self) -> list[SiteException]:
        """The exceptions that are about no detection of this content."""
        return [one for one in self.exceptions if not any(map(one.named, self.content.detections))]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.found.findings)

    def __len__(self) -> int:
        return len(self.found.matches)


def run(
    content: Content,
    *paths: str | Path,
    detections: Sequence[Detection] | None = None,
    settings: Surroundings | None = None,
    policies: Policies | None = None,
    inputs: Inputs | None = None,
    **options: Any,
) -> FindingsResult:
    """Run detections over files (or over `inputs` that are open already) and give findings: who did what, how urgent,
    what it adds up to.

    A detection that cannot run says why in its result; the others run. Raises InputError if the input
    holds no audit event, UsageError where --splunk-exact is asked for, which is for rows.
    """
    around = settings if settings is not None else surroundings(options)
    if around.exact:
        raise UsageError("--splunk-exact is for rows", remedy="Add --rows: findings are podhawk's own.")
    store = around.lookups(content)
    prepared = [
        prepare(detection, content, around, store)
        for detection in (content.detections if detections is None else detections)
    ]
    context = around.context(content, store)
    policies = policies if policies is not None else Policies()
    memory = _memory(around.state) if around.state is not None else None
    reads = any(one.request is not None for one in prepared) or not prepared
    with FileSource(_inputs(paths, inputs), around.reading, keep=True) as source:

        def check() -> None:
            if reads and source.inputs.paths:
                source.check()

        found = find(
            prepared,
            lambda: incident_rules(prepared, around),
            content,
            source,
            around.runner(source),
            context,
            policies,
            memory,
            check,
        )
    results: list[DetectionResult] = []
    for one in prepared:
        result = DetectionResult(one.detection, None, one.refused, one.broken, one.cannot)
        results.append(result)
        if one.request is not None:
            result.result = Result(Table(), one.request.observed, source.report, one.request.pipeline.stages)
            if not one.request.observed.matched and not one.request.observed.not_evaluable:
                result.cannot = _cannot(one.request.observed, source.report)
    return FindingsResult(found, results, source.report, content, policies.exceptions, around.now)


def fill_baselines(
    content: Content, *paths: str | Path, settings: Surroundings, inputs: Inputs | None = None
) -> list[DetectionResult]:
    """Run the content's baselines, which write what is normal into lookup tables, over files (or over `inputs` that are
    open already); those that cannot run say why."""
    searches = [
        Detection(
            name=one.name, search=one.search, id=one.id, type="Baseline", file=one.file, search_line=one.search_line
        )
        for one in content.baselines
    ]
    if not searches:
        return []
    return rows(content, *paths, detections=searches, settings=settings, inputs=inputs).detections


def _inputs(paths: Sequence[str | Path], inputs: Inputs | None) -> Sequence[str] | Inputs:
    return inputs if inputs is not None else [str(path) for path in paths]


def incident_rules(prepared: Sequence[Prepared], around: Surroundings) -> list[Prepared]:
    """The shipped searches over risk, without those that are among the detections already."""
    content = load_content([shipped_pack() / "incidents"])
    store = LookupStore(content, None, False)
    known = {one.detection.id for one in prepared}
    return [prepare(one, content, around, store) for one in content.detections if one.id not in known]


def attacks_of(detection: Detection, content: Content, around: Surroundings, policies: Policies) -> list[Match]:
    """What a detection finds of attacks: all that no noise class hides in the datasets of its own tests, where these
    are here, and what is to be seen in the shipped one, which has ordinary work beside its attacks.

    How the user's own logs are to be read says nothing of these, and exceptions do not apply.
    """
    settings = replace(around, state=None, within=TimeRange(), reading=ReadOptions())
    plain = replace(policies, exceptions=())
    found: dict[str, Match] = {}
    own = own_attacks(detection)
    for path in (*own, shipped_attacks()):
        result = run(content, path, detections=[detection], settings=settings, policies=plain)
        found.update(
            (match.finding.finding_id, match)
            for match in result.found.matches
            if match.finding.kind != "incident"
            and (match.finding.visible or (path in own and not hidden_by_noise(match.finding)))
        )
    return list(found.values())


def _memory(state: str) -> Memory:
    from podhawk.store.state import SqlMemory

    return SqlMemory(state)


def policies_of(settings: Settings) -> Policies:
    """What `podhawk.toml` and the options say of noise, priority, risk and exceptions. Raises UsageError and
    ContentError."""
    tables = settings.tables
    try:
        noise, priority, risk = (
            policy_of(tables.get("noise", {})),
            priority_policy(tables.get("priority", {})),
            risk_policy(tables.get("risk", {})),
        )
    except UsageError as error:
        place = error.place or (Place(str(settings.file)) if settings.file is not None else None)
        raise UsageError(error.message, place=place, remedy=error.remedy) from None
    return Policies(noise, priority, risk, load_exceptions(settings.values.get("exceptions") or ()))


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
    return "" if report.sifted else f"no event that it may want has {names}"


__all__ = [
    "DetectionResult",
    "FindingsResult",
    "Inputs",
    "PodhawkError",
    "Result",
    "RowsResult",
    "Surroundings",
    "content_of",
    "policies_of",
    "rows",
    "run",
    "search",
    "surroundings",
]
