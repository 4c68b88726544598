"""Checks of what a search says: parts that can never be true, precedence that misleads, patterns that blow up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from podhawk.authoring.lint.declare import Check, Fault, Subject
from podhawk.commands.fillnull import FillNull
from podhawk.commands.search import Search
from podhawk.detect.report.explain import clause_text, conjuncts
from podhawk.detect.risk.scoring import same_search
from podhawk.engine.plan.unsupported import refusal
from podhawk.errors import ContentError, SearchError
from podhawk.spl import clause as spl

_QUANTIFIED: Final = re.compile(r"\((?:\?:|\?P?<\w+>)?[^()]*[+*][^()]*\)(?:[+*]|\{\d+,\d*\})")
_PATTERN: Final = re.compile(
    r'(?:\brex\b[^|"]*|\bregex\b[^|"]*|\b(?:match|replace|mvfind)\s*\([^"|)]*,\s*)"((?:[^"\\]|\\.)*)"'
)


def _broken(subject: Subject) -> Iterator[Fault]:
    error = subject.planned[1]
    if error is None or _refused(subject):
        return
    if not any((name in error.message) for name in ("macro", "Macro")):
        yield Fault(
            error.message,
            subject.search_place(error.place.text.strip() if error.place else "")
            if error.place and len(error.place.text.splitlines()) == 1
            else subject.search_place(),
            error.remedy,
        )


def _refused(subject: Subject) -> str:
    try:
        return refusal(subject.detection.search, subject.content.macros)
    except (SearchError, ContentError):
        return ""


def _unsupported(subject: Subject) -> Iterator[Fault]:
    reason = _refused(subject)
    if reason:
        yield Fault(reason, subject.search_place(reason.split(" ")[0]), "Splunk can run it; podhawk cannot.")


def _duplicate(subject: Subject) -> Iterator[Fault]:
    for other in subject.others.get(same_search(subject.detection), ()):
        if other.file != subject.detection.file:
            yield Fault(
                f"{other.name} has the same search ({other.file})",
                subject.search_place(),
                "Keep one of them: both score the same requests.",
            )


def _contradictions(subject: Subject) -> Iterator[Fault]:
    for stage in subject.stages:
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


def _precedence(subject: Subject) -> Iterator[Fault]:
    for part in re.split(r"\|(?=(?:[^\"]*\"[^\"]*\")*[^\"]*\Z)", subject.detection.search):
        text = part.strip()
        named = re.match(r"(?:search|where)\b", text)
        if (
            part is not None
            and (named or part == subject.detection.search.split("|")[0])
            and not text.startswith("where")
        ):
            for level in _levels(re.sub(r"^search\b", "", text)):
                if re.search(r"\bOR\b", level) and _juxtaposed(level):
                    yield Fault(
                        "OR and AND are mixed without parentheses: OR binds tighter in search, AND binds tighter in "
                        "where",
                        subject.search_place("OR"),
                        "Add parentheses.",
                    )
                    return


def _levels(text: str) -> Iterator[str]:
    """The text of each level of parentheses, what is deeper (and in quotes) taken out."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "q", text)
    inner = re.compile(r"\(([^()]*)\)")
    while (found := inner.search(bare)) is not None:
        before = bare[: found.start()].rstrip()
        if not before.upper().endswith("IN"):
            yield found[1]
        bare = f"{bare[: found.start()]} q {bare[found.end() :]}"
    yield bare


def _juxtaposed(level: str) -> bool:
    """Whether terms of a level stand side by side, or with AND, beside an OR."""
    if re.search(r"\bAND\b", level):
        return True
    terms = re.sub(r"\bNOT\s+", "", re.sub(r"\s*(!=|<=|>=|=|<|>)\s*", "=", re.sub(r"\bIN\s+q\b", "=q", level)))
    terms = re.sub(r"\s+=q", "=q", terms)
    return any(len(piece.split()) > 1 for piece in re.split(r"\bOR\b", terms))


def _bare_word(subject: Subject) -> Iterator[Fault]:
    for stage in subject.stages:
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
    for stage in subject.stages:
        if isinstance(stage.node, FillNull) and not stage.node.names:
            yield Fault(
                "fillnull without a field list fills only fields that at least one row has; a field that no "
                "row has stays empty, and stats … by it then drops every row",
                subject.search_place("fillnull"),
                "List the fields: fillnull user.uid objectRef.name …",
            )
            return


def _regexes(subject: Subject) -> Iterator[Fault]:
    for pattern in _PATTERN.findall(subject.detection.search):
        if _QUANTIFIED.search(pattern):
            yield Fault(
                f"the pattern {pattern!r} has nested quantifiers, which can take exponential time on a long value",
                subject.search_place(pattern[:20]),
                "Remove one of the two quantifiers.",
            )


def _wildcards(subject: Subject) -> Iterator[Fault]:
    for stage in subject.stages:
        if isinstance(stage.node, Search):
            for part in spl.walk(stage.node.clause):
                if isinstance(part, spl.Compare) and re.fullmatch(r"\*.+\*", part.value) and part.value.count("*") > 3:
                    yield Fault(f"{clause_text(part)} has many wildcards", subject.search_place(part.value))


CHECKS: Final = (
    Check("search-broken", "error", "The search can be parsed and planned, and its lookups exist.", _broken),
    Check("search-unsupported", "note", "podhawk supports the commands of the search.", _unsupported),
    Check("search-duplicate", "warning", "No other detection has the same search.", _duplicate),
    Check("clause-unreachable", "error", "The conditions of a clause can be true at the same time.", _contradictions),
    Check("or-beside-and", "warning", "OR and AND are not mixed without parentheses.", _precedence),
    Check("or-bareword", "warning", "`field=a OR b` is written as `field=a OR field=b`.", _bare_word),
    Check("fillnull", "warning", "fillnull lists its fields.", _fillnull),
    Check("regex-blowup", "warning", "Patterns have no nested quantifiers.", _regexes),
    Check("wildcards", "note", "Values have at most three wildcards.", _wildcards),
)
