"""How input is to be read, and the account of what was found in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field, structs

from podhawk.errors import InputError, NoEventsError
from podhawk.events.audit_fields import levels_with
from podhawk.events.event import AuditEvent, Origin
from podhawk.events.gaps import Gap
from podhawk.events.reasons import ADVICE, OF_FILES, REMEDIES
from podhawk.events.redaction.mask import Redaction
from podhawk.events.source import SIZES, ReadSizes
from podhawk.events.time import span_text
from podhawk.wording import counted

TimeField = Literal["requestReceivedTimestamp", "stageTimestamp"]


class ReadOptions(Struct, frozen=True):
    """How to read: `input_format` is `auto`, `json` (any object is an event), `text` (any line is one) or the name of a
    format, which then is the only one accepted. `source`, `sourcetype`, `host` and `index` override every view's;
    `cluster` names the cluster where the envelope does not. `time_field` says which timestamp is the event's time.
    `strict` makes any rejected record an error. `line_templates` is how many lines are kept for making the events of
    lines that differ only in their identity; with 0 each line is decoded. With `redaction` secrets in events are masked
    (`podhawk.events.redaction`)."""

    input_format: str = "auto"
    source: str | None = None
    sourcetype: str | None = None
    host: str | None = None
    index: str | None = None
    cluster: str | None = None
    strict: bool = False
    time_field: TimeField = "requestReceivedTimestamp"
    sizes: ReadSizes = SIZES
    line_templates: int = 4096
    redaction: Redaction | None = None


class Rejected(Struct):
    """How many records were rejected for one reason, and where the first stood."""

    count: int
    first: Origin


class InputReport(Struct):
    """What was read. Bytes and lines are of the decompressed input; `events` are native events."""

    files: int = 0
    bytes: int = 0
    lines: int = 0
    events: int = 0
    truncated: int = 0
    first_truncated: Origin | None = None
    by_stage: Counter[str] = field(default_factory=Counter)
    by_level: Counter[str] = field(default_factory=Counter)
    by_format: Counter[str] = field(default_factory=Counter)
    rejected: dict[str, Rejected] = field(default_factory=dict)
    strict: bool = False
    prefiltered: bool = False
    """Whether lines that no search can want were passed over: lines and bytes are exact then, the rest counts what
    was looked at."""
    levels_seen: set[str] = field(default_factory=set)
    """Audit levels with bodies that lines have which were passed over."""
    anything: bool = False
    """Whether everything counts as an event (`json`, `text`), so that having none is no error."""
    first_unread: Origin | None = None
    """Where content stood that is neither an event nor a rejected record, such as a lone bracket."""
    in_range: int = 0
    """Events in the time range, if one is given, among those that were looked at."""
    gaps: dict[str, Gap] = field(default_factory=dict)
    """Files that were not read, or not to their end, by path. They are among `rejected`, one for each."""
    first_time: float | None = None
    last_time: float | None = None
    """Which times the files cover, in epoch seconds, by the events at their beginnings and ends (see `span`)."""

    def count(self, event: AuditEvent) -> None:
        """Take an event into the account."""
        self.count_plain(event.view.data, event.format)
        if event.truncated:
            self.truncated += 1
            if self.first_truncated is None:
                self.first_truncated = event.origin

    def count_plain(self, data: Mapping[str, Any], format_: str = "native") -> None:
        """Take an event into the account that was looked at and wanted by nobody."""
        self.events += 1
        stage, level = data.get("stage"), data.get("level")
        self.by_stage[stage if type(stage) is str else "(none)"] += 1
        self.by_level[level if type(level) is str else "(none)"] += 1
        self.by_format[format_] += 1

    def logs(self, body: str) -> bool:
        """Whether any event can have this body. Events without a level may."""
        return bool(levels_with(body) & {*self.by_level, *self.levels_seen}) or "(none)" in self.by_level

    def reject(self, reason: str, origin: Origin) -> None:
        """Take a rejected record into the account."""
        known = self.rejected.get(reason)
        if known is None:
            self.rejected[reason] = Rejected(1, origin)
        else:
            known.count += 1

    def miss(self, gap: Gap, origin: Origin) -> None:
        """Take a file into the account that was not read, or only up to a place. It counts once."""
        if origin.file not in self.gaps:
            self.gaps[origin.file] = gap
            self.reject(gap.reason, origin)

    def note_time(self, time: float) -> None:
        """Take the time of an event into the range that the files cover."""
        self.first_time = time if self.first_time is None else min(self.first_time, time)
        self.last_time = time if self.last_time is None else max(self.last_time, time)

    def absorb(self, other: InputReport, lines_before: int) -> None:
        """Take in the account of a later piece of a file, whose lines count from `lines_before`."""
        self.bytes += other.bytes
        self.lines += other.lines
        self.events += other.events
        self.truncated += other.truncated
        self.in_range += other.in_range
        self.by_stage.update(other.by_stage)
        self.by_level.update(other.by_level)
        self.by_format.update(other.by_format)
        self.levels_seen |= other.levels_seen
        for time in (other.first_time, other.last_time):
            if time is not None:
                self.note_time(time)
        self.strict, self.anything, self.prefiltered = (
            other.strict,
            other.anything,
            self.prefiltered or other.prefiltered,
        )
        if self.first_unread is None and other.first_unread is not None:
            self.first_unread = structs.replace(other.first_unread, line=other.first_unread.line + lines_before)
        if self.first_truncated is None and other.first_truncated is not None:
            cut = other.first_truncated
            self.first_truncated = structs.replace(cut, line=cut.line + lines_before)
        for reason, entry in other.rejected.items():
            if reason in OF_FILES and entry.first.file in self.gaps:
                continue  # another piece of the same file
            known = self.rejected.get(reason)
            if known is None:
                first = structs.replace(entry.first, line=entry.first.line + lines_before)
                self.rejected[reason] = Rejected(entry.count, first)
            else:
                known.count += entry.count
        for path, gap in other.gaps.items():
            before = self.gaps.get(path)
            self.gaps[path] = gap if before is None else structs.replace(gap, missing=before.missing + gap.missing)

    def rejections(self) -> list[str]:
        """One line for each reason, the most frequent first."""
        ordered = sorted(self.rejected.items(), key=lambda item: (-item[1].count, item[0]))
        return [
            f"{entry.count:,} × {reason} (first at {entry.first})"
            + (f"; unpack it first: {REMEDIES[reason]}" if reason in REMEDIES else "")
            + (f"; {ADVICE[reason]}" if reason in ADVICE else "")
            for reason, entry in ordered
        ]

    def summary_lines(self) -> list[str]:
        """The account in words, for the end of a run."""
        events = counted(self.events, "event" if set(self.by_format) & {"json", "text"} else "audit event")
        span = "" if self.first_time is None or self.last_time is None else span_text(self.first_time, self.last_time)
        size = f"{self.bytes:,} bytes" + (f", {span}" if span else "")
        read = f"Read {counted(self.lines, 'line')} ({size}) from {counted(self.files, 'file')}"
        lines = [f"{read}; {events} could match." if self.prefiltered else f"{read}: {events}."]
        for title, counts in (("stages", self.by_stage), ("levels", self.by_level), ("formats", self.by_format)):
            if counts:
                lines.append(f"{title}: " + ", ".join(f"{name} {count:,}" for name, count in counts.most_common()))
        if self.truncated:
            first = f" (first at {self.first_truncated})" if self.first_truncated is not None else ""
            lines.append(
                f"{counted(self.truncated, 'event')} arrived truncated{first}: fields after the cut are missing"
            )
        lines.extend(f"rejected: {line}" for line in self.rejections())
        return lines


def check_recognised(report: InputReport) -> None:
    """Raise `InputError` for content without one recognised event, and under `strict` for any reject.

    With `json` and `text`, where everything counts, having nothing is no error.
    """
    found = "; ".join(report.rejections())
    if report.events == 0 and not report.anything:
        if found:
            raise InputError(
                f"no audit event in the input; found instead: {found}",
                remedy=""
                if report.rejected.keys() <= REMEDIES.keys() | ADVICE.keys()
                else "Name the log that the API server writes (--audit-log-path). To search other logs, use "
                "--input-format json or --input-format text.",
            )
        if report.first_unread is not None:
            raise InputError(f"no audit event in the input (first content at {report.first_unread})")
        raise NoEventsError(
            "no audit event in the input: it is " + ("blank" if report.bytes else "empty"),
            remedy="Name the log that the API server writes; after a rotation its events are in an older file.",
        )
    if report.strict and found:
        raise InputError(f"rejected input under --strict: {found}")
