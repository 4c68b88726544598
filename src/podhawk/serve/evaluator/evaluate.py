"""One increment: lines of the inbox, evaluated as `podhawk run --state` evaluates a log, and the position behind
them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from podhawk.detect.evaluate.evaluation import TRUNCATED
from podhawk.detect.evaluate.spending import Spending, Spent
from podhawk.detect.findings import RunFindings, find
from podhawk.detect.passes.increment import digest_of
from podhawk.engine.run.batch import BatchRunner
from podhawk.errors import OutputError, PodhawkError, StoreError
from podhawk.log import logger
from podhawk.serve.changes import LoggedChange, change_of, changes_of, gone
from podhawk.serve.changes import put as put_changes
from podhawk.serve.evaluator.attempts import MOST_BYTES, Attempts
from podhawk.serve.evaluator.budgets import BACKLOG, MOST_AGAIN, Budgets, done, numbers_of, postpone, postponed
from podhawk.serve.evaluator.budgets import make_tables as make_budget_table
from podhawk.serve.evaluator.loaded import ContentWatch, begin, reload
from podhawk.serve.evaluator.pace import Pace
from podhawk.serve.evaluator.positions import (
    Letter,
    advance,
    bury,
    keep_letter,
    letter_of,
    make_tables,
    positions,
)
from podhawk.serve.evaluator.source import InboxSource, LineSample
from podhawk.serve.imports import ImportWatch
from podhawk.serve.inbox.reader import Position, Taken, take, waiting
from podhawk.serve.sizes import size_of
from podhawk.serve.tripwires.watch import Lost, TripwireNews, Tripwires
from podhawk.session import session_of
from podhawk.settings.resolve import Settings
from podhawk.store.begin import policies_of
from podhawk.store.database import Waiting, open_engine, transaction
from podhawk.store.keys import column_text
from podhawk.store.state import SqlState

INBOX: Final = "inbox"
_ENGINE: Final = {"watch": False, "sampled_lines": 1, "remembered_values": 10_000}
"""Options of the engine. Nobody asks an increment which searches were blind, or what its lines are; what is remembered
of values stays until the service ends."""
_BESIDE: Final = "\0beside"
"""Stands for a cluster in the attempts: what was postponed, evaluated together with an increment. When that has failed
once, `catch_up` evaluates it alone, so that neither new events nor what was postponed is given up for the other."""
_ALONE: Final = "\0alone"
"""What was postponed, evaluated alone."""


class Increment(Struct, frozen=True):
    """What an increment did: of which cluster, how many events, when they had come, and what was found. `buried` is a
    dead letter that it made instead."""

    cluster: str
    events: int
    received: Sequence[tuple[float, int]]
    seconds: float
    found: RunFindings | None = None
    buried: Letter | None = None
    told: TripwireNews = TripwireNews()
    """What its tripwires said."""


class InboxEvaluator:
    """Takes the inbox into the state."""

    def __init__(self, settings: Settings) -> None:
        session = session_of({**settings.values, "jobs": 1})
        self._session = replace(session, engine=replace(session.engine, **_ENGINE))
        assert self._session.state is not None
        self._state_name = self._session.state
        self._folder = Path(self._state_name)
        self.loaded = begin(settings, self._session)
        self._watch = ContentWatch(self.loaded.settings)
        self._sample = LineSample()
        self._pace = Pace()
        self._aggregated = 0.0
        """When aggregate plans were evaluated last."""
        self._aggregates_took = 0.0
        """Seconds of the last increment in which they were evaluated on what had been postponed."""
        self._known: dict[int, dict[str, int]] = {}
        make_tables(self._state_name)
        make_budget_table(self._state_name)
        memory = size_of("--detection-memory", settings["detection_memory"])
        self.budgets = Budgets(float(settings["detection_budget"]), int(settings["detection_rows"]), memory)
        self._positions = positions(self._state_name)
        self._tripwires = Tripwires(self._state_name, float(settings["quiet_after"]))
        self._attempts = Attempts(self._folder / "attempts.json")
        self._imports = ImportWatch()

    def reload(self) -> bool:
        """Read content and policies again if their files have changed. Gives whether anything was taken over.

        Raises PodhawkError if what they hold now cannot be used: all is as it was then.
        """
        if not self._watch.changed(self.loaded.settings):
            return False
        self.loaded = reload(self.loaded, self._session)
        return True

    def policies_changed(self) -> bool:
        """Whether the state was last written by other policies. Then jobs over the lake wait until it is written by
        these."""
        known = policies_of(self._state_name)
        return known is not None and known != digest_of(self.loaded.policies)

    def look(self) -> Increment | None:
        """Look at the tripwires that need no event. Raises StoreError."""
        told = self._tripwires.look()
        return Increment("", 0, (), 0.0, told=told) if told.new or told.gone else None

    def apply(self) -> Increment:
        """Evaluate again what new content or policies change of what is known. Raises StoreError."""
        started = time.monotonic()
        found = self._find(
            self._session.reading.cluster or "default", "reload", b"", None, (), self._deferred(aggregates=False)
        )
        return Increment("", 0, (), time.monotonic() - started, found)

    def clusters(self) -> list[str]:
        """The clusters of which something waits."""
        last = waiting(self._folder / INBOX, self._known)
        return sorted(name for name, seq in last.items() if seq > self._position(name).seq)

    def step(self, cluster: str) -> Increment | None:
        """Evaluate what comes next of a cluster; None if nothing does.

        Raises StoreError if the state cannot be written: nothing has changed then, and it may be tried again.
        """
        position = self._position(cluster)
        most = self._attempts.most_lines(cluster, position)
        taken = take(self._folder / INBOX, cluster, position, MOST_BYTES, max(min(most, self._pace.lines), 1))
        if not taken.count:
            return None
        if most == 0:
            return self._bury(cluster, taken)
        started = time.monotonic()
        wait = (
            self._attempts.has_failed(cluster, position)
            or self._attempts.has_failed(_BESIDE, Position())
            or (self._is_early(started) and self._is_behind(cluster, taken))
        )
        again = [] if wait else postponed(self._state_name, isolated=False)
        self._attempts.begin(cluster, position, taken.count, most)
        if again:
            self._attempts.begin(_BESIDE, Position(), len(again), len(again))
        try:
            name = f"inbox/{cluster}/{taken.start.seq + 1}"
            told: list[TripwireNews | None] = []

            def along(connection: Connection) -> None:
                advance(connection, cluster, taken)
                self._imports.observe(connection, cluster, taken.text, taken.received)
                done(connection, again)
                told.append(self._observed(connection, cluster, taken.text))

            deferred = self._deferred(aggregates=wait)
            found = self._find(cluster, name, taken.text, along, (), deferred, again)
            if told[-1] is None:
                self._tripwires.forget()
        except (StoreError, OutputError):
            self._attempts.forget(cluster)
            if again:
                self._attempts.forget(_BESIDE)
            self._tripwires.forget()
            self._positions = positions(self._state_name)  # the evaluator of a server that was killed may have moved it
            raise
        except Exception as error:
            logger(__name__).error("an increment of the cluster %s failed", cluster, exc_info=error)
            self._tripwires.forget()
            return Increment(cluster, 0, (), time.monotonic() - started)
        self._moved(cluster, taken.end)
        seconds = time.monotonic() - started
        if again:
            self._attempts.end(_BESIDE, Position())
            self._aggregates_took = seconds
        else:
            self._pace.note(taken.count, seconds)
        if not wait:
            self._aggregated = time.monotonic()
        return Increment(cluster, taken.count, taken.received, seconds, found, told=told[-1] or TripwireNews())

    def _observed(self, connection: Connection, cluster: str, text: bytes) -> TripwireNews | None:
        """What the tripwires make of an increment; None if they fail. Their fault must not fail the increment, else its
        events would be buried. Raises StoreError and what the database raises."""
        try:
            with connection.begin_nested():
                return self._tripwires.observe(connection, cluster, text)
        except (PodhawkError, SQLAlchemyError):
            raise
        except Exception as error:
            logger(__name__).error("the tripwires failed at an increment of the cluster %s", cluster, exc_info=error)
            return None

    def _find(
        self,
        cluster: str,
        name: str,
        text: bytes,
        along: Callable[[Connection], None] | None,
        again: Sequence[str] = (),
        deferred: frozenset[int] = frozenset(),
        windows: Sequence[str] = (),
    ) -> RunFindings:
        """Take lines into the state, and evaluate known requests again, those of `windows` by aggregate plans alone;
        what `deferred` searches want is postponed."""
        loaded = self.loaded
        searches = replace(loaded.searches, deferred=deferred, spent=Spending(memory=True))
        session = replace(self._session, now=time.time())
        session = replace(session, reading=replace(session.reading, cluster=cluster))
        state = SqlState(self._state_name, None, Waiting(session.wait))

        def last(connection: Connection) -> None:
            if along is not None:
                along(connection)
            postpone(connection, state.postponed, isolated=bool(self.budgets.isolated))
            put_changes(connection, changes_of(state.written, time.time()))

        state.along = last
        state.memory = loaded.memory
        loaded.memory.begin()
        with InboxSource(name, text, session.reading, self._sample) as source:
            runner = BatchRunner(source, session.within, 1, loaded.scan, session.engine, loaded.compiled)
            found = find(
                loaded.prepared,
                lambda: loaded.incident_rules(self._session),
                loaded.content,
                source,
                runner,
                session.context(loaded.content, loaded.store),
                loaded.policies,
                state,
                searches=searches,
                again=again,
                windows=windows,
            )
        self._charge(searches.spent.by_name, counts=bool(text))
        self._tripwires.truncated(truncated_in(found))
        return found

    def _is_early(self, now: float) -> bool:
        """Whether aggregate plans were evaluated so lately that they may wait while there is a backlog."""
        return now - self._aggregated < max(BACKLOG, 4 * self._aggregates_took)

    def _is_behind(self, cluster: str, taken: Taken) -> bool:
        """Whether more waits than what was taken."""
        return taken.end.line > 0 or waiting(self._folder / INBOX, self._known).get(cluster, 0) > taken.end.seq

    def _deferred(self, *, aggregates: bool) -> frozenset[int]:
        """The searches that are evaluated later: those that are isolated, and with `aggregates` all aggregate plans."""
        searches = self.loaded.searches
        isolated = numbers_of(self.budgets.isolated, [one.detection.name for one in searches.evaluations])
        return isolated | searches.schedules.keys() if aggregates else isolated

    def _charge(self, spent: Mapping[str, Spent], *, counts: bool) -> None:
        """Charge detections with what they spent; where it `counts`, those that are over their budget are isolated."""
        if not counts:
            self.budgets.charge(spent)
            return
        new = self.budgets.note(spent, time.monotonic())
        for name, what in new.items():
            logger(__name__).error("%s is over its budget of %s and is evaluated once a minute", name, what)
        self._tripwires.over_budget(new)

    def catch_up(self, begun: Callable[[], None] = lambda: None) -> Increment | None:
        """Evaluate what was postponed, when it is time; `begun` is called before. If that fails, half of it is tried
        the next time, as with an increment; a request that fails alone is given up. Raises StoreError."""
        now = time.monotonic()
        if not self.budgets.due(now):
            return None
        for name in self.budgets.release(now):
            logger(__name__).info("%s is evaluated with the others again", name)
        every = postponed(self._state_name, isolated=True)
        if not every:
            self._caught_up()
            return None
        begun()
        most = self._attempts.most_lines(_ALONE, Position())
        if most == 0:
            return self._give_up(every[0])
        requests = every[:most]
        self._attempts.begin(_ALONE, Position(), len(requests), most)
        cluster = self._session.reading.cluster or "default"
        try:
            found = self._find(cluster, "postponed", b"", partial(done, requests=requests), requests)
        except (StoreError, OutputError):
            self._attempts.forget(_ALONE)
            raise
        except Exception as error:
            logger(__name__).error("what was postponed cannot be evaluated", exc_info=error)
            self.budgets.look_soon()
            return None
        self._attempts.end(_ALONE, Position())
        if len(requests) < len(every) or len(every) == MOST_AGAIN:
            self.budgets.look_soon()
        else:
            self._caught_up()
        return Increment("", 0, (), time.monotonic() - now, found)

    def _caught_up(self) -> None:
        """Nothing is postponed that an increment might fail by."""
        if self._attempts.has_failed(_BESIDE, Position()):
            self._attempts.end(_BESIDE, Position())

    def _give_up(self, request: str) -> Increment:
        """Make a request that was postponed a dead letter: it failed alone."""
        error = "a detection failed or was killed by this request"
        with transaction(open_engine(self._state_name), waiting=Waiting(self._session.wait)) as connection:
            letter = letter_of(connection, request, time.time(), error)
            done(connection, [request])
            keep_letter(connection, letter)
            lost = Lost(letter.sender, letter.cluster, letter.received, error, letter.size, letter.sha256)
            told = self._tripwires.lost(connection, lost)
        logger(__name__).error("a request of the cluster %s cannot be evaluated: %s", letter.cluster, letter.sha256)
        self._attempts.end(_ALONE, Position())
        self.budgets.look_soon()
        return Increment("", 0, (), 0.0, buried=letter, told=told)

    def _bury(self, cluster: str, taken: Taken) -> Increment:
        """Make the next event a dead letter: it failed alone."""
        (sender,) = taken.senders
        received = taken.received[0][0]
        line = taken.text.removesuffix(b"\n")
        error = "the evaluator failed or was killed by this event"
        letter = Letter(sender, cluster, received, error, taken.start.line, len(line), sha256(line).hexdigest())
        with transaction(open_engine(self._state_name), waiting=Waiting(self._session.wait)) as connection:
            bury(connection, cluster, taken, letter)
            lost = Lost(sender, cluster, received, error, len(line), letter.sha256)
            told = self._tripwires.lost(connection, lost)
        logger(__name__).error("an event of the cluster %s cannot be evaluated: %s", cluster, letter.sha256)
        self._moved(cluster, taken.end)
        return Increment(cluster, 1, taken.received, 0.0, buried=letter, told=told)

    def _position(self, cluster: str) -> Position:
        return self._positions.get(column_text(cluster, 255), Position())

    def _moved(self, cluster: str, position: Position) -> None:
        self._positions[column_text(cluster, 255)] = position
        self._attempts.end(cluster, position)


def truncated_in(found: RunFindings) -> set[str]:
    """The detections of which a finding that was written has a row with fewer values or groups than there were."""
    changes = found.changes or {}
    return {
        one.detection.name
        for one in found.findings
        if one.finding_id in changes and any(isinstance(row.get(TRUNCATED), list) for row in one.rows)
    }


def told_of(done: Increment) -> list[LoggedChange]:
    """What an increment changed, for those who watch."""
    now = time.time()
    told: list[LoggedChange] = []
    if done.found is not None:
        changes = done.found.changes or {}
        told += [
            change_of(changes[one.finding_id].kind, one, now, rose=changes[one.finding_id].rose)
            for one in done.found.findings
            if one.finding_id in changes
        ]
        told += [gone(record, now) for record in done.found.gone]
    told += [change_of("new", one, now) for one in done.told.new]
    return [*told, *(LoggedChange("gone", id_, now, cluster) for id_, cluster in done.told.gone)]
