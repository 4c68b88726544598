"""Findings as `podhawk run` prints them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, TextIO

from podhawk.cli import output
from podhawk.cli.judgements_output import judgement_records, print_judgements
from podhawk.cli.tables import NARROW
from podhawk.detect.activity.identity_rows import DetectionRow, IdentityRow, identity_rows
from podhawk.detect.finding import Actor, Finding
from podhawk.detect.findings import visible_of
from podhawk.detect.report.finding_json import encodable, rfc3339
from podhawk.detect.report.sentences import utc_minute
from podhawk.detect.risk.table import risk_table
from podhawk.wording import counted

if TYPE_CHECKING:
    from podhawk.api import Cell, FindingsResult
    from podhawk.detect.activity.grouping import Grouping

COLUMNS = (
    "priority", "severity", "time", "id", "detection", "what", "by", "address", "on", "outcome", "technique",
)  # fmt: skip
"""The columns of Markdown."""
RISK_COLUMNS = ("risk", "object", "type", "cluster", "findings", "detections", "tactics", "above cap")
MOST_RISK = 10
"""Risk objects that the table lists."""


def print_findings(
    kind: str,
    result: FindingsResult,
    out: TextIO,
    *,
    everything: bool = False,
    judgements: bool = False,
    all_known: bool = False,
    limit: int | None = None,
    grouping: Grouping | None = None,
) -> None:
    """All findings (jsonl, json), or the visible ones for people; `everything` shows the hidden ones there too. With a
    state only what the run changed, unless `all_known`. `judgements` adds the judgement of each detection. There is a
    table for each group, of at most `limit` findings; by default one of at most `limit` identities."""
    told = result.found.told(all_known=all_known)
    if kind in ("jsonl", "json"):
        records: Iterable[Mapping[str, Any]] = _records(result, told)
        if judgements:
            records = chain(records, judgement_records(result.detections))
        (output.jsonl if kind == "jsonl" else output.as_json)(records, out)
        return
    chosen = visible_of(told)
    if everything:
        chosen = [*chosen, *(one for one in told if not one.visible)]
    if kind == "csv":
        from podhawk.cli.findings_csv import csv_columns, csv_row

        output.as_csv([csv_row(one, hidden_by(one)) for one in chosen], csv_columns(), out)
        return
    risk = risk_rows(result)
    if kind == "md":
        columns = [*COLUMNS, "hidden by"] if everything else COLUMNS
        output.markdown([row_of(one) for one in chosen], columns, out)
        if risk:
            out.write("\n")
            output.markdown(risk, risk_columns(risk), out)
        if judgements:
            out.write("\n")
            print_judgements(kind, result.detections, out)
        return
    from podhawk.cli.tables import print_clipped, table_width

    if (grouping or ("none" if everything else "identity")) == "identity":
        print_identities(chosen, out, limit=limit)
    else:
        for number, (title, own) in enumerate(_grouped(chosen, grouping or "none")):
            out.write("\n" if number else "")
            print_clipped_findings(own, out, limit=limit, title=title)
    if risk:
        out.write("\n")
        spared = SPARED_RISK if table_width(out) < NARROW else ()
        columns = [name for name in risk_columns(risk) if name not in spared]
        print_clipped(risk, columns, out, fixed=("risk",), title="Risk", middle=("object",))
    if judgements:
        out.write("\n")
        print_judgements(kind, result.detections, out)


def _grouped(findings: Sequence[Finding], grouping: Grouping) -> Iterator[tuple[str, list[Finding]]]:
    """The findings by group, each with its title; a group stands where its first finding stood."""
    from podhawk.detect.activity.grouping import group_of_each

    groups: dict[str, list[Finding]] = {}
    group_of = group_of_each(findings, grouping)
    for one in findings:
        groups.setdefault(group_of(one), []).append(one)
    for name, own in groups.items():
        count = counted(len(own), "finding")
        yield (f"{name} ({count}, highest priority {max(one.priority for one in own)})" if name else ""), own


def _records(result: FindingsResult, told: Sequence[Finding]) -> Iterator[Mapping[str, Any]]:
    """The findings as scripts read them; with a state, what this run changed of each, and the findings that are
    gone."""
    changes = result.found.changes
    if changes is None:
        yield from map(encodable, told)
        return
    for one in told:
        change = changes.get(one.finding_id)
        yield encodable(one) if change is None else {**encodable(one), "change": change.kind}
    for record in result.found.gone:
        yield {**record, "change": "gone"}


CLIPPED = ("pri", "severity", "time", "id", "what", "by", "address", "outcome", "on", "technique", "hidden by")
"""The columns of a table with one line per finding, of which as many are shown as there is room for."""
ROOM = {"by": NARROW, "outcome": 110, "on": 150, "technique": 140, "hidden by": 110}
"""The width of a table from which on it has a column."""
_BENEATH = "  "
"""What stands before the line of a detection."""
SPARED_RISK = ("type", "tactics")
"""The columns of the risk table that a narrow one does without."""
BY_IDENTITY = ("pri", "severity", "time", "id", "count", "what", "address", "outcome", "technique")
"""The columns of a table of identities."""
SEVERITY_COLOURS = {"critical": "1;31", "high": "31", "medium": "33", "low": "36"}
"""SGR parameters that can be read on dark and on light."""


def print_clipped_findings(
    findings: Sequence[Finding], out: TextIO, *, limit: int | None = None, title: str = ""
) -> None:
    """Findings with one line each, for a terminal of any width. Hidden ones are in parentheses."""
    from podhawk.cli.tables import print_clipped, table_width

    width = table_width(out)
    hidden = any(not one.visible for one in findings)
    columns = [name for name in CLIPPED if ROOM.get(name, 0) <= width and (name != "hidden by" or hidden)]
    print_clipped(
        short_times([clipped_row(one) for one in findings], width),
        columns,
        out,
        fixed=("pri", "severity", "time", "id", "address", "outcome"),
        limit=limit,
        noun="finding",
        title=title,
        style=severity_style,
    )


def print_identities(findings: Sequence[Finding], out: TextIO, *, limit: int | None = None) -> None:
    """A line for each identity, and beneath it a line for each detection: the number of findings, and of the most
    urgent one the priority, time, id, address and outcome. At most `limit` identities."""
    from podhawk.cli.tables import print_clipped, table_width

    rows = identity_rows(findings)
    width = table_width(out)
    print_clipped(
        short_times([line for row in rows[:limit] for line in _lines(row)], width),
        [name for name in BY_IDENTITY if ROOM.get(name, 0) <= width],
        out,
        fixed=("pri", "severity", "time", "id", "count", "address", "outcome"),
        style=_identity_style,
    )
    if limit is not None and limit < len(rows):
        out.write(f"{limit:,} of {counted(len(rows), 'identity', 'identities')} shown\n")


def _identity_style(name: str, cell: Cell) -> str:
    """Lines of identities stand out from those beneath them."""
    if name == "what" and isinstance(cell, str) and not cell.startswith(_BENEATH):
        return "1"
    return severity_style(name, cell)


def short_times(rows: Sequence[dict[str, Cell]], width: int) -> Sequence[dict[str, Cell]]:
    """Rows with times; in a narrow table without the date, if all are of one day: the summary says which."""
    days = {str(row["time"]).partition(" ")[0] for row in rows}
    if width >= NARROW or len(days) != 1:
        return rows
    return [{**row, "time": str(row["time"]).partition(" ")[2]} for row in rows]


def _lines(row: IdentityRow) -> Iterator[dict[str, Cell]]:
    incidents = sum(one.first.kind == "incident" for one in row.detections)
    several = counted(len(row.detections) - incidents, "detection")
    yield {
        "pri": str(row.first.priority),
        "severity": severity_text(row.severity),
        "time": utc_minute(min(one.first_time for one in row.findings))[5:16],
        "id": "",
        "count": str(row.count),
        "what": f"{row.name}: {several}",
    }
    for one in row.detections:
        yield {**clipped_row(one.first), "count": _number(one), "what": f"{_BENEATH}{_what(one)}"}


def _number(row: DetectionRow) -> str:
    return "" if row.first.kind == "incident" else str(len(row.findings))


def _what(row: DetectionRow) -> Cell:
    """What happened, in the words of the finding, or the detection's name if there are several."""
    alone = len(row.findings) == 1 or row.first.kind == "incident"
    return clipped_row(row.first)["what"] if alone else row.name


