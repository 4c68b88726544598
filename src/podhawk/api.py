"""What a program calls: searches and detections over files, as values.

The command line uses these functions too, so the two cannot differ.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from msgspec import Struct, field
from msgspec.structs import replace

from podhawk.arguments import given_content, given_detections, given_session, policies_of
from podhawk.commands.fieldformat import displays
from podhawk.content.datasets import own_attacks, shipped_attacks
from podhawk.content.lookups import LookupStore
from podhawk.content.model import Content, Detection
from podhawk.detect.baseline.habits import SiteBaseline, baseline_of
from podhawk.detect.evaluate.evaluation import hunts
from podhawk.detect.evaluate.prepare import Prepared, not_run, prepare
from podhawk.detect.finding import Finding, made_by
from podhawk.detect.findings import RunFindings, find
from podhawk.detect.increment.state import DetectionState
from podhawk.detect.match import Match
from podhawk.detect.passes.settle import Policies
from podhawk.detect.rank.exception_fields import check_fields
from podhawk.detect.rank.exceptions import SiteException, load_exceptions
from podhawk.detect.rank.visibility import hidden_by_noise
from podhawk.engine.plan.planner import make_plan, read_search
from podhawk.engine.plan.runnable import Runnability
from podhawk.engine.plan.subsearches import rereads
from podhawk.engine.run.batch import SearchJob
from podhawk.engine.run.files import FileSource
from podhawk.engine.run.source import TimeRange
from podhawk.engine.run.unmatched import probes_of, remarks
from podhawk.engine.search.judgement import Judgement, judge
from podhawk.errors import PodhawkError, UsageError
from podhawk.events.inputs import Inputs
from podhawk.events.options import ReadOptions
from podhawk.events.paths import STORED
from podhawk.events.read import InputReport
from podhawk.notebook import html_table
from podhawk.result import Cell, Result
from podhawk.rows import Table
from podhawk.session import Session, content_of, session_of, shipped_incidents
from podhawk.settings.keywords import Paths, RunKeywords, SearchKeywords, checked
from podhawk.wording import counted

if TYPE_CHECKING:
    from podhawk.detect.activity.identity_rows import IdentityRow
    from podhawk.detect.report.baseline_files import Learned


class DetectionResult(Struct):
    """One detection over one input.

    `runnability` says whether its search can run; if it can, `result` holds its rows. `judgement` says what it could
    tell about this input.
    """

    detection: Detection
    runnability: Runnability
    judgement: Judgement
    result: Result | None = None


class RowsResult(Struct):
    """Every selected detection with its rows, over one scan of the input."""

    detections: list[DetectionResult]
    report: InputReport
    content: Content = field(default_factory=Content)


def search(
    spl: str,
    *paths: str | Path,
    content: Content | Paths | None = None,
    name: str = "search",
    session: Session | None = None,
    inputs: Inputs | None = None,
    **options: Unpack[SearchKeywords],
) -> Result:
    """Run one search over files, folders, globs or `-` (standard input), or over `inputs` that are open already.

    `content` defines macros and lookups: what `load_content` gave, or its paths; the shipped pack by default.
    Options are those of the command line, with underscores; `session` has them resolved, in place of single ones.

    Raises SearchError before anything is read if the search cannot run, InputError if the input holds no audit event,
    and UsageError for an unknown option or a wrong value.
    """
    given = checked("search", options)
    session = given_session(session, given)
    known = given_content(content, given)
    context = session.context(known)
    if session.state is not None:
        from podhawk.store.datasets import SqlDatasets

        context.datasets = SqlDatasets(session.state)
    pipeline = read_search(spl, known.macros, name, context.env)
    job = SearchJob(pipeline, context)
    make_plan(pipeline, job.context)
    probes = probes_of(pipeline, context, session.reading)
    with opened(paths, inputs, session) as files, FileSource(files, session.reading, keep=rereads(pipeline)) as source:
        table = session.runner(source).run([job, *(one.job for one in probes if one.job is not None)])[0]
        if source.inputs.paths and not source.unread:
            source.check(session.within)
        told = remarks(job, probes, source, context)
    return Result(table, job.stats, source.report, pipeline.stages, displays(pipeline, job.context), told)


def rows(
    content: Content | Paths,
    *paths: str | Path,
    detections: Sequence[Detection] | None = None,
    session: Session | None = None,
    inputs: Inputs | None = None,
    **options: Unpack[RunKeywords],
) -> RowsResult:
    """Run detections over files (or over `inputs` that are open already), in one scan; each result holds the rows as
    Splunk would show them.

    Takes what `run` takes; exceptions change nothing. A detection that cannot run says why in its result; the others
    run. Raises InputError if the input holds no audit event, and UsageError for an unknown option or a wrong value.
    """
    given = checked("run", options)
    session = given_session(session, given)
    content = given_content(content, given)
    store = session.lookups(content)
    results: list[DetectionResult] = []
    jobs: list[tuple[DetectionResult, SearchJob]] = []
    for detection in given_detections(content, detections, given):
        made = prepare(detection, content, session, store)
        result = DetectionResult(detection, made.runnability, not_run(made.runnability))
        results.append(result)
        if made.request is not None:
            jobs.append((result, made.request))
    keep = any(rereads(job.pipeline) for _, job in jobs)
    with opened(paths, inputs, session) as files, FileSource(files, session.reading, keep=keep) as source:
        tables = session.runner(source).run([job for _, job in jobs]) if jobs else []
        if source.inputs.paths and (jobs or not results):
            source.check(session.within)
    for (result, job), table in zip(jobs, tables, strict=True):
        result.result = Result(table, job.stats, source.report, job.pipeline.stages)
        result.judgement = judge(job.pipeline, job.stats, source.report, len(table.rows), source.inputs.order)
    return RowsResult(results, source.report, content)


class FindingsResult(Struct):
    """The findings of a run; iterating gives each, in order of time, incidents last.

    `detections` says of each detection whether it could run and what it met; `result` holds no rows there.
    """

    found: RunFindings
    detections: list[DetectionResult]
    report: InputReport
    content: Content = field(default_factory=Content)
    exceptions: Sequence[SiteException] = ()
    now: float = 0.0

    def expired(self) -> list[SiteException]:
        """The exceptions that hold for no new event any more."""
        return [one for one in self.exceptions if not one.holds_at(self.now)]

    def aimless(self) -> list[SiteException]:
        """The exceptions that are about no detection of this content."""
        return [one for one in self.exceptions if not any(map(one.named, self.content.detections))]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.found.findings)

    def __len__(self) -> int:
        return len(self.found.matches)

    def records(self) -> list[dict[str, Any]]:
        """The findings as plain data, as `podhawk run -o jsonl` prints them."""
        from podhawk.detect.report.finding_json import to_record

        return [to_record(one) for one in self]

    def identities(self) -> list[IdentityRow]:
        """The visible findings as people read them: a row per identity, and beneath it a row per detection with its
        findings, the most urgent first."""
        from podhawk.detect.activity.identity_rows import identity_rows

        return identity_rows(self.found.visible)

    def __repr__(self) -> str:
        return f"<FindingsResult: {counted(len(self.found.findings), 'finding')}, {len(self.found.visible)} visible>"

    def _repr_html_(self) -> str:
        from podhawk.detect.report.finding_json import rfc3339

        rows = [(identity.name, row) for identity in self.identities() for row in identity.detections]
        cells = (
            [name, str(row.first.priority), row.name, str(len(row.findings)), rfc3339(row.first.first_time)[:19]]
            for name, row in rows
        )
        return html_table(("identity", "priority", "detection", "findings", "first time"), cells, len(rows))


def run(
    content: Content | Paths,
    *paths: str | Path,
    detections: Sequence[Detection] | None = None,
    session: Session | None = None,
    policies: Policies | None = None,
    inputs: Inputs | None = None,
    **options: Unpack[RunKeywords],
) -> FindingsResult:
    """Run detections over files (or over `inputs` that are open already) and give findings: who did what, how urgent,
    what it adds up to.

    `content` is what `load_content` gave, or its paths. `detections` are those to run; by default those that `only`
    and `exclude` select, which are all that are not retired. Options are those of the command line, with underscores;
    `session` has them resolved, in place of single ones.

    A detection that cannot run says why in its result; the others run. Raises InputError if the input holds no audit
    event, and UsageError for an unknown option, a wrong value, or --splunk-exact, which is for rows.
    """
    given = checked("run", options)
    session = given_session(session, given)
    if session.exact:
        raise UsageError("--splunk-exact does not apply to findings", remedy="Add --rows to print rows.")
    if session.backfill and session.state is None:
        raise UsageError("--backfill needs a state", remedy="Name it with --state DIR|URL.")
    if session.accept_content and session.state is None:
        raise UsageError("--accept-content needs a state", remedy="Name it with --state DIR|URL.")
    content = given_content(content, given)
    store = session.lookups(content)
    prepared = [
        prepare(detection, content, session, store) for detection in given_detections(content, detections, given)
    ]
    context = session.context(content, store)
    if policies is None:
        policies = Policies(exceptions=load_exceptions(given.get("exceptions") or ()))
    if policies.baseline is None:
        policies = replace(policies, baseline=baseline_of(content))
    check_fields(policies.exceptions, prepared)
    state = _open_state(session) if session.state is not None else None
    reads = any(one.request is not None for one in prepared) or not prepared
    with opened(paths, inputs, session) as files, FileSource(files, session.redacting, keep=True) as source:

        def check() -> None:
            if reads and source.inputs.paths:
                source.check(session.within)

        found = find(
            prepared,
            lambda: incident_rules(prepared, session, content),
            content,
            source,
            session.runner(source),
            context,
            policies,
            state,
            check,
            backfill=session.backfill,
            accept=[one.key for one in content.detections] if session.accept_content else None,
        )
    results = [DetectionResult(one.detection, one.runnability, not_run(one.runnability)) for one in prepared]
    counts = Counter(key for one in found.findings for key in made_by(one))
    for one, result in zip(prepared, results, strict=True):
        if (job := one.request) is not None:
            searching, order = hunts(one.detection), source.inputs.order
            count = (found.hunted if searching else counts).get(one.detection.key, 0)
            result.result = Result(Table(), job.stats, source.report, job.pipeline.stages)
            result.judgement = judge(job.pipeline, job.stats, source.report, count, order, hunts=searching)
    return FindingsResult(found, results, source.report, content, policies.exceptions, session.now)


def learn(
    content: Content,
    *paths: str | Path,
    session: Session,
    policies: Policies | None = None,
    inputs: Inputs | None = None,
) -> tuple[Learned, FindingsResult]:
    """What a reference period proposes for a baseline, and what was found in it.

    A baseline that the content has already changes nothing: it is learnt anew. Raises InputError if the input holds no
    audit event.
    """
    from podhawk.detect.report import site_lists
    from podhawk.detect.report.baseline_files import Learned
    from podhawk.detect.report.proposed_habits import proposals

    anew = replace(policies or Policies(), baseline=SiteBaseline())
    result = run(content, *paths, session=session, policies=anew, inputs=inputs)
    masked = replace(session, reading=session.redacting)
    listed = rows(content, *paths, detections=site_lists.SEARCHES, session=masked, inputs=inputs)
    found = {
        one.detection.name: [] if one.result is None else [dict(row.items()) for row in one.result.table.rows]
        for one in listed.detections
    }
    makers = (site_lists.COMPONENTS, site_lists.components), (site_lists.IMAGES, site_lists.images)
    lists = {name: list(make(found[name])) for name, make in (*makers, (site_lists.READERS, site_lists.readers))}
    return Learned(proposals(result.found.matches), lists), result


def fill_baselines(
    content: Content, *paths: str | Path, session: Session, inputs: Inputs | None = None
) -> list[DetectionResult]:
    """Run the content's baselines, which write what is normal into lookup tables, over files (or over `inputs` that are
    open already); those that cannot run say why. The tables are kept, so secrets in events are masked."""
    session = replace(session, reading=session.redacting)
    searches = [
        Detection(
            name=one.name, search=one.search, id=one.id, type="Baseline", file=one.file, search_line=one.search_line
        )
        for one in content.baselines
    ]
    if not searches:
        return []
    return rows(content, *paths, detections=searches, session=session, inputs=inputs).detections


def inputs_for(paths: Sequence[str | Path], session: Session, *, keep: bool = False) -> Inputs:
    """The files of paths, not opened yet; of `state:DIR` those that may hold events in the session's time range."""
    texts = [str(path) for path in paths]
    if not any(one.startswith(STORED) for one in texts):
        return Inputs(texts, keep=keep)
    from podhawk.store.stored_events import StoredEvents

    return Inputs(texts, keep=keep, stored=StoredEvents(session.within, inbox=session.cluster is None))


