"""Checks of what a search says: parts that can never be true, precedence that misleads, patterns that blow up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from podhawk.authoring.lint.declare import Check, Fault, Subject
from podhawk.commands.fillnull import FillNull
from podhawk.commands.search import Search
from podhawk.content.never import why_never
from podhawk.detect.report.explain import clause_text, conjuncts
from podhawk.detect.risk.scoring import same_search
from podhawk.engine.plan.runnable import Broken, Unsupported
from podhawk.errors import SearchError
from podhawk.spl import clause as spl
from podhawk.spl.clause import parse_clause
from podhawk.spl.cursor import Cursor
from podhawk.spl.macros import PlainMacro, calls, expand
from podhawk.spl.pipeline import split
from podhawk.spl.text import SearchText

_QUANTIFIED: Final = re.compile(r"\((?:\?:|\?P?<\w+>)?[^()]*[+*][^()]*\)(?:[+*]|\{\d+,\d*\})")


def _broken(subject: Subject) -> Iterator[Fault]:
    answer = subject.runnability
    if not isinstance(answer, Broken) or (answer.code == "macro" and subject.undefined_macros):
        return  # of undefined macros another check tells
    place = answer.error.place
    one_line = place is not None and len(place.text.splitlines()) == 1
    yield Fault(
        answer.message,
        subject.search_place(place.text.strip()) if place is not None and one_line else subject.search_place(),
        answer.error.remedy,
    )


def _unsupported(subject: Subject) -> Iterator[Fault]:
    answer = subject.runnability
    if isinstance(answer, Unsupported):
        yield Fault(answer.message, subject.search_place(answer.command), "Splunk can run it; podhawk cannot.")


def _duplicate(subject: Subject) -> Iterator[Fault]:
    for other in subject.others.get(same_search(subject.detection), ()):
        if other.file != subject.detection.file:
            yield Fault(
                f"{other.name} has the same search ({other.file})",
                subject.search_place(),
                "Keep one of them: both score the same requests.",
            )


def _contradictions(subject: Subject) -> Iterator[Fault]:
    for stage in subject.every_stage:
        if isinstance(stage.node, Search):
            for message in contradictions(stage.node.clause):
                yield Fault(message, subject.search_place(), "No event can match.")


def contradictions(clause: spl.Clause) -> Iterator[str]:
    """Parts of a conjunction that cannot be true together, of fields that hold one value."""
    values: dict[str, set[str]] = {}
    denied: set[tuple[str, str]] = set()
    for part in _flat(clause):
        match part:
            case spl.Compare(name=name, operator="=", value=value) if "*" not in value and not name.endswith("{}"):
                values.setdefault(name, set()).add(value.lower())
            case (
                spl.Not(part=spl.Compare(name=name, operator="=", value=value))
                | spl.Compare(name=name, operator="!=", value=value)
            ):
                denied.add((name, value.lower()))
            case spl.Or(parts=choices):
                for choice in choices:
                    yield from contradictions(choice)
    for name, own in values.items():
        if len(own) > 1:
            yield f"{name} cannot be {' and '.join(sorted(own))} at the same time"
        for value in own:
            if (name, value) in denied:
                yield f"{name}={value} is both required and excluded"


def _flat(clause: spl.Clause) -> Iterator[spl.Clause]:
    """All parts of a conjunction, those of conjunctions inside it too."""
    for part in conjuncts(clause):
        if isinstance(part, spl.And):
            yield from _flat(part)
        else:
            yield part


def _never(subject: Subject) -> Iterator[Fault]:
    for stage in subject.every_stage[:1]:
        if isinstance(stage.node, Search):
            field, value = why_never(stage.node.clause) or ("", "")
            if value:  # of fields that events do not have another check tells
                yield Fault(f"{field} is never {value!r}", subject.search_place(value), "No event can match.")


def _precedence(subject: Subject) -> Iterator[Fault]:
    for _ in mixed_operators(subject.detection.search):
        yield Fault(
            "OR and AND are mixed without parentheses: OR binds tighter in search, AND binds tighter in where",
            subject.search_place("OR"),
            "Add parentheses.",
        )
        return


def mixed_operators(search: str) -> list[int]:
    """Where an OR stands beside an AND without parentheses, in the search clauses as they are written.

    A macro call counts as one word, whatever is in the macro: who calls it did not write that. Offsets are those of
    the text in which calls have been replaced; a search that cannot be read has none.
    """
    found: list[int] = []

    def look(text: SearchText, start: int, end: int) -> None:
        for segment in split(text, start, end):
            if segment.name.lower() == "search":
                parse_clause(Cursor(text, segment.start, segment.end, "search"), subsearch, found.append)

    def subsearch(cursor: Cursor) -> None:
        look(cursor.source, *cursor.bracketed())

    try:
        # As a stage of its own a call stands for a command, else for words of a clause.
        text = expand(search, {key: PlainMacro((), "macro") for key in calls(search)})
        look(text, 0, len(text.text))
    except (SearchError, RecursionError):  # nested too deeply: no search that can run
        pass
    return found


def _bare_word(subject: Subject) -> Iterator[Fault]:
    for stage in subject.every_stage:
        if not isinstance(stage.node, Search):
            continue
        for part in spl.walk(stage.node.clause):
            if isinstance(part, spl.Or) and any(isinstance(one, spl.Compare) for one in part.parts):
                for one in part.parts:
                    if isinstance(one, spl.Term):
                        yield Fault(
                            f"{clause_text(part)} searches for the word {one.text!r} anywhere in the event",
                            subject.search_place(one.text),
                            "Repeat the field: field=a OR field=b, or field IN (a, b).",
                        )


def _fillnull(subject: Subject) -> Iterator[Fault]:
    for stage in subject.every_stage:
        if isinstance(stage.node, FillNull) and not stage.node.names:
            yield Fault(
                "fillnull without a field list fills only fields that at least one row has; a field that no "
                "row has stays empty, and stats … by it then drops every row",
                subject.search_place("fillnull"),
                "List the fields: fillnull user.uid objectRef.name …",
            )
            return


def _regexes(subject: Subject) -> Iterator[Fault]:
    for pattern in dict.fromkeys(one for stage in subject.every_stage for one in stage.command.patterns(stage.node)):
        if _QUANTIFIED.search(pattern):
            yield Fault(
                f"the pattern {pattern!r} has nested quantifiers, which can take exponential time on a long value",
                subject.search_place(pattern[:20]),
                "Remove one of the two quantifiers.",
            )


def _wildcards(subject: Subject) -> Iterator[Fault]:
    for stage in subject.every_stage:
        if isinstance(stage.node, Search):
            for part in spl.walk(stage.node.clause):
                if isinstance(part, spl.Compare) and re.fullmatch(r"\*.+\*", part.value) and part.value.count("*") > 3:
                    yield Fault(f"{clause_text(part)} has many wildcards", subject.search_place(part.value))


CHECKS: Final = (
    Check("search-broken", "error", "The search can be parsed and planned, and its lookups exist.", _broken),
    Check("search-unsupported", "note", "podhawk supports the commands of the search.", _unsupported),
    Check("search-duplicate", "warning", "No other detection has the same search.", _duplicate),
    Check("clause-unreachable", "error", "The conditions of a clause can be true at the same time.", _contradictions),
    Check(
        "value-unknown",
        "error",
        "Verbs, stages, levels, decisions and status codes are such that audit events can have them.",
        _never,
        native=True,
    ),
    Check("or-beside-and", "warning", "OR and AND are not mixed without parentheses.", _precedence, native=True),
    Check("or-bareword", "warning", "`field=a OR b` is written as `field=a OR field=b`.", _bare_word),
    Check("fillnull", "warning", "fillnull lists its fields.", _fillnull),
    Check("regex-blowup", "warning", "Patterns have no nested quantifiers.", _regexes),
    Check("wildcards", "note", "Values have at most three wildcards.", _wildcards),
)
