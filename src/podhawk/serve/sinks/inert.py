"""Text of an attacker without mentions, links and markup.

Anybody can write anything into an audit log: `<!channel>`, `@everyone`, `[open](https://…)`, a line that looks as if
podhawk had written it. What people read is made of such values. Each character by which chats, mail programs and
pagers recognise a mention, a link or markup is replaced by one that looks alike and does nothing. Machines get the
exact values: in JSON, the same characters are written as escapes, so that not even a receiver that takes JSON for text
is misled.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from podhawk.visible import json_escaped, visible_line

MOST_CHARACTERS: Final = 300
"""Of a value in a text for people; what is longer is cut."""
_ALIKE: Final = str.maketrans(
    {
        "@": "＠",
        "<": "‹",
        ">": "›",
        "&": "＆",
        "*": "∗",
        "_": "＿",
        "`": "ˋ",
        "~": "∼",
        "[": "［",
        "]": "］",
        "(": "❨",
        ")": "❩",
        "{": "❴",
        "}": "❵",
        "#": "＃",
        "|": "∣",
        "\\": "＼",
        "!": "ǃ",
        "$": "＄",
        "\t": " ",
    }
)
_NAME_DOT: Final = re.compile(r"(?<=[^\s.])\.(?=[^\W\d])|(?<=[^\W\d])\.(?=\w)")
"""A dot as in the name of a host; those of numbers and addresses stay."""
_SCHEME: Final = re.compile(r"(?<!\d):(?=\S)|:(?=[^\s\d])")
"""A colon that may end a scheme, or begin an emoji; those of times stay."""
_BLOCK: Final = re.compile(r"^(\s*)([-+=>]|\d+[.)])(?=\s|$|[-+=]{2})")
"""What begins a list, a rule or a quotation."""
_IN_JSON: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "@": "\\u0040", "`": "\\u0060", "*": "\\u002a"}
_IN_STRINGS: Final = re.compile("[<>&@`*]|(?<=:)//|](?=\\()")
_ESCAPED: Final = {**_IN_JSON, "//": "\\/\\/", "]": "\\u005d"}


def inert(value: Any) -> str:
    """A value as text on one line that no program takes for a mention, a link or markup."""
    text = visible_line(str(value))
    if len(text) > MOST_CHARACTERS:
        text = f"{text[:MOST_CHARACTERS]}…"
    text = _SCHEME.sub("：", _NAME_DOT.sub("․", text))
    text = text.replace("://", "：∕∕").replace("//", "∕∕").translate(_ALIKE)
    return _BLOCK.sub(lambda found: f"{found[1]}·{found[2][1:]}", text)


def inert_json(value: Any) -> bytes:
    """JSON in which mentions, links and markup are escapes. The values are exact."""
    text = json_escaped(msgspec.json.encode(value).decode())
    return _IN_STRINGS.sub(lambda found: _ESCAPED[found[0]], text).encode()
