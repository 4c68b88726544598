"""Chromium without a screen, for tests of pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from support.needs import program

FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, PHONE = (1280, 900), (390, 844)
LOOKS: Final = {
    "light-desktop": ("light", DESKTOP),
    "light-phone": ("light", PHONE),
    "dark-desktop": ("dark", DESKTOP),
    "dark-phone": ("dark", PHONE),
}
"""The themes and sizes in which pages are tested."""
Browser = Any
PICTURES: Final = Path(__file__).parents[2] / "build" / "screenshots"
"""Where the pictures of docs/console.md are kept."""


def keep(page: Any, name: str, *, whole: bool = False) -> None:
    """Keep a picture of what a page shows, or of the `whole` page."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(PICTURES / f"{name}.png"), full_page=whole)


@contextmanager
def opened(look: str, profile: Path) -> Iterator[Browser]:
    """A fresh browser with one of LOOKS, its profile in a folder of its own."""
    from playwright.sync_api import sync_playwright

    scheme, (width, height) = LOOKS[look]
    with sync_playwright() as started:
        context = started.chromium.launch_persistent_context(
            str(profile),
            executable_path=program("chromium"),
            headless=True,
            args=list(FLAGS),
            color_scheme=scheme,
            viewport={"width": width, "height": height},
        )
        yield context
        context.close()


def axe_faults(page: Any) -> list[tuple[str, Any]]:
    """The accessibility faults that axe-core finds on a page."""
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    # preload would have axe fetch the style sheet, which the pages forbid.
    found = page.evaluate("axe.run(document, {preload: false})")
    assert found["passes"]
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]]
