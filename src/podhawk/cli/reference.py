"""The SPL reference, written from the declarations of commands, functions and aggregations."""

from __future__ import annotations

import json
from collections.abc import Iterable

from podhawk.cli.spl_pages import aggregation_page, command_page, contents, function_page
from podhawk.commands.declare import Command, Example
from podhawk.commands.refused import REASONS
from podhawk.commands.registry import COMMANDS
from podhawk.errors import UsageError, nearest
from podhawk.functions.aggregations import AGGREGATIONS, Aggregation, find
from podhawk.functions.aggregations.registry import FOREIGN as FOREIGN_AGGREGATIONS
from podhawk.functions.declare import Function
from podhawk.functions.registry import FOREIGN as FOREIGN_FUNCTIONS
from podhawk.functions.registry import FUNCTIONS, REFUSED
from podhawk.settings.switches import DIFFERENCES, SWITCHES


def _unique(things: Iterable[Function]) -> list[Function]:
    return sorted({id(thing): thing for thing in things}.values(), key=lambda thing: thing.name)


def functions() -> list[Function]:
    """All eval functions, each once."""
    return _unique(FUNCTIONS.values())


def aggregations() -> list[Aggregation]:
    """All aggregations, each once."""
    return sorted({id(one): one for one in AGGREGATIONS.values()}.values(), key=lambda one: one.name)


def overview() -> str:
    """All commands, functions and aggregations, with what each command does in a line."""
    return contents(functions(), aggregations())


def describe(name: str) -> str:
    """One command, function or aggregation. Raises UsageError with the nearest name."""
    wanted = name.lower().removesuffix("()")
    parts: list[str] = []
    if wanted in COMMANDS:
        command = COMMANDS[wanted]
        parts.append(f"{wanted} is not supported: {command.refused}" if command.refused else command_page(command))
    if wanted in FUNCTIONS:
        parts.append(function_page(FUNCTIONS[wanted]))
    aggregation = AGGREGATIONS.get(wanted) or next(iter(find(wanted) or ()), None)
    if isinstance(aggregation, Aggregation):
        parts.append(aggregation_page(aggregation))
    if not parts and wanted in REFUSED:
        return f"{wanted}() is not supported: {REFUSED[wanted]}"
    if not parts:
        raise UsageError(
            f"no SPL command, function or aggregation named {name!r}",
            remedy=_foreign(wanted) or nearest(wanted, [*COMMANDS, *FUNCTIONS, *AGGREGATIONS]),
        )
    return "\n\n".join(parts)


def _foreign(name: str) -> str:
    """What SPL has for a name of another language."""
    command = next((one.name for one in COMMANDS.supported() if name in one.known_as), "")
    return f"SPL has {command}." if command else FOREIGN_FUNCTIONS.get(name) or FOREIGN_AGGREGATIONS.get(name, "")


def command_text(command: Command) -> str:
    """A command as Markdown that reads well as text."""
    lines = [f"### {command.name}", "", f"    {command.syntax}", "", command.doc]
    if command.aliases:
        lines += ["", f"Aliases: {', '.join(command.aliases)}."]
    for example in command.examples:
        lines += ["", *_example(example)]
    if command.source:
        lines += ["", f"Source: <{command.source}>"]
    return "\n".join(lines)


def _example(example: Example) -> list[str]:
    lines = [f"    event  {event}" for event in example.events]
    lines += [f"    lookup {name}: {json.dumps(text)}" for name, text in example.lookups]
    lines.append(f"    search {example.search}")
    lines += [f"    row    {json.dumps(row, ensure_ascii=False)}" for row in example.rows] or ["    (no rows)"]
    return lines


def function_text(function: Function) -> str:
    """An eval function as Markdown."""
    expression, result = function.example
    lines = [
        f"### {function.name}()",
        "",
        function.doc,
        "",
        f"    {expression}",
        f"    → {json.dumps(result, ensure_ascii=False)}",
    ]
    if function.aliases:
        lines += ["", f"Aliases: {', '.join(function.aliases)}."]
    if function.source:
        lines += ["", f"Source: <{function.source}>"]
    return "\n".join(lines)


def aggregation_text(aggregation: Aggregation) -> str:
    """An aggregation as Markdown."""
    values, call, result = aggregation.example
    lines = [
        f"### {aggregation.name} (aggregation)",
        "",
        aggregation.doc,
        "",
        f"    {call} over {values}",
        f"    → {json.dumps(result, ensure_ascii=False)}",
    ]
    if aggregation.aliases:
        lines += ["", f"Aliases: {', '.join(aggregation.aliases)}."]
    if aggregation.source:
        lines += ["", f"Source: <{aggregation.source}>"]
    return "\n".join(lines)


def whole() -> str:
    """The whole reference: docs/spl.md."""
    classes = "\n".join(
        f"| {command.name} | {', '.join(_classes(command))} |"
        for command in sorted(COMMANDS.supported(), key=lambda one: one.name)
    )
    refused = "\n".join(f"| {name} | {reason} |" for name, reason in sorted(REASONS))
    functions_refused = "\n".join(f"| {name}() | {reason} |" for name, reason in sorted(REFUSED.items()))
    switches = "\n".join(f"| {one.name} | {one.default} | {one.turned} |" for one in SWITCHES)
    differences = "\n".join(f"| {one.name} | {one.default} | {one.turned} |" for one in DIFFERENCES)
    parts = [
        "# SPL in podhawk",
        "This page is generated from the declarations in the code, with `podhawk help spl --markdown`.",
        "## Deliberate differences from Splunk",
        "`--splunk-exact` turns off all of them.",
        f"| name | Splunk | podhawk |\n|---|---|---|\n{differences}",
        "## Undocumented Splunk behaviours",
        "Splunk's documentation does not settle these. `--switch NAME` selects the other reading.",
        f"| switch | default | with the switch |\n|---|---|---|\n{switches}",
        "## Streaming classes",
        f"| command | class |\n|---|---|\n{classes}",
        "## Commands",
        *[command_text(command) for command in sorted(COMMANDS.supported(), key=lambda one: one.name)],
        "## Eval functions",
        *[function_text(function) for function in functions()],
        "## Aggregations",
        *[aggregation_text(one) for one in aggregations()],
        "## Refused commands",
        "podhawk parses these commands, so that content which uses them loads, but does not run "
        "them. A search that uses one is refused before anything is read.",
        f"| command | reason |\n|---|---|\n{refused}",
        "## Refused functions",
        f"| function | reason |\n|---|---|\n{functions_refused}",
    ]
    return "\n\n".join(parts)


def _classes(command: Command) -> list[str]:
    """The streaming classes a command can have, by the run code it declares."""
    found = [
        ("generating", command.generate),
        ("per_event", command.stream),
        ("mergeable", command.merge),
        ("whole_result", command.whole),
    ]
    return [name for name, code in found if code is not None]
