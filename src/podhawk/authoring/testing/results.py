"""What tests have shown, read from a results file: JUnit XML, or JSON with one test a line or in a list.

A JSON test is an object with `detection` (a name, id or file stem, or an object with one), `outcome` (or `status`)
and, where it failed, `message`. In JUnit a case belongs to the detection that its class name names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from xml.parsers import expat

from msgspec import Struct

from podhawk.content.model import Detection
from podhawk.errors import Place, UsageError

CaseVerdict = Literal["passed", "failed", "skipped"]
_OUTCOMES: Mapping[str, CaseVerdict] = {
    "pass": "passed",
    "passed": "passed",
    "ok": "passed",
    "success": "passed",
    "fail": "failed",
    "failed": "failed",
    "error": "failed",
    "failure": "failed",
    "skip": "skipped",
    "skipped": "skipped",
    "manual": "skipped",
}
_REMEDY = "Create one with: podhawk test -o junit --output-file FILE"


class CaseResult(Struct, frozen=True):
    """The result of one test of a detection."""

    detection: str
    name: str
    outcome: CaseVerdict
    message: str = ""


def read_results(path: str | Path) -> tuple[CaseResult, ...]:
    """The tests of a results file. Raises UsageError for a file that is neither JUnit XML nor JSON."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read the test results: {error.strerror}", place=Place(str(path))) from None
    except UnicodeDecodeError:
        raise UsageError("the test results are not UTF-8 text", place=Place(str(path))) from None
    found = _junit(text, str(path)) if text.lstrip().startswith("<") else list(_json(text, str(path)))
    return tuple(found)


def of(detection: Detection, results: Sequence[CaseResult]) -> tuple[CaseResult, ...]:
    """The results that are about a detection."""
    names = {detection.name.lower(), detection.id.lower(), detection.stem.lower()} - {""}
    return tuple(one for one in results if one.detection.lower() in names)


def _json(text: str, path: str) -> Iterator[CaseResult]:
    try:
        whole = json.loads(text)
        items: list[tuple[int, Any]] = [(0, one) for one in (whole if isinstance(whole, list) else [whole])]
    except ValueError:
        items = []
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    items.append((number, json.loads(line)))
                except ValueError as error:
                    raise UsageError(f"not a test result: {error}", place=Place(path, number), remedy=_REMEDY) from None
    for number, item in items:
        yield _tested(item, Place(path, number))


def _tested(item: Any, place: Place) -> CaseResult:
    if isinstance(item, dict):
        owner = item.get("detection")
        name = owner.get("name") or owner.get("id") if isinstance(owner, dict) else owner
        outcome = _OUTCOMES.get(str(item.get("outcome", item.get("status", ""))).lower())
        if isinstance(name, str) and name and outcome:
            return CaseResult(
                name, str(item.get("test") or item.get("name") or ""), outcome, str(item.get("message") or "")
            )
    raise UsageError(
        "a test result needs `detection` and an `outcome` of passed, failed or skipped", place=place, remedy=_REMEDY
    )


def _junit(text: str, path: str) -> list[CaseResult]:
    # Read with expat and entity declarations refused: a results file may come from elsewhere.
    found: list[CaseResult] = []
    cases: list[dict[str, str]] = []
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "testcase":
            cases.append({"outcome": "passed", "message": "", **attributes})
        elif cases and tag in ("failure", "error", "skipped"):
            cases[-1]["outcome"] = "skipped" if tag == "skipped" else "failed"
            cases[-1]["message"] = attributes.get("message", "")

    def end(tag: str) -> None:
        if tag == "testcase":
            case = cases.pop()
            found.append(
                CaseResult(
                    case.get("classname", case.get("name", "")),
                    case.get("name", ""),
                    _OUTCOMES[case["outcome"]],
                    case["message"],
                )
            )

    def entity(*_: object) -> None:
        raise UsageError("test results must not declare XML entities", place=Place(path))

    parser.StartElementHandler, parser.EndElementHandler, parser.EntityDeclHandler = start, end, entity
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise UsageError(
            f"not valid XML: {expat.ErrorString(error.code)}", place=Place(path, error.lineno), remedy=_REMEDY
        ) from None
    return found
