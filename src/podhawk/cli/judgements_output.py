"""The judgement of each detection as `podhawk run --judgements` prints it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TextIO

from podhawk.cli import output

if TYPE_CHECKING:
    from podhawk.api import Cell, DetectionResult

_COLUMNS: Final = ("judgement", "detection", "count", "undecided", "first", "reason")


def judgement_records(detections: Sequence[DetectionResult]) -> Iterator[dict[str, Any]]:
    """The judgements as scripts read them: one record per detection, in the order of the detections."""
    from podhawk.detect.report.finding_json import SCHEMA

    for one in detections:
        found, detection = one.judgement, one.detection
        yield {
            "schema": SCHEMA,
            "kind": "judgement",
            "detection": {
                "name": detection.name,
                "id": detection.id,
                "version": detection.version,
                "type": detection.type,
                "file": detection.file,
            },
            "judgement": found.word,
            "reason": found.reason or found.blind_text(),
            "count": found.count,
            "decided": found.decided,
            "undecided": found.undecided,
            "first": str(found.first) if found.first is not None else None,
            "exact": found.exact,
        }


def print_judgements(kind: str, detections: Sequence[DetectionResult], out: TextIO) -> None:
    """The judgements by themselves, in one of the formats."""
    records = list(judgement_records(detections))
    if kind in ("jsonl", "json"):
        (output.jsonl if kind == "jsonl" else output.as_json)(records, out)
    else:
        output.print_rows(kind, [_line(one) for one in records], _COLUMNS, out)


def _line(record: dict[str, Any]) -> dict[str, Cell]:
    least = "" if record["exact"] or not record["undecided"] else "at least "
    return {
        "judgement": record["judgement"],
        "detection": record["detection"]["name"],
        "count": str(record["count"]),
        "undecided": f"{least}{record['undecided']}",
        "first": record["first"] or "",
        "reason": record["reason"],
    }
