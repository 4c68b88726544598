"""The site in a real browser: no accessibility fault, no request to a network, nothing wider than a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from podhawk.authoring.coverage import cover, html
from podhawk.authoring.pages import build_site
from podhawk.content import load_content, shipped_pack
from support.browser import LOOKS, Browser, axe_faults, opened
from support.needs import find_shared

PAGES = ("detections/{seed}.html", "index.html", "attack.html", "stories/{story}.html", "coverage.html")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """The site of published content where it is there, of the shipped pack elsewhere."""
    shared = find_shared()
    content = load_content([shared / "content" / "splunk" if shared else shipped_pack()])
    folder = tmp_path_factory.mktemp("site") / "site"
    build_site(content, folder)
    (folder / "coverage.html").write_text(html(cover(content.detections)), "utf-8")
    return folder, "kubernetes-pod-created-in-default-namespace", "kubernetes-security"


@pytest.fixture(params=LOOKS)
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Browser]:
    """A fresh browser in one theme and width."""
    with opened(request.param, tmp_path / "profile") as context:
        yield context


def test_no_accessibility_fault_no_request_elsewhere_no_sideways_scroll(
    browser: Browser, site: tuple[Path, str, str]
) -> None:
    folder, seed, story = site
    requests: list[str] = []
    faults: list[str] = []
    browser.on("request", lambda request: requests.append(request.url))
    page = browser.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    for name in PAGES:
        page.goto((folder / name.format(seed=seed, story=story)).as_uri())
        assert axe_faults(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
    assert faults == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


def test_search_and_theme_work(browser: Browser, site: tuple[Path, str, str]) -> None:
    folder, seed, _ = site
    page = browser.new_page()
    page.goto((folder / "index.html").as_uri())
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert before != after
    page.keyboard.press("/")
    page.keyboard.type("created default namespace")
    assert page.get_attribute("#find", "aria-expanded") == "true"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{seed}.html")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == after
    page.fill("#find", "no such page at all")
    assert page.inner_text("#found") == "No page found"
    page.keyboard.press("Escape")
    assert page.is_hidden("#found")


def test_the_index_can_be_filtered_and_a_search_copied(browser: Browser, site: tuple[Path, str, str]) -> None:
    folder, seed, _ = site
    page = browser.new_page()
    page.goto((folder / "index.html").as_uri())
    everything = page.locator("li[data-type]:visible").count()
    button = page.locator("#filters button").first
    button.click()
    some = page.locator("li[data-type]:visible").count()
    assert 0 < some < everything
    assert page.inner_text("#filtered") == f"{some} of {everything} shown"
    assert axe_faults(page) == []
    button.click()
    assert page.locator("li[data-type]:visible").count() == everything
    page.goto((folder / f"detections/{seed}.html").as_uri())
    page.click("button.copy")
    page.wait_for_function("document.querySelector('button.copy').textContent !== 'Copy'")


def test_first_tab_stop_skips_to_the_content(browser: Browser, site: tuple[Path, str, str]) -> None:
    page = browser.new_page()
    page.goto((site[0] / "index.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
