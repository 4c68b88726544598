"""Hunt, content, coverage and health in a real browser: keys, both themes, two widths, no fault of accessibility, no
error of the console, no request to another origin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.browser import FLAGS, axe_faults, keep
from support.console import Person, add_account
from support.findings import event
from support.hostile import HOSTILE
from support.needs import program
from support.service import Service, event_list, service

pytestmark = [pytest.mark.needs("serve"), pytest.mark.browser, pytest.mark.slow]
SINCE, UNTIL = "2026-11-25T00%3A00%3A00Z", "2026-11-25T12%3A00%3A00Z"
LOOKS = {1280: ("light", "dark"), 360: ("dark",)}
"""The themes that are tested in a width: whether colours can be told apart does not depend on it."""
PAGES = {
    "hunt": "/hunt",
    "hunt-error": "/hunt?q=verb%3Dget+%7C+stast+count",
    "hunt-events": f"/hunt?q=*&earliest={SINCE}&row=2",
    "hunt-bars": f"/hunt?q=*+%7C+stats+count+dc(verb)+as+verbs+by+user.username&earliest={SINCE}",
    "hunt-columns": f"/hunt?q=*+%7C+timechart+span%3D5m+count+by+verb&earliest={SINCE}&latest={UNTIL}",
    "hunt-lines": f"/hunt?q=*+%7C+timechart+span%3D1h+count&earliest={SINCE}&latest={UNTIL}&draw=lines",
    "hunt-empty": f"/hunt?q=verb%3Dnothing&earliest={SINCE}",
    "content": "/content",
    "coverage": "/coverage",
    "threats": "/coverage?matrix=threats",
    "health": "/health",
    "drafts": "/drafts",
}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("rooms-browser") / "live"
    with service(folder) as made:
        events = [
            event(f"h-{number}", at=f"10:{number:02}:00.0", user={"username": text, "groups": [text]}, userAgent=text)
            for number, text in enumerate(HOSTILE)
        ]
        events += [event(f"n-{number}", at=f"11:{number:02}:00.0", verb="delete") for number in range(40)]
        assert made.post("/audit/prod/cp-1", event_list(events)).status_code == 200
        made.post("/audit/prod/cp-1", b"{")
        made.wait_until_evaluated()
        add_account(folder, "ana", "analyst")
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        made = started.chromium.launch(executable_path=program("chromium"), headless=True, args=list(FLAGS))
        yield made
        made.close()


class Look:
    """A page of somebody who is signed in, and what went wrong on it."""

    def __init__(self, live: Service, browser: Any, width: int = 1280) -> None:
        self.url = live.url
        self.context = browser.new_context(viewport={"width": width, "height": 900})
        self.context.add_cookies(Person(live, "ana").cookies)
        self.faults: list[str] = []
        self.page = self.context.new_page()
        self.page.set_default_timeout(120_000)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda told: self.faults.append(told.text) if told.type == "error" else None)
        self.page.on("request", lambda asked: self._asked(asked.url))

    def _asked(self, url: str) -> None:
        if not url.startswith((self.url, "data:")):
            self.faults.append(url)

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)
        self.page.locator("#results .running").wait_for(state="detached")


@pytest.mark.parametrize("width", LOOKS)
def test_every_page_in_both_themes_and_in_two_widths(live: Service, browser: Any, width: int) -> None:
    look = Look(live, browser, width)
    detection = Person(live, "ana").get("/content?find=Default").text.partition('href="/content/')[2].partition('"')[0]
    for name, path in {**PAGES, "detection": f"/content/{detection}"}.items():
        look.open(path)
        for scheme in LOOKS[width]:
            look.page.emulate_media(color_scheme=scheme)
            assert axe_faults(look.page) == [], (name, scheme)
            keep(look.page, f"{name}-{scheme}-{width}", whole=True)
        assert look.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        assert look.page.title() != "1", name
    assert look.faults == []


def test_a_search_is_written_run_narrowed_and_saved_by_keys(live: Service, browser: Any) -> None:
    look = Look(live, browser)
    page = look.page
    look.open(f"/hunt?q=*&earliest={SINCE}")
    page.focus("#q")
    page.fill("#q", "")
    page.keyboard.type("verb=delete | sta")
    page.wait_for_selector("#completions [role=option]")
    assert axe_faults(page) == []
    page.keyboard.press("Tab")
    assert page.input_value("#q") == "verb=delete | stats "
    page.keyboard.type("count by objectRef.name")
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("| wher count>1")
    page.wait_for_selector(".mirror mark.error")
    assert page.inner_text(".mirror mark.error") == "wher"
    assert "Did you mean 'where'?" in page.inner_text(".faults")
    for _ in "wher count>1":
        page.keyboard.press("Backspace")
    page.keyboard.type("where count>1")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.wait_for_selector("table.result")
    assert "web" in page.inner_text("table.result")
    shown = page.url, page.inner_text("table.result")
    page.reload()
    page.wait_for_selector("table.result")
    assert (page.url, page.inner_text("table.result")) == shown
    look.open(f"/hunt?q=*&earliest={SINCE}")
    summary = page.locator(".fields summary", has_text="verb").first
    summary.click()
    page.locator(".fields details[open] a.act").first.click()
    page.wait_for_selector("table.result")
    assert page.input_value("#q") == 'verb="delete"'
    page.go_back()
    page.wait_for_selector("table.result")
    assert page.input_value("#q") == "*"
    page.keyboard.press("Escape")
    page.locator(".chart.columns a").first.click()
    page.wait_for_url("**latest=2026-11-25T*")
    page.click("text=Save as draft")
    page.fill("dialog[open] input[name=name]", "Kubernetes Draft by Keys")
    page.keyboard.press("Enter")
    page.wait_for_url("**/drafts/kubernetes_draft_by_keys")
    assert look.faults == []


def test_the_choice_of_a_completion_is_told_to_screen_readers(live: Service, browser: Any) -> None:
    page = Look(live, browser).page
    page.goto(live.url + "/hunt")
    page.focus("#q")
    page.keyboard.type("* | stats c")
    page.wait_for_selector("#completions [role=option]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    active = page.get_attribute("#q", "aria-activedescendant")
    assert page.get_attribute(f"#{active}", "aria-selected") == "true"
    chosen = page.get_attribute(f"#{active}", "data-text")
    page.keyboard.press("Enter")
    assert page.input_value("#q").startswith(f"* | stats {chosen}")
    assert page.is_hidden("#completions")
