"""Detections' rows as `podhawk run --rows` prints them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from podhawk.cli.judgements_output import judgement_records, print_judgements

if TYPE_CHECKING:
    from podhawk.api import RowsResult


def records(result: RowsResult) -> Iterator[dict[str, Any]]:
    """Rows with the detection each belongs to."""
    for one in result.detections:
        about = {
            "name": one.detection.name,
            "id": one.detection.id,
            "version": one.detection.version,
            "file": one.detection.file,
        }
        for row in one.result or ():
            yield {"detection": about, "row": row}


def print_results(kind: str, result: RowsResult, out: Any, *, judgements: bool = False) -> None:
    """All rows in one of the formats, and the judgement of each detection if asked."""
    from podhawk.cli import output
    from podhawk.cli.tables import print_table
    from podhawk.visible import visible_line

    if kind in ("jsonl", "json"):
        every = chain(records(result), judgement_records(result.detections) if judgements else ())
        (output.jsonl if kind == "jsonl" else output.as_json)(every, out)
    elif kind == "csv":
        columns = list(dict.fromkeys(name for one in result.detections if one.result for name in one.result.columns))
        rows = [{"detection": record["detection"]["name"], **record["row"]} for record in records(result)]
        output.as_csv(rows, ["detection", *columns], out)
    else:
        for one in result.detections:
            if one.result is None or not len(one.result):
                continue
            if kind == "md":
                out.write(f"\n## {visible_line(one.detection.name)}\n\n")
                output.markdown(list(one.result), one.result.columns, out)
            else:
                print_table(list(one.result), one.result.columns, out, title=one.detection.name)
        if judgements:
            out.write("\n")
            print_judgements(kind, result.detections, out)
