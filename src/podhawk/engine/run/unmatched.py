"""Why a search may be empty although its input is not: an index, source, sourcetype or host that no event has, and
names of fields that no event has.

Splunk answers both with no rows and no word. The names of fields come from the search. For those that audit events do
not have in general, a counter runs in the same scan as the search, so that the answer is exact; a search whose fields
are all known is scanned as before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from podhawk.commands.context import Context
from podhawk.commands.declare import Pipeline
from podhawk.commands.parse import parse_search
from podhawk.commands.search import Search
from podhawk.engine.plan.pipelines import every_pipeline
from podhawk.engine.plan.unknown_fields import UnknownField, unknown_fields
from podhawk.engine.run.batch import SearchJob
from podhawk.engine.run.files import FileSource
from podhawk.engine.search.rows import chooses, metadata
from podhawk.errors import InputError, SearchError
from podhawk.events.event import METADATA, View
from podhawk.events.fields import FlattenRules, fields_of
from podhawk.events.gaps import Damaged
from podhawk.events.read import InputReport, ReadOptions, read_events
from podhawk.events.schema import suggestions
from podhawk.spl import clause as spl
from podhawk.spl.text import plain, quote

_MOST: Final = 5
"""Names that are looked for."""
_LOOKED_AT: Final = 200
"""Events whose fields are compared with a misspelt name."""


class FieldProbe(Struct, frozen=True):
    """A field that audit events do not have in general, and the job that counts the events that have it. A column that
    the search itself does not make needs none."""

    field: UnknownField
    job: SearchJob | None = None


def probes_of(pipeline: Pipeline, context: Context, reading: ReadOptions) -> list[FieldProbe]:
    """The fields of a search that may be misspelt, each with its job; none where any name may be right."""
    audit = reading.input_format not in ("json", "text")
    if not audit or pipeline.generates or "field-names-any-case" in context.env.switches:
        return []
    return [
        FieldProbe(one, None if one.column else SearchJob(_counting(one.name, pipeline), context))
        for one in unknown_fields(pipeline.stages)[:_MOST]
    ]


def _counting(name: str, pipeline: Pipeline) -> Pipeline:
    """A search that counts events with a field, in the view of events that the first clause of a pipeline selects."""
    made = parse_search(plain(f"{quote(name)}=* | stats count", "a field of the search"))
    first, *rest = made.stages
    own = pipeline.stages[0].node if pipeline.stages else None
    parts = own.clause.parts if isinstance(own, Search) and isinstance(own.clause, spl.And) else ()
    chosen = [part for part in parts if isinstance(part, spl.Compare | spl.In) and part.name in METADATA]
    clause = spl.And((*chosen, first.node.clause)) if chosen else first.node.clause
    return Pipeline((replace(first, node=Search(clause)), *rest), made.source)


def remarks(job: SearchJob, probes: Sequence[FieldProbe], source: FileSource, context: Context) -> list[str]:
    """What the search asks for and no event has, in words, after the scan."""
    found = list(_unselected(job, source.native(), source.report, context))
    if not job.stats.matched:
        found += _single_quotes(job.pipeline)
    missing = [one.field for one in probes if one.job is None or not one.job.stats.matched]
    if found or not missing or not source.report.events:
        return found
    others = frozenset() if all(one.column for one in missing) else _fields_seen(source)
    return [
        f"{one.message}. {one.remedy}".strip()
        if one.column
        else f"no event has {one.name!r}. {suggestions(one.name, others)}".strip()
        for one in missing
    ]


def _fields_seen(source: FileSource) -> frozenset[str]:
    """The fields of the first events of an input; none if it can be read only once."""
    try:
        if not all(one.is_file for one in source.inputs.files):
            return frozenset()
        events = islice(read_events(source.inputs, source.options, InputReport()), _LOOKED_AT)
        return frozenset(name for event in events for name in fields_of(event.view, FlattenRules()))
    except (OSError, InputError, Damaged):
        return frozenset()


def _single_quotes(pipeline: Pipeline) -> Iterator[str]:
    """A remark for each value of the first clause that is written between single quotes."""
    first = pipeline.stages[0].node if pipeline.stages else None
    for part in spl.walk(first.clause) if isinstance(first, Search) else ():
        if isinstance(part, spl.Compare) and len(part.value) > 1 and part.value[0] == part.value[-1] == "'":
            meant = spl.render(replace(part, value=part.value[1:-1]), _no_subsearch)
            yield f"single quotes are part of the value in {spl.render(part, _no_subsearch)}. Write {meant}."


def _unselected(job: SearchJob, native: View, report: InputReport, context: Context) -> Iterator[str]:
    """A remark for each pipeline of the search that selects no event by its index, source, sourcetype or host."""
    seen: set[str] = set()
    for pipeline in every_pipeline(job.pipeline, context):
        first = pipeline.stages[0].node if pipeline.stages and not pipeline.generates else None
        if not isinstance(first, Search) or chooses(_without_subsearches(first.clause), native, context.env):
            continue
        own = pipeline is job.pipeline
        # Events in a carrier have a second source and sourcetype, which the search may select.
        if job.stats.selected or job.stats.matched if own else set(report.by_format) - {"native"}:
            continue
        wanted = ", ".join(_excluding(first.clause, native, context)) or "the source, sourcetype, host or index"
        if wanted not in seen:
            seen.add(wanted)
            have = " ".join(f"{name}={value}" for name, value in metadata(native).items())
            yield (
                f"no event has {wanted}, which the search selects. Native events have {have}; --index, --host, "
                "--source and --sourcetype change this."
            )


def _excluding(clause: spl.Clause, native: View, context: Context) -> Iterator[str]:
    """The comparisons that native events do not satisfy, as they are written."""
    for part in spl.walk(clause):
        if isinstance(part, spl.Compare | spl.In) and part.name in METADATA and not chooses(part, native, context.env):
            yield spl.render(part, _no_subsearch)


def _without_subsearches(clause: spl.Clause) -> spl.Clause:
    """The clause with each subsearch as if it matched everything."""
    match clause:
        case spl.And(parts=parts):
            return spl.And(tuple(map(_without_subsearches, parts)))
        case spl.Or(parts=parts):
            return spl.Or(tuple(map(_without_subsearches, parts)))
        case spl.Subsearch() | spl.Not() if any(isinstance(part, spl.Subsearch) for part in spl.walk(clause)):
            return spl.EVERYTHING
        case _:
            return clause


def _no_subsearch(pipeline: object) -> str:
    raise SearchError("a comparison holds no subsearch")
