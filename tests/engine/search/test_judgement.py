"""The judgement of a detection: silent is said only where the search had all that it needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from podhawk import api
from podhawk.content.load import load_content, shipped_pack
from podhawk.content.model import Content
from podhawk.engine.search.judgement import Judgement
from support.findings import detection, event

PRIVILEGED = "verb=create objectRef.resource=pods requestObject.spec.hostNetwork=true | table auditID"
EITHER = (
    "verb=create objectRef.resource=pods (requestObject.spec.hostNetwork=true OR objectRef.name=debug) | table auditID"
)
LATER = "verb=create objectRef.resource=pods | where 'requestObject.spec.hostNetwork'=\"true\" | table auditID"
WORD = "verb=create objectRef.resource=pods hostNetwork | table auditID"
IN_TEXT = 'verb=create objectRef.resource=pods | where match(_raw, "hostNetwork") | table auditID'
MACRO = "`created` requestObject.spec.hostNetwork IN (true, yes) | stats count by user.username"


def pod(name: str, level: str = "Metadata", body: Any = None, **members: Any) -> dict[str, Any]:
    made = event(name, **{"verb": "create", "level": level, **members})
    for name in {"requestObject", "responseObject"} - members.keys():
        made.pop(name, None)
    if body is not None:
        made["requestObject"] = body
    return made


def judged(search: str, events: list[dict[str, Any]], tmp_path: Path, lead: int = 60, **options: Any) -> Judgement:
    """The judgement over these events, which stand behind others so that the prefilter passes over what it can."""
    others = [event(f"other{number}", verb="get", level="Metadata") for number in range(lead)]
    log = tmp_path / "audit.log"
    log.write_text("".join(json.dumps(one, separators=(",", ":")) + "\n" for one in [*others, *events]))
    content = Content(detections=(detection(search),))
    words = set()
    found = None
    for jobs in (1, 2):
        for strict in (False, True):
            result = api.rows(content, log, jobs=jobs, strict=strict, **options)
            (one,) = result.detections
            words.add(one.judgement.word)
            found = one.judgement if strict else found
    assert len(words) == 1, words
    assert found is not None
    return found


HARMLESS = {"spec": {"containers": []}}
FOUND = {"spec": {"hostNetwork": True}}


@pytest.mark.parametrize(
    ("search", "events", "word", "undecided"),
    [
        (PRIVILEGED, [pod("a")], "cannot", 1),
        (PRIVILEGED, [], "cannot", 0),
        (PRIVILEGED, [pod("a"), pod("b", "Request", HARMLESS)], "unknown", 1),
        (PRIVILEGED, [pod("a", "Request", HARMLESS)], "silent", 0),
        (PRIVILEGED, [pod("a", "Request", FOUND)], "fired", 0),
        (PRIVILEGED, [pod("a", "Request")], "unknown", 1),
        (PRIVILEGED, [pod("a", "Request", "skipped-too-big-size-object")], "unknown", 1),
        (PRIVILEGED, [pod("a", "Request", HARMLESS), pod("b", verb="get")], "silent", 0),
        (PRIVILEGED, [pod("a", "Request", HARMLESS), pod("b", "Request", stage="RequestReceived")], "silent", 0),
        (EITHER, [pod("a")], "unknown", 1),
        (EITHER, [], "silent", 0),
        (LATER, [pod("a"), pod("b", "Request", HARMLESS)], "unknown", 1),
        (LATER, [pod("a", "Request", HARMLESS)], "silent", 0),
        (WORD, [pod("a")], "unknown", 1),
        (WORD, [pod("a", "RequestResponse", HARMLESS)], "unknown", 1),
        (WORD, [pod("a", "RequestResponse", HARMLESS, responseObject=HARMLESS)], "silent", 0),
        (WORD, [pod("a", "RequestResponse", FOUND, responseObject=HARMLESS)], "fired", 0),
        (IN_TEXT, [pod("a")], "unknown", 1),
        (IN_TEXT, [pod("a", "RequestResponse", HARMLESS, responseObject=HARMLESS)], "silent", 0),
        ("verb=create hostPath=* | table auditID", [pod("a")], "cannot", 0),
        ("verb=create | stats count by signature", [pod("a")], "cannot", 0),
        ("verb=create extra.site=b | table auditID", [pod("a", extra={"site": "a"})], "silent", 0),
        ("verb=create impersonatedUser.username=root | table auditID", [pod("a")], "silent", 0),
    ],
)
def test_the_word_is_exact(
    search: str, events: list[dict[str, Any]], word: str, undecided: int, tmp_path: Path
) -> None:
    found = judged(search, events, tmp_path)
    assert (found.word, found.undecided) == (word, undecided)


def test_a_request_that_was_refused_unread_has_no_body_to_log(tmp_path: Path) -> None:
    refused = {"responseStatus": {"code": 403}, "annotations": {"authorization.k8s.io/decision": "forbid"}}
    with_body = pod("b", "Request", HARMLESS)
    assert judged(PRIVILEGED, [pod("a", "Request", **refused), with_body], tmp_path).word == "silent"
    refused["annotations"] = {"authorization.k8s.io/decision": "allow"}  # by admission, which has read it
    assert judged(PRIVILEGED, [pod("a", "Request", **refused), with_body], tmp_path).word == "unknown"


def test_the_first_event_is_named(tmp_path: Path) -> None:
    found = judged(PRIVILEGED, [pod("b", "Request", HARMLESS), pod("a"), pod("c")], tmp_path)
    assert found.first is not None
    assert (found.first.line, found.undecided) == (62, 2)


@pytest.mark.slow
@pytest.mark.parametrize("corpus", ["A-metadata", "C-requestresponse", "D-background-1", "F-background-bodies"])
def test_words_over_real_logs_are_those_of_reading_every_line(corpus: str, shared: Path) -> None:
    path = shared / "audit" / "corpus" / f"{corpus}.log.gz"
    for folder in (shipped_pack(), shared / "content" / "splunk"):
        content = load_content([folder])
        quick, plain = (
            {one.detection.name: one.judgement for one in api.rows(content, path, strict=strict).detections}
            for strict in (False, True)
        )
        assert {name: one.word for name, one in quick.items()} == {name: one.word for name, one in plain.items()}
        assert {name: one.first for name, one in quick.items()} == {name: one.first for name, one in plain.items()}
        assert len({one.word for one in plain.values()}) > 1
