"""What the driver sends to executors: searches as text, never as objects.

The payload is what a person would type: each search as SPL with its macros expanded and its subsearches run, the clock,
the zone and the switches, the lookup tables that it names, how input is read, and the splits of the input. The executor
parses and plans again with its own podhawk. Before anything is sent, the driver does the same once and compares the
plans, so that a search whose text does not tell all of it is an error, not a wrong result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from podhawk.commands.context import Context, Geo, Lookup, Lookups
from podhawk.commands.parse import parse_search, render_pipeline
from podhawk.commands.properties import SearchRange
from podhawk.engine.options import DEFAULTS, EngineOptions
from podhawk.engine.plan.planner import Plan, make_plan
from podhawk.engine.plan.stages import chain
from podhawk.engine.run.source import TimeRange
from podhawk.engine.search.collectors import Collector, EventCollector, RowCollector
from podhawk.engine.search.compiled import CompiledSearch, bind_source, compile_search
from podhawk.engine.search.stats import SearchStats
from podhawk.engine.wire import VERSION
from podhawk.errors import EngineError, SearchError
from podhawk.events.event import View
from podhawk.events.options import ReadOptions
from podhawk.events.splits import Split
from podhawk.functions.declare import Env
from podhawk.settings.version import __version__
from podhawk.spl.text import plain

NAME: Final = "a search that was sent to an executor"
SAME_VERSION: Final = "Install the same version of podhawk on the driver and on every executor."


Unpack = Callable[[bytes], Lookups]


class LookupCodec(Struct, frozen=True):
    """How lookup tables are sent: `pack` runs on the driver, `unpack` (a function of a module) on executors."""

    pack: Callable[[Mapping[str, Lookup]], bytes]
    unpack: Unpack


class SentSearch(msgspec.Struct, frozen=True):
    """One search, or one leg of a search, that reads events. `gathers` says that it is for the events themselves."""

    text: str
    now: float
    zone: str
    switches: list[str]
    exact: bool
    lookups: bytes
    gathers: bool = False


class Payload(msgspec.Struct, frozen=True):
    """Everything that an executor must know. `version` and `states` are the versions of podhawk and of the wire format;
    `geo` is the name of the geo database that Spark brings along."""

    version: str
    states: int
    searches: list[SentSearch]
    options: ReadOptions
    within: TimeRange
    splits: list[Split]
    geo: str = ""
    engine: EngineOptions = DEFAULTS


class _Recorder:
    """Lookups that note which tables were asked for."""

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


def sent_search(collector: Collector, codec: LookupCodec) -> SentSearch:
    """A search in the form that is sent. Raises SearchError if its text does not give the same plan again."""
    search = collector.search
    context = search.context
    recorder = _Recorder(context.lookups)
    own = replace(context, env=replace(context.env, warn=lambda kind, detail: None), lookups=recorder)
    text = render_pipeline(search.plan.pipeline)
    again = make_plan(parse_search(plain(text, NAME)), own)
    if _essence(again) != _essence(search.plan):
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
        codec.pack(recorder.asked),
        isinstance(collector, EventCollector),
    )


def _essence(plan: Plan) -> tuple[Any, ...]:
    """The parts of a plan that an executor uses."""
    return plan.mapped, plan.reducer, plan.wanted, plan.base


def _zone_name(env: Env) -> str:
    return getattr(env.zone, "key", None) or str(env.zone)


def pack(payload: Payload) -> bytes:
    """A payload as bytes."""
    return msgspec.msgpack.encode(payload)


def unpack(data: bytes) -> Payload:
    """The payload in bytes. Raises EngineError if another version sent it."""
    try:
        sender = msgspec.msgpack.decode(data, type=_Sender)
    except msgspec.DecodeError as error:
        raise EngineError(f"cannot read the message of the driver: {error}", remedy=SAME_VERSION) from None
    if (sender.version, sender.states) != (__version__, VERSION):
        raise EngineError(
            f"the driver runs podhawk {sender.version} (states {sender.states}), but this executor runs "
            f"podhawk {__version__} (states {VERSION})",
            remedy=SAME_VERSION,
        )
    return msgspec.msgpack.decode(data, type=Payload)


class _Sender(msgspec.Struct):
    version: str
    states: int


def collectors_of(payload: Payload, native: View, lookups: Unpack, geo: Geo | None) -> list[Collector]:
    """The collectors of a payload, over a source whose native events look like `native`."""
    made: list[Collector] = []
    for sent in payload.searches:
        stats = SearchStats()
        search = bind_source(_compiled(sent, payload.within, stats, lookups, geo), native)
        made.append(EventCollector(search, stats) if sent.gathers else RowCollector(search, stats))
    return made


def _compiled(
    sent: SentSearch, within: TimeRange, stats: SearchStats, lookups: Unpack, geo: Geo | None
) -> CompiledSearch:
    env = Env(sent.now, ZoneInfo(sent.zone), stats.warn, frozenset(sent.switches))
    context = Context(
        env=env,
        lookups=lookups(sent.lookups),
        geo=geo,
        exact=sent.exact,
        within=SearchRange(within.earliest, within.latest),
    )
    return compile_search(make_plan(parse_search(plain(sent.text, NAME)), context), context)
