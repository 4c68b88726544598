"""Problems as other programs read them: SARIF, GitHub annotations, plain records; baselines.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html and
https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from podhawk.authoring.lint.declare import Problem
from podhawk.authoring.lint.run import BROKEN, CHECKS
from podhawk.errors import UsageError
from podhawk.settings.version import __version__
from podhawk.visible import visible
from podhawk.writing import write_text


def record(one: Problem) -> dict[str, Any]:
    """A problem as plain data."""
    return {
        "check": one.check,
        "level": one.level,
        "message": one.message,
        "remedy": one.remedy,
        "detection": one.detection,
        "file": one.place.file,
        "line": one.place.line,
        "column": one.place.column,
        "fingerprint": one.fingerprint(),
    }


def sarif(problems: Sequence[Problem], root: Path) -> dict[str, Any]:
    """The problems as a SARIF 2.1.0 log, files relative to a root where they lie under it."""
    rules = [
        {"id": one.id, "shortDescription": {"text": one.doc}, "defaultConfiguration": {"level": one.level}}
        for one in (BROKEN, *CHECKS)
    ]
    order = {rule["id"]: number for number, rule in enumerate(rules)}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "podhawk lint", "version": __version__, "rules": rules}},
                "originalUriBaseIds": {"ROOT": {"uri": root.resolve().as_uri() + "/"}},
                "results": [
                    {
                        "ruleId": one.check,
                        "ruleIndex": order[one.check],
                        "level": one.level,
                        "message": {"text": _message(one)},
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": _uri(one.place.file, root),
                                    "region": {
                                        "startLine": max(one.place.line, 1),
                                        "startColumn": max(one.place.column, 1),
                                    },
                                }
                            }
                        ],
                        "partialFingerprints": {"podhawk/v1": one.fingerprint()},
                    }
                    for one in problems
                ],
            }
        ],
    }


def _message(one: Problem) -> str:
    return visible(one.message + (f". {one.remedy}" if one.remedy else ""))


def _uri(file: str, root: Path) -> dict[str, str]:
    path = Path(file).resolve()
    if path.is_relative_to(root.resolve()):
        return {"uri": path.relative_to(root.resolve()).as_posix(), "uriBaseId": "ROOT"}
    return {"uri": path.as_uri()}


def github(problems: Iterable[Problem], root: Path) -> Iterable[str]:
    """The problems as workflow commands, which GitHub shows at the lines of a pull request."""
    for one in problems:
        level = {"error": "error", "warning": "warning", "note": "notice"}[one.level]
        file = _uri(one.place.file, root)["uri"]
        text = _escape(_message(one))
        yield (
            f"::{level} file={_property(file)},line={max(one.place.line, 1)},col={max(one.place.column, 1)},"
            f"title={_property(one.check)}::{text}"
        )


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escape(visible(text)).replace(":", "%3A").replace(",", "%2C")


def write_baseline(path: Path, problems: Iterable[Problem]) -> None:
    """Write the current problems to a baseline, so that later only new ones are reported."""
    found = sorted(
        {one.fingerprint(): f"{one.detection}: {one.check}: {one.message}" for one in problems}.items(),
        key=lambda item: item[1],
    )
    write_text(
        path, json.dumps({"podhawk-lint-baseline": 1, "problems": dict(found)}, indent=1, ensure_ascii=False) + "\n"
    )


def read_baseline(path: Path) -> frozenset[str]:
    """The fingerprints of a baseline. Raises UsageError where it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["podhawk-lint-baseline"] == 1:
            return frozenset(found["problems"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise UsageError(
        f"{path} is not a podhawk lint baseline", remedy="To write a new baseline, name a file that does not exist."
    )
