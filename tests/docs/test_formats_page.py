"""docs/formats.md tells of every format and every reason."""

from __future__ import annotations

from podhawk.events.reasons import REASONS
from podhawk.events.registry import FORMATS
from support import ROOT

PAGE = (ROOT / "docs/formats.md").read_text(encoding="utf-8")


def test_every_format_has_an_entry() -> None:
    assert [form.name for form in FORMATS if f"### `{form.name}`" not in PAGE] == []
    assert PAGE.count("\n### `") == len(FORMATS) + 2  # and the two that are only read by option


def test_every_reason_has_an_entry() -> None:
    assert [reason for reason in REASONS if f"| {reason} |" not in PAGE] == []
