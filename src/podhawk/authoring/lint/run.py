"""All checks over content, less what a site ignores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from podhawk.authoring.lint import annotations as annotating
from podhawk.authoring.lint import metadata, names, searches
from podhawk.authoring.lint.declare import CONVERTED, Check, Problem, Subject
from podhawk.content.model import Content, Detection
from podhawk.detect.risk.scoring import same_search
from podhawk.errors import Place, UsageError, nearest

CHECKS: Final[tuple[Check, ...]] = (*metadata.CHECKS, *annotating.CHECKS, *names.CHECKS, *searches.CHECKS)
BROKEN: Final = Check("content-broken", "error", "The file can be loaded.", lambda subject: iter(()))


def lint(content: Content, detections: Sequence[Detection], ignored: Mapping[str, str] | None = None) -> list[Problem]:
    """What the checks find, in order of file and line. `ignored` maps checks, or `stem:check`, to why."""
    searches_of: defaultdict[str, list[Detection]] = defaultdict(list)
    for one in content.detections:
        searches_of[same_search(one)].append(one)
    others = {text: tuple(own) for text, own in searches_of.items() if len(own) > 1}
    found = list(_content(content))
    for one in detections:
        subject = Subject(one, content, others)
        for check in CHECKS:
            if check.native and one.form in CONVERTED:
                continue
            try:
                found += [
                    Problem(check.id, check.level, fault.message, fault.place, fault.remedy, one.name, fault.fix)
                    for fault in check.look(subject)
                ]
            except (ArithmeticError, RecursionError, ValueError) as error:  # costs this check of this detection
                message = f"cannot be checked for {check.id}: {error}"
                found.append(Problem(BROKEN.id, BROKEN.level, message, Place(one.file, 1, 1), "", one.name))
    found = list(dict.fromkeys(found))  # several members can have one fault in one place
    stems = {one.name: one.stem for one in detections}
    skip = ignored or {}
    kept = [one for one in found if one.check not in skip and f"{stems.get(one.detection, '')}:{one.check}" not in skip]
    return sorted(kept, key=lambda one: (one.place.file, one.place.line, one.place.column, one.check, one.message))


def _content(content: Content) -> Iterator[Problem]:
    """The faults that loading found, without what the checks say of detections."""
    of_checks = {(one.file, note) for one in content.detections for note in one.notes}
    for problem in content.problems:
        if (problem.place.file, problem.message) in of_checks:
            continue
        yield Problem(BROKEN.id, problem.severity, problem.message, problem.place, problem.remedy, "")


def ignored_of(table: Mapping[str, Any]) -> dict[str, str]:
    """What the `[lint]` table says: `ignore` maps checks, or `stem:check`, to a reason. Raises UsageError."""
    for key in table:
        if key != "ignore":
            raise UsageError(f"unknown key {key!r} in [lint]", remedy=nearest(key, ("ignore",)))
    stated = table.get("ignore", {})
    if not isinstance(stated, dict):
        raise UsageError("[lint.ignore] must map checks to reasons")
    known = [BROKEN.id, *(one.id for one in CHECKS)]
    for name, reason in stated.items():
        if name.rpartition(":")[2] not in known:
            raise UsageError(f"unknown check {name!r} in [lint.ignore]", remedy=nearest(name.rpartition(":")[2], known))
        if not isinstance(reason, str) or not reason.strip():
            raise UsageError(f"{name} in [lint.ignore] needs a reason", remedy='For example: name = "why".')
    return dict(stated)
