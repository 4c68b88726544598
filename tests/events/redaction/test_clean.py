"""Where nothing is to be masked, the slow way masks nothing either."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from podhawk.events.line_reader import LineReader
from podhawk.events.options import InputReport, ReadOptions
from podhawk.events.redaction.clean import clean_line
from podhawk.events.redaction.clean_lines import clean_lines
from podhawk.events.redaction.forms import look_for_each
from podhawk.events.redaction.mask import Redaction
from support.findings import event

TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl"


def wrongly_clean(lines: Iterable[bytes]) -> tuple[int, list[bytes]]:
    """How many lines are said to be clean, and those of them in which something is masked."""
    reader = LineReader("", ReadOptions(redaction=Redaction()), InputReport())
    count, wrong = 0, []
    for line in lines:
        if look_for_each(line.decode("utf-8", "replace")) or clean_line(line) is None:
            continue
        count += 1
        (made,) = reader.read_part(line, 0)
        if made.unmasked is not None or made.format != "native":
            wrong.append(line)
    return count, wrong


@pytest.mark.parametrize("corpus", ["A-metadata", "C-requestresponse", "H-evasions"])
def test_real_logs(shared: Path, corpus: str) -> None:
    with gzip.open(shared / "audit" / "corpus" / f"{corpus}.log.gz") as log:
        lines = [next(log).rstrip(b"\n") for _ in range(6000)]
    count, wrong = wrongly_clean(lines)
    assert wrong == []
    assert count > 100


def by_itself(line: bytes) -> bool:
    return not look_for_each(line.decode("utf-8", "replace")) and clean_line(line) is not None


def at_once(lines: list[bytes]) -> list[bool]:
    return [one is not None for one in clean_lines(lines)]


@pytest.mark.parametrize("corpus", ["A-metadata", "H-evasions"])
def test_many_lines_at_once_are_told_as_each_by_itself(shared: Path, corpus: str) -> None:
    with gzip.open(shared / "audit" / "corpus" / f"{corpus}.log.gz") as log:
        lines = [next(log).rstrip(b"\n") for _ in range(4000)]
    for start in range(0, len(lines), 400):
        some = lines[start : start + 400]
        assert at_once(some) == [by_itself(line) for line in some]


@pytest.mark.parametrize(
    "odd",
    [
        {"requestURI": "/x?continue=a\n/y?password=b"},  # one URI that looks like two
        {"requestURI": "/a\n/b"},
        {"requestURI": "/x", "userAgent": "https://u:p@h"},
        {"requestURI": "/x", "userAgent": "only://"},
        {"requestURI": "/x", "userAgent": "only@"},
        {"requestURI": "/x?token=abc"},
        {"requestURI": "/x", "userAgent": "\u2028 and <&>"},
        {"verb": "GET"},
        {"unknown": 1},
    ],
)
def test_one_odd_line_changes_nothing_for_the_others(odd: dict[str, Any]) -> None:
    plain = [event(str(number)) for number in range(200)]
    every = [*plain[:100], event("odd", **odd), *plain[100:]]
    every = [{name: value for name, value in one.items() if not name.endswith("Object")} for one in every]
    lines = [json.dumps(one, separators=(",", ":")).encode() for one in every]
    assert at_once(lines) == [by_itself(line) for line in lines]
    assert sum(at_once(lines)) >= 200


@pytest.mark.parametrize(
    "members",
    [
        {"requestURI": "/api/v1/namespaces/a/secrets/b"},
        {"objectRef": {"resource": "secrets"}},
        {"requestObject": {"kind": "Secret"}},
        {"responseObject": {"kind": "Secret"}},
        {"requestURI": "/x?token=abc"},
        {"requestURI": "/x?limit=5&password=abc"},
        {"requestURI": f"/x?fieldManager={TOKEN.replace('.', '%2E')}"},
        {"requestURI": "/x?command=login&command=--password&command=abc"},
        {"requestURI": "/proxy/%65yJ"},
        {"annotations": {"patch.webhook.admission.k8s.io/round_0_index_0": "{}"}},
        {"annotations": {"audit.k8s.io/truncated": "true"}},
        {"unknown": "member"},
        {"objectRef": "text"},
        {"verb": "GET"},
    ],
)
def test_what_may_hold_a_secret_is_not_clean(members: dict[str, Any]) -> None:
    assert clean_line(json.dumps(event("x", **members)).encode()) is None


def test_the_usual_parameters_are_clean() -> None:
    uri = "/api/v1/pods?limit=500&resourceVersion=0&timeoutSeconds=581&watch=true&labelSelector=app%3Dx"
    line = json.dumps(event("x", requestURI=uri)).encode()
    without_body = {name: value for name, value in json.loads(line).items() if not name.endswith("Object")}
    line = json.dumps(without_body).encode()
    assert clean_line(line) is not None
    assert wrongly_clean([line]) == (1, [])
