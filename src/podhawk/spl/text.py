"""The text of a search, and where each character of it was written.

A search passes through three texts. *Written* is what the author typed. Comments become one space
each, then macro calls become their definitions: the result is *expanded*, and only that is parsed.
`SearchText` carries the expanded text with a list of pieces that lead back to the written one, so
that every error can point at what the author sees.
"""

from __future__ import annotations

import bisect

from msgspec import Struct

from podhawk.errors import Place, SearchError


class TextPiece(Struct, frozen=True):
    """A run of expanded text: where it starts there, where it came from, and by which macro.

    A verbatim piece (`macro` empty) advances one for one; a macro's piece stays at its call.
    """

    start: int
    written: int
    macro: str = ""


class SearchText(Struct, frozen=True):
    """Expanded text plus the way back. `name` is what errors call it (a file or "search")."""

    text: str
    written: str
    pieces: tuple[TextPiece, ...]
    name: str = ""

    def position(self, offset: int) -> tuple[int, str]:
        """The written offset of an expanded one, and the macro it came out of (or "")."""
        index = bisect.bisect_right([piece.start for piece in self.pieces], offset) - 1
        piece = self.pieces[max(index, 0)] if self.pieces else TextPiece(0, 0)
        position = piece.written if piece.macro else piece.written + offset - piece.start
        return min(position, len(self.written)), piece.macro

    def place(self, offset: int, length: int = 1) -> tuple[Place, str]:
        """The written place of an expanded offset, and the macro it came out of (or "")."""
        position, macro = self.position(offset)
        line_start = self.written.rfind("\n", 0, position) + 1
        line_end = self.written.find("\n", position)
        line = self.written[line_start : line_end if line_end >= 0 else len(self.written)]
        return Place(
            self.name, self.written.count("\n", 0, position) + 1, position - line_start + 1, line, length
        ), macro

    def error(self, message: str, offset: int, length: int = 1, remedy: str = "") -> SearchError:
        """An error at an expanded offset, told in terms of the written text."""
        place, macro = self.place(offset, length)
        if macro:
            near = self.text[max(0, offset - 20) : offset + 40].strip()
            message = f"{message} (inside the expansion of `{macro}`, near: {near})"
        return SearchError(message, place=place, remedy=remedy)


def plain(text: str, name: str = "search") -> SearchText:
    """Text that needs no way back: expanded and written are the same."""
    return SearchText(text, text, (TextPiece(0, 0),), name)


def skip_quoted(text: str, at: int) -> int:
    """The offset after the double-quoted string that starts at `at`, or -1 if it never ends."""
    end = at + 1
    size = len(text)
    while end < size:
        if text[end] == "\\":
            end += 2
            continue
        if text[end] == '"':
            return end + 1
        end += 1
    return -1


def strip_comments(written: str, name: str = "search") -> SearchText:
    """Replace each ```comment``` outside double quotes by one space.

    Source: https://help.splunk.com/en/splunk-enterprise/search/search-manual/9.4/
    using-the-search-app/add-comments-to-searches
    """
    if "```" not in written and "\\" not in written and written.count('"') % 2 == 0:
        return plain(written, name)  # each quote closes at the next one
    out: list[str] = []
    pieces: list[TextPiece] = [TextPiece(0, 0)]
    made = at = 0
    size = len(written)
    while at < size:
        char = written[at]
        if char == "\\":
            step = written[at : at + 2]
        elif char == '"':
            end = skip_quoted(written, at)
            if end < 0:
                place = plain(written, name)
                raise place.error(
                    "this double quote is never closed",
                    at,
                    remedy=_unclosed(written[at:]),
                )
            step = written[at:end]
        elif written.startswith("```", at):
            end = written.find("```", at + 3)
            if end < 0:
                raise plain(written, name).error(
                    "this comment is never closed", at, 3, "Close it with three backticks."
                )
            out.append(" ")
            made += 1
            at = end + 3
            pieces.append(TextPiece(made, at))
            continue
        else:
            step = char
        out.append(step)
        made += len(step)
        at += len(step)
    return SearchText("".join(out), written, tuple(pieces), name)


def _unclosed(text: str) -> str:
    if '\\"' in text:
        return "A backslash before a quote makes it part of the text: write \\\\ for a backslash."
    return 'Close it with ", or write \\" for a quote inside the text.'


_ESCAPED = {'"': '"', "\\": "\\", "|": "|"}


def unescape(inner: str) -> str:
    r"""The content of a quoted string: `\"`, `\\` and `\|` lose their backslash, all other pairs stay.

    Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/search
    ("Quotes and escaping characters").
    """
    if "\\" not in inner:
        return inner
    out: list[str] = []
    at = 0
    while at < len(inner):
        if inner[at] == "\\" and at + 1 < len(inner) and inner[at + 1] in _ESCAPED:
            out.append(inner[at + 1])
            at += 2
        else:
            out.append(inner[at])
            at += 1
    return "".join(out)


def quote(value: str) -> str:
    """A string as SPL writes it in double quotes; the inverse of `unescape`."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
