"""Findings as `podhawk run` prints them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, TextIO

from podhawk.cli import output
from podhawk.cli.judgements_output import judgement_records, print_judgements
from podhawk.detect.finding import Actor, Finding
from podhawk.detect.findings import visible_of
from podhawk.detect.report.finding_json import encodable, rfc3339
from podhawk.detect.risk.table import risk_table

if TYPE_CHECKING:
    from podhawk.api import Cell, FindingsResult

COLUMNS = ("priority", "time", "what", "by", "on", "outcome", "technique")
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
) -> None:
    """All findings (jsonl, json), or the visible ones for people; `everything` shows the hidden ones there too. With a
    state only what the run changed, unless `all_known`. `judgements` adds the judgement of each detection."""
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
    rows = [row_of(one) for one in chosen]
    columns = list(COLUMNS)
    if everything:
        columns.append("hidden by")
    if kind == "csv":
        output.as_csv(rows, columns, out)
        return
    risk = risk_rows(result)
    if kind == "md":
        output.markdown(rows, columns, out)
        if risk:
            out.write("\n")
            output.markdown(risk, risk_columns(risk), out)
        if judgements:
            out.write("\n")
            print_judgements(kind, result.detections, out)
        return
    from podhawk.cli.tables import print_table

    if rows:
        print_table(rows, columns, out)
    if risk:
        out.write("\n")
        print_table(risk, risk_columns(risk), out, title="Risk")
    if judgements:
        out.write("\n")
        print_judgements(kind, result.detections, out)


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


def row_of(one: Finding) -> dict[str, Cell]:
    """A finding as a line of a table."""
    hidden = ""
    if not one.visible:
        hiding = [hit.noise_class for hit in one.noise if hit.action == "hide"]
        hidden = (
            f"exception {one.suppressed_by.name}"
            if one.suppressed_by
            else ", ".join(hiding) or ("throttling" if one.throttled else "priority")
        )
    return {
        "priority": str(one.priority),
        "time": rfc3339(one.first_time)[:19].replace("T", " "),
        "what": ("INCIDENT " if one.kind == "incident" else "") + one.title,
        "by": actor_text(one.actor),
        "on": target_text(one),
        "outcome": one.outcome,
        "technique": ", ".join(one.detection.mitre_attack_id),
        "hidden by": hidden,
    }


def actor_text(actor: Actor) -> str:
    """Who, in few words: a controller with the person behind it, an impersonator with whom he played."""
    name = actor.identity or f"({actor.kind})"
    if actor.effective_user:
        return f"{name} as {actor.effective_user}"
    if actor.kind == "controller" and actor.chain and actor.chain_complete:
        last = actor.chain[-1]
        return f"{'' if last.certain else 'probably '}{last.user}, via {name.rsplit(':', 1)[-1]}"
    if actor.kind == "controller" and not actor.chain_complete:
        possible = ", ".join(dict.fromkeys(link.user for link in actor.possible or ()))
        behind = f"possibly for {possible}" if possible else "owner not in this log"
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
