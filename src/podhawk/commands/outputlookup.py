"""outputlookup: write the rows to a lookup table, and pass them on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from podhawk.commands.context import Context, Lookup
from podhawk.commands.declare import Command, Example, Kind, Wanted, Whole, always, same_columns
from podhawk.commands.properties import Effect, Resources, effect, same
from podhawk.commands.shared.names import shown
from podhawk.errors import ContentError
from podhawk.rows import Row, Table, Value, texts
from podhawk.spl.cursor import Cursor

_FLAGS = {"append": False, "create_empty": True, "override_if_empty": True}
_OPTIONS = (*_FLAGS, "max", "key_field", "allow_updates", "createinapp", "create_context", "output_format")


class OutputLookup(Struct, frozen=True):
    table: str
    append: bool = False
    create_empty: bool = True
    override_if_empty: bool = True
    max: int | None = None
    key_field: str = ""


def _parse(cursor: Cursor) -> OutputLookup:
    options = cursor.options(_OPTIONS)
    table = cursor.name("the name of a lookup")
    options |= cursor.options(_OPTIONS)
    cursor.finish()
    flags = {
        name: cursor.boolean(options[name], name) if name in options else default for name, default in _FLAGS.items()
    }
    cursor.boolean(options.get("createinapp", "t"), "createinapp")
    cursor.choice(options.get("create_context", "app"), "create_context", ("app", "user", "system"))
    key_field = options.get("key_field", "")
    if not cursor.boolean(options.get("allow_updates", "t"), "allow_updates") and key_field:
        cursor.fail("allow_updates=false cannot be combined with key_field")
    if options.get("output_format", "splunk_sv_csv").lower() != "splunk_sv_csv":
        cursor.fail(
            f"output_format={options['output_format']} is not supported",
            "Only splunk_sv_csv is supported, which joins the values of a field with spaces.",
        )
    limit = cursor.integer(options["max"], "max") if "max" in options else None
    return OutputLookup(table, **flags, max=limit, key_field=key_field)


def _render(node: OutputLookup) -> str:
    parts = [
        f"{name}={'false' if default else 'true'}" for name, default in _FLAGS.items() if getattr(node, name) != default
    ]
    if node.max is not None:
        parts.append(f"max={node.max}")
    if node.key_field:
        parts.append(f"key_field={shown(node.key_field)}")
    return " ".join((*parts, shown(node.table)))


def _reads(node: OutputLookup, wanted: Wanted) -> Wanted:
    return None


def _header(table: Table) -> tuple[str, ...]:
    """The columns to write: those that were named, or while the fields are open all but internal ones."""
    if table.columns is not None:
        return tuple(table.header())
    return tuple(name for name in table.header() if not name.startswith("_") or name == "_time")


def _existing(node: OutputLookup, context: Context) -> Lookup | None:
    try:
        return context.lookups.get(node.table)
    except ContentError:
        return None


def _whole(node: OutputLookup, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        rows = table.rows if node.max is None else table.rows[: node.max]
        existing = _existing(node, context)
        if not rows:
            if not node.append and (node.create_empty if existing is None else node.override_if_empty):
                context.lookups.write(node.table, (), existing.fields if existing else _header(table), False)
        elif node.key_field:
            _update(node, context, existing, rows, _header(table))
        else:
            context.lookups.write(node.table, rows, _header(table), node.append)
        return table

    return whole


def _update(
    node: OutputLookup, context: Context, existing: Lookup | None, rows: Sequence[Row], header: tuple[str, ...]
) -> None:
    """Replace the table's rows of the same key, add the others; the last of several rows of one key stays."""
    merged: dict[str, Mapping[str, Value]] = {}
    for number, old in enumerate(existing.rows if existing else ()):
        merged[f"={old[node.key_field]}" if node.key_field in old else f"#{number}"] = dict(old)
    for number, row in enumerate(rows):
        known = node.key_field in row
        merged[f"={' '.join(texts(row[node.key_field]))}" if known else f"+{number}"] = row
    columns = tuple(dict.fromkeys((*(existing.fields if existing else ()), *header)))
    context.lookups.write(node.table, tuple(merged.values()), columns, False)


OUTPUTLOOKUP = Command(
    name="outputlookup",
    syntax="outputlookup [append=<bool>] [create_empty=<bool>] [override_if_empty=<bool>] [max=<n>] "
    "[key_field=<field>] <lookup>|<file.csv>",
    doc="Writes the rows to a lookup table and passes them on. By default the table is replaced. "
    "`append=true` appends to it and keeps only its existing columns; `key_field` replaces rows "
    "with the same key. The values of a multivalue field are joined with spaces. Without rows, "
    "the table is emptied unless `override_if_empty=false`, and an empty table is created unless "
    "`create_empty=false`. `createinapp` and `create_context` are accepted and ignored.",
    examples=(
        Example(
            "* | stats count by user | outputlookup seen",
            ({"user": "ann", "count": "1"},),
            ('{"user":"ann"}',),
            (("seen", "user,count\n"),),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=same_columns,
    whole=_whole,
    made=same,
    effect=effect(Effect.KEEPS),
    resources=lambda node: Resources(written=(node.table,)),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/outputlookup",
)
