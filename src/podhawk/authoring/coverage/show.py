"""Coverage as rows for any table format, as a page, and as a few lines."""

from __future__ import annotations

from collections import defaultdict
from importlib import resources

from podhawk.authoring.coverage.matrix import Coverage

COLUMNS = ("tactic", "technique", "name", "state", "detections", "proven")


def rows(coverage: Coverage) -> list[dict[str, str | list[str] | None]]:
    """One row for each tactic and technique, then the techniques outside the platform under no tactic."""
    listed = [(tactic.name, one) for tactic, row in coverage.matrix for one in row]
    listed += [(f"not in {coverage.platform.platform}", one) for one in coverage.outside]
    return [
        {
            "tactic": tactic,
            "technique": one.technique.id,
            "name": one.technique.name,
            "state": one.state,
            "detections": list(one.detections),
            "proven": list(one.proven),
        }
        for tactic, one in listed
    ]


def table(coverage: Coverage) -> list[dict[str, str | list[str] | None]]:
    """The same for a terminal: each tactic once, detections as their number."""
    shown: list[dict[str, str | list[str] | None]] = []
    last = ""
    for row in rows(coverage):
        tactic = str(row["tactic"])
        shown.append(
            {
                **row,
                "tactic": "" if tactic == last else tactic,
                "detections": str(len(row["detections"] or ())),
                "proven": str(len(row["proven"] or ())),
            }
        )
        last = tactic
    return shown


def summary(coverage: Coverage) -> tuple[str, ...]:
    """What a reader wants to know first: how much is covered, what is not, and what lies outside."""
    every = coverage.techniques
    named = sum(bool(one.detections) for one in every)
    facts = coverage.platform
    lines = [
        f"ATT&CK {facts.attack}, {facts.platform}: detections claim {named} of {len(every)} techniques"
        + (f", tests prove {sum(bool(one.proven) for one in every)}" if coverage.tested else "")
    ]
    missing = {one.technique.id for one in coverage.gaps}
    for tactic, row in coverage.matrix:
        ids = [one.technique.id for one in row if one.technique.id in missing]
        if ids:
            lines.append(f"gaps in {tactic.name} ({len(ids)} of {len(row)}): {', '.join(ids)}")
    if coverage.outside:
        lines.append("not in the platform: " + ", ".join(one.technique.id for one in coverage.outside))
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for name, reason in coverage.cannot_run:
        reasons[reason].append(name)
    lines += [f"cannot run, so no test covers them ({reason}): {', '.join(names)}" for reason, names in reasons.items()]
    return tuple(lines)


def html(coverage: Coverage) -> str:
    """The matrix as one page that needs no other file."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    engine = Environment(
        loader=PackageLoader("podhawk.authoring.coverage"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = resources.files("podhawk.authoring.pages").joinpath("assets/style.css").read_text("utf-8")
    # The style is a file of ours, the only text that is not escaped.
    return engine.get_template("coverage.html").render(coverage=coverage, lines=summary(coverage), style=Markup(style))
