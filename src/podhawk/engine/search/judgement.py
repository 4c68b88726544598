"""What a search that ran could say about an input: the judgement of a detection.

`silent` is a promise: the search had all that it needed, and nothing matched. Where the input lacks what the search
needs, the word is another one. The word is always exact. Under `strict`, and where every line was read, so are the
numbers; otherwise they say at least how many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from podhawk.commands.declare import Pipeline
from podhawk.engine.plan.satisfiable import Loss, losses
from podhawk.engine.search.stats import SearchStats
from podhawk.events.audit_fields import is_audit_field, levels_with
from podhawk.events.event import Origin
from podhawk.events.fields import head_of, of_body
from podhawk.events.options import InputReport
from podhawk.wording import counted

Word = Literal["fired", "hunting", "silent", "cannot", "unknown", "refused", "broken"]
_MOST_NAMES = 3


class Judgement(Struct, frozen=True):
    """The judgement of a detection over an input.

    `fired`: it has findings or rows (`count`). `hunting`: it has rows, and makes no findings. `silent`: it had all
    that it needed, and nothing matched. `cannot`: it can give nothing on this input; `reason` says what is missing.
    `unknown`: it gave nothing, and on `undecided` events it could not be decided. `refused` and `broken`: it did not
    run. `first` is where the first undecided event stood. `exact` says whether the numbers are exact or lower bounds.
    `decided` is the number of events on which it was decided; None where not all lines were read.
    """

    word: Word
    reason: str = ""
    count: int = 0
    decided: int | None = None
    undecided: int = 0
    first: Origin | None = None
    exact: bool = True

    def blind_text(self) -> str:
        """What could not be decided, in words; "" if nothing."""
        if not self.undecided:
            return ""
        number = ("" if self.exact else "at least ") + counted(self.undecided, "event")
        return f"not evaluable on {number} without the fields it needs (first: {self.first})"


def judge(
    pipeline: Pipeline,
    stats: SearchStats,
    report: InputReport,
    count: int,
    files: Sequence[str],
    *,
    hunts: bool = False,
) -> Judgement:
    """The judgement of a search that ran and gave `count` findings or rows. `files` is the order of the input, `hunts`
    says that rows are no findings."""
    exact = not report.prefiltered
    first = _first([one for one in (stats.first_blind, stats.passed_over) if one is not None], files)
    undecided = stats.not_evaluable or (1 if first is not None else 0)
    found = Judgement(
        "hunting" if hunts else "fired",
        count=count,
        decided=stats.offered - stats.not_evaluable if exact else None,
        undecided=undecided,
        first=first,
        exact=exact,
    )
    if count:
        return found
    reason = _reason_it_cannot(pipeline, stats, report)
    if reason:
        return _replaced(found, "cannot", reason)
    return _replaced(found, "unknown" if undecided else "silent")


def _replaced(found: Judgement, word: Word, reason: str = "") -> Judgement:
    return Judgement(word, reason, 0, found.decided, found.undecided, found.first, found.exact)


def _first(origins: Sequence[Origin], files: Sequence[str]) -> Origin | None:
    places = {path: number for number, path in enumerate(files)}
    return min(origins, key=lambda one: (places.get(one.file, 0), one.line, one.item), default=None)


def _reason_it_cannot(pipeline: Pipeline, stats: SearchStats, report: InputReport) -> str:
    if stats.offered and not stats.selected:
        return "no event has the source, sourcetype, host or index that the search selects"

    def absent(name: str) -> bool:
        if of_body(name):
            return not report.logs(head_of(name))
        return name in stats.unseen and not is_audit_field(name)

    fatal = losses(pipeline, absent).fatal
    if fatal is None or not fatal.fields:
        return ""
    return _missing(fatal, report)


def _missing(loss: Loss, report: InputReport) -> str:
    names = list(dict.fromkeys(loss.fields))
    listed = ", ".join(names[:_MOST_NAMES]) + (f" and {len(names) - _MOST_NAMES} more" if names[_MOST_NAMES:] else "")
    who = "no event has" if len(names) == 1 else "no event has any of"
    needs = f", by which {loss.stage} groups" if loss.kind == "groups" else ""
    text = f"{who} {listed}{needs}"
    body = next((head_of(name) for name in names if of_body(name)), "")
    levels = sorted(level for level in report.by_level if level)
    if body and levels:
        wanted = min(levels_with(body), key=len)
        text += f": bodies are not logged at level {', '.join(levels)}. Log these requests at level {wanted}"
    return text
