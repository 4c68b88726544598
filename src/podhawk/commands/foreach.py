"""foreach: run commands for each of some fields, or for each value of one.

The commands in brackets are a template: for each field that the list means, `<<FIELD>>` and its kin are
replaced and the commands run over all rows, so what one field does the next one sees. The template is
tried with stand-ins while the search is parsed, so that its faults are found before anything runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

import msgspec

from podhawk.commands.append import expect_subsearch
from podhawk.commands.catalog import COMMANDS
from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Pipeline, Wanted, Whole, always
from podhawk.commands.shared.legs import (
    examine,
    inner_effect,
    pipeline_columns,
    pipeline_resources,
    pipeline_volatility,
)
from podhawk.commands.shared.names import has_wildcard, listed, pattern, select, shown
from podhawk.commands.shared.parser import parse_slice
from podhawk.commands.shared.template import Hole, Show, by_name, escaped, fill_at, same_shape
from podhawk.errors import SearchError, nearest
from podhawk.rows import Row, Table, texts
from podhawk.rows.values import as_number
from podhawk.spl.cursor import Cursor
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText, quote

_FIELDS, _VALUES, _JSON, _AUTO = "multifield", "multivalue", "json_array", "auto_collections"
_MARKS = {
    "fieldstr": "<<FIELD>>",
    "matchstr": "<<MATCHSTR>>",
    "matchseg1": "<<MATCHSEG1>>",
    "matchseg2": "<<MATCHSEG2>>",
    "matchseg3": "<<MATCHSEG3>>",
    "itemstr": "<<ITEM>>",
    "iterstr": "<<ITER>>",
}
_OPTIONS = ("mode", *_MARKS)


class Foreach(Placed, frozen=True):
    """`template` is the text in brackets; `marks` the placeholders that were given other spellings."""

    names: tuple[str, ...]
    template: str
    mode: str = _FIELDS
    marks: tuple[tuple[str, str], ...] = ()
    start: int = 0
    source: SearchText | None = None

    @property
    def pattern(self) -> re.Pattern[str]:
        return _pattern(self)


def _spellings(node: Foreach) -> dict[str, str]:
    return _MARKS | dict(node.marks)


def _pattern(node: Foreach) -> re.Pattern[str]:
    # The longest first: one spelling may begin with another.
    spellings = sorted(_spellings(node).values(), key=len, reverse=True)
    return re.compile("(" + "|".join(map(re.escape, spellings)) + ")")


def _parse(cursor: Cursor) -> Foreach:
    options: dict[str, str] = {}
    names: list[str] = []
    span: tuple[int, int] | None = None
    while not cursor.done:
        expect_subsearch(cursor, _OPTIONS, "foreach n* [eval total=total+<<FIELD>>]")
        options |= cursor.options(_OPTIONS)
        if cursor.peek() == "[" and span is None:
            span = cursor.bracketed()
        elif not cursor.done:
            if span is not None:
                cursor.finish()
            names.append(cursor.name())
            cursor.commas()
    if span is None:
        cursor.fail("expected commands in square brackets")
    if not names:
        raise cursor.error("expected fields such as *_count", span[0] - 1)
    mode = cursor.choice(options.pop("mode", _FIELDS), "mode", (_FIELDS, _VALUES, _JSON, _AUTO))
    if mode != _FIELDS and (len(names) > 1 or has_wildcard(names)):
        raise cursor.error(f"mode={mode} takes one field, without *", span[0] - 1)
    text = cursor.source.text[span[0] : span[1]]
    start = span[0] + len(text) - len(text.lstrip())
    marks = tuple(sorted((name, value) for name, value in options.items() if value != _MARKS[name]))
    node = Foreach(tuple(names), text.strip(), mode, marks, start, cursor.source)
    if not node.template:
        raise cursor.error("these brackets contain no command", span[0] - 1)
    first = re.match(r"[A-Za-z_]\w*", node.template)
    if first and first[0].lower() not in COMMANDS and nearest(first[0], COMMANDS):
        raise cursor.error(f"unknown command {first[0]!r}", start, len(first[0]), nearest(first[0], COMMANDS))
    sample = _sample(node)
    if mode != _FIELDS:
        other = [stage for stage in sample.stages if stage.name != "eval"]
        if other:
            raise cursor.error(f"mode={mode} can run only eval, not {other[0].name}", span[0] - 1)
    return node


def _instance(node: Foreach, show: Show) -> Pipeline:
    """The template with its placeholders replaced. Raises SearchError, told in terms of what was written."""
    source = node.source if node.source is not None else SearchText(node.template, node.template, ())
    filled = fill_at(source, node.start, node.start + len(node.template), node.pattern, show)
    return parse_slice(filled, 0, len(filled.text), frozenset(COMMANDS), continues=True)


def _stand_in(node: Foreach, text: str) -> Show:
    return by_name(dict.fromkeys(_spellings(node).values(), text))


def _sample(node: Foreach) -> Pipeline:
    """The template with stand-ins: a number where a word cannot stand."""
    try:
        return _instance(node, _stand_in(node, "x"))
    except SearchError:
        try:
            return _instance(node, _stand_in(node, "1"))
        except SearchError:
            pass
        raise


def _check(node: Foreach, context: Context) -> None:
    try:
        examine(_instance(node, _stand_in(node, "x")), context, "foreach")
    except SearchError:
        try:
            examine(_instance(node, _stand_in(node, "1")), context, "foreach")
        except SearchError:
            pass
        else:
            return
        raise


@lru_cache(maxsize=8)
def _matchers(names: tuple[str, ...]) -> tuple[dict[str, int], list[tuple[int, re.Pattern[str]]]]:
    """The places of the names without a wildcard, and the patterns of the others with theirs."""
    plain = {name: place for place, name in reversed(list(enumerate(names))) if "*" not in name}
    return plain, [(place, pattern(name)) for place, name in enumerate(names) if "*" in name]


def _values_of(node: Foreach, name: str) -> Mapping[str, str]:
    """What the placeholders of one field stand for."""
    spellings = _spellings(node)
    plain, wild = _matchers(node.names)
    first = plain.get(name, len(node.names))
    matched = next((found for place, one in wild if place < first and (found := one.match(name))), None)
    segments = matched.groups() if matched else ()
    values = {spellings["fieldstr"]: name, spellings["matchstr"]: "".join(segments)}
    values |= {spellings["itemstr"]: "", spellings["iterstr"]: ""}
    for number in range(3):
        values[spellings[f"matchseg{number + 1}"]] = segments[number] if number < len(segments) else ""
    return values


def _item(node: Foreach, value: str, number: int) -> Show:
    """A value in its place: a number or a quoted text where an expression stands. `number` is its place, from 0."""
    spellings = _spellings(node)
    others = {spellings["fieldstr"]: node.names[0], spellings["iterstr"]: str(number)}

    def show(hole: Hole) -> str:
        if hole.name != spellings["itemstr"]:
            return others.get(hole.name, "")
        if hole.inside:
            return escaped(value) if hole.inside == '"' else value
        return value if as_number(value) is not None else quote(value)

    return show


def _safely(node: Foreach, show: Show, sample: Pipeline, context: Context, what: str) -> Pipeline | None:
    try:
        made = _instance(node, show)
        if not same_shape(made, sample):
            raise SearchError("it would change the commands")
        examine(made, context, "foreach")
    except SearchError as error:
        context.warn(
            "foreach", f"foreach: {what} was skipped, because it does not fit into the template: {error.message}"
        )
        return None
    return made


def _each_field(node: Foreach, context: Context) -> Whole:
    sample = _sample(node)
    # A row without the field keeps what eval would set to null: `total=total+<<FIELD>>` adds nothing to it.
    only_eval = all(stage.name == "eval" for stage in sample.stages)

    def whole(table: Table) -> Table:
        header = table.header() if table.columns is not None else sorted(table.header())
        have = set(header)
        for name in select(node.names, header):
            if name not in have:
                continue
            made = _safely(node, by_name(_values_of(node, name)), sample, context, f"field {name!r}")
            if made is not None:
                kept = [(row, row.copy()) for row in table.rows if name not in row] if only_eval else []
                table = context.run_stages(made.stages, table)
                for row, before in kept:
                    row.update((other, value) for other, value in before.items() if other not in row)
        return table

    return whole


def _items(node: Foreach, row: Row) -> Iterator[str]:
    value = row.get(node.names[0])
    if value is None:
        return
    if node.mode == _VALUES or (node.mode == _AUTO and isinstance(value, tuple)):
        yield from texts(value)
        return
    for text in texts(value):
        try:
            parts = msgspec.json.decode(str(text), type=list[msgspec.Raw])  # msgspec takes no subclass of str
        except msgspec.DecodeError:
            if node.mode == _AUTO:
                yield text
            continue
        for part in parts:
            shown_part = bytes(part).decode()
            yield msgspec.json.decode(shown_part, type=str) if shown_part.startswith('"') else shown_part


def _each_item(node: Foreach, context: Context) -> Whole:
    sample = _sample(node)
    known: dict[tuple[str, int], Pipeline | None] = {}
    numbered = _spellings(node)["iterstr"] in node.template

    def instance(value: str, number: int) -> Pipeline | None:
        key = (value, number if numbered else 0)
        if key not in known:
            known[key] = _safely(node, _item(node, value, number), sample, context, f"a value of {node.names[0]!r}")
        return known[key]

    def whole(table: Table) -> Table:
        rows: list[Row] = []
        columns = pipeline_columns(sample, table.columns)
        for row in table.rows:
            one = Table([row], table.columns)
            for number, value in enumerate(list(_items(node, row))):
                made = instance(value, number)
                if made is not None:
                    one = context.run_stages(made.stages, one)
            rows += one.rows
        return Table(rows, columns)

    return whole


def _whole(node: Foreach, context: Context) -> Whole:
    return _each_field(node, context) if node.mode == _FIELDS else _each_item(node, context)


def _samples(node: Foreach) -> list[Pipeline] | None:
    """The pipelines that will run, where the names tell; None where wildcards leave that to the rows."""
    if node.mode != _FIELDS:
        return [_sample(node)]
    if has_wildcard(node.names):
        return None
    try:
        return [_instance(node, by_name(_values_of(node, name))) for name in node.names]
    except SearchError:
        return None


def _reads(node: Foreach, wanted: Wanted) -> Wanted:
    made = _samples(node)
    if made is None:
        return None
    needed = wanted
    for pipeline in reversed(made):
        for stage in reversed(pipeline.stages):
            needed = stage.command.reads(stage.node, needed)
    return None if needed is None or wanted is None else needed | wanted | frozenset(node.names)


def _columns(node: Foreach, columns: Columns) -> Columns:
    made = _samples(node)
    if made is None or columns is None:
        return None
    for pipeline in made:
        columns = pipeline_columns(pipeline, columns)
    return columns


def _render(node: Foreach) -> str:
    parts = [] if node.mode == _FIELDS else [f"mode={node.mode}"]
    parts.append(listed(node.names) if node.mode == _FIELDS else shown(node.names[0]))
    parts += [f"{name}={quote(value)}" for name, value in node.marks]
    return " ".join((*parts, f"[ {node.template} ]"))


FOREACH = Command(
    name="foreach",
    syntax="foreach <field>… [ <commands> ] | foreach mode=multivalue|json_array|auto_collections <field> [ eval … ]",
    doc="Runs commands once for each matching field. `<<FIELD>>` stands for the name of the field, "
    "`<<MATCHSTR>>` for the text matched by `*`, `<<MATCHSEG1>>` to `<<MATCHSEG3>>` for the text "
    "matched by each `*`. In an expression, a name with characters other than letters, digits "
    "and `_` must be in single quotes: `'<<FIELD>>'`. With a mode, the commands run for each "
    "value of a multivalue field, or for each element of a JSON array, and `<<ITEM>>` stands for "
    "that value, `<<ITER>>` for its number, from 0. A row without the field keeps what eval would set to null.",
    examples=(
        Example(
            "| makeresults | eval a_n=1, b_n=2, total=0 | foreach *_n [ eval total=total+<<FIELD>> ] | table total",
            ({"total": "3"},),
        ),
        Example(
            '| makeresults | eval v=split("1,2,3", ","), sum=0 | foreach mode=multivalue v '
            "[ eval sum=sum+<<ITEM>> ] | table sum",
            ({"sum": "6"},),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=_columns,
    whole=_whole,
    check=_check,
    templates=lambda node, context: (_sample(node),),
    effect=lambda node: inner_effect(_sample(node)),
    volatility=lambda node: pipeline_volatility(_sample(node)),
    resources=lambda node: pipeline_resources(_sample(node)),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/foreach",
)