def severity_style(name: str, cell: Cell) -> str:
    """The colour of a severity."""
    return SEVERITY_COLOURS.get(cell, "") if name == "severity" and isinstance(cell, str) else ""


def severity_text(severity: str) -> str:
    """A severity as tables with one line per row show it."""
    return "info" if severity == "informational" else severity


def clipped_row(one: Finding) -> dict[str, Cell]:
    """A finding as one line. `explain --finding` takes the beginning of an id."""
    title = ("INCIDENT " if one.kind == "incident" else "") + one.title
    return {
        "pri": str(one.priority),
        "severity": severity_text(one.severity),
        "time": rfc3339(one.first_time)[5:16].replace("T", " "),
        "id": one.finding_id[:8],
        "what": title if one.visible else f"({title})",
        "by": actor_text(one.actor),
        "address": one.actor.source_ip,
        "outcome": one.outcome,
        "on": target_text(one),
        "technique": ", ".join(one.detection.mitre_attack_id),
        "hidden by": hidden_by(one),
    }


def row_of(one: Finding) -> dict[str, Cell]:
    """A finding as a line of a Markdown table."""
    return {
        "priority": str(one.priority),
        "severity": one.severity,
        "time": rfc3339(one.first_time)[:19].replace("T", " "),
        "id": one.finding_id,
        "detection": one.detection.name,
        "what": ("INCIDENT " if one.kind == "incident" else "") + one.title,
        "by": actor_text(one.actor),
        "address": one.actor.source_ip,
        "on": target_text(one),
        "outcome": one.outcome,
        "technique": ", ".join(one.detection.mitre_attack_id),
        "hidden by": hidden_by(one),
    }


