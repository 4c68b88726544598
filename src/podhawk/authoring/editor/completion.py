"""What can be written at a caret: commands, options and their values, functions, aggregations, macros, lookups, fields.

What a command takes is read from its `syntax`: `<field>` asks for fields, `<aggregation>` for aggregations, `name=…` is
an option, a word in capitals is a keyword. So a new command is completed as soon as it is declared.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, Literal

from msgspec import Struct

from podhawk.authoring.editor.caret import Caret, CaretIn, caret_at
from podhawk.commands.declare import Command
from podhawk.commands.registry import COMMANDS
from podhawk.content.model import Content, LookupDefinition
from podhawk.engine.plan.planner import read_search
from podhawk.engine.plan.stages import columns_after
from podhawk.errors import PodhawkError
from podhawk.events.schema import FIELDS, INDEXED
from podhawk.functions.aggregations import AGGREGATIONS
from podhawk.functions.registry import FUNCTIONS
from podhawk.spl.text import quote

MOST: Final = 40
"""Completions that are given."""
LONGEST: Final = 20_000
"""Characters of a search; nothing is proposed in a longer one."""
CompletionKind = Literal["command", "option", "value", "keyword", "function", "aggregation", "macro", "lookup", "field"]

_OPTION: Final = re.compile(r"(?<![\w<$.])([a-z_]+)=(\[[^\]]*\]|<[^<>]*>|[\w|]+)")
_PLACEHOLDER: Final = re.compile(r"<([^<>|]+)>")
_KEYWORD: Final = re.compile(r"(?<![\w<])[A-Z]{2,}(?![\w>])")
_SENTENCE: Final = re.compile(r"(?<=[.:;])\s")
_BARE: Final = re.compile(r"[\w.:{}*@/]+\Z")
_CLAUSE_WORDS: Final = ("AND", "OR", "NOT", "IN")


class Completion(Struct, frozen=True):
    """What may be written: the text that is inserted, what it is, and a line that explains it."""

    text: str
    kind: CompletionKind
    doc: str = ""


class Completions(Struct, frozen=True):
    """The best completions, best first, for the text from `start` to `end`, which they replace."""

    start: int
    end: int
    items: tuple[Completion, ...] = ()


class Arguments(Struct, frozen=True):
    """What a command takes, as its syntax says: options with the values that it names, kinds of arguments, keywords."""

    options: Mapping[str, tuple[str, ...]]
    kinds: frozenset[str]
    keywords: tuple[str, ...]

    @property
    def expressions(self) -> bool:
        return any("expression" in one for one in self.kinds)

    @property
    def fields(self) -> bool:
        return self.expressions or any(one in self.kinds for one in ("field", "column", "clause", "filter"))


def complete(
    text: str,
    at: int,
    content: Content,
    fields: Collection[str] = (),
    values: Mapping[str, Sequence[str]] | None = None,
) -> Completions:
    """What can be written at offset `at` of a search. `fields` are names known from elsewhere, such as those of the
    last result; `values` are known values of fields."""
    if len(text) > LONGEST:
        return Completions(at, at)
    caret = caret_at(text, at)
    found = _best(caret.word, _proposed(caret, content, fields, values or {}))
    return Completions(caret.start, caret.end, tuple(found))


def _proposed(
    caret: Caret, content: Content, fields: Collection[str], values: Mapping[str, Sequence[str]]
) -> Iterator[Completion]:
    if caret.inside is CaretIn.MACRO:
        yield from _macros(content)
        return
    if caret.inside is not CaretIn.TEXT:
        return
    if not caret.command:
        yield from _commands(caret.first)
        if not caret.clause:
            return
    command = COMMANDS.get(caret.command or "search")
    if command is None or command.refused:
        return
    yield from _of_command(command, caret, content, fields, values)


def _of_command(
    command: Command, caret: Caret, content: Content, fields: Collection[str], values: Mapping[str, Sequence[str]]
) -> Iterator[Completion]:
    takes = arguments_of(command.syntax)
    if caret.option in takes.options and "<field>" not in takes.options[caret.option]:
        yield from (Completion(one, "value") for one in takes.options[caret.option])
        return
    named = fields_at(caret, content, fields)
    if "clause" in takes.kinds and caret.compared:
        yield from (Completion(_written(one), "value") for one in values.get(caret.compared, ()))
        return
    inner = caret.calls[-1] if caret.calls else ""
    grouping = re.search(r"\b(?:by|over)\b", caret.arguments, re.IGNORECASE)
    if "lookup" in takes.kinds:
        table = _lookup_of(caret, content)
        if table is None:
            yield from (Completion(name, "lookup", one.description) for name, one in sorted(content.lookups.items()))
            yield from _options(takes, caret)
            return
        yield from (Completion(name, "field", f"column of {table.name}") for name in table.fields)
    if inner and ("aggregation" in takes.kinds or takes.expressions) and AGGREGATIONS.get(inner) is not None:
        yield from (Completion(name, "field") for name in named)
        if inner not in FUNCTIONS:
            return
    computes = takes.expressions or any(one == "eval" or one in FUNCTIONS for one in caret.calls)
    if not computes and "aggregation" in takes.kinds and not grouping:
        yield from _aggregations()
    if grouping or caret.calls or (takes.fields and "aggregation" not in takes.kinds):
        yield from (Completion(name, "field") for name in named)
    if computes:
        yield from _functions()
    yield from _options(takes, caret)
    words = (*takes.keywords, *(_CLAUSE_WORDS if "clause" in takes.kinds else ()))
    yield from (Completion(word, "keyword") for word in dict.fromkeys(words) if caret.arguments.strip())


def _options(takes: Arguments, caret: Caret) -> Iterator[Completion]:
    if not caret.calls and not caret.option:
        yield from (Completion(f"{name}=", "option", " | ".join(known)) for name, known in takes.options.items())


def _lookup_of(caret: Caret, content: Content) -> LookupDefinition | None:
    """The lookup that a command names before the caret."""
    words = caret.arguments.split()[1:]
    return next((content.lookups[one] for one in words if one in content.lookups), None)


@lru_cache(maxsize=256)
def arguments_of(syntax: str) -> Arguments:
    """What the syntax of a command says of its arguments."""
    options: dict[str, tuple[str, ...]] = {}
    for name, value in _OPTION.findall(syntax):
        options.setdefault(name, _values(value))
    kinds = frozenset(one.strip("… ") for one in _PLACEHOLDER.findall(syntax))
    return Arguments(options, kinds, tuple(dict.fromkeys(_KEYWORD.findall(syntax))))


def _values(written: str) -> tuple[str, ...]:
    if written == "<bool>":
        return ("true", "false")
    if written.startswith(("<", "[")):
        return (written,) if written == "<field>" else ()
    return tuple(written.split("|"))


def fields_at(caret: Caret, content: Content, fields: Collection[str]) -> list[str]:
    """The fields that rows have at a caret: the columns of a command such as `stats` before it, else those of audit
    events, of `fields`, and those that earlier commands make."""
    base = tuple(sorted({*FIELDS, *fields}, key=_rank))
    if not caret.earlier:
        return list(base)
    try:
        stages = read_search(caret.earlier, content.macros).stages
        columns = columns_after(stages, None)
        made = columns if columns is not None else columns_after(stages, base)
    except (PodhawkError, RecursionError):  # what is written so far cannot be read
        return list(base)
    return list(made if made is not None else base)


def _rank(name: str) -> tuple[bool, bool, str]:
    """What Splunk adds to every event comes last, and names from elsewhere after those of every audit event."""
    return name in INDEXED, name not in FIELDS, name.lower()


@lru_cache(maxsize=1)
def _all_commands() -> tuple[Completion, ...]:
    return tuple(
        Completion(one.name, "command", sentence(one.doc)) for one in sorted(COMMANDS.supported(), key=lambda x: x.name)
    )


def _commands(first: bool) -> Iterator[Completion]:
    """Commands; those that begin a search or those that do not."""
    for one in _all_commands():
        command = COMMANDS[one.text]
        begins = command.generate is not None or one.text == "search"
        if begins if first else command.generate is None or "append=" in command.syntax:
            yield one


@lru_cache(maxsize=1)
def _all_functions() -> tuple[Completion, ...]:
    return tuple(Completion(f"{name}(", "function", sentence(one.doc)) for name, one in sorted(FUNCTIONS.items()))


def _functions() -> Iterable[Completion]:
    return _all_functions()


@lru_cache(maxsize=1)
def _all_aggregations() -> tuple[Completion, ...]:
    made = []
    for name, one in sorted(AGGREGATIONS.items()):
        shown = f"{name}95" if one.takes_number else name
        made.append(Completion(shown if one.bare else f"{shown}(", "aggregation", sentence(one.doc)))
    return tuple(made)


def _aggregations() -> Iterable[Completion]:
    return _all_aggregations()


def _macros(content: Content) -> Iterator[Completion]:
    for (name, count), one in sorted(content.macros.items()):
        shown = f"({', '.join(one.arguments)})" if count else ""
        yield Completion(name + ("(" if count else "`"), "macro", (one.description or one.definition) + shown)


def _written(value: str) -> str:
    return value if _BARE.match(value) and "*" not in value else quote(value)


def sentence(doc: str) -> str:
    """The first sentence of a text, without marks."""
    return _SENTENCE.split(doc.replace("`", ""), maxsplit=1)[0].rstrip(".:;")


def _best(word: str, items: Iterable[Completion]) -> list[Completion]:
    """The items that a word may become, those that begin with it first, then those of which a part does."""
    wanted = word.lower()
    ranked: dict[tuple[str, str], tuple[int, int, Completion]] = {}
    for number, one in enumerate(items):
        text = one.text.lower()
        if text.startswith(wanted):
            rank = 0
        elif re.search(rf"[.{{}}_/\"]{re.escape(wanted)}", text):
            rank = 1
        elif len(wanted) > 1 and wanted in text:
            rank = 2
        else:
            continue
        ranked.setdefault((one.text, one.kind), (rank, number, one))
    return [one for _, _, one in sorted(ranked.values(), key=lambda item: item[:2])][:MOST]
