"""podhawk content: what is loaded, normalised."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from podhawk.cli.options import declared

if TYPE_CHECKING:
    from podhawk.content.model import Content, Detection
    from podhawk.engine.plan.runnable import Runnability

EPILOG = """\b
Examples:
  podhawk content list
  podhawk content list --content security_content/ --only type=TTP -o json
  podhawk content show 'Kubernetes Cron Job Creation' --content security_content/
  podhawk content show kube_audit --content security_content/
  podhawk content convert --to gen3 --content security_content/ --output-dir converted/
"""


@click.group("content", epilog=EPILOG)
def COMMAND() -> None:  # noqa: N802 - looked up by this name
    """Show what content is loaded: detections, macros, lookups, stories, in one normalised form."""


def _load(given: dict[str, Any]) -> tuple[Any, Content]:
    from podhawk import api
    from podhawk.settings.resolve import resolve

    settings = resolve("content", given)
    return settings, api.content_of(settings.values, settings.macros)


def _end(content: Content, quiet: bool) -> int:
    from podhawk.cli.tables import note

    if not quiet:
        sys.stdout.flush()
        for problem in content.problems:
            note(f"{problem.severity}: {problem}" + (f" {problem.remedy}" if problem.remedy else ""))
    return 3 if any(problem.severity == "error" for problem in content.problems) else 0


@COMMAND.command("list", epilog=EPILOG)
@declared("content")
def list_content(**given: Any) -> int:
    """List the detections, one a row: state says whether podhawk can run it."""
    from podhawk.cli import output
    from podhawk.cli.tables import note
    from podhawk.content.selection import select
    from podhawk.engine.plan.runnable import runnability

    settings, content = _load(given)
    chosen = (
        select(content, settings["only"], settings["exclude"])
        if settings["only"] or settings["exclude"]
        else (content.detections)
    )
    answers = [(one, runnability(one, content)) for one in chosen]
    rows: list[dict[str, Any]] = []
    for one, answer in answers:
        rows.append(
            {
                "name": one.name,
                "type": one.type,
                "status": one.status,
                "generation": str(one.generation),
                "severity": one.severity,
                "risk": str(one.risk_score),
                "technique": list(one.mitre_attack_id),
                "story": list(one.analytic_story),
                "state": state(answer),
                "file": one.file,
            }
        )
    columns = ["name", "type", "status", "generation", "severity", "risk", "technique", "story", "state", "file"]
    kind = output.format_of(settings["output"], settings["output_file"])
    with output.writer(settings["output_file"]) as out:
        output.print_rows(kind, rows, columns[:-1] if kind == "table" else columns, out)
    if not settings["quiet"]:
        sys.stdout.flush()
        note(
            f"{len(content.detections)} detections, {len(content.macros)} macros, {len(content.lookups)} lookups, "
            f"{len(content.stories)} stories, {len(content.data_sources)} data sources, "
            f"{len(content.deployments)} deployments, {len(content.baselines)} baselines, "
            f"{len(content.investigations)} investigations"
        )
        _print_costs(answers)
    return _end(content, settings["quiet"])


@COMMAND.command("convert", epilog=EPILOG)
@click.option("--to", "to", type=click.Choice(["gen3"]), default="gen3", help="The generation to write.")
@declared("content")
def convert_content(to: str, **given: Any) -> int:
    """Write detections of any generation, and Sigma rules, as files of generation 3, into --output-dir."""
    from pathlib import Path

    from podhawk.authoring.convert import converted, lost
    from podhawk.cli.tables import note
    from podhawk.content.selection import select
    from podhawk.errors import UsageError

    settings, content = _load(given)
    if not settings["output_dir"]:
        raise UsageError("convert needs a folder to write to", remedy="Add --output-dir DIR.")
    folder = Path(settings["output_dir"])
    folder.mkdir(parents=True, exist_ok=True)
    for one in select(content, settings["only"], settings["exclude"]):
        target = folder / f"{one.stem}.yml"
        if target.exists():
            raise UsageError(f"{target} is there already", remedy="Name another --output-dir.")
        target.write_text(converted(one), encoding="utf-8")
        click.echo(target)
        for line in lost(one):
            note(f"  {one.name}: without {line}")
    return _end(content, settings["quiet"])


def state(answer: Runnability) -> str:
    """Whether a search can run: "runs", "refused: …" or "broken: …"."""
    from podhawk.engine.plan.runnable import Broken, Unsupported

    if isinstance(answer, Unsupported):
        return f"refused: {answer.message}"
    return f"broken: {answer.message}" if isinstance(answer, Broken) else "runs"


def _print_costs(answers: Iterable[tuple[Detection, Runnability]]) -> None:
    """For each unsupported command, the detections that need it."""
    from podhawk.cli.tables import note
    from podhawk.engine.plan.runnable import Unsupported

    costs: dict[str, list[str]] = {}
    for one, answer in answers:
        if isinstance(answer, Unsupported):
            costs.setdefault(answer.message, []).append(one.name)
    for reason, names in sorted(costs.items()):
        note(f"{reason}; it costs {len(names)}: {', '.join(sorted(names))}")


@COMMAND.command("show", epilog=EPILOG)
@click.argument("name")
@declared("content")
def show(name: str, **given: Any) -> int:
    """Show one detection (by name, id or file stem), macro, lookup or story, normalised, as YAML or JSON."""
    from podhawk.cli import output

    settings, content = _load(given)
    found = find(name, content)
    with output.writer(settings["output_file"]) as out:
        if settings["output"] in ("json", "jsonl"):
            output.jsonl([found], out)
        else:
            import yaml

            out.write(yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=100))
    return _end(content, settings["quiet"])


def find(name: str, content: Content) -> dict[str, Any]:
    """The normalised view of whatever has that name. Raises UsageError with the nearest name."""
    from msgspec import to_builtins

    from podhawk.content.normalised import normalised, required_fields_note
    from podhawk.engine.plan.planner import wanted_fields
    from podhawk.engine.plan.runnable import Runnable, runnability
    from podhawk.errors import UsageError, nearest

    wanted = name.lower()
    for one in content.detections:
        if wanted in (one.name.lower(), one.id.lower(), one.stem.lower()):
            view = normalised(one)
            answer = runnability(one, content)
            if isinstance(answer, Runnable):
                computed = wanted_fields(answer.pipeline.stages)
                view["required_fields"] = "any" if computed is None else sorted(computed)
                remark = required_fields_note(one.required_fields, sorted(computed or ()))
                if remark and computed is not None:
                    view["notes"] = [*view.get("notes", []), remark]
            view["state"] = state(answer)
            return view
    kept = {macro.name.lower(): macro for macro in content.macros.values()}
    others: list[dict[str, Any]] = [kept, content.lookups, content.stories]
    for group in others:
        for key, value in group.items():
            if key.lower() == wanted:
                members: dict[str, Any] = to_builtins(value)
                return {part: item for part, item in members.items() if item not in ("", [], (), {}, None)}
    known = [one.name.lower() for one in content.detections] + list(kept)
    raise UsageError(f"nothing here is called {name!r}", remedy=nearest(name, known))
