"""Who gets into the console, what each role may do, and what keeps everybody else out."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from podhawk.errors import UsageError
from podhawk.serve.console.accounts import Accounts
from podhawk.serve.console.brake import Brake
from podhawk.serve.console.database import ConsoleDatabase
from podhawk.serve.console.registry import ACTIONS, DOWNLOADS, PAGES
from podhawk.serve.console.render import POLICY
from podhawk.serve.console.sessions import IDLE_SECONDS, LONGEST_SECONDS, Sessions
from podhawk.serve.console.sign_in import HOME, safe_path
from podhawk.serve.trail import Doer, Trail
from support.console import PASSWORD, Person, add_account, token_in
from support.served import demo_lines, send
from support.service import Service, service

pytestmark = pytest.mark.slow
_PLACE = re.compile(r"\{(\w+):str\}")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("console")
    for name, role in (("ada", "admin"), ("ann", "analyst"), ("vic", "viewer")):
        add_account(folder, name, role)
    add_account(folder, "one", "analyst", ("other",))
    with service(folder) as made:
        send(made, demo_lines(2200), "demo")
        made.wait_until_evaluated()
        yield made


@pytest.fixture(scope="module")
def finding_id(running: Service) -> str:
    return next(one["finding_id"] for one in running.findings() if one["kind"] == "finding" and one["visible"])


def filled(path: str, finding_id: str) -> str:
    """The path of a declaration with values in place of its parameters."""
    values = {"finding_id": finding_id, "format": "json", "number": "1"}
    return _PLACE.sub(lambda found: values.get(found[1], "x"), path)


def test_every_page_needs_a_sign_in_and_goes_back_to_where_it_was_asked_for(running: Service, finding_id: str) -> None:
    for one in (*PAGES, *DOWNLOADS):
        answer = httpx.get(running.url + filled(one.path, finding_id) + "?a=1&b=2")
        assert answer.status_code == 303, one.path
        assert answer.headers["location"].startswith("/sign-in?to=%2F"), one.path
        assert "a%3D1%26b%3D2" in answer.headers["location"]
    assert httpx.get(f"{running.url}/stream").status_code == 401
    for action in ACTIONS:
        assert httpx.post(running.url + filled(action.path, finding_id)).headers["location"] == "/sign-in?to=%2F"


def test_every_answer_carries_the_strict_policy_and_no_inline_code(running: Service, finding_id: str) -> None:
    admin = Person(running, "ada")
    pages = [filled(one.path, finding_id) for one in PAGES]
    for path in [*pages, "/identities?name=mallory", "/findings/no-such", "/queue?severity=x"]:
        answer = admin.get(path)
        assert answer.headers["content-security-policy"] == POLICY
        assert "unsafe" not in POLICY
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|hx-on|javascript:", answer.text), path
    assert httpx.get(f"{running.url}/sign-in").headers["content-security-policy"] == POLICY


def test_a_viewer_changes_nothing_by_page_or_interface(running: Service, finding_id: str) -> None:
    viewer = Person(running, "vic")
    before = running.get(f"/api/v1/findings/{finding_id}").json()
    tried = 0
    for action in ACTIONS:
        if action.role != "viewer":
            form = {"status": "closed", "disposition": "false_positive", "finding": finding_id, "upto": "999999999"}
            answer = viewer.post(filled(action.path, finding_id), **form, name="vic", role="admin")
            assert answer.status_code == 403, action.path
            tried += 1
    assert tried >= 5
    path = f"{running.url}/api/v1/findings/{finding_id}"
    assert viewer.client.patch(path, json={"status": "closed"}).status_code == 401, "a cookie is no token"
    assert running.get(f"/api/v1/findings/{finding_id}").json() == before
    for page in PAGES:
        expected = 200 if page.role == "viewer" else 403
        answer = viewer.get(filled(page.path, finding_id))
        assert answer.status_code in (expected, 404), page.path
    assert "data-select" not in viewer.get("/queue").text


def test_a_form_without_the_token_of_its_session_is_refused(running: Service, finding_id: str) -> None:
    admin, other = Person(running, "ada"), Person(running, "ann")
    foreign = token_in(other.get("/queue").text)
    own = token_in(admin.get("/queue").text)
    before = running.get(f"/api/v1/findings/{finding_id}").json()
    for path in [*(filled(one.path, finding_id) for one in ACTIONS), "/choices", "/sign-out"]:
        for csrf in ("", "x", foreign):
            form = {"_csrf": csrf, "status": "in_progress", "theme": "dark"}
            answer = admin.client.post(path, data=form)
            assert answer.status_code == 403, path
            assert not answer.headers.get_list("set-cookie"), path
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            assert admin.client.post(path, data={"_csrf": own}, headers=headers).status_code == 403, path
    assert running.get(f"/api/v1/findings/{finding_id}").json() == before
    assert admin.get("/queue").status_code == 200, "the session was not ended by a forged form"


def test_a_sign_in_form_of_another_site_is_refused(running: Service) -> None:
    form = {"_csrf": "x" * 32, "name": "ada", "password": PASSWORD}
    answer = httpx.post(f"{running.url}/sign-in", data=form)
    assert answer.status_code == 403
    assert "podhawk-session" not in answer.headers.get("set-cookie", "")


def test_a_session_dies_on_sign_out(running: Service) -> None:
    person = Person(running, "ann")
    cookies = dict(person.client.cookies)
    assert person.get("/queue").status_code == 200
    assert person.post("/sign-out").status_code == 303
    kept = httpx.Client(base_url=running.url, cookies=cookies)
    assert kept.get("/queue").headers["location"].startswith("/sign-in")
    assert kept.get("/stream").status_code == 401


def test_cookies_are_not_for_scripts_and_not_for_other_sites(running: Service) -> None:
    cookie = next(one for one in Person(running, "ann").answer.headers.get_list("set-cookie") if "-session=" in one)
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()


def test_guessing_is_slowed_and_logged(tmp_path: Path) -> None:
    add_account(tmp_path / "own", "bob", "viewer")
    with service(tmp_path / "own") as made:
        answers = [Person(made, "bob", f"wrong {number}").answer for number in range(5)]
        assert [one.status_code for one in answers] == [403] * 5
        assert answers[0].text.count("wrong") >= 1
        fail(made, 10, "bob")
        slowed = Person(made, "bob").answer
        assert slowed.status_code == 429, "the right password does not help a guesser"
        assert int(slowed.headers["retry-after"]) >= 1
        assert "podhawk-session" not in slowed.headers.get("set-cookie", "")
        assert "sign-in failed: name 'bob'" in made.log
        assert "sign-in is slowed: name 'bob'" in made.log
        assert PASSWORD not in made.log


def test_waits_grow_for_a_pair_and_stay_short_for_a_name(tmp_path: Path) -> None:
    database = ConsoleDatabase(tmp_path)
    brake = Brake(database)
    waits = []
    now = 1000.0
    for _ in range(12):
        brake.failed("eve", "10.0.0.1", now)
        waits.append(brake.wait("eve", "10.0.0.1", now))
    assert waits[:4] == [0.0] * 4
    assert waits[4:] == sorted(waits[4:])
    assert waits[-1] > 100
    assert brake.wait("eve", "10.0.0.2", now) == 0.0, "nobody locks somebody else out with a few failures"
    for number in range(60):
        brake.failed("eve", f"10.0.1.{number}", now)
    assert 0 < brake.wait("eve", "10.9.9.9", now) <= 60
    brake.forget("eve", "10.0.0.1")
    assert brake.wait("eve", "10.0.0.1", now + 3700) == 0.0
    database.close()


def test_guessers_do_not_keep_somebody_out_of_a_browser_that_is_known(tmp_path: Path) -> None:
    add_account(tmp_path / "own", "bob", "viewer")
    with service(tmp_path / "own") as made:
        bob = Person(made, "bob")
        assert bob.answer.status_code == 303
        fail(made, 30, "nobody")
        assert Person(made, "bob").answer.status_code == 429, "the address is not slowed"
        assert bob.post("/sign-out").status_code == 303
        assert bob.sign_in("bob", PASSWORD).status_code == 303
        assert bob.post("/sign-out").status_code == 303
        assert bob.sign_in("bob", "wrong").status_code == 403
        fail(made, 20, "bob", bob.client.cookies["podhawk-known"])
        assert bob.sign_in("bob", PASSWORD).status_code == 429, "a known browser lets its owner guess without an end"


def fail(made: Service, many: int, name: str, browser: str = "") -> None:
    """Count failures now, so many that the wait is long on the slowest machine."""
    database = ConsoleDatabase(made.folder)
    for _ in range(many):
        Brake(database).failed(name, "127.0.0.1", time.time(), browser)
    database.close()


def test_a_browser_is_known_for_one_name_only_and_a_network_counts_as_one_address(tmp_path: Path) -> None:
    database = ConsoleDatabase(tmp_path)
    brake = Brake(database)
    token = brake.know("eve", 1000.0)
    for number in range(60):
        brake.failed("bob", f"10.0.1.{number}", 1000.0, token)
        brake.failed("eve", f"10.0.2.{number}", 1000.0)
    assert brake.wait("bob", "10.9.9.9", 1000.0, token) > 0, "the cookie of one account opens the way to another"
    assert brake.wait("eve", "10.9.9.9", 1000.0) > 0
    assert brake.wait("eve", "10.9.9.9", 1000.0, token) == 0
    assert brake.know("eve", 1001.0, token) == token
    assert brake.know("bob", 1001.0, token) != token
    for number in range(30):
        brake.failed(f"n{number}", f"2001:db8::{number:x}", 1000.0)
    assert brake.wait("x", "2001:db8::ffff", 1000.0) > 0, "whoever has a network has addresses without an end"
    assert brake.wait("x", "2001:db8:0:1::1", 1000.0) == 0
    before = brake.wait("x", "2001:db8::ffff", 1000.0)
    brake.failed("x", "2001:db8::ffff", 1000.0)
    brake.take_back("x", "2001:db8::ffff", 1000.0)
    assert brake.wait("x", "2001:db8::ffff", 1000.0) == before
    database.close()


def test_sessions_end_by_age_by_idleness_and_with_their_account(tmp_path: Path) -> None:
    for name in ("ada", "bob"):
        add_account(tmp_path, name, "admin")
    database = ConsoleDatabase(tmp_path)
    accounts = Accounts(database)
    sessions = Sessions(database, accounts)
    account = accounts.find("ada")
    assert account is not None
    token = sessions.begin(account, 1000.0)
    assert sessions.find(token, 1001.0) is not None
    assert sessions.find(token + "x", 1001.0) is None
    assert sessions.find("", 1001.0) is None
    assert sessions.find(token, 1000.0 + IDLE_SECONDS + 61) is None
    moment = 1000.0
    while moment < 1000.0 + LONGEST_SECONDS:
        assert sessions.find(token, moment) is not None
        moment += IDLE_SECONDS / 2
    assert sessions.find(token, moment + 1) is None
    token = sessions.begin(account, moment)
    accounts.change("ada", "viewer", disabled=False)
    assert sessions.find(token, moment) is None, "a session would have kept its old role"
    with pytest.raises(UsageError, match="nobody would be left"):
        accounts.change("bob", "viewer", disabled=False)
    database.close()


def test_an_admin_of_old_came_back_by_an_invitation_of_their_own(tmp_path: Path) -> None:
    database = ConsoleDatabase(tmp_path)
    accounts = Accounts(database)
    for name in ("ada", "bob"):
        add_account(tmp_path, name, "admin")
    now = time.time()
    for role, disabled in (("analyst", False), ("admin", True)):
        accounts.change("bob", "admin", disabled=False)
        kept = accounts.invite("bobby", "admin", ("*",), now)
        accounts.change("ada", "admin", disabled=False)
        assert accounts.invitation(kept, now) is not None
        accounts.change("bob", role, disabled=disabled)
        assert accounts.invitation(kept, now) is None
    database.close()


def test_the_first_account_is_made_by_a_link_that_is_printed_and_works_once(tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "podhawk", "serve", "--quiet", "--state", str(tmp_path / "own")]
    with subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0", "--free-disk", "1M"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            link = next(found[0] for line in process.stdout if (found := re.search(r"http\S+/invitation/\S+", line)))
            path = urlsplit(link).path
            client = httpx.Client(base_url=link.removesuffix(path), timeout=30)
            csrf = token_in(client.get(path).text)
            form = {"_csrf": csrf, "name": "root", "password": "short", "again": "short"}
            assert "Use 12 to 200 characters" in client.post(path, data=form).text
            form |= {"password": PASSWORD, "again": PASSWORD}
            assert client.post(path, data=form).status_code == 303
            assert "Role: admin" in client.get("/queue").text
            assert httpx.get(link).status_code == 404, "a link works once"
        finally:
            process.terminate()
            log = process.stderr.read()
    assert path.rpartition("/")[2] not in log, "the link is not written to the log"
    stored = (tmp_path / "own" / "console.db").read_bytes()
    assert path.rpartition("/")[2].encode() not in stored
    assert PASSWORD.encode() not in stored


def test_an_admin_invites_somebody_and_sees_the_link_once(running: Service) -> None:
    admin = Person(running, "ada")
    assert admin.post("/people/invite", name="new-one", role="viewer").status_code == 303
    shown = re.search(r"/invitation/[\w-]+", admin.get("/people").text)
    assert shown is not None
    assert "/invitation/" not in admin.get("/people").text
    guest = httpx.Client(base_url=running.url, timeout=30)
    csrf = token_in(guest.get(shown[0]).text)
    form = {"_csrf": csrf, "name": "ada", "password": PASSWORD, "again": PASSWORD}
    assert guest.post(shown[0], data=form).status_code == 303
    assert "Role: viewer" in guest.get("/queue").text
    assert ">new-one<" in guest.get("/queue").text, "an invitation for one name makes no other account"


def test_the_trail_tells_what_was_done_by_whom_and_what_was_refused(running: Service, finding_id: str) -> None:
    analyst = Person(running, "ann")
    path = f"/findings/{finding_id}/triage"
    seen = running.get(f"/api/v1/findings/{finding_id}").json()["triage_changed"]
    assert analyst.post(path, status="in_progress", seen=str(seen)).status_code == 303
    assert analyst.post(path, status="new", seen=str(seen)).status_code >= 400, "somebody else changed it"
    Person(running, "vic").post(path, status="new")
    answer = httpx.patch(f"{running.url}/api/v1/findings/{finding_id}", json={"status": "new"}, headers=running.headers)
    assert answer.status_code == 200
    database = ConsoleDatabase(running.folder)
    rows = [(one.name, one.role, one.result) for one in Trail(database).rows(20, None, finding_id)]
    database.close()
    assert rows[:4][::-1][0] == ("ann", "analyst", "done")
    assert rows[2][2].startswith("refused")
    assert rows[1] == ("vic", "viewer", "forbidden")
    assert rows[0] == ("token:all", "token", "done")


def test_a_change_that_cannot_be_written_down_is_not_made(tmp_path: Path) -> None:
    database = ConsoleDatabase(tmp_path)
    trail = Trail(database)
    seen: list[str] = []

    def act() -> None:
        with trail.doing(Doer("a", "admin", "-"), "x", "y", "", 1.0):
            seen.append(trail.rows(1)[0].result)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act()
    assert seen == ["begun"]
    assert trail.rows(1)[0].result == "failed: ZeroDivisionError"
    database.close()


def test_nobody_sees_other_clusters(running: Service, finding_id: str) -> None:
    person = Person(running, "one")
    assert finding_id not in person.get("/queue?show=all&status=any&rows=findings").text
    for path in (f"/findings/{finding_id}", f"/findings/{finding_id}/export/json", f"/findings/{finding_id}/exception"):
        assert person.get(path).status_code == 404, path
    answer = person.post("/queue/triage", finding=finding_id, status="in_progress", upto="99999999", back="/queue")
    assert answer.status_code == 303
    assert running.get(f"/api/v1/findings/{finding_id}").json()["assignee"] is None
    assert "Risk over time" in person.get("/identities?name=system%3Aanonymous").text
    assert "points in all" not in person.get("/identities?name=system%3Aanonymous").text


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1", "/a\r\nX: y", "/sign-in", ""]
)
def test_a_sign_in_leads_to_no_other_site(to: str) -> None:
    assert safe_path(to) == HOME


def test_a_sign_in_leads_to_the_page_that_was_asked_for() -> None:
    assert safe_path("/queue?actor=a%20b&show=all") == "/queue?actor=a%20b&show=all"
