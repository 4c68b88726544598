"""What a job evaluates with: the content and policies of the service, read anew for each process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from podhawk.api import content_of, incident_rules
from podhawk.content.lookups import LookupStore
from podhawk.content.model import Content, Detection
from podhawk.content.selection import select
from podhawk.detect.evaluate.pipeline import reads_risk
from podhawk.detect.evaluate.prepare import Prepared, prepare
from podhawk.detect.findings import RunFindings, find
from podhawk.detect.passes.settle import Policies
from podhawk.engine.run.batch import BatchRunner
from podhawk.engine.run.files import FileSource
from podhawk.serve.changes import LoggedChange, changes_of, put
from podhawk.serve.evaluator.loaded import settings_now
from podhawk.serve.shadow import served_policies
from podhawk.session import Session, session_of
from podhawk.settings.resolve import Settings
from podhawk.store.database import Waiting
from podhawk.store.keys import column_text
from podhawk.store.state import SqlState


class JobContent(Struct):
    """The content of the service, ready to be evaluated."""

    settings: Settings
    session: Session
    content: Content
    store: LookupStore
    chosen: Sequence[Detection]
    policies: Policies
    changed: int = 0
    """How many changes of findings have been committed."""

    @classmethod
    def read(cls, settings: Settings) -> JobContent:
        """Read it, by what `podhawk.toml` says now, as the evaluator does. Raises PodhawkError."""
        settings = settings_now(settings)
        session = session_of({**settings.values, "jobs": 1})
        content = content_of(settings.values, settings.macros)
        chosen = select(content, settings["only"], settings["exclude"])
        return cls(settings, session, content, session.lookups(content), chosen, served_policies(content, settings))

    @property
    def state(self) -> str:
        assert self.session.state is not None
        return self.session.state

    def prepared(self, session: Session) -> list[Prepared]:
        """All detections, ready to run in a session."""
        return [prepare(one, self.content, session, self.store) for one in self.chosen]

    def find(
        self,
        chosen: Prepared,
        every: Sequence[Prepared],
        source: FileSource,
        session: Session,
        along: Callable[[Connection], None],
        *,
        backfill: bool = False,
    ) -> RunFindings:
        """Evaluate one detection over an input, and take what it finds into the state, together with the changes for
        those who watch. `along` writes something else in the same transaction. With `backfill`, the changes say so."""
        state = SqlState(self.state, None, Waiting(session.wait))
        changes: list[LoggedChange] = []

        def last(connection: Connection) -> None:
            along(connection)
            changes[:] = changes_of(state.written, time.time(), backfill=backfill)
            put(connection, changes)

        state.along = last
        searches = [chosen, *(one for one in every if one.request is not None and reads_risk(one))]
        found = find(
            searches,
            lambda: incident_rules(every, session, self.content),
            self.content,
            source,
            BatchRunner(source, session.within, 1, session.along, session.engine),
            session.context(self.content, self.store),
            self.policies,
            state,
        )
        self.changed += len(changes)
        return found

    def now(self) -> Session:
        """The session, at this moment."""
        return replace(self.session, now=time.time())


def key_of(one: Prepared) -> str:
    """The name of a detection in the tables of the state."""
    return column_text(one.detection.key, 255)
