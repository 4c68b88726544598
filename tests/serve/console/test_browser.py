"""The console in a real browser: two themes, two widths, hostile values, and the way from a finding to an exception.

With KEEP_SCREENSHOTS=FOLDER every page is kept as a picture: these are the pictures of docs/console.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from podhawk.cli.main import invoke
from support.browser import LOOKS, Browser, axe_faults, opened
from support.console import PASSWORD, Person, add_account
from support.hostile import HIDDEN, MARKUP, exceptions, hostile_content, hostile_log
from support.processes import wait_for
from support.served import demo_lines, send
from support.service import SECONDS, Service, service

pytestmark = pytest.mark.slow
SMALL: Final = (360, 740)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("browser")
    for name, role in (("ada", "admin"), ("ann", "analyst")):
        add_account(folder, name, role)
    with service(folder) as made:
        send(made, demo_lines(2200), "demo")
        made.wait_until_evaluated()
        yield made


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("hostile")
    state = folder / "state"
    add_account(state, "ada", "admin")
    options = ("--content", hostile_content(folder), "--exceptions", exceptions(folder))
    with service(state, *options) as made:
        send(made, hostile_log(folder).read_bytes().splitlines(), "hostile")
        made.wait_until_evaluated()
        yield made


@pytest.fixture(params=LOOKS)
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Browser]:
    with opened(request.param, tmp_path / "profile") as context:
        yield context


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Browser]:
    with opened("light-desktop", tmp_path / "profile") as context:
        yield context


class Watched:
    """A page, and everything that it should not do."""

    def __init__(self, browser: Browser, made: Service) -> None:
        self.page: Any = browser.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("dialog", lambda dialog: self.faults.append(dialog.message))
        self.page.on(
            "request",
            lambda request: None if request.url.startswith(f"{made.url}/") else self.faults.append(request.url),
        )


def keep(page: Any, name: str) -> None:
    """Keep a picture of a page, if pictures are wanted."""
    if folder := os.environ.get("KEEP_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def finding_of(made: Service, kind: str = "finding") -> str:
    found = [one for one in made.findings() if one["kind"] == kind and one["visible"]]
    return str(max(found, key=lambda one: (one["priority"], one["finding_id"]))["finding_id"])


def test_every_page_is_accessible_fits_and_asks_nobody_else(browser: Browser, running: Service) -> None:
    watched = Watched(browser, running)
    page = watched.page
    page.goto(f"{running.url}/queue")
    assert page.title().startswith("Sign in")
    assert axe_faults(page) == []
    page.fill("[name=name]", "ada")
    page.fill("[name=password]", PASSWORD)
    page.click("text=Sign in >> nth=-1")
    page.wait_for_url("**/queue")
    look = "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    finding = finding_of(running)
    paths = {
        "queue": "/queue",
        "queue-open": "/queue?show=all&rows=findings",
        "finding": f"/findings/{finding}",
        "incident": f"/findings/{finding_of(running, 'incident')}",
        "exception": f"/findings/{finding}/exception",
        "identities": "/identities",
        "identity": "/identities?name=mallory&earliest=-30d",
        "people": "/people",
        "trail": "/trail",
        "empty": "/queue?actor=nobody-of-this-name",
    }
    if page.viewport_size["width"] < 500:
        page.set_viewport_size({"width": SMALL[0], "height": SMALL[1]})
    for name, path in paths.items():
        page.goto(running.url + path)
        if name == "identity":
            page.wait_for_selector("text=events were read", timeout=SECONDS * 1000)
        assert axe_faults(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        keep(page, f"{name}-{look}-{page.viewport_size['width']}")
    assert watched.faults == []


def test_from_a_finding_to_an_exception_that_holds(desktop: Browser, running: Service, tmp_path: Path) -> None:
    watched = Watched(desktop, running)
    page = watched.page
    desktop.add_cookies(Person(running, "ann").cookies)
    finding = finding_of(running)
    page.goto(f"{running.url}/findings/{finding}")
    assert page.is_visible("text=The event meets every condition of the search.")
    page.click("details.event summary")
    assert page.locator("pre.json mark").count() > 0
    page.click("text=Close and propose exception")
    page.wait_for_selector("#exception textarea")
    page.fill("#exception [name=reason]", "the anonymous probe is ours")
    page.click("text=Measure what it would hide")
    page.wait_for_selector("text=Blast radius", timeout=4 * SECONDS * 1000)
    assert page.input_value("#exception [name=reason]") == "the anonymous probe is ours", "typing was lost"
    if page.locator("[name=accept]").count():
        page.fill("[name=accept]", "it is a test")
    keep(page, "exception-measured-light-1280")
    page.click("#exception button.main")
    page.wait_for_selector("text=Proposed exception")
    with page.expect_download() as begun:
        page.click("a.button.main")
    file = tmp_path / "exceptions" / "proposed.yml"
    file.parent.mkdir()
    begun.value.save_as(file)
    record = running.get(f"/api/v1/findings/{finding}").json()
    assert (record["status"], record["disposition"]) == ("resolved", "benign_positive")
    assert watched.faults == []
    log = tmp_path / "audit.log"
    log.write_bytes(b"\n".join(demo_lines(2200)) + b"\n")
    out = tmp_path / "found.jsonl"
    words = ["run", "-q", "--jobs", "1", "--cluster", "demo", "--exceptions", file, "-o", "jsonl", "--output-file", out]
    assert invoke([*map(str, words), str(log)]) == 0
    hidden = next(
        line for line in out.read_text().splitlines() if f'"finding_id": "{finding}"' in line.replace('":"', '": "')
    )
    assert '"visible":false' in hidden.replace(" ", "")


def test_keys_move_select_open_and_tell(desktop: Browser, running: Service) -> None:
    watched = Watched(desktop, running)
    page = watched.page
    desktop.add_cookies(Person(running, "ann").cookies)
    page.goto(f"{running.url}/queue")
    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "actor"
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    first = page.evaluate("document.activeElement.closest('[data-row]') === document.querySelectorAll('[data-row]')[0]")
    assert first
    page.keyboard.press("x")
    assert page.locator("[data-select]:checked").count() == 1
    page.keyboard.press("e")
    assert page.evaluate("document.activeElement.id") == "bulk-status"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url("**/findings/*")
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/identities")
    assert watched.faults == []


def test_the_url_gives_the_same_view_after_reload_back_and_for_others(desktop: Browser, running: Service) -> None:
    watched = Watched(desktop, running)
    page = watched.page
    desktop.add_cookies(Person(running, "ann").cookies)

    def shown() -> str:
        return str(page.inner_text("ol.queue"))

    page.goto(f"{running.url}/queue")
    everything = shown()
    page.select_option("#filter-show", "all")
    page.wait_for_url("**show=all**")
    page.wait_for_selector(".chips")
    assert "earliest" not in page.url, "what is empty does not stand in the URL"
    page.click("[aria-expanded=false] >> nth=0")
    page.wait_for_url("**open=**")
    page.wait_for_selector(".folded li")
    opened_view, url = shown(), page.url
    page.reload()
    assert shown() == opened_view
    page.go_back()
    page.wait_for_selector(".folded", state="detached")
    page.go_back()
    page.wait_for_selector(".chips", state="detached")
    assert shown() == everything
    desktop.clear_cookies()
    desktop.add_cookies(Person(running, "ada").cookies)
    page.goto(url)
    assert shown() == opened_view
    assert watched.faults == []


def test_what_is_new_waits_behind_a_button(desktop: Browser, tmp_path: Path) -> None:
    add_account(tmp_path / "own", "ann", "analyst")
    lines = demo_lines(2200)
    with service(tmp_path / "own") as made:
        watched = Watched(desktop, made)
        page = watched.page
        desktop.add_cookies(Person(made, "ann").cookies)
        page.goto(f"{made.url}/queue")
        assert page.is_hidden("[data-new]")
        page.wait_for_timeout(500)
        send(made, lines, "demo")
        page.wait_for_selector("[data-new]:not([hidden])", timeout=SECONDS * 1000)
        assert page.locator("[data-row]").count() == 0, "the list moved by itself"
        made.wait_until_evaluated()
        page.click("[data-new]")
        page.wait_for_selector("[data-row]")
        assert watched.faults == []


def test_a_choice_of_theme_counts_more_than_the_system(browser: Browser, running: Service) -> None:
    watched = Watched(browser, running)
    page = watched.page
    browser.add_cookies(Person(running, "ann").cookies)
    page.goto(f"{running.url}/queue")
    ground = "getComputedStyle(document.body).backgroundColor"
    page.click(".menu summary")
    page.click("button[name=theme][value=dark]")
    page.wait_for_selector("html[data-theme=dark]")
    assert page.evaluate(ground) == "rgb(20, 23, 26)"
    page.click(".menu summary")
    page.click("button[name=theme][value=light]")
    page.wait_for_selector("html[data-theme=light]")
    assert page.evaluate(ground) == "rgb(251, 250, 248)"
    assert watched.faults == []


def test_hostile_values_stay_text(desktop: Browser, hostile: Service) -> None:
    watched = Watched(desktop, hostile)
    page = watched.page
    person = Person(hostile, "ada")
    desktop.add_cookies(person.cookies)
    records = hostile.findings()
    assert len(records) > 15
    paths = ["/queue", "/queue?rows=findings&show=all&status=any", "/identities", "/trail"]
    paths += [f"/findings/{one['finding_id']}" for one in records[:24]]
    paths += [f"/findings/{one['finding_id']}/exception" for one in records[:2]]
    for text in (*MARKUP[:4], "x" * 100_000):
        paths.append("/queue?" + str(httpx.QueryParams({"actor": text, "title": text})))
        paths.append("/identities?" + str(httpx.QueryParams({"name": text[:4000]})))
    seen = False
    for path in paths:
        page.goto(hostile.url + path)
        assert page.title().endswith("podhawk"), path
        counted = page.evaluate(
            "document.querySelectorAll('img,iframe,base,object,embed,style,[onload],[onerror],[onfocus],[onmouseover],"
            "[style],meta[http-equiv],a[href^=javascript]').length"
        )
        assert counted == 0, path
        own = "[...document.scripts].every(one => one.src.startsWith(location.origin))"
        assert page.evaluate(own), path
        ours = "[...document.querySelectorAll('form')].every(one => new URL(one.action).origin === location.origin)"
        assert page.evaluate(ours), path
        text = page.inner_text("main")
        assert not HIDDEN & set(text), path
        seen = seen or MARKUP[0] in text
        assert page.is_visible("header .brand")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    assert seen, "no page shows the hostile value, so this proves nothing"
    assert watched.faults == []
    for one in records[:24]:
        for kind in ("json", "ocsf", "markdown"):
            answer = person.get(f"/findings/{one['finding_id']}/export/{kind}")
            assert answer.status_code == 200
            assert "attachment" in answer.headers["content-disposition"]
            assert not (HIDDEN - {"\x85"}) & set(answer.text.replace("\n", "")), kind


def test_the_policy_stops_what_escaping_would_have_let_through(desktop: Browser, running: Service) -> None:
    page = desktop.new_page()
    desktop.add_cookies(Person(running, "ann").cookies)
    page.goto(f"{running.url}/queue")
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', `<img src='https://evil.example/x.png' onerror='window.ran=1'>"
        "<p style='color:rgb(255,0,0)' id='styled'>x</p><button hx-on:click='window.ran=1' id='button'>x</button>`);"
        "htmx.process(document.getElementById('button')); document.getElementById('button').click();"
        "const one = document.createElement('script'); one.textContent = 'window.ran=1'; document.body.append(one)"
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
    assert page.evaluate("getComputedStyle(document.getElementById('styled')).color") != "rgb(255, 0, 0)"


def test_a_wait_for_the_queue_is_a_wait_for_its_rows(running: Service) -> None:
    """The rows of the queue follow the findings, also those that nobody looks at."""
    person = Person(running, "ann")
    wait_for(lambda: "are still being read" not in person.get("/queue").text, SECONDS, "rows")
