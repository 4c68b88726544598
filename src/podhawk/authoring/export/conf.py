"""Splunk's .conf files: stanzas of keys and values, long values on continued lines.

Source: https://help.splunk.com/en/splunk-enterprise/administer/admin-manual/9.4/about-configuration-files
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

Stanza = tuple[str, Mapping[str, object]]


def conf(stanzas: Sequence[Stanza], head: str = "") -> str:
    """The text of a .conf file."""
    parts = [f"# {head}\n"] if head else []
    for name, settings in stanzas:
        lines = [f"[{name}]"]
        lines += [f"{key} = {value(one)}" for key, one in settings.items() if one not in (None, "")]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def value(one: object) -> str:
    """A value as it stands in the file. A line break is continued by a backslash; none may end the value."""
    if isinstance(one, bool):
        return "1" if one else "0"
    text = str(one).replace("\r\n", "\n").strip()
    text = re.sub(r"[ \t]+\n", "\n", text)
    # A line that ends in a backslash would swallow the next: a blank behind it keeps them apart.
    return "\\\n".join(line + " " if line.endswith("\\") else line for line in text.split("\n"))
