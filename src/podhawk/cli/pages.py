"""The generated pages of docs/, by file name: `python -m podhawk.cli.pages` writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from podhawk.cli import manual, reference

PAGES: dict[str, Callable[[], str]] = {"cli.md": manual.whole, "spl.md": reference.whole}


def write(folder: Path) -> None:
    """Write every generated page."""
    for name, page in PAGES.items():
        (folder / name).write_text(page() + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).resolve().parents[3] / "docs")
