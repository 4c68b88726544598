"""podhawk content: what is loaded, normalised."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from podhawk.cli.content_choice import with_content
from podhawk.cli.echo import echo
from podhawk.cli.options import declared
from podhawk.visible import visible
from podhawk.wording import counted

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
    """List, show and convert content: detections, macros, lookups and stories."""


def _load(given: dict[str, Any]) -> tuple[Any, Content]:
    from podhawk import api
    from podhawk.settings.resolve import resolve

    settings = with_content(resolve("content", given))
    return settings, api.content_of(settings.values, settings.macros)


def _end(content: Content, quiet: bool) -> int:
    from podhawk.cli.tables import note

    if not quiet:
        sys.stdout.flush()
        for problem in content.problems:
            note(f"{problem.severity}: {problem}" + (f". {problem.remedy}" if problem.remedy else ""))
    return 3 if any(problem.severity == "error" for problem in content.problems) else 0


@COMMAND.command("list", epilog=EPILOG)
@declared("content")
def list_content(**given: Any) -> int:
    """List the detections.

    The column state says whether podhawk can run the detection.
    """
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
            f"{counted(len(content.detections), 'detection')}, {counted(len(content.macros), 'macro')}, "
            f"{counted(len(content.lookups), 'lookup')}, "
            f"{counted(len(content.stories), 'story', 'stories')}, "
            f"{counted(len(content.data_sources), 'data source')}, "
            f"{counted(len(content.deployments), 'deployment')}, "
            f"{counted(len(content.baselines), 'baseline')}, "
            f"{counted(len(content.investigations), 'investigation')}"
        )
        _print_costs(answers)
    return _end(content, settings["quiet"])


@COMMAND.command("convert", epilog=EPILOG)
@click.option("--to", "to", type=click.Choice(["gen3"]), default="gen3", help="Generation to write.")
@declared("content")
def convert_content(to: str, **given: Any) -> int:
    """Convert detections and Sigma rules to generation 3.

    Files are written to --output-dir, with the macros and lookups that the searches use.
    """
    import shutil
    from pathlib import Path

    from podhawk.authoring.convert import converted, lookups_of, lost, supporting
    from podhawk.cli.tables import note
    from podhawk.content.boundary import unmoved
    from podhawk.content.selection import select
    from podhawk.errors import UsageError
    from podhawk.writing import write_text, writing_to

    settings, content = _load(given)
    if not settings["output_dir"]:
        raise UsageError("missing --output-dir DIR", remedy="Name the folder to write the converted files to.")
    folder = Path(settings["output_dir"])
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
    chosen = select(content, settings["only"], settings["exclude"])
    files = {f"{one.stem}.yml": converted(one) for one in chosen} | supporting(chosen, content)
    for name in files:
        if (folder / name).exists():
            raise UsageError(f"{folder / name} already exists", remedy="Use another --output-dir.")
    for name, text in files.items():
        write_text(folder / name, text, parents=True)
        echo(folder / name)
    for lookup in lookups_of(chosen, content):
        if lookup.path:
            table = folder / "lookups" / Path(lookup.filename).name
            with writing_to(table):
                shutil.copyfile(unmoved(lookup.path), table)
            echo(table)
    for one in chosen:
        for line in lost(one):
            note(f"  {one.name}: dropped {line}")
    return _end(content, settings["quiet"])


def state(answer: Runnability) -> str:
    """Whether a search can run: "runs", "refused: …" or "broken: …"."""
    from podhawk.engine.plan.runnable import Broken, Unsupported

    if isinstance(answer, Unsupported):
        return f"refused: {answer.message}"
    return f"broken: {answer.message}" if isinstance(answer, Broken) else "runs"


def _print_costs(answers: Iterable[tuple[Detection, Runnability]]) -> None:
    """For each unsupported command, the detections that need it; for each missing data model, how many need it."""
    from podhawk.cli.tables import note
    from podhawk.engine.plan.runnable import Unsupported

    costs: dict[str, list[str]] = {}
    models: Counter[str] = Counter()
    for one, answer in answers:
        if isinstance(answer, Unsupported) and answer.code == "data-model":
            models[answer.message.rpartition(" ")[2]] += 1
        elif isinstance(answer, Unsupported):
            costs.setdefault(answer.message, []).append(one.name)
    for reason, names in sorted(costs.items()):
        command, _, why = reason.partition(" is not supported: ")
        using = f"because {'it uses' if len(names) == 1 else 'they use'} {command} ({why})"
        note(f"{counted(len(names), 'detection')} cannot run {using}: {', '.join(sorted(names))}")
    if models:
        each = ", ".join(
            f"{name} {count:,}" for name, count in sorted(models.items(), key=lambda item: (-item[1], item[0]))
        )
        why = "because it needs" if models.total() == 1 else "because they need"
        note(f"{counted(models.total(), 'detection')} cannot run {why} a data model that podhawk does not have: {each}")


@COMMAND.command("show", epilog=EPILOG)
@click.argument("name")
@declared("content")
def show(name: str, **given: Any) -> int:
    """Show a detection, macro, lookup or story.

    NAME is a name, or the id or file stem of a detection. The object is printed in normalised form, as YAML, or as
    JSON with -o json.
    """
    from podhawk.cli import output

    settings, content = _load(given)
    found = find(name, content)
    with output.writer(settings["output_file"]) as out:
        if settings["output"] in ("json", "jsonl"):
            output.jsonl([found], out)
        else:
            import yaml

            out.write(visible(yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=100)))
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
    raise UsageError(f"no detection, macro, lookup or story named {name!r}", remedy=nearest(name, known))
