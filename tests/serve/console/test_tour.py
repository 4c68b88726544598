"""The tour of docs/console.md in a real browser, from `podhawk serve --demo` to an exception that holds.

It makes the pictures of the page: with WRITE_SCREENS=1 they are written to docs/console.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from support.browser import PICTURES, Browser, axe_faults, opened
from support.processes import free_port, wait_for
from support.service import SECONDS

DOCS: Final = Path(__file__).parents[3] / "docs"
SHOWN: Final = re.compile(r"!\[[^]]+\]\(console/(\w+)\.png\)")
NAMES: Final = ("queue", "finding", "exception", "accepted", "identity", "hunt", "content", "coverage", "health")
AS: Final[dict[str, Any]] = {"type": "png", "caret": "initial"}
"""How a picture is made. To hide the caret would write styles into the page, which its policy forbids."""
LONG: Final = 4 * SECONDS * 1000
"""Milliseconds for what reads the whole lake."""


class Demo(NamedTuple):
    """A demo that runs: its address, and what it printed to sign in."""

    url: str
    name: str
    password: str


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    listen = f"127.0.0.1:{free_port()}"
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "podhawk", "serve", "--demo", "--listen", listen],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=tmp_path,
    ) as process:
        assert process.stdout is not None
        try:
            told: dict[str, str] = {}
            while "password" not in told:
                name, _, value = process.stdout.readline().strip().partition(" ")
                told[name] = value.strip()
            yield Demo(told["console"].rstrip("/"), told["name"], told["password"])
        finally:
            process.terminate()
            process.stdout.read()


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Browser]:
    with opened("light-desktop", tmp_path / "profile") as context:
        yield context


def picture(page: Any, name: str) -> None:
    """Keep a picture of the tour; with WRITE_SCREENS also for the docs."""
    assert axe_faults(page) == [], name
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(PICTURES / f"tour-{name}.png"), **AS)
    if os.environ.get("WRITE_SCREENS"):
        (DOCS / "console").mkdir(exist_ok=True)
        page.screenshot(path=str(DOCS / "console" / f"{name}.png"), **AS)


@pytest.mark.slow
@pytest.mark.needs("serve")
def test_from_the_demo_to_an_exception_that_holds(desktop: Browser, demo: Demo) -> None:
    page = desktop.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
    page.on("request", lambda asked: None if asked.url.startswith(f"{demo.url}/") else faults.append(asked.url))

    page.goto(demo.url)
    page.fill("[name=name]", demo.name)
    page.fill("[name=password]", demo.password)
    page.click("text=Sign in >> nth=-1")
    page.wait_for_url("**/queue")

    counts: list[str] = []

    def is_quiet() -> bool:
        page.wait_for_timeout(2_000)
        page.reload()
        counts.append(page.inner_text("#view p.summary") if page.locator("text=mallory").count() else "")
        return len(counts) > 2 and counts[-1] != "" and len(set(counts[-3:])) == 1

    wait_for(is_quiet, 3 * SECONDS, "the demo's findings")
    picture(page, "queue")

    # Triage: take the most urgent row with the keyboard.
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("e")
    page.select_option("#bulk-status", "in_progress")
    page.click("[data-needs-selected]")
    page.wait_for_selector("#told p")
    assert re.fullmatch(r"\d+ findings changed\.", page.inner_text("#told")), "what it came to was not told"
    page.wait_for_selector("[data-row] .mark:has-text('in progress')")

    # Explain: one finding of mallory.
    page.goto(f"{demo.url}/queue?rows=findings&actor=mallory&detection=Kubernetes+Privileged+Pod")
    page.locator("a[data-open]").first.click()
    page.wait_for_selector("text=What happened")
    assert page.is_visible("text=Why it fired")
    picture(page, "finding")
    finding = page.url

    # Hunt: from there.
    page.goto(f"{demo.url}/hunt?q=user.username%3Dmallory+%7C+top+10+objectRef.resource&earliest=-24h")
    page.wait_for_selector("#results svg", timeout=LONG)
    picture(page, "hunt")

    # Exception: measured, proposed, accepted; it holds.
    page.goto(finding)
    page.click("text=Close and propose exception")
    page.wait_for_selector("#exception textarea")
    page.fill("#exception [name=reason]", "a test of the red team, agreed until Friday")
    page.click("text=Measure what it would hide")
    page.wait_for_selector("text=Blast radius", timeout=LONG)
    if page.locator("[name=accept]").count():
        page.fill("[name=accept]", "a test of the red team")
    picture(page, "exception")
    page.click("#exception button.main")
    page.wait_for_selector("text=Proposed exception")
    page.click("button:text-is('Accept')")
    page.wait_for_selector("text=It holds.")
    picture(page, "accepted")

    def is_hidden() -> bool:
        page.goto(f"{demo.url}/queue?show=hidden&hidden_by=exception&rows=findings&status=any")
        return bool(page.locator(f'a[href="{finding.removeprefix(demo.url)}"]').count())

    wait_for(is_hidden, 2 * SECONDS, "the exception to hold")

    page.goto(f"{demo.url}/identities?name=mallory&earliest=-30d")
    page.wait_for_selector("#lake .facet-grid", timeout=LONG)
    picture(page, "identity")
    for name in ("content", "coverage", "health"):
        page.goto(f"{demo.url}/{name}")
        picture(page, name)
    assert faults == []


def test_the_pictures_of_the_tour_are_those_that_are_made() -> None:
    text = (DOCS / "console.md").read_text(encoding="utf-8")
    assert sorted(SHOWN.findall(text)) == sorted(NAMES)
    made = {one.stem: one.read_bytes()[:4] for one in (DOCS / "console").iterdir()}
    assert made == dict.fromkeys(NAMES, b"\x89PNG")
