"""Characters that change how text around them is shown: which they are, and how they are made visible.

Content and audit logs hold text that others chose. Control characters (ESC begins terminal commands; C1 does so in one
byte), bidirectional overrides and invisible characters can move the cursor, hide text or reorder it; a line feed begins
a line that looks as if podhawk had written it. Every writer to people passes text through `visible` or `visible_line`.

Source: https://www.unicode.org/reports/tr36/ and https://trojansource.codes
"""

from __future__ import annotations

import json
import re
from typing import Final

from podhawk.lazy import lazy_pattern

_HIDDEN: Final = (
    r"\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f"
)
_IN_TEXT: Final = lazy_pattern(f"[\\x00-\\x08\\x0b-\\x1f{_HIDDEN}]")
_IN_LINE: Final = lazy_pattern(f"[\\x00-\\x08\\x0a-\\x1f{_HIDDEN}]")
_IN_NAME: Final = lazy_pattern(f"[\\x00-\\x1f{_HIDDEN}]")

_BEGINS: Final = lazy_pattern(r"\n(?=[^ \n])")
_IN_JSON: Final = lazy_pattern(f"[{_HIDDEN}]")


def visible(text: str) -> str:
    """Text with its lines and tabs kept, all other such characters as escapes (`\\x1b`, `\\u202e`)."""
    return text if text.isascii() and text.isprintable() else _IN_TEXT.sub(_escape, text)


def visible_line(text: str) -> str:
    """Text as one line: line feeds are escapes too."""
    return text if text.isascii() and text.isprintable() else _IN_LINE.sub(_escape, text)


def visible_block(text: str) -> str:
    """Text of several lines, of which only the first begins in the first column: a line feed that others put in cannot
    begin a line of ours."""
    shown = visible(text)
    return _BEGINS.sub("\n    ", shown) if "\n" in shown else shown


def hidden_character(text: str) -> str:
    """The first such character of a name, line feeds and tabs included, as an escape; "" if there is none."""
    found = _IN_NAME.search(text)
    return _escape(found) if found else ""


def json_escaped(text: str) -> str:
    """JSON text in which such characters, which JSON may hold as they are, are escapes."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _IN_JSON.sub(lambda found: json.dumps(found[0])[1:-1] if found[0] != "\x7f" else "\\u007f", text)


def csv_cell(text: str) -> str:
    """A cell that a spreadsheet does not take for a formula: an apostrophe stands before `=`, `+`, `-`, `@`, tab and
    carriage return, unless the cell is a number.

    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    shown = _IN_TEXT.sub(lambda found: found[0] if found[0] == "\r" else _escape(found), text)
    if shown[:1] in _FORMULA and not _NUMBER.fullmatch(shown):
        return "'" + shown
    return shown


_FORMULA: Final = frozenset("=+-@\t\r")
_NUMBER: Final = lazy_pattern(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    plain = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(found[0])
    return plain or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
