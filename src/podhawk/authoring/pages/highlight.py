"""A search as written, cut into coloured pieces, one pipe a line. No text is lost or changed but the line breaks."""

from __future__ import annotations

import re

from msgspec import Struct

from podhawk.commands.registry import COMMANDS
from podhawk.functions.aggregations import AGGREGATIONS
from podhawk.functions.registry import FUNCTIONS

_TOKEN = re.compile(
    r"""
    (?P<comment>```.*?```)
  | (?P<macro>`[^`]*`)
  | (?P<string>"(?:\\.|[^"\\])*"?)
  | (?P<space>\s+)
  | (?P<pipe>\|)
  | (?P<bracket>[\[\]()])
  | (?P<operator>!=|<=|>=|==|[=<>,])
  | (?P<word>(?:\\.|[^\s|\[\]()"`=<>!,\\]|!(?!=))+)
  | (?P<other>.)
""",
    re.VERBOSE | re.DOTALL,
)
_WORDS = frozenset({"AND", "OR", "NOT", "IN", "BY", "AS", "OUTPUT", "OUTPUTNEW", "XOR", "LIKE"})
_LOWER = frozenset({"by", "as", "output", "outputnew"})
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?\Z")


class HighlightedText(Struct, frozen=True):
    """A run of text of one kind; the kind is a CSS class, "" for plain text."""

    kind: str
    text: str


def pieces(search: str) -> tuple[HighlightedText, ...]:
    """The search's text as pieces, with a line break before each pipe of the outermost level."""
    tokens = [(found.lastgroup or "other", found[0]) for found in _TOKEN.finditer(search.strip())]
    made: list[HighlightedText] = []
    depth = 0
    command = True
    for number, (group, text) in enumerate(tokens):
        following = next((one for one in tokens[number + 1 :] if one[0] != "space"), ("", ""))
        kind = {"comment": "c", "macro": "m", "string": "s", "operator": "o"}.get(group, "")
        if group == "pipe":
            if depth == 0 and made:
                while made and not made[-1].kind and not made[-1].text.strip():
                    made.pop()
                made.append(HighlightedText("", "\n"))
            kind = "p"
        elif group == "bracket":
            depth += text in "[(" or -1
        elif group == "word":
            kind = _word(text, command, following)
        if group not in ("space", "comment"):
            command = group == "pipe" or text == "["
        made.append(HighlightedText(kind, text))
    return tuple(made)


def _word(text: str, command: bool, following: tuple[str, str]) -> str:
    if command and text.lower() in COMMANDS:
        return "k"
    if text in _WORDS or text in _LOWER:
        return "w"
    if following == ("bracket", "(") and (text in FUNCTIONS or text in AGGREGATIONS):
        return "f"
    if _NUMBER.match(text):
        return "n"
    return "i" if following[0] == "operator" and following[1] != "," else ""
