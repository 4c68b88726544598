"""The options that every run shares, resolved once: clock, zone, range, switches, how input is read, where it runs."""

from __future__ import annotations

import os
import time as clock
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from podhawk.commands.context import Context, Geo
from podhawk.content.cache import file_for, kept
from podhawk.content.geo import open_geo
from podhawk.content.load import load_content, shipped_pack
from podhawk.content.lookups import LookupStore
from podhawk.content.model import Content
from podhawk.engine.run.batch import BatchRunner, Runner, TimeRange
from podhawk.engine.run.files import FileSource
from podhawk.engine.spark.cluster import Cluster, cluster_of
from podhawk.errors import SearchError, UsageError
from podhawk.events.read import ReadOptions
from podhawk.functions.declare import Env
from podhawk.functions.times import resolve
from podhawk.settings.switches import chosen


class Surroundings(Struct, frozen=True):
    """The options that every run shares, resolved: clock, zone, range, switches, how input is read."""

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

    def runner(self, source: FileSource) -> Runner:
        """What runs searches over a source: this machine, or the cluster where one is chosen."""
        if self.cluster is None:
            return BatchRunner(source, self.within, self.jobs)
        from podhawk.content.lookup_codec import pack_lookups, unpack_lookups
        from podhawk.engine.spark.payload import Ferry
        from podhawk.engine.spark.runner import SparkRunner

        return SparkRunner(self.cluster, source, Ferry(pack_lookups, unpack_lookups), self.within)

    def lookups(self, content: Content) -> LookupStore:
        """The lookup tables of content, with those that a state in a folder holds."""
        folder = self.state if self.state is not None and "://" not in self.state else None
        return LookupStore(content, folder, self.write)

    def context(self, content: Content, store: LookupStore | None = None) -> Context:
        """A fresh context for one search."""
        lookups = store if store is not None else self.lookups(content)
        return Context(
            env=Env(now=self.now, zone=self.zone, switches=self.switches),
            lookups=lookups,
            geo=self.geo,
            exact=self.exact,
            write=self.write,
            macros=content.macros,
        )


def surroundings(options: Mapping[str, Any]) -> Surroundings:
    """Options by name (as in `podhawk.toml`) to what a run needs. Raises UsageError."""
    zone = _zone(options.get("tz") or "UTC")
    try:
        now = resolve(str(options["now"]), clock.time(), zone) if options.get("now") else clock.time()
        bounds = [
            resolve(str(options[name]), now, zone) if options.get(name) else None for name in ("earliest", "latest")
        ]
    except SearchError as error:
        raise UsageError(error.message, remedy=error.remedy) from None
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
    return Surroundings(
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
    )


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"unknown time zone {name!r}", remedy="Use a name such as UTC or Europe/Berlin.") from None


def content_of(options: Mapping[str, Any], macros: Mapping[str, str] | None = None) -> Content:
    """The content that options name, the shipped pack by default; where `content_cache` is among them, as an earlier
    run read it if nothing has changed since."""
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
