"""search: keep the rows that a clause matches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from podhawk.commands.context import Context, place
from podhawk.commands.declare import Command, Example, Kind, Slip, Stage, Stream, Wanted, always, same_columns
from podhawk.commands.properties import Effect, effect, same
from podhawk.commands.shared.auditmodel import NAMES, assignments, over_events
from podhawk.commands.shared.parser import parse_bracketed, render_pipeline
from podhawk.errors import SearchError
from podhawk.functions.predicates import bound, compile_clause, volatility, with_latest
from podhawk.rows import Row
from podhawk.spl.clause import EVERYTHING, Clause, Compare, Term, TimeBound, fields, parse_clause, render, walk
from podhawk.spl.cursor import Cursor


class Search(Struct, frozen=True):
    clause: Clause


def _parse(cursor: Cursor) -> Search:
    return Search(parse_clause(cursor, parse_bracketed))


def _reads(node: Search, wanted: Wanted) -> Wanted:
    return None if wanted is None else wanted | fields(node.clause)


def _stream(node: Search, context: Context) -> Stream:
    test = compile_clause(with_latest(node.clause), context.env)

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        return (row for row in rows if test(row))

    return stream


def _check(node: Search, context: Context) -> None:
    """Look for time bounds that mean no moment. Raises SearchError at their value."""
    for part in walk(node.clause):
        if isinstance(part, TimeBound):
            try:
                bound(part, context.env)
            except SearchError as error:
                raise place(context.source, part.at, f"{part.name}: {error.message}", error.remedy) from None


def _slips(node: Search) -> Iterator[Slip]:
    """Operators in lower case, values in single quotes, and Lucene's colon between a field and its value."""
    before: Clause | None = None
    for part in walk(node.clause):
        match part:
            case Term(text=text, kind="word") if text in ("and", "or", "not"):
                yield Slip(part.at, f"{text} in lower case is a word to look for; {text.upper()} combines conditions")
            case Term(text="&&"):
                yield Slip(part.at, "&& is a text to look for; AND combines conditions, and so does a blank")
            case Term(text="IN", kind="word"):
                yield Slip(part.at, "IN is a word to look for; write field IN (a, b), and NOT before the field")
            case Compare(name=name) if name.startswith("!"):
                yield Slip(part.at, f"! belongs to the name of the field; write NOT {name[1:]}=…")
            case Term(kind="phrase") if isinstance(before, Term) and before.text.endswith(":"):
                name = before.text[:-1]
                yield Slip(before.at, f'{before.text}"…" looks for two texts; {name}="…" compares the field')
            case Compare(name=name, value=value) if len(value) > 2 and value[0] == value[-1] == "'":
                yield Slip(part.at, f'single quotes belong to the value; write {name}="{value[1:-1]}"')
        before = part


def audit_search(prefix: str, later: Sequence[Stage]) -> str:
    """The search over events that a data model of audit events stands for: each event, with the names of the model,
    which begin with a prefix. A search that follows at once narrows it."""
    clause: Clause = EVERYTHING
    if later and isinstance(later[0].node, Search):
        clause = over_events(later[0].node.clause, prefix)
    return f"search {render(clause, render_pipeline)} | eval {assignments([prefix + name for name in NAMES], prefix)}"


SEARCH = Command(
    name="search",
    syntax="search <clause>",
    doc="Keeps rows that match a clause of field comparisons, words and phrases. OR binds tighter "
    "than the implied AND. Values are compared case-insensitively and may contain `*`. Words are "
    "searched for in `_raw`.",
    examples=(
        Example(
            "verb=create OR verb=update resource=pods | table verb resource",
            ({"verb": "create", "resource": "pods"},),
            ('{"verb":"create","resource":"pods"}', '{"verb":"update","resource":"secrets"}'),
        ),
        Example("NOT user=admin | table user", ({"user": "bob"},), ('{"user":"admin"}', '{"user":"bob"}')),
    ),
    parse=_parse,
    render=lambda node: render(node.clause, render_pipeline),
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=same_columns,
    stream=_stream,
    made=same,
    effect=effect(Effect.FILTERS),
    condition=lambda node: with_latest(node.clause),
    check=_check,
    slips=_slips,
    volatility=lambda node: volatility(node.clause),
    known_as=("grep", "find"),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/search",
)
