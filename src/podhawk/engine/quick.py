"""The quick way from a line to what searches need of it, for events that are as the API server writes them.

From the plans come the names of the fields that any search needs; from those a msgspec struct with just these
members, typed strictly, and a function, generated once, that turns a decoded line into a row. A line that
is not of that shape (another member, a list where a text should be, a decimal, a member with dots in
its key, a truncated event) does not decode, and takes the long way: the result is the same, only later.

The generated text holds only names made here and indices into constants, as in `predicate`.

A `stats count by …` over everything needs no rows at all: the values of the fields are counted as they
come, and handed to the state as counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from podhawk.commands.stats import StatsRun
from podhawk.events.event import AUDIT_KEYS
from podhawk.events.fields import FlattenRules
from podhawk.events.options import InputReport
from podhawk.events.reasons import METHODS
from podhawk.events.time import parse_rfc3339
from podhawk.rows import OrderKey, Row
from podhawk.spl.clause import EVERYTHING

if TYPE_CHECKING:
    from podhawk.engine.job import ScanJob

_SCALAR: Any = str | int | bool | msgspec.UnsetType | None
_LIST: Any = list[str] | msgspec.UnsetType
_FIXED = ("index", "host", "source", "sourcetype")
_TIMES = ("requestReceivedTimestamp", "stageTimestamp")
_PASSED_OVER = ("requestObject", "responseObject")
_UNSET = msgspec.UNSET
_LONG_WAY = (msgspec.ValidationError, msgspec.DecodeError, UnicodeError, RecursionError)
Take = Callable[[bytes, int], bool]


def reachable(name: str) -> bool:
    """Whether a field can be read this way: a member, a list of texts, or a member of a member."""
    head, _, rest = name.partition(".")
    plain = head.removesuffix("{}")
    if plain not in AUDIT_KEYS or plain in ("annotations", *_PASSED_OVER) or (head != plain and rest):
        return False
    return bool(rest.removesuffix("{}").isidentifier()) if rest else True


def needed(job: ScanJob) -> frozenset[str] | None:
    """The fields that a search needs of an event; None if it cannot be served this way."""
    wanted, probe = job.plan.wanted, job.probe_fields
    if wanted is None or probe is None or job.rules != FlattenRules() or not job.selects_native:
        return None
    names = (wanted | probe) - set(_FIXED)
    if "_raw" in names or not all(name == "_time" or reachable(name) for name in names):
        return None
    return names


def _struct(names: Sequence[str]) -> Any:
    """A struct with just these members, which refuses members that an audit event does not have."""
    members: dict[str, Any] = {"stage": _SCALAR, "level": _SCALAR}
    inner: dict[str, dict[str, Any]] = {}
    for name in names:
        head, _, rest = name.partition(".")
        if rest:
            inner.setdefault(head, {})[rest.removesuffix("{}")] = _LIST if rest.endswith("{}") else _SCALAR
        elif name != "_time":
            members[head.removesuffix("{}")] = _LIST if head.endswith("{}") else _SCALAR
    for head, fields in inner.items():
        part = msgspec.defstruct(f"Part_{head}", [(key, kind, msgspec.UNSET) for key, kind in fields.items()])
        members[head] = part | msgspec.UnsetType
    lost = msgspec.defstruct("Part_annotations", [("truncated", _SCALAR, msgspec.UNSET)],
                             rename={"truncated": "audit.k8s.io/truncated"})
    members["annotations"] = lost | msgspec.UnsetType
    for key in _TIMES:
        members.setdefault(key, str | msgspec.UnsetType)
    # An event is told by a text auditID and a text verb; what has less may still be one, the long way.
    members.pop("auditID", None)
    members.pop("verb", None)
    declared: list[Any] = [("auditID", str), ("verb", str)]
    declared += [(key, kind, msgspec.UNSET) for key, kind in members.items()]
    declared += [(key, msgspec.Raw, msgspec.Raw(b"")) for key in sorted(AUDIT_KEYS) if key not in members
                 and key not in ("auditID", "verb")]
    return msgspec.defstruct("QuickEvent", declared, forbid_unknown_fields=True, kw_only=True)


def _text(value: Any) -> str:
    """A scalar that is no text, as the text of its field."""
    if value is None:
        return "null"
    if value.__class__ is bool:
        return "true" if value else "false"
    if value == 0:
        raise msgspec.ValidationError("a zero may have been written -0")
    return str(value)


def _reader(names: Sequence[str]) -> Callable[[Any, Row], None]:
    """A generated function that puts the named fields of a decoded event into a row."""
    lines = ["def read(e, row):"]
    constants: list[str] = []
    for name in names:
        head, _, rest = name.partition(".")
        target = f"c[{len(constants)}]"
        constants.append(name)
        listed = name.endswith("{}")
        access = f"e.{head.removesuffix('{}')}"
        indent = "    "
        if rest:
            lines += [f"    o = {access}", "    if o is not UNSET:"]
            access, indent = f"o.{rest.removesuffix('{}')}", "        "
        lines.append(f"{indent}v = {access}")
        if listed:
            lines += [f"{indent}if v is not UNSET and v:",
                      f"{indent}    row[{target}] = v[0] if len(v) == 1 else tuple(v)"]
        else:
            lines += [f"{indent}if v is not UNSET:",
                      f"{indent}    row[{target}] = v if v.__class__ is str else text(v)"]
    lines.append("    return None")
    scope: dict[str, Any] = {"UNSET": msgspec.UNSET, "text": _text, "c": tuple(constants)}
    exec(compile("\n".join(lines), "<podhawk reader>", "exec"), scope)
    made: Callable[[Any, Row], None] = scope["read"]
    return made


def _keys(by: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """A generated function that gives the values of fields as a tuple."""
    parts = []
    for name in by:
        head, _, rest = name.partition(".")
        parts.append(f"UNSET if e.{head} is UNSET else e.{head}.{rest}" if rest else f"e.{head}")
    scope: dict[str, Any] = {"UNSET": msgspec.UNSET}
    exec(compile(f"def key(e): return ({', '.join(f'({part})' for part in parts)},)",
                 "<podhawk key>", "exec"), scope)
    made: Callable[[Any], tuple[Any, ...]] = scope["key"]
    return made


class Quick:
    """Takes lines for a set of searches."""

    def __init__(self, jobs: Sequence[ScanJob], fields: Sequence[frozenset[str]], fixed: dict[str, str],
                 place: tuple[int, ...]) -> None:
        names = sorted(frozenset().union(*fields))
        self._jobs = jobs
        self._place = place
        self._fixed = fixed
        self._timed = "_time" in names or not all(_order_free(job) for job in jobs)
        self._decode = msgspec.json.Decoder(_struct(names)).decode
        self._read = _reader([name for name in names if name != "_time"])
        self._seen: dict[tuple[Any, ...], int] = {}
        self._counter: StatsRun | None = None
        self.take: Take = self._take
        only = jobs[0]
        if len(jobs) == 1 and isinstance(only.reducer, StatsRun) and _only_counts(only, only.reducer):
            self._counter = only.reducer
            self.take = _counting(self._decode, only.reducer.node.by, self._seen)

    def _take(self, line: bytes, number: int) -> bool:
        """Take a line; False if it must go the long way."""
        try:
            event = self._decode(line)
            if _is_odd(event):
                return False
            self._offer(event, number)
        except _LONG_WAY:
            return False
        seen = self._seen
        about = (event.stage, event.level)
        seen[about] = seen.get(about, 0) + 1
        return True

    def _offer(self, event: Any, number: int) -> None:
        row = Row()
        self._read(event, row)
        if self._timed:
            self._stamp(event, row, number)
        row.update(self._fixed)
        for job in self._jobs:
            observed = job.observed
            observed.offered += 1
            observed.selected += 1
            if observed.unseen:
                observed.unseen.difference_update(row)
            if job.test(row):
                observed.matched += 1
                job.keep(row.copy())

    def _stamp(self, event: Any, row: Row, number: int) -> None:
        received, stage = event.requestReceivedTimestamp, event.stageTimestamp
        time = parse_rfc3339(received) if received.__class__ is str else None
        staged = parse_rfc3339(stage) if stage.__class__ is str else None
        if time is None:
            raise msgspec.ValidationError("a time that only the long way can work out")
        row["_time"] = int(time) if time == int(time) else time
        row.order = OrderKey(-time, -(staged or 0.0), (*self._place, number, 0))

    def settle(self, report: InputReport) -> None:
        """Hand over what has been counted."""
        for (stage, level, *values), count in self._seen.items():
            report.events += count
            report.by_stage[stage if stage.__class__ is str else "(none)"] += count
            report.by_level[level if level.__class__ is str else "(none)"] += count
            report.by_format["native"] += count
            if self._counter is not None:
                job = self._jobs[0]
                job.observed.offered += count
                job.observed.selected += count
                job.observed.matched += count
                if msgspec.UNSET not in values:
                    key = tuple(value if value.__class__ is str else _plain(value) for value in values)
                    self._counter.add_counted(job.state, key, count)
        self._seen.clear()


def _is_odd(event: Any) -> bool:
    """Whether only the long way can tell: it lost a part, or its verb is a method as other products log it."""
    return event.verb in METHODS or (event.annotations is not _UNSET and event.annotations.truncated is not _UNSET)


def _counting(decode: Callable[[bytes], Any], by: Sequence[str], seen: dict[tuple[Any, ...], int]) -> Take:
    """The quick way of a search that only counts by fields: no row is made, values are counted as they come."""
    key = _keys(("stage", "level", *by))

    def take(line: bytes, number: int) -> bool:
        try:
            event = decode(line)
            annotations = event.annotations
            if event.verb in METHODS or (annotations is not _UNSET and annotations.truncated is not _UNSET):
                return False
            values = key(event)
        except _LONG_WAY:
            return False
        if 0 in values and b"-0" in line:
            return False  # a zero may have been written -0, which is another text
        seen[values] = seen.get(values, 0) + 1
        return True

    return take


def _plain(value: Any) -> str:
    """A counted value as text; a zero that was -0 was not counted this way."""
    return "0" if value == 0 and value.__class__ is int else _text(value)


_ORDER_FREE = frozenset({"count", "distinct_count", "estdc", "values", "sum", "avg", "min", "max", "perc", "median",
                         "mode", "range", "stdev", "stdevp", "var", "varp", "sumsq", "upperperc"})


def _order_free(job: ScanJob) -> bool:
    """Whether the order of rows cannot change the state of a search."""
    run = job.reducer
    return isinstance(run, StatsRun) and all(item.declaration()[0].name in _ORDER_FREE for item in run.node.items)


def _only_counts(job: ScanJob, run: StatsRun) -> bool:
    """Whether a search only counts events by fields of one value each."""
    by = run.node.by
    return (len(job.plan.mapped) == 1 and job.base == EVERYTHING and bool(by) and run.counts_only()
            and not any(name.endswith("{}") or name in (*_FIXED, "_time") for name in by))


def quick_for(jobs: Sequence[ScanJob], fixed: dict[str, str], place: tuple[int, ...]) -> Quick | None:
    """The quick way for these searches; None if one of them needs more than it can give."""
    fields = [needed(job) for job in jobs]
    known = [names for names in fields if names is not None]
    return Quick(jobs, known, fixed, place) if jobs and len(known) == len(fields) else None


