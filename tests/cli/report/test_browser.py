"""The report in a real browser: two widths, two themes, on paper, and with hostile values."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from podhawk.cli.main import invoke
from podhawk.content.datasets import shipped_attacks
from support.browser import LOOKS, PHONE, Browser, axe_faults, opened
from support.findings import NOW
from support.hostile import HIDDEN, MARKUP, exceptions, hostile_content, hostile_log

pytestmark = pytest.mark.slow
ONLY = (
    "Kubernetes Privileged Pod",
    "Kubernetes Suspicious Image Pulling",
    "Kubernetes Unauthorized Access",
)
"""Few detections: axe-core takes half a minute for the report of all of them."""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The report of the shipped attacks, and that of the hostile log."""
    folder = tmp_path_factory.mktemp("reports")
    given = {
        "attacks": [*(word for name in ONLY for word in ("--only", name)), shipped_attacks()],
        "hostile": [
            "--all", "--content", hostile_content(folder), "--exceptions", exceptions(folder), hostile_log(folder)
        ],
    }  # fmt: skip
    for name, words in given.items():
        path = str(folder / f"{name}.html")
        assert invoke(["run", "-q", "--now", NOW, "-o", "html", "--output-file", path, *map(str, words)]) in (0, 3)
    return {name: folder / f"{name}.html" for name in given}


@pytest.fixture(params=LOOKS)
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Browser]:
    with opened(request.param, tmp_path / "profile") as context:
        yield context


@pytest.mark.parametrize("name", ["attacks", "hostile"])
def test_no_accessibility_fault_no_request_no_sideways_scroll(
    browser: Browser, reports: dict[str, Path], name: str
) -> None:
    requests: list[str] = []
    faults: list[str] = []
    browser.on("request", lambda request: requests.append(request.url))
    page = browser.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text))
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    page.goto(reports[name].as_uri())
    assert faults == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert axe_faults(page) == []
    assert page.title() == "Kubernetes audit-log findings · podhawk"
    assert requests == [reports[name].as_uri()]


def test_hostile_values_stay_text(browser: Browser, reports: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(reports["hostile"].as_uri())
    counted = page.evaluate(
        "document.querySelectorAll('script,img,svg,iframe,form,base,link,object,embed,button,input,[onload],[onerror],"
        "[onfocus],[onmouseover],[style]').length"
    )
    assert counted == 0
    assert page.evaluate("document.querySelectorAll('style').length") == 1
    assert page.evaluate("[...document.links].every(one => one.getAttribute('href').startsWith('#'))")
    text = page.inner_text("main")
    assert not HIDDEN & set(text)
    assert MARKUP[0] in text
    # All that stands in the page is drawn: no value can hide what comes after it.
    assert page.is_visible("footer")
    assert page.is_visible("#terms")


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine: its address, and the paths that it was asked for."""
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


def test_the_policy_stops_what_escaping_would_have_let_through(
    browser: Browser, reports: dict[str, Path], listener: tuple[str, list[str]]
) -> None:
    address, asked = listener
    page = browser.new_page()
    page.goto(reports["attacks"].as_uri())
    page.evaluate(
        f"document.body.insertAdjacentHTML('beforeend', `<img src='{address}/x.png' onerror='window.ran=1'>"
        f"<iframe src='{address}/frame'></iframe><link rel='stylesheet' href='{address}/x.css'>"
        "<style>#terms{display:none}</style><p style='color:red' id='styled'>x</p>`)"
    )
    page.evaluate(
        f"for (const [name, value] of [['textContent', 'window.ran=1'], ['src', '{address}/x.js']])"
        "{const one = document.createElement('script'); one[name] = value; document.body.append(one)}"
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
    assert page.is_visible("#terms")
    assert page.evaluate("getComputedStyle(document.getElementById('styled')).color") != "rgb(255, 0, 0)"
    assert asked == []
    without = browser.new_page()
    without.set_content(f"<img src='{address}/seen.png'>")
    assert asked == ["/seen.png"], "the browser cannot reach the listener, so that it proves nothing"


def test_themes_differ_and_a_phone_shows_every_cell(browser: Browser, reports: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(reports["attacks"].as_uri())
    ground, ink = page.evaluate("(one => [one.backgroundColor, one.color])(getComputedStyle(document.body))")
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert (_brightness(ground) < _brightness(ink)) is dark
    if page.viewport_size["width"] == PHONE[0]:
        assert page.evaluate(
            "[...document.querySelectorAll('td')].every(one => one.getBoundingClientRect().right <= innerWidth)"
        )


def _brightness(colour: str) -> float:
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3]))


def test_on_paper_it_is_dark_on_light_and_complete(browser: Browser, reports: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(reports["attacks"].as_uri())
    parts = page.evaluate("document.querySelectorAll('main section:not(.less), main article').length")
    page.emulate_media(media="print")
    ground, ink = page.evaluate("(one => [one.backgroundColor, one.color])(getComputedStyle(document.body))")
    assert (ground, ink) == ("rgb(255, 255, 255)", "rgb(0, 0, 0)")
    assert page.is_hidden("nav")
    drawn = page.evaluate(
        "[...document.querySelectorAll('main section:not(.less), main article')]"
        ".filter(one => one.offsetHeight > 0).length"
    )
    assert drawn == parts
    page.set_viewport_size({"width": 690, "height": 1000})  # the width of A4 between its margins
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate("getComputedStyle(document.querySelector('thead')).display") == "table-header-group"
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_a_printed_report_of_ten_thousand_events_had_166_pages(tmp_path: Path) -> None:
    """Each detection of each identity is printed, but the evidence only of the most urgent ones."""
    path = tmp_path / "all.html"
    words = ["run", "-q", "--now", NOW, "-o", "html", "--output-file", str(path), str(shipped_attacks())]
    assert invoke(words) in (0, 3)
    with opened("light-desktop", tmp_path / "profile") as browser:
        page = browser.new_page()
        page.goto(path.as_uri())
        folded = page.evaluate("[...document.querySelectorAll('details')].map(one => !one.open)")
        assert len(folded) > 5
        assert all(folded)
        page.emulate_media(media="print")
        heights = page.evaluate(
            "[...document.querySelectorAll('details')].map(one => [one, one.firstElementChild])"
            ".map(pair => pair.map(one => one.getBoundingClientRect().height))"
        )
        assert all(own > 0 and whole - own < 4 for whole, own in heights)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
    assert 5 < pages < 45
