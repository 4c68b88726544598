"""A session: the options that every run shares, resolved once.

Clock, time zone, time range, SPL switches, how input is read and where searches run.
"""

from __future__ import annotations

import os
import time as clock
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct
from msgspec.structs import replace

from podhawk.commands.context import Context, Geo
from podhawk.commands.properties import SearchRange
from podhawk.content.cache import file_for, kept
from podhawk.content.files import FileStore
from podhawk.content.geo import open_geo
from podhawk.content.load import load_content, shipped_pack
from podhawk.content.lookups import LookupStore
from podhawk.content.model import Content
from podhawk.engine.options import DEFAULTS, EngineOptions
from podhawk.engine.run.batch import BatchRunner, Runner
from podhawk.engine.run.files import FileSource
from podhawk.engine.run.scan import Scan, scan
from podhawk.engine.run.source import TimeRange
from podhawk.engine.spark.cluster import Cluster, cluster_of
from podhawk.errors import SearchError, UsageError
from podhawk.events.read import ReadOptions
from podhawk.events.redaction.mask import Redaction
from podhawk.functions.declare import Env
from podhawk.functions.times import resolve
from podhawk.settings.switches import chosen

SHORTEST_KEY: Final = 16
"""Bytes of a redaction key. With a short one, a hash could be tried out."""


def _tell_nobody(message: str) -> None:
    pass


class Session(Struct, frozen=True):
    """The resolved options of a run. `now` is in epoch seconds; `state` is a folder or a database URL, and `wait` how
    many seconds to wait for another run that uses it. `backfill` says that the input is what the state has read before;
    `accept_content` that detections which the content no longer has are retired; `retention` for how many days events
    are kept.
    `tell` is called with what a person who waits should know."""

    now: float
    zone: tzinfo
    within: TimeRange
    reading: ReadOptions
    geo: Geo | None = None
    exact: bool = False
    switches: frozenset[str] = frozenset()
    write: bool = False
    state: str | None = None
    jobs: int = 1
    cluster: Cluster | None = None
    engine: EngineOptions = DEFAULTS
    redaction: Redaction = Redaction()
    wait: float = 300
    backfill: bool = False
    accept_content: bool = False
    retention: int = 30
    tell: Callable[[str], None] = _tell_nobody
    along: Scan = scan
    """What reads the input where searches run on this machine; `DigestScan` makes a digest along with them."""

    @property
    def redacting(self) -> ReadOptions:
        """How input is read for what is kept or shown to people: with its secrets masked."""
        return replace(self.reading, redaction=self.redaction)

    def runner(self, source: FileSource) -> Runner:
        """The runner for a source: this machine, or the cluster if the options name one."""
        if self.cluster is None:
            return BatchRunner(source, self.within, self.jobs, self.along, self.engine)
        from podhawk.content.lookup_codec import pack_lookups, unpack_lookups
        from podhawk.engine.spark.payload import LookupCodec
        from podhawk.engine.spark.runner import SparkRunner

        return SparkRunner(self.cluster, source, LookupCodec(pack_lookups, unpack_lookups), self.within, self.engine)

    def lookups(self, content: Content) -> LookupStore:
        """The lookup tables of the content and those written to the state, if that is a folder."""
        folder = self.state if self.state is not None and "://" not in self.state else None
        return LookupStore(content, folder, self.write)

    def files(self, content: Content) -> FileStore:
        """The CSV files of the content and those written to the state, if that is a folder."""
        folder = self.state if self.state is not None and "://" not in self.state else None
        return FileStore(content, folder, self.write)

    def context(self, content: Content, store: LookupStore | None = None, files: FileStore | None = None) -> Context:
        """A fresh context for one search."""
        lookups = store if store is not None else self.lookups(content)
        return Context(
            env=Env(now=self.now, zone=self.zone, switches=self.switches),
            lookups=lookups,
            files=self.files(content) if files is None else files,
            geo=self.geo,
            exact=self.exact,
            write=self.write,
            macros=content.macros,
            within=SearchRange(self.within.earliest, self.within.latest),
        )


