"""Eval functions, once more, from the pages of Splunk's reference.

`STRICT` are functions of values that are not null; a null argument makes the result null. `OPEN` see nulls. `CLOCKED`
are strict and get the clock first. `LAZY` get their arguments unevaluated, with the row.
"""

from __future__ import annotations

from oracle.functions import bits, choices, documents, formats, lists, sums, texts, times, types

STRICT = {
    **bits.STRICT,
    **documents.STRICT,
    **formats.STRICT,
    **lists.STRICT,
    **sums.STRICT,
    **texts.STRICT,
    **times.STRICT,
}
OPEN = {**documents.OPEN, **lists.OPEN, **sums.OPEN, **types.OPEN, **choices.OPEN}
CLOCKED = {**times.CLOCKED}
LAZY = {**choices.LAZY, **lists.LAZY, **types.LAZY, **formats.LAZY, **documents.LAZY, **sums.LAZY}
KNOWN = frozenset({*STRICT, *OPEN, *CLOCKED, *LAZY})
