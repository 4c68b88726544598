"""What the evaluator evaluates by: content, lookups, exceptions and policies, read together and replaced together.

They are read again when a file of theirs changes and has then been left alone for a moment: a checkout of a repository
writes many files. Content that is more broken than what is loaded is not taken over. So a slip in an editor never turns
a detection off.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from podhawk.api import content_of, incident_rules
from podhawk.content.boundary import unmoved
from podhawk.content.csvfile import misplaced_quote
from podhawk.content.load import load_content
from podhawk.content.lookups import LookupStore
from podhawk.content.model import Content
from podhawk.content.selection import select
from podhawk.detect.evaluate.pipeline import SearchSet, is_whole, searches_of
from podhawk.detect.evaluate.prepare import Prepared, prepare
from podhawk.detect.passes.settle import Policies
from podhawk.detect.rank.exception_fields import check_fields
from podhawk.engine.plan.runnable import Broken
from podhawk.engine.run.batch import CompiledJobs
from podhawk.engine.run.repeated import RepeatedScan
from podhawk.errors import ContentError, UsageError
from podhawk.log import logger
from podhawk.serve.accepted import folder_of
from podhawk.serve.shadow import in_shadow, served_policies
from podhawk.session import Session
from podhawk.settings.resolve import Settings, read_file
from podhawk.store.event_memory import EventMemory

QUIET_SECONDS: Final = 1.0
"""For so long files must have been left alone."""
_SUFFIXES: Final = frozenset({".yml", ".yaml", ".csv", ".toml", ".json", ".conf", ".gz"})
_FROM_FILE: Final = ("only", "exclude", "exceptions", "shadow")
"""Options that are taken from podhawk.toml again, unless the command line or the environment names them."""

TRIPWIRES: Final = Path(__file__).parent.parent / "tripwires" / "content"
_OWN_MACROS: Final = ("podhawk_own_name",)

_MANY: Final = 8
"""Searches of which a scan is worth keeping: fewer are those of a second look, which are others each time."""

Stamp = Mapping[str, tuple[int, int]]


class Loaded(Struct):
    """Everything that an increment is evaluated by."""

    settings: Settings
    content: Content
    store: LookupStore
    prepared: Sequence[Prepared]
    policies: Policies
    searches: SearchSet
    compiled: CompiledJobs
    every: Sequence[Prepared]
    """The detections of the content, those over the whole input included, without our own."""
    shadow: frozenset[str]
    """The names of the detections that run in shadow."""
    memory: EventMemory = field(default_factory=EventMemory)
    scan: RepeatedScan = field(default_factory=lambda: RepeatedScan(_MANY))
    rules: list[Prepared] | None = None
    lookup_faults: Sequence[str] = ()
    """What is wrong with the tables of lookups."""

    def incident_rules(self, session: Session) -> list[Prepared]:
        """More searches over risk that make incidents."""
        if self.rules is None:
            self.rules = incident_rules(list(self.prepared), session, self.content)
        return self.rules

    @property
    def detections(self) -> int:
        """How many detections the content has that are to run."""
        return len(self.every)

    @property
    def unable(self) -> list[str]:
        """The detections that cannot run, with the reason."""
        return [f"{one.detection.name}: {one.runnability}" for one in self.every if one.request is None]

    @property
    def faults(self) -> frozenset[str]:
        """What is wrong with the content."""
        broken = (one for one in (*self.every, *self.prepared) if isinstance(one.runnability, Broken))
        return frozenset(
            {
                *map(str, self.content.problems),
                *self.lookup_faults,
                *(f"{one.detection.file}: {one.detection.name}: {one.runnability}" for one in broken),
            }
        )


def begin(settings: Settings, session: Session) -> Loaded:
    """Read everything for an evaluator that starts, maybe again: by what `podhawk.toml` says now. If that cannot be
    read, by what it said when the service started. Raises PodhawkError for what cannot be used."""
    try:
        settings = settings_now(settings)
    except UsageError as error:
        logger(__name__).error("the settings are those of the start of the service: %s", error)
    return load(settings, session)


def load(settings: Settings, session: Session) -> Loaded:
    """Read everything. Raises PodhawkError for what cannot be used."""
    content = content_of(settings.values, settings.macros)
    store = session.lookups(content)
    lookup_faults = read_lookups(store)
    for fault in lookup_faults:
        logger(__name__).warning("a table of a lookup is broken: %s", fault)
    chosen = select(content, settings["only"], settings["exclude"])
    every = [prepare(one, content, session, store) for one in chosen]
    prepared = [one for one in every if not is_whole(one)]  # the others run over the lake
    policies = served_policies(content, settings)
    check_fields(policies.exceptions, every)
    prepared += own_detections(settings, session)
    searches = searches_of(prepared, content, session.context(content, store), remembers=True)
    return Loaded(
        settings,
        content,
        store,
        prepared,
        policies,
        searches,
        CompiledJobs(list(searches.jobs)),
        every,
        frozenset(one.detection for one in in_shadow(content, settings)),
        lookup_faults=lookup_faults,
    )


def read_lookups(store: LookupStore) -> list[str]:
    """Read all tables of lookups now, so that a search does not read one later than the others, when its file may be
    broken. Gives what is wrong with them: files that are missing or cannot be read, and quotes that take rows into one
    cell. A table that lacks rows turns off whatever looks something up in it."""
    content, found = store.content, []
    for name in store.names():
        definition = content.lookups.get(name)
        if definition is not None and definition.kind == "mlmodel":
            continue
        try:
            path = store.get(name).definition.path
            fault = misplaced_quote(unmoved(path)) if path else ""
        except ContentError as error:
            fault = str(error)
        if fault and fault not in found:
            found.append(fault)
    return found


def own_detections(settings: Settings, session: Session) -> list[Prepared]:
    """The tripwires that are searches over events; macros of podhawk.toml replace theirs."""
    macros = {name: text for name, text in settings.macros.items() if name in _OWN_MACROS}
    content = load_content([TRIPWIRES], macro_overrides=macros)
    store = session.lookups(content)
    return [prepare(one, content, session, store) for one in content.detections]


def reload(before: Loaded, session: Session) -> Loaded:
    """Read everything again. Raises PodhawkError if that cannot be used, or is more broken than before."""
    after = load(settings_now(before.settings), session)
    new = sorted(after.faults - before.faults)
    if new:
        raise ContentError(new[0] + (f" (and {len(new) - 1} more)" if len(new) > 1 else ""))
    if not any(one.request is not None for one in after.every):
        raise ContentError("no detection of the content can run")
    return after


def settings_now(settings: Settings) -> Settings:
    """The settings with what `podhawk.toml` says now of macros, policies, and which detections run. Raises UsageError
    if it cannot be read."""
    if settings.file is None:
        return settings
    file = read_file(settings.file)
    values: dict[str, Any] = dict(settings.values)
    for key in _FROM_FILE:
        if key not in settings.named:
            values[key] = list(file.options.get(key) or ())
    return Settings(values, file.macros, settings.file, file.tables, settings.named)


class ContentWatch:
    """Tells when the files that are read have changed."""

    def __init__(self, settings: Settings) -> None:
        self._seen = self._loaded = stamp_of(settings)
        self._since = 0.0

    def changed(self, settings: Settings) -> bool:
        """Whether files have changed since the last yes, and have been left alone since."""
        stamp, now = stamp_of(settings), time.monotonic()
        if stamp != self._seen:
            self._seen, self._since = stamp, now
        if stamp == self._loaded or now - self._since < QUIET_SECONDS:
            return False
        self._loaded = stamp
        return True


def stamp_of(settings: Settings) -> Stamp:
    """The times and sizes of all files that are read."""
    named = [*(settings.values.get("content") or ()), *(settings.values.get("overrides") or ())]
    named += settings.values.get("exceptions") or ()
    named += [str(folder)] if (folder := folder_of(settings)) is not None else []
    if settings.file is not None:
        named.append(str(settings.file))
    return dict(_stamps(map(Path, named)))


def _stamps(paths: Iterable[Path]) -> Iterator[tuple[str, tuple[int, int]]]:
    for path in paths:
        for folder, names, files in os.walk(path):
            names[:] = [name for name in names if not name.startswith(".")]
            for name in files:
                if Path(name).suffix in _SUFFIXES:
                    yield from _stamp(Path(folder, name))
        if not path.is_dir():
            yield from _stamp(path)


def _stamp(path: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    try:
        about = path.stat()
    except OSError:  # gone meanwhile: that is a change
        return
    yield str(path), (about.st_mtime_ns, about.st_size)