def session_of(options: Mapping[str, Any]) -> Session:
    """The session for options by name, as in `podhawk.toml`. Raises UsageError for a value that cannot be used."""
    zone = _zone(options.get("tz") or "UTC")
    try:
        now = resolve(str(options["now"]), clock.time(), zone) if options.get("now") else clock.time()
        bounds = [
            resolve(str(options[name]), now, zone) if options.get(name) else None for name in ("earliest", "latest")
        ]
    except SearchError as error:
        raise UsageError(error.message, remedy=error.remedy) from None
    if bounds[0] is not None and bounds[1] is not None and bounds[0] >= bounds[1]:
        raise UsageError(
            f"the time range is empty: --earliest {options['earliest']} is not before --latest {options['latest']}",
            remedy="--latest must be later than --earliest; an event at --latest is not in the range.",
        )
    reading = ReadOptions(
        input_format=options.get("input_format") or "auto",
        source=options.get("source"),
        sourcetype=options.get("sourcetype"),
        host=options.get("host"),
        index=options.get("index"),
        cluster=options.get("cluster"),
        strict=bool(options.get("strict")),
        time_field=options.get("time_field") or "requestReceivedTimestamp",
    )
    geo = open_geo(str(options["geo"])) if options.get("geo") else None
    if options.get("write") and (not options.get("state") or "://" in str(options["state"])):
        raise UsageError("--write needs a state folder", remedy="Add --state DIR.")
    return Session(
        now,
        zone,
        TimeRange(bounds[0], bounds[1]),
        reading,
        geo,
        bool(options.get("splunk_exact")),
        chosen(options.get("switch") or []),
        bool(options.get("write")),
        options.get("state"),
        options.get("jobs") or _cores(),
        cluster_of(options),
        redaction=redaction_of(options),
        wait=options.get("wait") or 300,
        backfill=bool(options.get("backfill")),
        accept_content=bool(options.get("accept_content")),
        retention=options.get("retention") or 30,
    )


def redaction_of(options: Mapping[str, Any]) -> Redaction:
    """How secrets are masked: with the key that options name, if they do. Raises UsageError for a key that cannot be
    read or is too short to protect a short secret."""
    text, file = options.get("redaction_key"), options.get("redaction_key_file")
    if text and file:
        raise UsageError("redaction-key and redaction-key-file cannot be combined", remedy="Use one of them.")
    if not text and not file:
        return Redaction()
    try:
        key = Path(file).read_bytes().strip() if file else str(text).encode("utf-8", "surrogateescape")
    except OSError as error:
        raise UsageError(f"cannot read the redaction key file {file}: {error.strerror}") from None
    if len(key) < SHORTEST_KEY:
        raise UsageError(
            f"the redaction key has {len(key)} bytes; at least {SHORTEST_KEY} are needed",
            remedy="Create one with: openssl rand -hex 32",
        )
    return Redaction(key)


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"unknown time zone {name!r}", remedy="Use a name such as UTC or Europe/Berlin.") from None


def shipped_incidents(beside: Content) -> Content:
    """The shipped searches over risk, from the cache that other content is in, if any."""
    paths = [shipped_pack() / "incidents"]
    place = beside.parsed.path
    if place is None:
        return load_content(paths)

    def name() -> Path | None:
        return file_for(str(place.parent), paths, (), {}, least=1)

    path = name()
    content = kept(path) if path is not None else None
    if content is None:
        content = load_content(paths)
        content.parsed.fresh = True
    content.parsed.path, content.parsed.name = path, name
    return content


def content_of(options: Mapping[str, Any], macros: Mapping[str, str] | None = None) -> Content:
    """The content that options name; by default the shipped pack.

    If `content_cache` is among the options, content that has not changed is taken from the cache.
    """
    paths: Sequence[str | Path] = options.get("content") or [shipped_pack()]
    overrides = options.get("overrides") or ()

    def name() -> Path | None:
        return file_for(options["content_cache"], paths, overrides, macros or {})

    path = name() if "content_cache" in options else None
    content = kept(path) if path is not None else None
    if content is None:
        content = load_content(paths, overrides=overrides, macro_overrides=macros or {})
        content.parsed.fresh = True
    content.parsed.path, content.parsed.name = path, name
    return content
