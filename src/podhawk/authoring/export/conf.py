"""Splunk's .conf files: stanzas of keys and values, long values on continued lines.

Source: https://help.splunk.com/en/splunk-enterprise/administer/admin-manual/9.4/about-configuration-files
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from podhawk.errors import ContentError
from podhawk.visible import hidden_character, visible

Stanza = tuple[str, Mapping[str, object]]
_SEARCHES = frozenset({"search", "definition"})
"""Keys whose values Splunk runs: they must stay as they are."""
_BREAKS = re.compile(r"\r\n|[\r\x00\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""What any reader may take for the end of a line, and NUL."""


def conf(stanzas: Sequence[Stanza], head: str = "") -> str:
    """The text of a .conf file. Raises ContentError for a name that would not stand on one line."""
    parts = [f"# {head}\n"] if head else []
    for name, settings in stanzas:
        found = hidden_character(name)
        if found:
            raise ContentError(
                f"{name!r} cannot be the name of a stanza: it contains the character {found}",
                remedy="Remove the character from the name.",
            )
        lines = [f"[{name}]"]
        lines += [
            f"{key} = {value(one if key in _SEARCHES else visible_text(one))}"
            for key, one in settings.items()
            if one not in (None, "")
        ]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def visible_text(one: object) -> object:
    """A value for people without characters that change how it is shown. Line breaks stay."""
    return visible(_BREAKS.sub("\n", one)) if isinstance(one, str) else one


def value(one: object) -> str:
    """A value as it stands in the file. A line break is continued by a backslash; none may end the value."""
    if isinstance(one, bool):
        return "1" if one else "0"
    text = _BREAKS.sub("\n", str(one)).strip()
    text = re.sub(r"[ \t]+\n", "\n", text)
    # A line that ends in a backslash would swallow the next: a blank behind it keeps them apart.
    lines = [line + " " if line.endswith("\\") else line for line in text.split("\n")]
    # Nor may a continued line look like a stanza to a reader that does not join lines.
    return "\\\n".join([lines[0], *(" " + line if line.startswith("[") else line for line in lines[1:])])
