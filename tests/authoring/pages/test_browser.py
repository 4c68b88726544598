"""The site in a real browser: no accessibility fault, no request to a network, nothing wider than a phone."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from podhawk.authoring.coverage import cover, html
from podhawk.authoring.pages import build_site
from podhawk.content import load_content, shipped_pack
from support.needs import find_shared, program

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, PHONE = (1280, 900), (390, 844)
PAGES = ("detections/{seed}.html", "index.html", "attack.html", "stories/{story}.html", "coverage.html")
Browser = Any


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """The site of published content where it is there, of the shipped pack elsewhere."""
    shared = find_shared()
    content = load_content([shared / "content" / "splunk" if shared else shipped_pack()])
    folder = tmp_path_factory.mktemp("site") / "site"
    build_site(content, folder)
    (folder / "coverage.html").write_text(html(cover(content.detections)), "utf-8")
    return folder, "kubernetes-pod-created-in-default-namespace", "kubernetes-security"


@pytest.fixture(
    params=[("light", DESKTOP), ("light", PHONE), ("dark", DESKTOP), ("dark", PHONE)],
    ids=["light-desktop", "light-phone", "dark-desktop", "dark-phone"],
)
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Browser]:
    """A fresh browser in one theme and width."""
    from playwright.sync_api import sync_playwright

    scheme, (width, height) = request.param
    with sync_playwright() as started:
        context = started.chromium.launch_persistent_context(
            str(tmp_path / "profile"),
            executable_path=program("chromium"),
            headless=True,
            args=list(FLAGS),
            color_scheme=scheme,
            viewport={"width": width, "height": height},
        )
        yield context
        context.close()


def test_no_accessibility_fault_no_request_elsewhere_no_sideways_scroll(
    browser: Browser, site: tuple[Path, str, str]
) -> None:
    axe = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
    folder, seed, story = site
    requests: list[str] = []
    faults: list[str] = []
    browser.on("request", lambda request: requests.append(request.url))
    page = browser.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    for name in PAGES:
        page.goto((folder / name.format(seed=seed, story=story)).as_uri())
        page.evaluate(axe)
        # preload would have axe fetch the style sheet, which the pages forbid.
        found = page.evaluate("axe.run(document, {preload: false})")
        assert found["passes"], name
        assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]] == [], name
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


def test_first_tab_stop_skips_to_the_content(browser: Browser, site: tuple[Path, str, str]) -> None:
    page = browser.new_page()
    page.goto((site[0] / "index.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
