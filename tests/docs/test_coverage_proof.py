"""The page that proves the coverage says what the logs say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from support import ROOT


@pytest.mark.slow
def test_the_page_is_current(shared: Path) -> None:
    spec = importlib.util.spec_from_file_location("coverage_proof", ROOT / "scripts" / "coverage_proof.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.page(shared) == module.PAGE.read_text(encoding="utf-8")
