"""union: the rows of several searches and datasets, one after the other."""

from __future__ import annotations

import re
from typing import ClassVar

from podhawk.commands.append import OPTIONS, expect_subsearch, subsearch_options
from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Pipeline, Wanted, Whole
from podhawk.commands.properties import Effect, Resources, effect
from podhawk.commands.shared.datasets import (
    Dataset,
    check_dataset,
    dataset_resources,
    dataset_table,
    parse_dataset,
    render_dataset,
)
from podhawk.commands.shared.legs import LIMIT, joined, pipeline_columns, pipeline_volatility, run_leg
from podhawk.commands.shared.parser import parse_bracketed, render_bracketed
from podhawk.functions.declare import Volatility
from podhawk.lazy import lazy_pattern
from podhawk.rows import Table
from podhawk.spl.cursor import Cursor
from podhawk.spl.placed import Placed

_FIRST = lazy_pattern(r"(?:\A|\[)\s*\|?\s*union\s*\Z", re.IGNORECASE)


class Union(Placed, frozen=True):
    """`first` says that union begins the search, and so has no rows before it."""

    parts: tuple[Dataset | Pipeline, ...]
    maxout: int = LIMIT
    first: bool = False
    UNSAID: ClassVar[frozenset[str]] = Placed.UNSAID | {"first"}


def _parse(cursor: Cursor) -> Union:
    first = bool(_FIRST.search(cursor.source.text[: cursor.at]))
    options: dict[str, str] = {}
    parts: list[Dataset | Pipeline] = []
    start = cursor.at
    while not cursor.done:
        expect_subsearch(cursor)
        options |= cursor.options(OPTIONS)
        dataset = parse_dataset(cursor)
        if dataset is not None:
            parts.append(dataset)
        elif cursor.peek() == "[":
            parts.append(parse_bracketed(cursor))
        elif not cursor.done:
            cursor.fail(
                f"expected a subsearch in square brackets or a dataset, found {cursor.rest.split()[0]!r}",
                "A dataset is lookup:NAME or datamodel:NAME.",
            )
        cursor.commas()
    if len(parts) < (2 if first else 1):
        raise cursor.error(
            "union as the first command takes at least two datasets"
            if first
            else "expected a subsearch in square brackets or a dataset",
            start,
        )
    return Union(tuple(parts), subsearch_options(cursor, options), first)


def _render(node: Union) -> str:
    parts = [f"maxout={node.maxout}"] if node.maxout != LIMIT else []
    return " ".join(
        (
            *parts,
            *(render_dataset(part) if isinstance(part, Dataset) else render_bracketed(part) for part in node.parts),
        )
    )


def _reads(node: Union, wanted: Wanted) -> Wanted:
    return frozenset() if node.first else wanted


def _columns(node: Union, columns: Columns) -> Columns:
    parts = [None if isinstance(part, Dataset) else pipeline_columns(part) for part in node.parts]
    for number, part in enumerate(parts):
        columns = part if node.first and number == 0 else joined(columns, part)
    return columns


def _add(node: Union, context: Context, tables: list[Table]) -> Table:
    for part in node.parts:
        tables.append(
            dataset_table(part, context) if isinstance(part, Dataset) else run_leg(part, context, "union", node.maxout)
        )
    columns = tables[0].columns
    for table in tables[1:]:
        columns = joined(columns, table.columns)
    return Table([row for table in tables for row in table.rows], columns)


def _whole(node: Union, context: Context) -> Whole:
    return lambda table: _add(node, context, [table])


def _check(node: Union, context: Context) -> None:
    for part in node.parts:
        if isinstance(part, Dataset):
            check_dataset(part, context)


def _volatility(node: Union) -> Volatility:
    return max(
        (pipeline_volatility(part) for part in node.parts if not isinstance(part, Dataset)),
        default=Volatility.IMMUTABLE,
    )


def _resources(node: Union) -> Resources:
    found = Resources()
    for part in node.parts:
        if isinstance(part, Dataset):
            found |= dataset_resources(part)
    return found


UNION = Command(
    name="union",
    syntax="union [maxout=<n>] (<type>:<name> | [ <subsearch> ])…",
    doc="Combines the rows of subsearches and datasets (`lookup:NAME`, `datamodel:Risk.All_Risk`): "
    "first the current rows, then each dataset in turn. As the first command of a search, union "
    "takes at least two datasets.",
    examples=(
        Example(
            "verb=get | table verb | union [ search verb=list | table verb ]",
            ({"verb": "get"}, {"verb": "list"}),
            ('{"verb":"list"}', '{"verb":"get"}'),
        ),
        Example(
            '| union [ | makeresults | eval n="1" ] [ | makeresults | eval n="2" ] | table n', ({"n": "1"}, {"n": "2"})
        ),
    ),
    parse=_parse,
    render=_render,
    kind=lambda node: Kind.GENERATING if node.first else Kind.WHOLE,
    reads=_reads,
    columns=_columns,
    whole=_whole,
    generate=lambda node, context: _add(node, context, []),
    check=_check,
    legs=lambda node: tuple(part for part in node.parts if not isinstance(part, Dataset)),
    effect=effect(Effect.REBUILDS),
    volatility=_volatility,
    resources=_resources,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/union",
)
