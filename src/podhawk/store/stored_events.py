"""`state:DIR` as an input: the events that podhawk serve keeps in a state, each once.

These are the files of the lake, and what of the inbox is in none of them yet. The manifest is read first, then the
inbox from where the lake ends, then the manifest again: if the lake has grown meanwhile, it begins anew. Of the lake
only files that may hold events in the time range are opened. Whatever retention has removed is told as a gap.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Final

from msgspec import Struct

from podhawk.engine.run.source import TimeRange
from podhawk.errors import InputError, NoEventsError
from podhawk.events.gaps import Gap
from podhawk.events.inputfile import Input
from podhawk.events.partition import cluster_of, folder_of
from podhawk.events.paths import STORED, ListedFile, Skip
from podhawk.events.reasons import REMOVED, UNREADABLE
from podhawk.events.time import span_text
from podhawk.store.database import is_state, is_url
from podhawk.store.inbox_files import INBOX, reading, segments
from podhawk.store.lake import LAKE, REMOVING, SEALED, LakeFile, Manifest
from podhawk.store.lake import REMOVED as HAS_GONE

_TRIES: Final = 10
_NOTHING: Final = "podhawk status says what a state holds."


class StoredEvents(Struct, frozen=True):
    """Finds the events of states. `inbox` says whether what is not sealed yet can be read too: it lies in no file, so a
    cluster cannot read it."""

    within: TimeRange = TimeRange()
    inbox: bool = True
    clusters: tuple[str, ...] = ("*",)
    """The clusters whose events may be read; `*` stands for all."""

    def __call__(self, path: str, skip: Skip) -> Iterator[ListedFile | Input]:
        """The files for a path. Raises InputError for a folder that is no state."""
        state = path.removeprefix(STORED)
        if is_url(state) or not is_state(state):
            raise InputError(
                f"there is no state of podhawk serve in {state!r}",
                remedy="state: takes the folder that podhawk serve was given as --state.",
            )
        files, waiting = consistent(state)
        gone = [one for one in Manifest(state).files(REMOVING, HAS_GONE) if self._wants(one)]
        if gone:
            skip(f"{path}/{LAKE}", _gap_of(gone))
        for one in waiting:
            if not self._covers(cluster_of(one.path) or ""):
                one.close()
        waiting = [one for one in waiting if self._covers(cluster_of(one.path) or "")]
        chosen = [one for one in files if self._wants(one)]
        yield from (ListedFile(str(Path(state) / LAKE / one.name), False) for one in chosen)
        if self.inbox:
            yield from waiting
        elif waiting:
            skip(f"{path}/{INBOX}", _UNSEALED)
        if not chosen and not (waiting and self.inbox):
            where = "holds no events in the time range" if files else "holds no events"
            raise NoEventsError(f"{path} {where}", remedy=_gap_of(gone).text(path) if gone else _NOTHING)

    def _wants(self, file: LakeFile) -> bool:
        return self._covers(file.cluster) and file.may_cover(self.within.earliest, self.within.latest)

    def _covers(self, cluster: str) -> bool:
        return "*" in self.clusters or cluster in self.clusters


def consistent(state: str) -> tuple[list[LakeFile], list[Input]]:
    """The files of the lake and what has come since, so that no event is in both, and none in neither. Raises
    InputError."""
    manifest = Manifest(state)
    for _ in range(_TRIES):
        sealed, files = manifest.sealed_up_to(), manifest.files(SEALED)
        waiting = waiting_in(Path(state) / INBOX, sealed)
        if waiting is not None and manifest.sealed_up_to() == sealed:
            return files, waiting
        for one in waiting or ():
            one.close()
    raise InputError(f"the lake of {state} changes all the time", remedy="Try again.")


_UNSEALED: Final = Gap(
    UNREADABLE,
    "was not read: it holds events that are in no file of the lake yet",
    "Files are sealed each hour. Run without a cluster to read everything.",
)


def waiting_in(folder: Path, after: int) -> list[Input] | None:
    """The lines of the bodies of an inbox that come after a number, by cluster; None if files of the inbox were removed
    meanwhile. They are copied into files that have no name."""
    found: list[Input] = []
    with ExitStack() as stack:
        copies: dict[str, IO[bytes]] = {}
        for segment in segments(folder):
            try:
                with reading(segment) as connection:
                    query = "SELECT cluster, lines FROM bodies WHERE seq > ? ORDER BY seq"
                    for cluster, lines in connection.execute(query, (after,)):
                        if cluster not in copies:
                            copies[cluster] = stack.enter_context(tempfile.TemporaryFile())
                        copies[cluster].write(lines)
            except sqlite3.OperationalError as error:
                if not segment.path.exists():
                    return None
                raise InputError(f"{segment.path} cannot be read: {error}") from None
        for cluster, copy in sorted(copies.items()):
            copy.flush()
            found.append(Input.of_open(str(folder / folder_of(cluster) / f"{after + 1:012d}"), copy))
    return found


def _gap_of(gone: list[LakeFile]) -> Gap:
    times = [time for one in gone for time in (one.first_time, one.last_time) if time is not None]
    span = f" of {span_text(min(times), max(times))}" if times else ""
    events = sum(one.events for one in gone)
    return Gap(
        REMOVED,
        f"no longer holds {events:,} events{span}: they were older or more than podhawk serve is to keep",
        "Name a later --earliest, or see --lake-days and --lake-size of podhawk serve.",
    )