def hidden_by(one: Finding) -> str:
    """What hides a finding; "" if it is visible."""
    if one.visible:
        return ""
    hiding = [hit.noise_class for hit in one.noise if hit.action == "hide"]
    if one.suppressed_by:
        return f"exception {one.suppressed_by.name}"
    return ", ".join(hiding) or ("throttling" if one.throttled else "priority")


def actor_text(actor: Actor) -> str:
    """Who, in few words: a controller with the person behind it, an impersonator with whom he played."""
    name = actor.identity or f"({actor.kind})"
    if actor.effective_user:
        return f"{name} as {actor.effective_user}"
    if actor.certainty in ("certain", "likely"):
        likely = "" if actor.certainty == "certain" else " (likely)"
        return f"{actor.chain[-1].user}{likely}, via {name.rsplit(':', 1)[-1]}"
    if actor.kind == "controller" and (actor.certainty or not actor.chain_complete):
        possible = ", ".join(dict.fromkeys(link.user for link in actor.possible or ()))
        behind = f"possible: {possible}" if possible else "owner not in this log"
        return f"{name.rsplit(':', 1)[-1]} ({behind})"
    return f"{name} (borrowed: {actor.borrowed})" if actor.borrowed else name


def target_text(one: Finding) -> str:
    """What it was done to, as kubectl would write it."""
    target = one.target
    if not target.resource:
        return one.requests[0].uri.split("?")[0] if len(one.requests) == 1 else ""
    path = "/".join(part for part in (target.resource, target.name, target.subresource) if part)
    return f"{path} -n {target.namespace}" if target.namespace else path


def risk_rows(result: FindingsResult) -> Sequence[dict[str, Cell]]:
    """The risk table's lines: who has gathered most. Clusters stand there where they are several, and the points that
    the daily cap took where it took any."""
    sums = risk_table(result.found.risk)
    several = len({one.cluster for one in sums}) > 1
    lines: list[dict[str, Any]] = []
    for one in sums[:MOST_RISK]:
        line = {
            "risk": f"{one.score:g}",
            "object": one.object,
            "type": one.type,
            "findings": str(one.findings),
            "detections": str(len(one.detections)),
            "tactics": ", ".join(one.tactics),
        }
        if several:
            line["cluster"] = one.cluster
        if one.capped:
            line["above cap"] = f"{one.capped:g}"
        lines.append(line)
    return lines


def risk_columns(lines: Sequence[Mapping[str, Cell]]) -> list[str]:
    """The columns that any line of a risk table has."""
    return [name for name in RISK_COLUMNS if any(name in line for line in lines)]
