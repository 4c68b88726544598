"""Checks of the fields and macros that a detection names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from podhawk.authoring.lint.declare import Check, Fault, Subject
from podhawk.commands.declare import Kind, Stage
from podhawk.commands.search import Search
from podhawk.content.detection import slug
from podhawk.detect.evaluate.message_tokens import TOKEN
from podhawk.engine.plan.lineage import called
from podhawk.engine.plan.unknown_fields import fields_read, unknown_fields
from podhawk.errors import SearchError, nearest
from podhawk.events.event import NATIVE_SOURCE
from podhawk.events.schema import CARRIERS, only_in_audit_events
from podhawk.spl.clause import Compare, In, walk
from podhawk.spl.macros import calls
from podhawk.spl.text import strip_comments
from podhawk.wording import counted

_INFO: Final = frozenset({"info_min_time", "info_max_time", "time", "date"})


def _has(subject: Subject, name: str) -> bool:
    """Whether a token or field has something to stand for: a last column, an earlier name of one, or an event field."""
    columns = subject.columns
    if columns is None or not subject.stages:
        return True
    return (
        name in columns
        or called(name, subject.stages) in columns
        or any(called(name, subject.stages[number:]) in columns for number in range(len(subject.stages)))
    )


def _suggest(subject: Subject, name: str) -> str:
    return nearest(name, subject.columns or ()) or "Output fields: " + ", ".join(sorted(subject.columns or ())[:12])


def _risk_names(subject: Subject) -> list[str]:
    return [one.field for one in subject.detection.risk_objects]


def _threat_names(subject: Subject) -> list[str]:
    return [one.field for one in subject.detection.threat_objects]


def _throttling_names(subject: Subject) -> tuple[str, ...]:
    throttling = subject.detection.throttling
    return throttling.fields if throttling is not None else ()


def _absent(subject: Subject, what: str, names: Iterable[str], told: Collection[str]) -> Iterator[Fault]:
    """A fault for each name that the search's output lacks. `told` are names that another check tells of: one missing
    column is one fault."""
    for name in dict.fromkeys(names):
        if name not in told and not _has(subject, name):
            yield Fault(
                f"{what} {name!r} is not in the search's output",
                subject.line_place(rf"(?:field|name|-)s?:?\s+[\[\"']*{re.escape(name)}(?![\w.{{}}])"),
                _suggest(subject, name),
            )


def _tokens(subject: Subject) -> Iterator[Fault]:
    texts = {
        text
        for text in (
            subject.detection.message,
            subject.detection.title,
            *(one.message for one in subject.detection.risk_objects),
        )
        if text
    }
    seen = {*_risk_names(subject), *_threat_names(subject), *_throttling_names(subject)}
    for text in sorted(texts):
        for name in TOKEN.findall(text):
            if name not in seen and name not in _INFO and not _has(subject, name):
                seen.add(name)
                yield Fault(
                    f"message token ${name}$ is not in the search's output",
                    subject.line_place(re.escape(f"${name}$")),
                    _suggest(subject, name),
                )


def _risk_fields(subject: Subject) -> Iterator[Fault]:
    yield from _absent(subject, "risk object", _risk_names(subject), ())


def _threat_fields(subject: Subject) -> Iterator[Fault]:
    yield from _absent(subject, "threat object", _threat_names(subject), _risk_names(subject))


def _throttling(subject: Subject) -> Iterator[Fault]:
    told = {*_risk_names(subject), *_threat_names(subject)}
    yield from _absent(subject, "throttling field", _throttling_names(subject), told)


def _required(subject: Subject) -> Iterator[Fault]:
    stated, read = set(subject.detection.required_fields), subject.wanted
    if not stated or read is None:
        return
    read = read - _created(subject)
    internal = {"_time", "_raw", "source", "sourcetype", "host", "index"}
    missing, extra = sorted(read - stated - internal), sorted(stated - read - internal)
    if missing:
        yield Fault(
            f"required_fields omits fields that the search reads: {', '.join(missing)}",
            subject.tag_place("required_fields"),
        )
    if extra:
        yield Fault(
            f"required_fields lists fields that the search does not read: {', '.join(extra)}",
            subject.tag_place("required_fields"),
        )


def _filter(subject: Subject) -> Iterator[Fault]:
    own = subject.detection
    by_name = f"{slug(own.name)}_filter"
    by_file = f"{own.stem.lower()}_filter" if own.stem else own.filter_macro
    # A file of another name is to be renamed (file-name), and the macro with it: either is right until then.
    expected = by_name if by_name != by_file else f"{own.stem}_filter" if own.stem else own.filter_macro
    last = _last_macro(own.search)
    if not last.endswith("_filter"):
        yield Fault(
            "the search does not end with its filter macro",
            subject.search_place(),
            f"End it with | `{expected}`, so that a site can tune it; --fix does this.",
            _with_filter(subject, expected),
        )
    elif last not in (expected, own.filter_macro, f"{own.stem}_filter"):
        yield Fault(f"the filter macro is named {last!r}", subject.search_place(last), f"Rename it to {expected!r}.")


def _last_macro(search: str) -> str:
    """The macro that stands alone behind the last pipe; "" if there is none."""
    try:
        text = strip_comments(search).text.rstrip()
        called = calls(search)
    except SearchError:
        return ""
    if not called or not text.endswith("`"):
        return ""
    before = text[: text.rindex("`", 0, len(text) - 1)]
    return called[-1][0] if before.rstrip().endswith("|") else ""


def _with_filter(subject: Subject, macro: str) -> str | None:
    """The file with the filter macro at the end of its search, where that is written as a block."""
    document = subject.document
    if document is None:
        return None
    start = document.place("search").line
    lines = list(document.lines)
    if not re.search(r"search:\s*[|>]", lines[start - 1]):
        return None
    end = start
    while end < len(lines) and (not lines[end].strip() or lines[end].startswith(" ")):
        end += 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    indent = re.match(r"\s*", lines[end - 1])
    lines.insert(end, f"{indent[0] if indent else '  '}| `{macro}`")
    return "\n".join(lines) + "\n"


def _macros(subject: Subject) -> Iterator[Fault]:
    known_macros = subject.content.macros_for(subject.detection)
    for name, number, caller in subject.undefined_macros:
        others = sorted(count for other, count in known_macros if other == name)
        yield Fault(
            f"unknown macro {name!r}"
            + (f" with {counted(number, 'argument')}" if others or number else "")
            + (f", called by {caller!r}" if caller else ""),
            subject.search_place(caller or name),
            f"The macro exists with {counted(others[0], 'argument')}."
            if others
            else nearest(name, [other for other, _ in known_macros]),
        )


def _unknown_fields(subject: Subject) -> Iterator[Fault]:
    about = _about_audit_events(subject.stages, fields_read(subject.stages))
    for one in unknown_fields(subject.stages):
        if about or one.column:
            yield Fault(one.message, subject.search_place(one.name), one.remedy)


def _about_audit_events(stages: Sequence[Stage], read: frozenset[str]) -> bool:
    """Whether a search is about audit events as the API server writes them, not as a cloud wraps them: it names their
    source, or at least one field that only they have."""
    if not stages or not isinstance(stages[0].node, Search) or any(name.startswith(CARRIERS) for name in read):
        return False
    return only_in_audit_events(read) or any(
        (isinstance(part, Compare) and part.name == "source" and NATIVE_SOURCE in part.value.lower())
        or (isinstance(part, In) and part.name == "source" and NATIVE_SOURCE in part.values)
        for part in walk(stages[0].node.clause)
    )


def _created(subject: Subject) -> set[str]:
    """Fields that commands add to events (eval, rex, lookup, iplocation …)."""
    return {
        name
        for stage in subject.stages
        if stage.kind is Kind.PER_EVENT
        for name in stage.command.columns(stage.node, ()) or ()
    }


CHECKS: Final = (
    Check("message-token", "error", "Message tokens are fields in the search's output.", _tokens),
    Check("risk-object", "error", "Risk objects are fields in the search's output.", _risk_fields),
    Check("threat-object", "error", "Threat objects are fields in the search's output.", _threat_fields),
    Check("throttling", "error", "Throttling fields are in the search's output.", _throttling),
    Check(
        "required-fields",
        "warning",
        "required_fields, if present, lists the fields that the search reads.",
        _required,
        native=True,
    ),
    Check(
        "filter-macro",
        "warning",
        "The search ends with its filter macro, which is named after the file.",
        _filter,
        native=True,
    ),
    Check("macro-unknown", "error", "Macros exist with the given number of arguments.", _macros),
    Check(
        "field-unknown",
        "warning",
        "Fields exist in audit events, or among the columns after stats or table; the message names the nearest one.",
        _unknown_fields,
    ),
)
