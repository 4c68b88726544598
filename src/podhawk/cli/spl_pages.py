"""`podhawk help spl` on a terminal: one page per command, function or aggregation, and a table of contents.

A page says in this order: what the thing does in one line, how it is written, all about it, examples with their input
and output as tables, where it differs from Splunk, and the page of Splunk's reference.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any, Final

from podhawk.cli.table_layout import table_lines
from podhawk.commands.declare import Command, Example, Kind, Stage
from podhawk.commands.parse import parse_search
from podhawk.commands.properties import Effect
from podhawk.commands.registry import COMMANDS
from podhawk.functions.aggregations import Aggregation
from podhawk.functions.declare import Function
from podhawk.functions.registry import FAMILIES
from podhawk.settings.switches import DIFFERENCES, SWITCHES
from podhawk.spl.text import plain
from podhawk.visible import visible_line
from podhawk.wording import counted

WIDTH: Final = 96
GROUPS: Final = (
    "Begin a search",
    "Choose rows",
    "Change fields, row by row or in their order",
    "Group, reshape and combine",
)


def first_sentence(doc: str) -> str:
    """The first sentence of a text, as a line of a list."""
    shorter = re.sub(r"\s*\([^()]*\)", "", doc.replace("`", ""))
    return re.split(r"(?<=[.:;])\s", shorter, maxsplit=1)[0].rstrip(".:;")


def contents(functions: Iterable[Function], aggregations: Iterable[Aggregation]) -> str:
    """All commands by what they do, each with a line; functions by family; aggregations."""
    groups: dict[str, list[Command]] = {name: [] for name in GROUPS}
    for command in sorted(COMMANDS.supported(), key=lambda one: one.name):
        groups[GROUPS[_group(command)]].append(command)
    lines: list[str] = []
    for name, commands in groups.items():
        lines += [name, *(_entry(one.name, one.doc) for one in commands), ""]
    lines.append("Eval functions")
    known = {id(one) for one in functions}
    for family, members in FAMILIES.items():
        names = ", ".join(sorted(one.name for one in members if id(one) in known))
        lines += textwrap.wrap(f"{family}: {names}", WIDTH, initial_indent="  ", subsequent_indent="    ")
    lines += ["", "Aggregations of stats, chart, timechart, eventstats and streamstats"]
    lines += _wrapped(", ".join(one.name for one in aggregations), "  ")
    lines += ["", "podhawk help spl NAME explains one of them."]
    return "\n".join(lines)


def _entry(name: str, doc: str) -> str:
    return f"  {name:<15}{textwrap.shorten(first_sentence(doc), WIDTH - 17, placeholder=' …')}"


def _group(command: Command) -> int:
    """Which group of the contents a command belongs to, by what its examples do."""
    stages = list(_stages(command))
    if command.generate is not None or any(one.kind is Kind.GENERATING for one in stages):
        return 0
    effects = {one.effect for one in stages}
    if effects <= {Effect.FILTERS, Effect.LIMITS}:
        return 1
    return 2 if effects <= {Effect.KEEPS} else 3


def _stages(command: Command) -> Iterator[Stage]:
    for example in command.examples:
        yield from (one for one in parse_search(plain(example.search)).stages if one.command is command)


def command_page(command: Command) -> str:
    """All about a command."""
    lines = [f"{command.name} - {first_sentence(command.doc)}", "", "Syntax", *_syntax(command.syntax)]
    lines += _aliases(command.aliases)
    lines += ["", "What it does", *_wrapped(command.doc.replace("`", ""), "  ")]
    lines += ["", "Examples"]
    for example in command.examples:
        lines += _example(example)
    lines += _differences(command.name)
    lines += _source(command.source)
    return "\n".join(lines).rstrip()


def _syntax(text: str) -> list[str]:
    """The forms of a command, one below the other."""
    forms = re.split(r"(?<=[\])>}]) \| (?=\w)", text)
    return [
        line for form in forms for line in textwrap.wrap(form, WIDTH, initial_indent="  ", subsequent_indent="      ")
    ]


def _example(example: Example) -> list[str]:
    lines = [f"  {example.search}", ""]
    for number, event in enumerate(example.events):
        lines.append(f"    {'over' if not number else '    '}  {event}")
    for name, text in example.lookups:
        lines.append(f"    with the lookup {name}: {text.strip().replace(chr(10), ' / ')}")
    if example.events or example.lookups:
        lines.append("")
    lines += [f"    {line}".rstrip() for line in _table(example.rows)]
    return [*lines, ""]


def _table(rows: tuple[dict[str, Any], ...]) -> Iterator[str]:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if not columns:
        yield "(no rows)"
        return
    cells = [[_cell(row.get(name)) for name in columns] for row in rows]
    yield from table_lines(columns, cells, [False] * len(columns), WIDTH - 4)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return visible_line(", ".join(value) if isinstance(value, list) else str(value))


def _differences(name: str) -> list[str]:
    """Where a command does something else than Splunk, and where Splunk's documentation leaves it open."""
    lines: list[str] = []
    for one in DIFFERENCES:
        if one.name.startswith(f"{name}-"):
            lines += ["Difference from Splunk", *_wrapped(f"Splunk: {one.default}. podhawk: {one.turned}.", "  ")]
            lines += ["  --splunk-exact turns it off.", ""]
    open_ones = [one for one in SWITCHES if one.name.startswith(f"{name}-")]
    if open_ones:
        lines.append("Not settled by Splunk's documentation")
        for one in open_ones:
            lines += _wrapped(f"{one.default}; with --switch {one.name}: {one.turned}.", "  ")
        lines.append("")
    return lines


def function_page(function: Function) -> str:
    """All about an eval function."""
    expression, result = function.example
    shown = ", ".join(result) if isinstance(result, list) else "null" if result is None else str(result)
    lines = [
        f"{function.name}() - {first_sentence(function.doc)}",
        "",
        "Syntax",
        f"  {function.name}(…), with {_arguments(function)}",
    ]
    lines += _aliases(function.aliases)
    lines += ["", "What it does", *_wrapped(function.doc.replace("`", ""), "  ")]
    lines += ["", "Example", f"  {expression}", f"    gives {shown}", ""]
    return "\n".join([*lines, *_differences(function.name), *_source(function.source)]).rstrip()


def _aliases(names: tuple[str, ...]) -> list[str]:
    return ["", f"  Also written {' or '.join(names)}."] if names else []


def _arguments(function: Function) -> str:
    if function.high is None:
        return f"{function.low} or more arguments"
    if function.low == function.high:
        return counted(function.low, "argument")
    return f"{function.low} to {function.high} arguments"


def aggregation_page(aggregation: Aggregation) -> str:
    """All about an aggregation."""
    values, call, result = aggregation.example
    shown = ", ".join(result) if isinstance(result, list) else str(result)
    lines = [f"{aggregation.name} (aggregation) - {first_sentence(aggregation.doc)}", ""]
    lines += [*_aliases(aggregation.aliases)[1:], ""] if aggregation.aliases else []
    lines += ["What it does", *_wrapped(aggregation.doc.replace("`", ""), "  ")]
    lines += ["", "Example", f"  {call} over the values {', '.join(values.split())}", f"    gives {shown}", ""]
    return "\n".join([*lines, *_source(aggregation.source)]).rstrip()


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)


def _source(address: str) -> list[str]:
    return ["Splunk's page", f"  {address}"] if address else []
