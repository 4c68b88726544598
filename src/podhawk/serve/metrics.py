"""Metrics in the text format of Prometheus. No label is a user, a namespace or an id; clusters and instances are those
that tokens are bound to, and at most `MOST_SENDERS` of them.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sql
from msgspec import Struct, field

from podhawk.serve.evaluator.positions import evaluated_counts
from podhawk.serve.inbox.segment import reading as reading_segment
from podhawk.serve.inbox.segment import segments
from podhawk.serve.inbox.writer import InboxWriter
from podhawk.serve.jobs.kept import pending
from podhawk.serve.jobs.runner import JobRunner
from podhawk.serve.lake.keeper import LakeKeeper
from podhawk.serve.ledger import accounts
from podhawk.serve.receivers.follow import Follower
from podhawk.serve.sinks.runner import SinkStatus
from podhawk.settings.version import __version__
from podhawk.store.database import reading
from podhawk.store.schema import FINDINGS

BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)

METRICS: Final[dict[str, tuple[str, str]]] = {
    "podhawk_build_info": ("gauge", "The version of podhawk."),
    "podhawk_events_received_total": ("counter", "Events and other records that came in, repeats included."),
    "podhawk_events_evaluated_total": ("counter", "Events that were evaluated."),
    "podhawk_events_waiting": ("gauge", "Events that are stored and not evaluated yet."),
    "podhawk_events_rejected_total": ("counter", "Records that are no audit events, by reason."),
    "podhawk_events_duplicate_total": ("counter", "Events in bodies that the same sender had sent within an hour."),
    "podhawk_dead_letters_total": ("counter", "What could not be read or evaluated."),
    "podhawk_requests_refused_total": ("counter", "Requests that were refused, by reason: token, cluster, full, body."),
    "podhawk_last_event_timestamp_seconds": ("gauge", "The time of the newest event of a sender."),
    "podhawk_last_received_timestamp_seconds": ("gauge", "When a sender sent last."),
    "podhawk_event_lag_seconds": ("histogram", "From the last byte of a request to the commit of its findings."),
    "podhawk_inbox_bytes": ("gauge", "Bytes that the inbox takes."),
    "podhawk_inbox_full": ("gauge", "1 if nothing is taken now."),
    "podhawk_inbox_failures_total": ("counter", "Commits of the inbox that failed."),
    "podhawk_evaluator_up": ("gauge", "1 if the evaluator runs and can write the state."),
    "podhawk_evaluator_starts_total": ("counter", "How often the evaluator was started."),
    "podhawk_evaluator_seconds_total": ("counter", "Seconds that increments took."),
    "podhawk_detection_cpu_seconds_total": ("counter", "CPU seconds that detections took, the scan aside."),
    "podhawk_detections_isolated": ("gauge", "Detections that are over their budget and evaluated once a minute."),
    "podhawk_findings_total": ("gauge", "Known findings, by detection, kind and whether they are hidden."),
    "podhawk_content_loaded_timestamp_seconds": ("gauge", "When the content that is evaluated was read."),
    "podhawk_content_problem": ("gauge", "1 if changed content is broken: the content is as it was."),
    "podhawk_follow_gaps_total": ("counter", "Times that a followed file may have lost events, by reason."),
    "podhawk_follow_behind_bytes": ("gauge", "Bytes of a followed file that have not been read yet."),
    "podhawk_backfills_pending": ("gauge", "Detections that are still to be evaluated over the lake."),
    "podhawk_jobs_failed_total": ("counter", "Scheduled searches and backfills over the lake that failed."),
    "podhawk_background_failures_total": ("counter", "Failures of work in the background, by part; it is tried again."),
    "podhawk_lake_bytes": ("gauge", "Bytes that the lake takes."),
    "podhawk_lake_events": ("gauge", "Events in the lake."),
    "podhawk_lake_begins_timestamp_seconds": ("gauge", "The hour in which the first events of the lake came."),
    "podhawk_lake_failures_total": ("counter", "Attempts to seal files of the lake or to remove them that failed."),
    "podhawk_sink_sent_total": ("counter", "Messages that a sink has taken."),
    "podhawk_sink_failures_total": ("counter", "Attempts to send a message that failed."),
    "podhawk_sink_dead_total": ("counter", "Messages that a sink never took: dead letters."),
    "podhawk_sink_missed_total": ("counter", "Changes that a sink has not read while they were kept."),
    "podhawk_sink_waiting": ("gauge", "Messages that are still to be delivered."),
    "podhawk_sink_held": ("gauge", "Findings that wait for the next digest."),
    "podhawk_sink_unread": ("gauge", "Changes that a sink has not read yet."),
    "podhawk_sink_lag_seconds": ("gauge", "The age of the oldest message that is not delivered."),
    "podhawk_tokens_problem": ("gauge", "1 if the file of tokens cannot be read: the tokens are as they were."),
}
"""Each metric with its type and meaning."""

Sample = tuple[Mapping[str, str], float]


class Evaluations(Struct):
    """What the evaluator has told since the server started."""

    starts: int = 0
    cpu: Mapping[str, float] = field(default_factory=dict)
    """CPU seconds of the evaluator that runs, by detection."""
    seconds: float = 0.0
    lags: Counter[float] = field(default_factory=Counter)
    """How many events were within each bucket."""
    lag_sum: float = 0.0
    lag_count: int = 0

    def note_lag(self, lag: float, events: int) -> None:
        for bound in BUCKETS:
            if lag <= bound:
                self.lags[bound] += events
        self.lag_sum += lag * events
        self.lag_count += events


class Meter:
    """Writes the metrics down as they are now."""

    def __init__(
        self,
        state: str,
        writer: InboxWriter,
        evaluations: Evaluations,
        refused: Mapping[tuple[str, str], int],
        is_up: Callable[[], bool],
        has_problem: Callable[[], bool],
        lake: LakeKeeper,
        jobs: JobRunner,
        followers: Sequence[Follower] = (),
        content: Callable[[], tuple[float, bool, int]] = lambda: (0.0, False, 0),
        faults: Mapping[str, int] = {},
        sinks: Callable[[], Sequence[SinkStatus]] = tuple,
    ) -> None:
        self._state = state
        self._writer = writer
        self._evaluations = evaluations
        self._refused = refused
        self._is_up = is_up
        self._has_problem = has_problem
        self._lake = lake
        self._jobs = jobs
        self._followers = followers
        self._content = content
        self._faults = faults
        self.sinks = sinks

    @property
    def lake(self) -> LakeKeeper:
        return self._lake

    @property
    def jobs(self) -> JobRunner:
        return self._jobs

    @property
    def followers(self) -> Sequence[Follower]:
        return self._followers

    @property
    def evaluations(self) -> Evaluations:
        return self._evaluations

    @property
    def faults(self) -> Mapping[str, int]:
        """Steps of the work in the background that failed, by part."""
        return self._faults

    def cpu_of(self, detection: str) -> float:
        """CPU seconds that a detection took since the evaluator started."""
        return self._evaluations.cpu.get(detection, 0.0)

    def text(self) -> str:
        """All metrics."""
        lines: list[str] = []
        samples = {
            **self._of_senders(),
            **self._of_service(),
            **self._of_sinks(),
            "podhawk_findings_total": list(self._findings()),
        }
        for name, (kind, meaning) in METRICS.items():
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
            if kind == "histogram":
                lines += self._histogram(name)
            else:
                lines += [_line(name, labels, value) for labels, value in samples.get(name, ())]
        return "\n".join(lines) + "\n"

    def _of_senders(self) -> dict[str, Iterable[Sample]]:
        evaluated = evaluated_counts(self._state)
        every = accounts(self._writer.ledger(), evaluated)
        about = dict(self.senders())
        received: list[Sample] = []
        found: dict[str, list[Sample]] = {name: [] for name in METRICS}
        for one in every:
            labels = _labels(one.sender)
            received.append((labels, one.received))
            found["podhawk_events_evaluated_total"].append((labels, one.evaluated))
            found["podhawk_events_waiting"].append((labels, one.waiting))
            found["podhawk_events_duplicate_total"].append((labels, one.repeated))
            found["podhawk_dead_letters_total"].append((labels, one.dead_lettered))
            for reason, count in one.rejected.items():
                found["podhawk_events_rejected_total"].append(({**labels, "reason": reason}, count))
            times = about.get(one.sender)
            if times is not None:
                found["podhawk_last_received_timestamp_seconds"].append((labels, times[0]))
                found["podhawk_last_event_timestamp_seconds"].append((labels, times[1]))
        return {**found, "podhawk_events_received_total": received}

    def senders(self) -> Iterator[tuple[str, tuple[float, float]]]:
        """Each sender, with when it sent last and the time of its newest event, in epoch seconds."""
        from pathlib import Path

        known = segments(Path(self._state) / "inbox")
        if known:
            with reading_segment(known[-1]) as connection:
                for sender, received, newest in connection.execute("SELECT sender, received, newest FROM senders"):
                    yield sender, (received, newest)

    def _of_service(self) -> dict[str, Iterable[Sample]]:
        done, lake, (since, broken, isolated) = self._evaluations, self._lake.holds(), self._content()
        return {
            "podhawk_build_info": [({"version": __version__}, 1)],
            "podhawk_requests_refused_total": [
                ({"cluster": cluster, "reason": reason}, count)
                for (cluster, reason), count in sorted(self._refused.items())
            ],
            "podhawk_inbox_bytes": [({}, self._writer.size)],
            "podhawk_inbox_full": [({}, bool(self._writer.full))],
            "podhawk_inbox_failures_total": [({}, self._writer.failures)],
            "podhawk_evaluator_up": [({}, self._is_up())],
            "podhawk_evaluator_starts_total": [({}, done.starts)],
            "podhawk_evaluator_seconds_total": [({}, done.seconds)],
            "podhawk_detection_cpu_seconds_total": [
                ({"detection": name}, seconds) for name, seconds in sorted(done.cpu.items())
            ],
            "podhawk_detections_isolated": [({}, isolated)],
            "podhawk_content_loaded_timestamp_seconds": [({}, since)],
            "podhawk_content_problem": [({}, broken)],
            "podhawk_follow_gaps_total": [
                ({"file": one.path, "reason": why}, count) for one in self._followers for why, count in one.gaps.items()
            ],
            "podhawk_follow_behind_bytes": [({"file": one.path}, one.behind) for one in self._followers],
            "podhawk_backfills_pending": [({}, len(pending(self._state)))],
            "podhawk_jobs_failed_total": [({}, self._jobs.failures)],
            "podhawk_background_failures_total": [({"part": part}, count) for part, count in self._faults.items()],
            "podhawk_lake_bytes": [({}, lake.size)],
            "podhawk_lake_events": [({}, lake.events)],
            "podhawk_lake_begins_timestamp_seconds": [({}, lake.begins)] if lake.begins is not None else [],
            "podhawk_lake_failures_total": [({}, self._lake.failures)],
            "podhawk_tokens_problem": [({}, self._has_problem())],
        }

    def _of_sinks(self) -> dict[str, Iterable[Sample]]:
        every = [({"sink": one.name}, one) for one in self.sinks()]
        return {
            "podhawk_sink_sent_total": [(labels, one.sent) for labels, one in every],
            "podhawk_sink_failures_total": [(labels, one.failed) for labels, one in every],
            "podhawk_sink_dead_total": [(labels, one.dead) for labels, one in every],
            "podhawk_sink_missed_total": [(labels, one.missed) for labels, one in every],
            "podhawk_sink_waiting": [(labels, one.waiting) for labels, one in every],
            "podhawk_sink_held": [(labels, one.held) for labels, one in every],
            "podhawk_sink_unread": [(labels, one.unread) for labels, one in every],
            "podhawk_sink_lag_seconds": [(labels, one.lag_seconds) for labels, one in every],
        }

    def _histogram(self, name: str) -> Iterator[str]:
        done = self._evaluations
        for bound in BUCKETS:
            yield _line(f"{name}_bucket", {"le": f"{bound:g}"}, done.lags[bound])
        yield _line(f"{name}_bucket", {"le": "+Inf"}, done.lag_count)
        yield _line(f"{name}_sum", {}, done.lag_sum)
        yield _line(f"{name}_count", {}, done.lag_count)

    def _findings(self) -> Iterator[Sample]:
        columns = (FINDINGS.c.detection_id, FINDINGS.c.kind, FINDINGS.c.visible)
        query = sql.select(*columns, sql.func.count()).group_by(*columns).order_by(*columns)
        with reading(self._state) as connection:
            rows = list(connection.execute(query)) if connection is not None else []
        for detection, kind, visible, count in rows:
            yield {"detection": detection, "kind": kind, "hidden": str(not visible).lower()}, count


def _labels(sender: str) -> dict[str, Any]:
    """The labels of a sender: `webhook:CLUSTER/INSTANCE` or `hec:TOKEN`."""
    receiver, _, name = sender.partition(":")
    cluster, _, instance = name.partition("/") if receiver == "webhook" else ("", "", name)
    return {"receiver": receiver, "cluster": cluster, "instance": instance}


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    told = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"{name}{{{told}}} {float(value):.17g}" if told else f"{name} {float(value):.17g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
