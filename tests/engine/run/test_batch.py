"""The scan of the batch runner."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from podhawk import api
from podhawk.content.model import Content
from podhawk.engine.plan.planner import read_search
from podhawk.engine.run.batch import BatchRunner, SearchJob
from podhawk.engine.run.files import FileSource
from podhawk.events.candidates import NO_SHORTCUTS, Candidate, Shortcuts
from podhawk.events.options import ReadOptions
from support.wrappings import event

SEARCHES = [
    "verb=create objectRef.resource=pods | table auditID verb",
    "verb=delete | table auditID verb",
    "objectRef.resource=secrets NOT verb=get | table auditID verb",
]


class Buffered(FileSource):
    """A source that reads far ahead of its reader."""

    def candidates(self, shortcuts: Shortcuts = NO_SHORTCUTS) -> Iterator[Candidate]:
        yield from list(super().candidates(shortcuts))


def test_events_are_not_lost_in_a_buffer_behind_the_reader(tmp_path: Path) -> None:
    """The prefilter kept its verdict in an attribute that was read while the reader was suspended: the verdict of the
    last line that was read would have held for every event in a buffer."""
    chance = random.Random("buffered")
    lines = []
    for number in range(600):
        made: dict[str, Any] = event(chance, number)
        if number % 3:
            made["user.username"] = "flattened"  # only the slow path reads this
        lines.append(json.dumps(made, separators=(",", ":")) + "\n")
    path = tmp_path / "audit.log"
    path.write_text("".join(lines))

    def rows(source: FileSource) -> list[list[dict[str, Any]]]:
        context = api.session_of({}).context
        searches = [SearchJob(read_search(text, {}), context(Content())) for text in SEARCHES]
        return [[dict(row) for row in table.rows] for table in BatchRunner(source).run(searches)]

    expected = rows(FileSource([str(path)], ReadOptions()))
    assert all(len(found) > 5 for found in expected)
    assert rows(Buffered([str(path)], ReadOptions())) == expected
