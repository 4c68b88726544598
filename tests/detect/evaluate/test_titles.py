"""Titles follow the outcome and name what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.findings import event, only_finding

MESSAGE = "Secrets $object$ in namespace $namespace$ read by $user$"
SEARCH = "verb=get | rename objectRef.name as object, objectRef.namespace as namespace, user.username as user"


@pytest.mark.parametrize(
    ("code", "uri", "title"),
    [
        (200, "/api", "Secrets s in namespace shop read by alice"),
        (403, "/api", "Attempt, denied: Secrets s in namespace shop read by alice"),
        (404, "/api", "Attempt, failed: Secrets s in namespace shop read by alice"),
    ],
)
def test_a_title_said_that_a_refused_attempt_had_happened(tmp_path: Path, code: int, uri: str, title: str) -> None:
    reference = {"resource": "secrets", "namespace": "shop", "name": "s"}
    one = event(verb="get", objectRef=reference, responseStatus={"code": code}, requestURI=uri)
    assert only_finding(tmp_path, one, search=SEARCH, message=MESSAGE).title == title


def test_a_dry_run_is_said_to_be_one(tmp_path: Path) -> None:
    one = event(requestURI="/api/v1/namespaces/default/pods?dryRun=All")
    assert only_finding(tmp_path, one, message="Pod made").title == "Dry run: Pod made"


def test_a_message_that_tells_the_outcome_itself_is_left_alone(tmp_path: Path) -> None:
    one = event(responseStatus={"code": 403})
    found = only_finding(tmp_path, one, message="$user.username$ was not allowed to")
    assert found.title == "alice was not allowed to"


def test_a_namespace_and_an_object_that_are_not_there_are_not_mentioned(tmp_path: Path) -> None:
    one = event(verb="get", objectRef={"resource": "secrets"}, responseStatus={"code": 200})
    assert only_finding(tmp_path, one, search=SEARCH, message=MESSAGE).title == "Secrets read by alice"


@pytest.mark.parametrize(
    ("reference", "title"), [(None, "alice asked to get /$verb$"), ({"resource": "pods"}, "alice asked to get pods")]
)
def test_a_request_for_a_path_was_said_to_be_about_no_resource(
    tmp_path: Path, reference: dict[str, str] | None, title: str
) -> None:
    one = event(verb="get", objectRef=reference, requestURI="/$verb$?format=1", responseStatus={"code": 200})
    search = "verb=get | rename user.username as user, objectRef.resource as resource"
    assert only_finding(tmp_path, one, search=search, message="$user$ asked to $verb$ $resource$").title == title
