"""Findings of plans that bring in other rows than those of events: each row of the whole result is one."""

from __future__ import annotations

from collections.abc import Iterator

from podhawk.detect.evaluate.by_key import ByKey
from podhawk.detect.evaluate.entities import risk_objects, threat_objects
from podhawk.detect.evaluate.evaluation import Evaluation, kind_of, shown
from podhawk.detect.evaluate.finding_id import finding_id
from podhawk.detect.evaluate.titles import title_of
from podhawk.detect.finding import Finding
from podhawk.detect.match import Match
from podhawk.detect.requests.request import RequestKey
from podhawk.rows import Row, Table
from podhawk.rows.values import as_number


def whole_matches(evaluation: Evaluation, table: Table) -> Iterator[Match]:
    """A finding for each by-key of a result; the requests behind it are not known."""
    detection = evaluation.detection
    kind = kind_of(detection)
    if kind is None:
        return
    by = ByKey(evaluation.plan)
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in table.rows:
        groups.setdefault(
            by.of_row(row) if by.kept else tuple(f"{name}={row[name]}" for name in sorted(row)), []
        ).append(row)
    nobody = RequestKey("", "", "", "", "")
    for key, rows in groups.items():
        fields = evaluation.fields(rows, ())
        times = [time for row in rows if (time := as_number(row.get("_time"))) is not None]
        at = evaluation.request.context.env.now
        yield Match(
            Finding(
                finding_id=finding_id(detection, nobody, key),
                detection=detection,
                kind=kind,
                first_time=float(min(times, default=at)),
                last_time=float(max(times, default=at)),
                title=title_of(detection, fields),
                severity=detection.severity,
                risk_score=detection.risk_score,
                cluster="",
                risk_objects=risk_objects(detection, fields),
                threat_objects=threat_objects(detection, fields),
                row_count=len(rows),
                rows=tuple(shown(row, table) for row in rows[:50]),
            ),
            (),
            search=evaluation.plan.pipeline,
        )
