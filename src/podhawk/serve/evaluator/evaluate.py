"""One increment: lines of the inbox, evaluated as `podhawk run --state` evaluates a log, and the position behind
them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from podhawk.api import content_of, incident_rules
from podhawk.arguments import policies_of
from podhawk.content.selection import select
from podhawk.detect.evaluate.pipeline import is_whole
from podhawk.detect.evaluate.prepare import Prepared, prepare
from podhawk.detect.findings import RunFindings, find
from podhawk.detect.rank.exception_fields import check_fields
from podhawk.engine.run.batch import BatchRunner, CompiledJobs
from podhawk.errors import OutputError, StoreError
from podhawk.log import logger
from podhawk.serve.evaluator.attempts import MOST_BYTES, MOST_LINES, Attempts
from podhawk.serve.evaluator.positions import Letter, advance, bury, make_tables, positions
from podhawk.serve.evaluator.source import InboxSource, LineSample
from podhawk.serve.inbox.reader import Position, Taken, take, waiting
from podhawk.session import session_of
from podhawk.settings.resolve import Settings
from podhawk.store.database import Waiting, open_engine, transaction
from podhawk.store.keys import column_text
from podhawk.store.state import SqlState

INBOX: Final = "inbox"
SECONDS: Final = 1.0
"""What an increment should take at most."""
SLOWEST: Final = 1000
"""Lines that an increment may have, however long they take."""


class Increment(Struct, frozen=True):
    """What an increment did: of which cluster, how many events, when they had come, and what was found. `buried` is a
    dead letter that it made instead."""

    cluster: str
    events: int
    received: Sequence[tuple[float, int]]
    seconds: float
    found: RunFindings | None = None
    buried: Letter | None = None


class InboxEvaluator:
    """Takes the inbox into the state. Content and policies are read once."""

    def __init__(self, settings: Settings) -> None:
        self._session = session_of({**settings.values, "jobs": 1})
        assert self._session.state is not None
        self._state_name = self._session.state
        self._folder = Path(self._state_name)
        self._content = content_of(settings.values, settings.macros)
        store = self._session.lookups(self._content)
        chosen = select(self._content, settings["only"], settings["exclude"])
        prepared = [prepare(one, self._content, self._session, store) for one in chosen]
        self._prepared = [one for one in prepared if not is_whole(one)]
        self._store = store
        self._policies = policies_of(settings)
        check_fields(self._policies.exceptions, self._prepared)
        self._rules: list[Prepared] | None = None
        self._compiled = CompiledJobs([one.request for one in self._prepared if one.request is not None])
        self._sample = LineSample()
        self._pace = SLOWEST
        """How many lines an increment has, so that it takes about as long as it should."""
        self._known: dict[int, dict[str, int]] = {}
        make_tables(self._state_name)
        self._positions = positions(self._state_name)
        self._attempts = Attempts(self._folder / "attempts.json")

    @property
    def unable(self) -> list[str]:
        """The detections that cannot run, with the reason."""
        return [f"{one.detection.name}: {one.runnability}" for one in self._prepared if one.request is None]

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
        taken = take(self._folder / INBOX, cluster, position, MOST_BYTES, max(min(most, self._pace), 1))
        if not taken.lines:
            return None
        if most == 0:
            return self._bury(cluster, taken)
        started = time.monotonic()
        self._attempts.begin(cluster, position, len(taken.lines), most)
        try:
            found = self._find(cluster, taken)
        except (StoreError, OutputError):
            self._attempts.forget(cluster)
            self._positions = positions(self._state_name)  # the evaluator of a server that was killed may have moved it
            raise
        except Exception as error:
            logger(__name__).error("an increment of the cluster %s failed", cluster, exc_info=error)
            return Increment(cluster, 0, (), time.monotonic() - started)
        self._moved(cluster, taken.end)
        seconds = time.monotonic() - started
        self._pace = paced(self._pace, len(taken.lines), seconds)
        return Increment(cluster, len(taken.lines), taken.received, seconds, found)

    def _find(self, cluster: str, taken: Taken) -> RunFindings:
        session = replace(self._session, now=time.time())
        session = replace(session, reading=replace(session.reading, cluster=cluster))
        state = SqlState(self._state_name, None, Waiting(session.wait))
        state.along = partial(advance, cluster=cluster, taken=taken)
        name = f"inbox/{cluster}/{taken.start.seq + 1}"
        data = b"".join(line + b"\n" for line in taken.lines)
        with InboxSource(name, data, session.reading, self._sample) as source:
            runner = BatchRunner(source, session.within, 1, session.along, session.engine, self._compiled)
            return find(
                self._prepared,
                self._incident_rules,
                self._content,
                source,
                runner,
                session.context(self._content, self._store),
                self._policies,
                state,
            )

    def _bury(self, cluster: str, taken: Taken) -> Increment:
        """Make the next event a dead letter: it failed alone."""
        (sender,) = taken.senders
        received = taken.received[0][0]
        line = taken.lines[0]
        error = "the evaluator failed or was killed by this event"
        letter = Letter(sender, cluster, received, error, taken.start.line, len(line), sha256(line).hexdigest())
        with transaction(open_engine(self._state_name), waiting=Waiting(self._session.wait)) as connection:
            bury(connection, cluster, taken, letter)
        logger(__name__).error("an event of the cluster %s cannot be evaluated: %s", cluster, letter.sha256)
        self._moved(cluster, taken.end)
        return Increment(cluster, 1, taken.received, 0.0, buried=letter)

    def _position(self, cluster: str) -> Position:
        return self._positions.get(column_text(cluster, 255), Position())

    def _moved(self, cluster: str, position: Position) -> None:
        self._positions[column_text(cluster, 255)] = position
        self._attempts.end(cluster, position)

    def _incident_rules(self) -> list[Prepared]:
        if self._rules is None:
            self._rules = incident_rules(self._prepared, self._session, self._content)
        return self._rules


def paced(pace: int, lines: int, seconds: float) -> int:
    """How many lines the next increment may have, after one of so many lines took so long. Short increments lose little
    when they are killed, and let triage in; long ones cost less for each event."""
    if seconds > SECONDS:
        return max(SLOWEST, int(lines * SECONDS / seconds))
    return min(MOST_LINES, pace * 2) if lines >= pace else pace


def changes_of(found: RunFindings) -> list[Mapping[str, Any]]:
    """What an increment changed, for those who watch."""
    changes = found.changes or {}
    told: list[Mapping[str, Any]] = [
        {
            "change": changes[one.finding_id].kind,
            "finding_id": one.finding_id,
            "kind": one.kind,
            "detection": one.detection.name,
            "title": one.title,
            "severity": one.severity,
            "priority": one.priority,
            "visible": one.visible,
            "cluster": one.cluster,
        }
        for one in found.findings
        if one.finding_id in changes
    ]
    told += [{"change": "gone", "finding_id": one["finding_id"]} for one in found.gone]
    return told
