"""Options as keyword arguments of `podhawk.search` and `podhawk.run`.

`podhawk.settings.options` declares the options. The types here repeat their names and kinds for type checkers, which
cannot read a table; a test compares the two. What is given is checked against the declarations.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypedDict

from podhawk.errors import UsageError, nearest
from podhawk.settings.option import Option
from podhawk.settings.options import BY_KEY, options_of
from podhawk.settings.resolve import typed

StrPath = str | os.PathLike[str]
Paths = StrPath | Sequence[StrPath]
Texts = str | Sequence[str]
Time = str | datetime


class SearchKeywords(TypedDict, total=False):
    """The options of `podhawk.search`."""

    overrides: Paths
    input_format: str
    earliest: Time
    latest: Time
    now: Time
    tz: str
    splunk_exact: bool
    switch: Texts
    strict: bool
    cluster: str
    source: str
    sourcetype: str
    host: str
    index: str
    time_field: Literal["requestReceivedTimestamp", "stageTimestamp"]
    geo: StrPath
    jobs: int
    engine: Literal["batch", "spark"]
    master: str
    spark_conf: Texts
    write: bool
    state: StrPath


class RunKeywords(SearchKeywords, total=False):
    """The options of `podhawk.run` and `podhawk.run_rows`."""

    only: Texts
    exclude: Texts
    exceptions: Paths
    redaction_key: str
    redaction_key_file: StrPath
    wait: int
    backfill: bool
    accept_content: bool
    retention: int


def python_type(option: Option) -> Any:
    """The type of an option's values in Python code."""
    if option.kind == "choice":
        return Literal[option.choices]
    if option.kind == "list":
        return Paths if _names_files(option) else Texts
    if option.kind in ("flag", "number"):
        return bool if option.kind == "flag" else int
    return StrPath if _names_files(option) else Time if option.metavar == "TIME" else str


def library_options(verb: str) -> dict[str, Option]:
    """The options of a verb that are keyword arguments too, by keyword. `content` is a parameter of its own."""
    return {one.key: one for one in options_of(verb) if not one.command_line and one.key != "content"}


def checked(verb: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments as options, None left out. Raises UsageError for an unknown name and a wrong value."""
    known = library_options(verb)
    found: dict[str, Any] = {}
    for name, value in given.items():
        option = known.get(name)
        if option is None:
            raise _unknown(verb, name, known)
        if value is not None:
            found[name] = typed(option, _plain(option, value), None)
    return found


def refuse(function: str, given: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise UsageError for the first keyword argument that is left over, with the nearest name of those known."""
    for name in given:
        raise UsageError(f"{function}() has no option {name!r}", remedy=nearest(name, known))


def _unknown(verb: str, name: str, known: Mapping[str, Option]) -> UsageError:
    option = BY_KEY.get(name)
    if option is not None and option.command_line and verb in option.verbs:
        return UsageError(
            f"{name!r} is an option of the command line, not of podhawk.{verb}()",
            remedy="The result is a value: print, write or filter it yourself.",
        )
    return UsageError(f"podhawk.{verb}() has no option {name!r}", remedy=nearest(name, [*known, "content"]))


def _plain(option: Option, value: Any) -> Any:
    """A value as the declarations know it: text for paths and times, lists for all sequences."""
    if isinstance(value, os.PathLike) and _names_files(option):
        value = os.fspath(value)
    if isinstance(value, datetime) and option.metavar == "TIME":
        return value.isoformat()
    if option.kind != "list":
        return value
    if isinstance(value, str):
        return [value]
    if isinstance(value, Sequence):
        return [os.fspath(one) if isinstance(one, os.PathLike) and _names_files(option) else one for one in value]
    return value


def _names_files(option: Option) -> bool:
    return "FILE" in option.metavar or "DIR" in option.metavar
