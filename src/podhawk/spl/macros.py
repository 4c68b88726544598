"""Macro expansion: text in, text out, before anything is parsed.

A call is `` `name` `` or `` `name(a, b)` ``, never inside double quotes. Macros of one name with
different numbers of arguments are different macros. The definition replaces the call as plain text:
no parentheses are added, so ``NOT `m` `` takes only the first term of a definition of several.

Source: https://help.splunk.com/en/splunk-enterprise/manage-knowledge-objects/
knowledge-management-manual/10.0/search-macros
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from podhawk.errors import nearest
from podhawk.spl.text import SearchText, TextPiece, skip_quoted, strip_comments, unescape

COMMENT = "comment"
"""The macro that every Splunk has: its argument is a remark, and the call is replaced by nothing.

Source: https://help.splunk.com/en/splunk-enterprise/search/search-manual/9.4/using-the-search-app/add-comments-to-searches
"""
DROP_NAME = "drop_dm_object_name"
"""The macro of the add-on that brings the data models: it takes the dataset's name off the names of fields.

Source: https://help.splunk.com/en/splunk-cloud-platform/common-information-model/6.0/using-the-common-information-model
"""
DEPTH_LIMIT = 50
SIZE_LIMIT = 2_000_000


class MacroDefinition(Protocol):
    """What expansion needs to know of a macro."""

    @property
    def arguments(self) -> tuple[str, ...]: ...
    @property
    def definition(self) -> str: ...
    @property
    def iseval(self) -> bool: ...
    @property
    def validation(self) -> str: ...
    @property
    def errormsg(self) -> str: ...


class PlainMacro(Struct, frozen=True):
    """A macro that stands in no file: a test's, or a command line's."""

    arguments: tuple[str, ...]
    definition: str
    iseval: bool = False
    validation: str = ""
    errormsg: str = ""


MacroTable = Mapping[tuple[str, int], MacroDefinition]
Evaluate = Callable[[str], object]
"""Evaluates an eval expression without fields, for `iseval` macros and validations."""


class _Rules(Struct, frozen=True):
    """How one expansion is done."""

    macros: MacroTable
    keep_unknown: bool
    keep_quotes: bool
    evaluate: Evaluate | None


_CALL = re.compile(r"\s*([^\s`(]+)\s*(?:\((.*)\))?\s*\Z", re.DOTALL)


def split_arguments(text: str, keep_quotes: bool = False) -> list[str]:
    """Arguments at the top level's commas; one whole pair of outer quotes is taken off each unless told not to."""
    parts: list[str] = []
    depth = start = at = 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 2
            continue
        if char == '"':
            end = skip_quoted(text, at)
            at = end if end > 0 else len(text)
            continue
        if char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    parts.append(text[start:])
    return [part.strip() if keep_quotes else _unquoted(part.strip()) for part in parts]


def _unquoted(argument: str) -> str:
    if len(argument) >= 2 and argument[0] == '"' and skip_quoted(argument, 0) == len(argument):
        return unescape(argument[1:-1])
    return argument


def _find_call(text: str, at: int) -> tuple[int, int]:
    """The next backtick call outside quotes as (start, end), or (-1, -1)."""
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 2
        elif char == '"':
            end = skip_quoted(text, at)
            at = end if end > 0 else len(text)
        elif char == "`":
            end = text.find("`", at + 1)
            return (at, end + 1) if end > 0 else (at, -1)
        else:
            at += 1
    return (-1, -1)


def calls(text: str) -> list[tuple[str, int]]:
    """The macros that a text calls, as (name, number of arguments), comments left out."""
    found: list[tuple[str, int]] = []
    clean = strip_comments(text).text
    at = 0
    while True:
        start, end = _find_call(clean, at)
        if start < 0 or end < 0:
            return found
        matched = _CALL.match(clean[start + 1 : end - 1])
        if matched:
            found.append((matched[1], _count(matched[2])))
        at = end


def _count(arguments: str | None) -> int:
    return len(split_arguments(arguments)) if arguments is not None and arguments.strip() else 0


