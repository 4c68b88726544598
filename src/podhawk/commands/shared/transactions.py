"""How events become transactions.

Events are taken from newest to oldest, as Splunk takes them, so a transaction opens at its end and closes
at its start. An event joins the open transaction that it agrees with: every listed field that both have
shares a value, and (when `connected`) at least one is shared. What closes one: the event that matches
`startswith`, a span or a pause that would become too long, `maxevents`, or, where there is no
`startswith`, the next event that matches `endswith`. Whatever is open when events run out is evicted.

A transaction is complete if it has the start and the end that were asked for. Spans alone make none
incomplete: the oldest group of a search is shown although nothing closed it.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/transaction
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct, field

from podhawk.rows import Row, Value, texts
from podhawk.rows.values import as_number

Test = Callable[[Row], bool]


class Rules(Struct, frozen=True):
    """When events belong together. Times in seconds; -1 is without limit."""

    names: tuple[str, ...]
    maxspan: float
    maxpause: float
    maxevents: int
    starts: Test | None
    ends: Test | None
    connected: bool
    unifyends: bool


class EventGroup(Struct, eq=False):
    """Events that belong together, newest first."""

    number: int
    members: list[Row] = field(default_factory=list)
    values: dict[str, set[str]] = field(default_factory=dict)
    matches: int = 0
    started: bool = False
    ended: bool = False
    closed: bool = False

    def complete(self, rules: Rules) -> bool:
        return (rules.starts is None or self.started) and (rules.ends is None or self.ended)


def time_of(row: Row) -> float | None:
    return as_number(row.get("_time"))


def newest_first(rows: Sequence[Row]) -> list[Row]:
    """Rows in the order transactions need; rows without a time stay where they are."""
    if any(time_of(row) is None for row in rows):
        return list(rows)
    return sorted(rows, key=lambda row: -(time_of(row) or 0.0))


class _Open:
    """The open transactions, found by the values of their fields."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.all: dict[int, EventGroup] = {}
        self.index: dict[tuple[str, str], dict[int, EventGroup]] = {}

    def candidates(self, values: dict[str, set[str]], boundary: bool) -> Iterable[EventGroup]:
        names = self.rules.names
        if not names or (not values and boundary and not self.rules.unifyends):
            return reversed(list(self.all.values()))
        if not values:
            return ()
        found: dict[int, EventGroup] = {}
        for name, own in values.items():
            for value in own:
                found.update(self.index.get((name, value), {}))
        if not self.rules.connected:
            found.update(self.all)
        return [found[number] for number in sorted(found, reverse=True)]

    def find(self, values: dict[str, set[str]], boundary: bool) -> EventGroup | None:
        for txn in self.candidates(values, boundary):
            if all(name not in txn.values or txn.values[name] & own for name, own in values.items()):
                return txn
        return None

    def add(self, txn: EventGroup, row: Row, values: dict[str, set[str]]) -> None:
        self.all[txn.number] = txn
        txn.members.append(row)
        for name, own in values.items():
            known = txn.values.setdefault(name, set())
            txn.matches += 1
            for value in own - known:
                self.index.setdefault((name, value), {})[txn.number] = txn
            known |= own

    def remove(self, txn: EventGroup) -> None:
        del self.all[txn.number]
        for name, own in txn.values.items():
            for value in own:
                known = self.index[(name, value)]
                del known[txn.number]
                if not known:
                    del self.index[(name, value)]


def _too_far(txn: EventGroup, time: float | None, rules: Rules) -> bool:
    newest, oldest = time_of(txn.members[0]), time_of(txn.members[-1])
    if time is None or newest is None or oldest is None:
        return False
    return (0 <= rules.maxspan < newest - time) or (0 <= rules.maxpause < oldest - time)


def group(rows: Sequence[Row], rules: Rules) -> tuple[list[EventGroup], list[Row]]:
    """All transactions, complete or not, and the events that belong to none."""
    done: list[EventGroup] = []
    orphans: list[Row] = []
    waiting = _Open(rules)

    def close(txn: EventGroup, closed: bool) -> None:
        txn.closed = closed
        waiting.remove(txn)
        done.append(txn)

    last: float | None = None
    for number, row in enumerate(newest_first(rows)):
        last = time_of(row)
        starts = rules.starts is not None and rules.starts(row)
        ends = rules.ends is not None and rules.ends(row)
        values = {name: set(texts(row[name])) for name in rules.names if name in row}
        if rules.names and not values and (rules.unifyends or not (starts or ends)):
            orphans.append(row)
            continue
        # An end without any of the fields closes nobody's transaction: it begins one of its own.
        txn = None if ends and rules.names and not values else waiting.find(values, starts)
        if txn is not None and _too_far(txn, last, rules):
            close(txn, True)
            txn = None
        if txn is not None and ends:
            close(txn, rules.starts is None)
            txn = None
        if txn is None:
            txn = EventGroup(number, ended=ends)
        waiting.add(txn, row, values)
        if starts:
            txn.started = True
            close(txn, True)
        elif 0 < rules.maxevents <= len(txn.members):
            close(txn, True)
    for txn in list(waiting.all.values()):
        close(txn, _too_far(txn, last, rules))
    orphans += [row for txn in done if not txn.complete(rules) for row in txn.members]
    return done, orphans


def merge_members(
    txn: EventGroup, names: Sequence[str], mvlist: bool | tuple[str, ...], nullstr: str, mvraw: bool, delim: str
) -> Row:
    """A transaction as one row: the oldest event's time, and the values of all."""
    members = txn.members[::-1]
    row = Row((), members[0].order)
    header = dict.fromkeys(name for member in members for name in member)
    for name in header:
        if name == "_time":
            continue
        if name == "_raw":
            raw = [text for member in members if "_raw" in member for text in texts(member["_raw"])]
            row[name] = _folded(raw) if mvraw else (delim if delim != " " else "\n").join(raw)
        elif mvlist is True or (mvlist is not False and name in mvlist):
            row[name] = _folded(
                [text for member in members for text in (texts(member[name]) if name in member else (nullstr,))]
            )
        else:
            row[name] = _folded(sorted({text for member in members if name in member for text in texts(member[name])}))
    times = [time for time in map(time_of, members) if time is not None]
    if times:
        row["_time"] = min(times)
    row["duration"] = round(max(times) - min(times), 6) if times else 0
    row["eventcount"] = len(members)
    row["closed_txn"] = int(txn.closed)
    row["field_match_sum"] = txn.matches
    return row


def _folded(values: Sequence[str]) -> Value:
    return values[0] if len(values) == 1 else tuple(values)
