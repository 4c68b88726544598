"""addcoltotals: a last row with the sums of columns."""

from __future__ import annotations

from podhawk.commands.addtotals import ADDTOTALS, AddTotals
from podhawk.commands.declare import Command, Example, Kind, always
from podhawk.commands.properties import Effect, effect, immutable
from podhawk.commands.shared.names import listed
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

_OPTIONS = ("labelfield", "label")


def _parse(cursor: Cursor) -> AddTotals:
    options = cursor.options(_OPTIONS)
    names = cursor.names()
    options |= cursor.options(_OPTIONS)
    cursor.finish()
    return AddTotals(
        tuple(dict.fromkeys(names)),
        row=False,
        col=True,
        labelfield=options.get("labelfield", ""),
        label=options.get("label", "Total"),
    )


def _render(node: AddTotals) -> str:
    parts = [f"labelfield={quote(node.labelfield)}"] if node.labelfield else []
    parts += [f"label={quote(node.label)}"] if node.label != "Total" else []
    return " ".join([*parts, listed(node.names)]).strip()


ADDCOLTOTALS = Command(
    name="addcoltotals",
    syntax="addcoltotals [labelfield=<field>] [label=<text>] [<field>…]",
    doc="Adds a last row with the sum of each numeric column, as addtotals col=true row=false does. labelfield is the "
    "field of that row that holds the label (default: Total).",
    examples=(
        Example(
            "* | table user n | addcoltotals labelfield=user",
            ({"user": "x", "n": "1"}, {"user": "y", "n": "2"}, {"user": "Total", "n": "3"}),
            ('{"user":"x","n":1}', '{"user":"y","n":2}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=ADDTOTALS.reads,
    columns=ADDTOTALS.columns,
    whole=ADDTOTALS.whole,
    effect=effect(Effect.REBUILDS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/addcoltotals",
)
