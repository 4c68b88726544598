"""A detection is not silent where the body that it needs may be missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.findings import detection, event, run

QUIET = [event(f"q{number}", verb="list", at="09:00:00.0") for number in range(3000)]
"""So many lines that the prefilter is at work before the line in question."""


def written(one: dict[str, Any]) -> str:
    return json.dumps(one, separators=(",", ":"))


def word(tmp_path: Path, search: str, *lines: str) -> str:
    path = tmp_path / "audit.log"
    path.write_text("".join(line + "\n" for line in (*map(written, QUIET), *lines)))
    return run(path, detection(search)).detections[0].judgement.word


@pytest.mark.parametrize("between", ["\n", "", ",", "abc", "\x1e", " \x00", "  ", "\t"])
def test_the_body_of_one_event_hid_that_another_on_its_line_has_none(between: str, tmp_path: Path) -> None:
    body = event("b", level="RequestResponse", requestObject={"spec": {"x": 1}}, responseObject={"kind": "Pod"})
    search = "verb=create objectRef.resource=pods requestObject.spec.hostNetwork=true | table user.username"
    assert word(tmp_path, search, written(body) + between + written(event("c", level="Metadata"))) == "unknown"


@pytest.mark.parametrize("inside", [{"x": 1}, {"responseObject": {}}, {"responseObject": {"spec": {"x": 1}}}])
def test_a_request_that_holds_the_name_of_the_other_body_counted_as_answered(
    inside: dict[str, Any], tmp_path: Path
) -> None:
    both = event("r", verb="update", level="RequestResponse", requestObject={"a": 1}, responseObject={"a": 1})
    asked = event("b", level="Request", requestObject={"spec": inside})
    search = "verb=create objectRef.resource=pods responseObject.spec.hostNetwork=true | table user.username"
    assert word(tmp_path, search, written(both), written(asked)) == "unknown"