def expand(
    written: str,
    macros: MacroTable,
    *,
    name: str = "search",
    keep_unknown: bool = False,
    keep_quotes: bool = False,
    evaluate: Evaluate | None = None,
) -> SearchText:
    """The search as it will be parsed.

    `keep_unknown` leaves calls of undefined macros as written: for reading content whose macros live
    elsewhere, never for running it. `keep_quotes` leaves the quotes of arguments alone. Raises SearchError
    at the call for an undefined macro, a wrong number of arguments, a failed validation, or a macro that
    calls itself without end.
    """
    base = strip_comments(written, name)
    rules = _Rules(macros, keep_unknown, keep_quotes, evaluate)
    out: list[str] = []
    pieces: list[TextPiece] = []
    made = at = 0
    while True:
        start, end = _find_call(base.text, at)
        verbatim = base.text[at : start if start >= 0 else len(base.text)]
        for piece in _verbatim_pieces(base, at, at + len(verbatim), made):
            pieces.append(piece)
        out.append(verbatim)
        made += len(verbatim)
        if start < 0:
            return SearchText("".join(out), written, tuple(pieces), name)
        if end < 0:
            raise base.error("this macro call is never closed", start, remedy="Close it with a backtick.")
        call = base.text[start:end]
        expansion = _expansion(base, call, start, rules, 0)
        written_at = _written(base, start)
        if expansion is None:
            pieces.append(TextPiece(made, written_at))
            expansion = call
        else:
            pieces.append(TextPiece(made, written_at, call.strip("`")))
        out.append(expansion)
        made += len(expansion)
        at = end


def _written(base: SearchText, offset: int) -> int:
    best = base.pieces[0]
    for piece in base.pieces:
        if piece.start <= offset:
            best = piece
    return best.written + offset - best.start


def _verbatim_pieces(base: SearchText, start: int, end: int, made: int) -> list[TextPiece]:
    pieces = [TextPiece(made, _written(base, start))]
    pieces += [
        TextPiece(made + piece.start - start, piece.written) for piece in base.pieces if start < piece.start < end
    ]
    return pieces


def _expansion(base: SearchText, call: str, offset: int, rules: _Rules, depth: int) -> str | None:
    matched = _CALL.match(call[1:-1])
    if not matched:
        raise base.error("empty macro call", offset, len(call))
    macro_name, raw = matched[1], matched[2]
    values = split_arguments(raw, rules.keep_quotes) if raw is not None and raw.strip() else []
    macro = rules.macros.get((macro_name, len(values)))
    if macro is None and macro_name == COMMENT and values:
        return ""
    if macro is None and macro_name == DROP_NAME and len(values) == 1:
        return f'rename "{values[0]}.*" AS "*"'
    if macro is None:
        if rules.keep_unknown:
            return None
        arities = sorted(count for known, count in rules.macros if known == macro_name)
        if arities:
            wanted = " or ".join(map(str, arities))
            raise base.error(f"macro `{macro_name}` takes {wanted} arguments, not {len(values)}", offset, len(call))
        raise base.error(
            f"macro `{macro_name}` is not defined",
            offset,
            len(call),
            nearest(macro_name, {known for known, _ in rules.macros})
            or "Define it in a macros folder or in podhawk.toml.",
        )
    if depth >= DEPTH_LIMIT:
        raise base.error(
            f"macro `{macro_name}` calls itself, or macros are nested more than {DEPTH_LIMIT} deep", offset, len(call)
        )
    text = strip_comments(macro.definition, f"macro {macro_name}").text
    bound = dict(zip(macro.arguments, values, strict=False))
    if macro.validation:
        _validate(base, macro, macro_name, bound, offset, len(call), rules.evaluate)
    for argument, value in bound.items():
        text = text.replace(f"${argument}$", value)
    if macro.iseval:
        text = _evaluated(base, text, macro_name, offset, len(call), rules.evaluate)
    return _inner(base, text, offset, rules, depth + 1)


def _inner(base: SearchText, text: str, offset: int, rules: _Rules, depth: int) -> str:
    out: list[str] = []
    at = size = 0
    while True:
        start, end = _find_call(text, at)
        part = text[at : start if start >= 0 else len(text)]
        out.append(part)
        size += len(part)
        if start < 0:
            return "".join(out)
        if end < 0:
            raise base.error("a macro definition contains a backtick that is never closed", offset)
        expansion = _expansion(base, text[start:end], offset, rules, depth)
        out.append(text[start:end] if expansion is None else expansion)
        size += len(out[-1])
        if size > SIZE_LIMIT:
            raise base.error("the macros of this search expand to more than two million characters", offset)
        at = end


def _validate(
    base: SearchText,
    macro: MacroDefinition,
    name: str,
    bound: Mapping[str, str],
    offset: int,
    length: int,
    evaluate: Evaluate | None,
) -> None:
    if evaluate is None:
        return
    condition = macro.validation
    for argument, value in bound.items():
        condition = condition.replace(f"${argument}$", value)
    result = evaluate(condition)
    failed = macro.errormsg if result is False else result if isinstance(result, str) else None
    if failed is not None:
        raise base.error(failed or f"invalid arguments for macro `{name}`", offset, length)


def _evaluated(base: SearchText, text: str, name: str, offset: int, length: int, evaluate: Evaluate | None) -> str:
    result = evaluate(text) if evaluate else None
    if not isinstance(result, str):
        raise base.error(f"macro `{name}` is an eval expression, but its result is not a string", offset, length)
    return result
