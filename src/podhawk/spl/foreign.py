"""What people write who come from SQL, KQL, Lucene, jq or a shell, where SPL has something else.

Only the language itself stands here: operators and punctuation. Foreign names of commands, functions and aggregations
stand in the declaration of what SPL has instead (`known_as`).
"""

from __future__ import annotations

import re
from typing import Final

from podhawk.lazy import lazy_pattern

OPERATORS: Final[tuple[tuple[str, str], ...]] = (
    (r"&&", "Write AND between conditions."),
    (r"=~|==~", 'Write match(field, "pattern") for a regular expression.'),
    (r"!(?:contains|startswith|endswith|has|in)\b", 'Write NOT before the condition: NOT like(field, "%text%").'),
    (r"in\s*~", 'Write lower(field) IN ("a", "b"), with the values in lower case.'),
    (r"!~", 'Write NOT match(field, "pattern").'),
    (r"~", 'Write match(field, "pattern") for a regular expression.'),
    (r"is\s+not\s+null\b", "Write isnotnull(field)."),
    (r"is\b", "Write isnull(field) or isnotnull(field); compare values with =."),
    (r"not\s+in\b", "Write NOT field IN (…)."),
    (r"not\s+like\b", 'Write NOT like(field, "%text%").'),
    (r"not\s+between\b", "Write field<low OR field>high."),
    (r"(?:contains|has|has_cs|icontains)\b", 'Write like(field, "%text%").'),
    (r"(?:startswith|starts_with)\b", 'Write like(field, "text%").'),
    (r"(?:endswith|ends_with)\b", 'Write like(field, "%text").'),
    (r"(?:matches|regex|rlike|regexp)\b", 'Write match(field, "pattern").'),
    (r"between\b", "Write field>=low AND field<=high."),
    (r"\*\*|\^", "Write pow(base, exponent)."),
    (r"//", "Write coalesce(field, value) for a value where there is none."),
    (r"mod\b", "Write % for the remainder."),
    (r":", "Write = between a field and its value."),
    (r"\?", "Write if(condition, value, other)."),
    (r"\[", "Write mvindex(field, 0) for a value of a multivalue field."),
    (r"(?:then|when|else)\b", "Write if(condition, value, other), or case(condition, value, …)."),
    (r";", "A search has no semicolon at its end; commands are separated by |."),
)
_OPERATOR: Final = lazy_pattern(
    "|".join(f"(?P<o{place}>{text})" for place, (text, _) in enumerate(OPERATORS)), re.IGNORECASE
)
_COMMANDS: Final = (
    (".", "Name fields in | table, or compare them: | search verb=get."),
    ("{", "Name fields in | table."),
)


def operator_remedy(text: str, at: int, end: int) -> tuple[str, str] | None:
    """The foreign operator that stands at an offset, and what to write instead."""
    found = _OPERATOR.match(text, at, end)
    return (found[0], OPERATORS[int((found.lastgroup or "o0")[1:])][1]) if found else None


def command_remedy(text: str) -> str:
    """What to write instead of a text that stands where a command belongs."""
    return next((remedy for start, remedy in _COMMANDS if text.startswith(start)), "")
