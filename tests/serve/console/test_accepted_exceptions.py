"""Exceptions that an admin accepts in the console: they hold at once, after a restart, and until they are withdrawn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from podhawk.errors import ContentError, UsageError
from podhawk.serve.accepted import accept, accepted, folder_of
from podhawk.settings.resolve import Settings
from support.console import Person, add_account
from support.findings import event
from support.processes import wait_for
from support.service import SECONDS, Service, event_list, service

DETECTION = "Kubernetes Pod Created in Default Namespace"
WHEN = 'user.username="alice"'


def made_events() -> list[dict[str, Any]]:
    return [
        event(
            f"{user}-{number}",
            at=f"10:{number:02}:00.0",
            user={"username": user, "groups": ["system:authenticated"]},
            objectRef={"resource": "pods", "namespace": "default", "name": f"{user}-{number}", "apiVersion": "v1"},
        )
        for user in ("alice", "bob")
        for number in range(3)
    ]


def begun(folder: Path, *options: str) -> Iterator[Service]:
    for name, role in (("vera", "viewer"), ("ann", "analyst"), ("ada", "admin")):
        add_account(folder, name, role)  # type: ignore[arg-type]
    add_account(folder, "dora", "admin", ("dev",))
    with service(folder, *options) as made:
        assert made.post("/audit/prod/cp-1", event_list(made_events())).status_code == 200
        made.wait_until_evaluated()
        yield made


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Service]:
    yield from begun(tmp_path / "site", "--accept-exceptions")


def visible(made: Service) -> set[str]:
    """Whose findings of the detection show."""
    every = [one for one in made.findings() if one["detection"]["name"] == DETECTION]
    return {one["actor"]["user"] for one in every if one["visible"]}


def proposed(made: Service, person: Person, user: str = "alice") -> str:
    """The page of an exception that somebody proposes for a finding of a user."""
    found = next(
        one["finding_id"]
        for one in made.findings()
        if one["actor"]["user"] == user and one["status"] == "new" and one["detection"]["name"] == DETECTION
    )
    when = WHEN.replace("alice", user)
    to = person.post(f"/findings/{found}/measure", when=when).headers["location"]
    (search,) = parse_qs(urlsplit(to).query)["search"]

    def measured() -> bool:
        return "Blast radius" in person.get(to).text

    wait_for(measured, 4 * SECONDS, "the blast radius")
    expires = re.search(r'name="expires"[^>]*value="([^"]+)"', person.get(to).text)
    assert expires is not None
    answer = person.post(
        f"/findings/{found}/propose",
        when=when,
        search=search,
        reason="they work here",
        disposition="benign_positive",
        expires=expires[1],
        accept="it is a test",
    )
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


@pytest.mark.slow
@pytest.mark.needs("serve")
def test_an_accepted_exception_holds_at_once_after_a_restart_and_until_it_is_withdrawn(site: Service) -> None:
    people = {name: Person(site, name) for name in ("vera", "ann", "ada", "dora")}
    assert visible(site) == {"alice", "bob"}
    page = proposed(site, people["ann"])
    number = page.rpartition("/")[2]
    for name in ("vera", "ann", "dora"):
        assert ">Accept</button>" not in people[name].get(page).text, name
        assert people[name].post(f"/proposals/{number}/accept").status_code in (403, 404), name
    assert visible(site) == {"alice", "bob"}
    assert people["ada"].post(f"/proposals/{number}/accept").headers["location"] == page
    wait_for(lambda: visible(site) == {"bob"}, SECONDS, "the exception to hold")
    assert "It holds." in people["ann"].get(page).text
    site.kill(everything=True)
    site.start()
    fresh = event("late", at="11:00:00.0", user=made_events()[0]["user"], objectRef=made_events()[0]["objectRef"])
    assert site.post("/audit/prod/cp-1", event_list([fresh])).status_code == 200
    site.wait_until_evaluated()
    (late,) = (
        one
        for one in site.findings()
        if one["detection"]["name"] == DETECTION and one["requests"][0]["audit_id"] == "late"
    )
    assert (late["visible"], late["suppressed_by"]["owner"]) == (False, "ann")
    listed = people["ada"].get("/content").text
    (name,) = set(re.findall(r'action="/exceptions/([^"]+)/withdraw"', listed))
    assert "/withdraw" not in people["ann"].get("/content").text
    for one in ("vera", "ann", "dora"):
        assert people[one].post(f"/exceptions/{name}/withdraw").status_code == 403, one
    assert people["ada"].post(f"/exceptions/..%2F{name}/withdraw").status_code in (400, 404)
    assert people["ada"].post(f"/exceptions/{name}/withdraw").status_code == 303
    wait_for(lambda: visible(site) == {"alice", "bob"}, SECONDS, "what it hid to show again")
    trail = people["ada"].get("/trail").text
    assert trail.count("accept exception") == 4, "what was refused is in the trail too"
    assert trail.count("withdraw exception") >= 4


@pytest.mark.slow
@pytest.mark.needs("serve")
def test_two_who_accept_at_once_lose_nothing(site: Service) -> None:
    ann, ada, other = Person(site, "ann"), Person(site, "ada"), Person(site, "ada")
    pages = [proposed(site, ann, user) for user in ("alice", "bob")]
    numbers = [page.rpartition("/")[2] for page in pages]

    def accepts(job: tuple[Person, str]) -> httpx.Response:
        return job[0].post(f"/proposals/{job[1]}/accept")

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(accepts, [(person, one) for one in numbers for person in (ada, other)]))
    assert sorted(one.status_code for one in answers) == [303, 303, 400, 400]
    assert all("accepted already" in one.text for one in answers if one.status_code == 400)
    wait_for(lambda: visible(site) == set(), SECONDS, "both to hold")


@pytest.mark.slow
@pytest.mark.needs("serve")
def test_a_site_that_does_not_want_it_has_exceptions_as_files_only(tmp_path: Path) -> None:
    for made in begun(tmp_path / "site"):
        page = proposed(made, Person(made, "ann"))
        ada = Person(made, "ada")
        assert "Accept" not in ada.get(page).text
        assert "commit it" in ada.get(page).text
        answer = ada.post(f"/proposals/{page.rpartition('/')[2]}/accept")
        assert (answer.status_code, "--accept-exceptions" in answer.text) == (400, True)
        assert not (made.folder / "exceptions").exists()


def test_a_text_that_is_no_exception_is_not_accepted(tmp_path: Path) -> None:
    settings = Settings({"state": str(tmp_path), "accept_exceptions": True}, {}, None, {}, frozenset())
    with pytest.raises(ContentError):
        accept(settings, "one.yml", "- name: [")
    folder = folder_of(settings)
    assert folder is not None
    assert list(folder.iterdir()) == []
    assert accepted(settings) == []
    off = Settings({"state": str(tmp_path), "accept_exceptions": False}, {}, None, {}, frozenset())
    with pytest.raises(UsageError):
        accept(off, "one.yml", "")
