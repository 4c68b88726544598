"""What a digest says of lines in brief is what it says of their whole events."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest

from podhawk.detect.activity.brief import brief_of
from podhawk.detect.activity.entity import EntityDigest
from podhawk.events.collected import CollectedLine, EventDecoder
from podhawk.events.options import ReadOptions
from support.findings import event

CHOICES: dict[str, list[Any]] = {
    "stage": ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"],
    "verb": ["get", "list", "create", "update", "patch", "delete", "deletecollection", "", "CONNECT"],
    "user": [
        {"username": "alice"},
        {"username": "bob", "extra": {"authentication.kubernetes.io/pod-name": ["alice"]}},
        {"username": "system:node:alice"},
        {"username": "system:serviceaccount:kube-system:replicaset-controller"},
        {},
    ],
    "impersonatedUser": [None, {"username": "alice"}, {"username": "carol"}],
    "sourceIPs": [["10.0.0.7"], ["alice", "10.0.0.8"], []],
    "userAgent": ["kubectl", "", "x" * 300],
    "objectRef": [
        {"resource": resource, "namespace": "default", "name": name, **({"subresource": sub} if sub else {})}
        for resource, name, sub in itertools.product(
            ["pods", "nodes", "deployments", "secrets", "serviceaccounts"],
            ["alice", "web"],
            ["", "status", "scale", "eviction", "token"],
        )
    ]
    + [None],
    "requestURI": ["/api/v1/x?limit=5", "/version", "/api/v1/x?dryRun=All"],
    "responseStatus": [{"code": code} for code in (200, 201, 401, 403, 404)] + [None],
    "requestObject": [None, {"dryRun": ["All"]}, {"metadata": {"name": "web"}, "spec": {"template": {"spec": {}}}}],
    "annotations": [None, {"authentication.kubernetes.io/issued-credential-id": "JTI=1"}],
}


def some_lines(seed: int, number: int) -> list[CollectedLine]:
    chance = random.Random(seed)
    lines = []
    for line in range(1, number + 1):
        members = {name: chance.choice(choices) for name, choices in CHOICES.items()}
        made = event(str(line), at=f"10:00:{line % 60:02}.000001", **members)
        kept = {name: value for name, value in made.items() if value is not None}
        lines.append(CollectedLine("audit.log", line, json.dumps(kept).encode()))
    return lines


def taken(digest: EntityDigest) -> tuple[Any, ...]:
    facets = {name: dict(counts.values) for name, counts in digest.facets.items()}
    return digest.events, digest.requests, facets, sorted(digest._writes), sorted(one.key for one in digest._made)


@pytest.mark.parametrize("links", [False, True])
@pytest.mark.parametrize("name", ["alice", "10.0.0.7", "web"])
def test_a_digest_of_lines_is_that_of_their_events(name: str, links: bool) -> None:
    decoder = EventDecoder(ReadOptions())
    lines = some_lines(1, 3000)
    brief, whole = (EntityDigest(name, decoder, links=links) for _ in range(2))
    for line in lines:
        brief.take(line)
        whole.take(decoder.event(line))
    assert taken(brief) == taken(whole)
    assert links or brief.requests.count > 100


def test_most_lines_need_nothing_but_what_is_brief() -> None:
    found = [brief_of(line.text) for line in some_lines(2, 1000)]
    assert sum(one is not None and one.key is not None for one in found) > 400


@pytest.mark.parametrize("line", [b"{}", b"[]", b"{", b'{"auditID":"a","verb":"get"}', b'{"auditID":1,"verb":"get"}'])
def test_a_line_that_does_not_tell_is_read_whole(line: bytes) -> None:
    assert brief_of(line) is None


def test_a_delete_that_its_body_calls_a_dry_run_was_a_success() -> None:
    made = event("a", verb="delete", objectRef={"resource": "secrets", "name": "s"}, requestObject={"dryRun": ["All"]})
    digest = EntityDigest("alice", EventDecoder(ReadOptions()))
    made["user"] = {"username": "alice"}
    digest.take(CollectedLine("audit.log", 1, json.dumps(made).encode()))
    assert list(digest.facets["outcomes"].values) == ["dry_run"]
