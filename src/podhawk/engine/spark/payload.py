"""Searches for the way to executors: as their text, never as objects.

What is sent is what a person would type: each search as SPL with its macros expanded and its subsearches
run, the clock, the zone and the switches, the lookup tables it names, how input is read, and the pieces of the
input. The other end parses and plans again with its own podhawk; before anything is sent the driver does the
same once and compares, so that a search whose text does not say all of it is an error, not a wrong result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from podhawk.commands.context import Context, Geo, Lookup, Lookups
from podhawk.commands.fillnull import FillNull
from podhawk.commands.parse import parse_search, render_pipeline
from podhawk.engine.plan.planner import Plan, make_plan
from podhawk.engine.plan.stages import chain
from podhawk.engine.run.batch import TimeRange
from podhawk.engine.search.collectors import GatherJob
from podhawk.engine.search.compiled import Observed, ScanJob
from podhawk.engine.spark.wire import VERSION
from podhawk.errors import EngineError, SearchError
from podhawk.events.options import ReadOptions
from podhawk.events.pieces import Piece
from podhawk.functions.declare import Env
from podhawk.settings.version import __version__
from podhawk.spl.text import plain

NAME: Final = "a search that was sent to an executor"
SAME: Final = "Install the same version of podhawk on the driver and on every executor."


Unpack = Callable[[bytes], Lookups]


class Ferry(Struct, frozen=True):
    """How lookup tables cross: `pack` on the driver, `unpack` (a function of a module) on executors."""

    pack: Callable[[Mapping[str, Lookup]], bytes]
    unpack: Unpack


class SentSearch(msgspec.Struct, frozen=True):
    """One search, or one leg of a search, that reads events."""

    text: str
    now: float
    zone: str
    switches: list[str]
    exact: bool
    lookups: bytes
    gathers: bool = False


class Shipment(msgspec.Struct, frozen=True):
    """Everything that an executor must know."""

    version: str
    states: int
    searches: list[SentSearch]
    options: ReadOptions
    within: TimeRange
    pieces: list[Piece]
    geo: str = ""


class _Recorder:
    """Lookups that remember which tables were asked for."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        self.asked: dict[str, Lookup] = {}

    def get(self, name: str) -> Lookup:
        table = self.asked[name] = self._lookups.get(name)
        return table

    def expect(self, name: str) -> None:
        self._lookups.expect(name)

    def write(self, name: str, rows: Any, columns: Any, append: bool) -> None:
        self._lookups.write(name, rows, columns, append)


def send_search(job: ScanJob, ferry: Ferry) -> SentSearch:
    """A job's search as what is sent. Raises SearchError if its text does not give the same plan again."""
    context = job.context
    recorder = _Recorder(context.lookups)
    own = replace(context, env=replace(context.env, warn=lambda kind, detail: None), lookups=recorder)
    text = render_pipeline(job.plan.pipeline)
    again = make_plan(parse_search(plain(text, NAME)), own)
    if _essence(again) != _essence(job.plan):
        raise SearchError(
            f"this search cannot be sent to a cluster, because its text does not describe it completely: {text}",
            remedy="Run it with --engine batch.",
        )
    chain(again.mapped, own)
    return SentSearch(
        text,
        context.env.now,
        _zone_name(context.env),
        sorted(context.env.switches),
        context.exact,
        ferry.pack(recorder.asked),
        isinstance(job, GatherJob),
    )


def _essence(plan: Plan) -> tuple[Any, ...]:
    """What an executor acts on. What the planner tells a fillnull counts only where that has no list of its own."""
    mapped = tuple(
        replace(stage, node=replace(stage.node, also=()))
        if isinstance(stage.node, FillNull) and stage.node.names
        else stage
        for stage in plan.mapped
    )
    return mapped, plan.reducer, plan.wanted, plan.base


def _zone_name(env: Env) -> str:
    return getattr(env.zone, "key", None) or str(env.zone)


def pack(shipment: Shipment) -> bytes:
    """A shipment as bytes."""
    return msgspec.msgpack.encode(shipment)


def unpack(data: bytes) -> Shipment:
    """The shipment in bytes. Raises EngineError where another version sent it."""
    try:
        sender = msgspec.msgpack.decode(data, type=_Sender)
    except msgspec.DecodeError as error:
        raise EngineError(f"cannot read the message of the driver: {error}", remedy=SAME) from None
    if (sender.version, sender.states) != (__version__, VERSION):
        raise EngineError(
            f"the driver runs podhawk {sender.version} (states {sender.states}), but this executor runs "
            f"podhawk {__version__} (states {VERSION})",
            remedy=SAME,
        )
    return msgspec.msgpack.decode(data, type=Shipment)


class _Sender(msgspec.Struct):
    version: str
    states: int


def jobs_of(shipment: Shipment, lookups: Unpack, geo: Geo | None) -> list[ScanJob]:
    """The jobs of a shipment, ready to be fed."""
    return [_job(search, lookups, geo) for search in shipment.searches]


def _job(search: SentSearch, lookups: Unpack, geo: Geo | None) -> ScanJob:
    observed = Observed()
    env = Env(search.now, ZoneInfo(search.zone), observed.warn, frozenset(search.switches))
    context = Context(env=env, lookups=lookups(search.lookups), geo=geo, exact=search.exact)
    kind = GatherJob if search.gathers else ScanJob
    return kind(make_plan(parse_search(plain(search.text, NAME)), context), context, observed)