def opened(
    paths: Sequence[str | Path], inputs: Inputs | None, session: Session
) -> contextlib.AbstractContextManager[Inputs]:
    """The files of paths, closed at the end; `inputs` that are given stay open."""
    return contextlib.nullcontext(inputs) if inputs is not None else inputs_for(paths, session)


def incident_rules(prepared: Sequence[Prepared], session: Session, beside: Content) -> list[Prepared]:
    """The shipped searches over risk, without those that are among the detections already; cached if the content
    `beside` them is."""
    content = shipped_incidents(beside)
    store = LookupStore(content, None, False)
    known = {one.detection.id for one in prepared}
    made = [prepare(one, content, session, store) for one in content.detections if one.id not in known]
    content.keep()
    return made


def attacks_of(detection: Detection, content: Content, session: Session, policies: Policies) -> list[Match]:
    """What a detection finds of attacks: all that no noise class hides in the datasets of its own tests, where these
    are here, and what is to be seen in the shipped one, which has ordinary work beside its attacks.

    How the user's own logs are to be read says nothing of these, and exceptions do not apply.
    """
    plain_session = replace(session, state=None, within=TimeRange(), reading=ReadOptions())
    plain = replace(policies, exceptions=())
    found: dict[str, Match] = {}
    own = own_attacks(detection)
    for path in (*own, shipped_attacks()):
        result = run(content, path, detections=[detection], session=plain_session, policies=plain)
        found.update(
            (match.finding.finding_id, match)
            for match in result.found.matches
            if match.finding.kind != "incident"
            and (match.finding.visible or (path in own and not hidden_by_noise(match.finding)))
        )
    return list(found.values())


def _open_state(session: Session) -> DetectionState:
    from podhawk.store.database import Waiting
    from podhawk.store.state import SqlState

    return SqlState(session.state or "", session.redaction, Waiting(session.wait, session.tell), session.retention)


__all__ = [
    "Cell",
    "DetectionResult",
    "FindingsResult",
    "Inputs",
    "PodhawkError",
    "Result",
    "RowsResult",
    "Session",
    "content_of",
    "policies_of",
    "rows",
    "run",
    "search",
    "session_of",
]
