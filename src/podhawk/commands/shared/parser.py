"""A search's text to its pipeline, by the table of commands."""

from __future__ import annotations

from podhawk.commands.catalog import COMMANDS
from podhawk.commands.declare import Kind, Pipeline, Stage
from podhawk.errors import nearest
from podhawk.functions.aggregations import AGGREGATIONS
from podhawk.lazy import lazy_pattern
from podhawk.spl.cursor import Cursor
from podhawk.spl.pipeline import Segment, split
from podhawk.spl.text import SearchText, TextPiece

SUBSEARCH_LIMIT = 20
_WORD = lazy_pattern(r"[A-Za-z_][\w-]*")


def parse_search(source: SearchText) -> Pipeline:
    """The pipeline of a whole search.

    Raises SearchError at the first thing that cannot be read, for an unknown command, and for a command
    that podhawk does not support, before anything runs.
    """
    return parse_slice(source, 0, len(source.text))


def parse_slice(
    source: SearchText, start: int, end: int, leading: frozenset[str] = frozenset(), continues: bool = False
) -> Pipeline:
    """The pipeline of a part of a search. `continues` says its rows come from outside (`appendpipe`)."""
    stages: list[Stage] = []
    for number, segment in enumerate(split(source, start, end, leading)):
        stages.append(_stage(source, segment, number == 0 and not continues))
    first = stages[0]
    if (
        source.text[start:end].lstrip().startswith("|")
        and not continues
        and first.kind is not Kind.GENERATING
        and not first.command.refused
        and first.name != "search"  # the one command that may be written with a pipe before it, or left out
    ):
        raise source.error(
            f"{first.name} cannot be the first command, because it generates no rows",
            first.at,
            len(first.name),
            "Begin with a search clause, or with a generating command such as | makeresults or | inputlookup.",
        )
    return Pipeline((*_over_events(first, stages[1:], source), *stages[1:]), source)


def _over_events(first: Stage, later: list[Stage], source: SearchText) -> tuple[Stage, ...]:
    """The first stage, or the stages of the search over events that it stands for."""
    text = first.command.over_events(first.node, later) if first.command.over_events is not None else ""
    if not text:
        return (first,)
    written, _ = source.position(first.at)
    meant = SearchText(text, source.written, (TextPiece(0, written, first.name),), source.name)
    return parse_slice(meant, 0, len(text)).stages


def _remedy(source: SearchText, segment: Segment) -> str:
    """What to write instead of a word that is no command."""
    found = _WORD.match(source.text, segment.at)
    word = found[0].lower() if found else segment.name.lower()
    for command in COMMANDS.supported():
        if word in command.known_as:
            return f"SPL has {command.name}: {command.syntax}"
    aggregation = AGGREGATIONS.get(word)
    if aggregation is not None:
        return f"Write | stats {word if aggregation.bare else f'{word}(field)'}."
    if word == "length":
        return "Write | stats count for the number of rows."
    return nearest(segment.name, COMMANDS)


def _stage(source: SearchText, segment: Segment, first: bool) -> Stage:
    command = COMMANDS.get(segment.name.lower())
    if command is None:
        raise source.error(f"unknown command {segment.name!r}", segment.at, len(segment.name), _remedy(source, segment))
    cursor = Cursor(source, segment.start, segment.end, command.name)
    cursor.subsearch = parse_bracketed
    stage = Stage(command, command.parse(cursor), command.name, segment.at, source)
    if stage.kind is Kind.GENERATING and not first:
        raise source.error(
            f"{command.name} must be the first command of a search",
            segment.at,
            len(segment.name),
            f"Begin the search with | {command.name}{', or write append=true' if 'append=' in command.syntax else ''}.",
        )
    return stage


def parse_bracketed(cursor: Cursor, *, continues: bool = False) -> Pipeline:
    """A subsearch in square brackets: a search, or (with `continues`) commands for the rows at hand."""
    at = cursor.at
    start, end = cursor.bracketed()
    if cursor.source.text.count("[", 0, at + 1) - cursor.source.text.count("]", 0, at) > SUBSEARCH_LIMIT:
        raise cursor.error("subsearches are nested too deeply", at)
    if not cursor.source.text[start:end].strip():
        raise cursor.error("empty subsearch", at)
    generating = frozenset(
        name for name, command in COMMANDS.items() if continues or command.generate is not None or command.refused
    )
    return parse_slice(cursor.source, start, end, generating, continues)


def render_pipeline(pipeline: Pipeline) -> str:
    """The pipeline as SPL; parsing it again gives the same tree."""
    parts: list[str] = []
    for number, stage in enumerate(pipeline.stages):
        text = stage.command.render(stage.node)
        if number == 0 and stage.name == "search":
            parts.append(f"search {text}".strip())
        elif number == 0:
            parts.append(f"| {stage.name} {text}".strip())
        else:
            parts.append(f"{stage.name} {text}".strip())
    return " | ".join(parts)


def render_bracketed(pipeline: Pipeline) -> str:
    """A subsearch as SPL."""
    return f"[ {render_pipeline(pipeline)} ]"
