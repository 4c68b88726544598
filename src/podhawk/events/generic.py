"""Input that is not audit logs, by option only: any JSON object is an event, or any line of text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from podhawk.events.decode import JsonNumber, encode_json, slices
from podhawk.events.documents import Document, Documents, Lines
from podhawk.events.event import (
    DEFAULT_CLUSTER,
    DEFAULT_HOST,
    DEFAULT_INDEX,
    NATIVE_SOURCETYPE,
    AuditEvent,
    Origin,
    View,
)
from podhawk.events.numbering import Numbering
from podhawk.events.options import InputReport, ReadOptions
from podhawk.events.partition import cluster_of
from podhawk.events.reasons import BROKEN, OTHER_JSON, TEXT
from podhawk.events.time import parse_rfc3339
from podhawk.lazy import lazy_pattern

_PAIR: Final = lazy_pattern(
    r'(?<![A-Za-z0-9_.:-])[0-9.:-]*+([A-Za-z_][A-Za-z0-9_.:-]*+)=(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^\s,;"]+))'
)
"""A name is looked for once in each run of its characters, so that the time is linear in the length of a line."""


def json_events(
    lines: Lines,
    path: str,
    options: ReadOptions,
    report: InputReport,
    numbering: Numbering,
    by_line_only: Callable[[], None],
) -> Iterator[AuditEvent]:
    """Every JSON object (of a line, an array, or several back to back) as an event, in order of arrival.

    `_time` is the number of a member `_time`, where there is one. `by_line_only` is called before anything is made of
    a document that is not within one line.
    """
    documents = Documents(lines, options.sizes)
    while (line := lines.take()) is not None:
        for document in documents.starting_with(line):
            if not document.is_json or document.line != lines.number:
                by_line_only()
            items, texts = _objects(document)
            for place, value in enumerate(items):
                origin = Origin(path, document.line, numbering.take(document.line, document.item + place))
                if type(value) is not dict:
                    reason = OTHER_JSON if document.is_json else BROKEN if document.broken else TEXT
                    report.reject(reason, origin)
                    continue
                raw = texts[place] if place < len(texts) else encode_json(value)
                stamp = value.get("_time")
                event = _event(value, raw.strip(), path, options, NATIVE_SOURCETYPE, origin, "json")
                event.time = _number(stamp) if isinstance(stamp, JsonNumber) else None
                yield event


def _objects(document: Document) -> tuple[list[Any], list[str]]:
    if type(document.value) is list:
        texts = slices(document.text)
        return document.value, texts if len(texts) == len(document.value) else []
    return [document.value], [document.text.decode("utf-8", "replace")] if document.is_json else []


def text_events(lines: Lines, path: str, options: ReadOptions) -> Iterator[AuditEvent]:
    """Every line that is not empty as an event, with the fields of its `key=value` pairs (the first wins)."""
    while (line := lines.take()) is not None:
        text = line.decode("utf-8", "replace").rstrip("\r")
        if text.strip(" \t\0"):
            pairs: dict[str, Any] = {}
            for name, quoted, bare in _PAIR.findall(text):
                pairs.setdefault(name, re.sub(r"\\(.)", r"\1", quoted) if quoted else bare)
            event = _event(pairs, text, path, options, "text", Origin(path, lines.number), "text")
            event.time = line_time(text)
            yield event


_ISO: Final = lazy_pattern(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:[Zz]|[+-]\d\d:?\d\d)?", re.ASCII)
_WEB: Final = lazy_pattern(r"\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}", re.ASCII)
LOOKAHEAD: Final = 128


def line_time(text: str) -> float | None:
    """The first time in the beginning of a line: RFC 3339, or as web servers write it; else None.

    Source: https://docs.splunk.com/Documentation/Splunk/latest/Admin/Propsconf (MAX_TIMESTAMP_LOOKAHEAD)
    """
    start = text[:LOOKAHEAD]
    web = _WEB.search(start)
    if web is not None:
        try:
            return datetime.strptime(web[0], "%d/%b/%Y:%H:%M:%S %z").timestamp()
        except ValueError:
            return None
    iso = _ISO.search(start)
    return parse_rfc3339(iso[0]) if iso is not None else None


def _event(
    data: dict[str, Any], raw: str, path: str, options: ReadOptions, sourcetype: str, origin: Origin, name: str
) -> AuditEvent:
    view = View(
        data,
        raw,
        options.source or path,
        options.sourcetype or sourcetype,
        options.host or DEFAULT_HOST,
        options.index or DEFAULT_INDEX,
    )
    cluster = cluster_of(path) or options.cluster or DEFAULT_CLUSTER
    return AuditEvent(view, None, None, None, origin, cluster, name)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except (ValueError, OverflowError):
        return None
    return value if abs(value) < 1e15 else None
