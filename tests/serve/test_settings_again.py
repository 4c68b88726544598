"""What podhawk.toml says is taken over while the service runs, and nothing that was taken over is reverted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from podhawk.serve.evaluator.loaded import settings_now
from podhawk.serve.evaluator.process import Order, order_of
from podhawk.settings.resolve import Settings, resolve


def settings(folder: Path, text: str, environment: dict[str, str] | None = None, **given: Any) -> Settings:
    """Settings with a podhawk.toml in a folder, as the process of the evaluator gets them."""
    (folder / "podhawk.toml").write_text(text)
    found = resolve("serve", {"state": str(folder / "state"), **given}, environment or {}, folder)
    return msgspec.json.decode(order_of(found), type=Order).settings()


@pytest.mark.parametrize("key", ["only", "exclude", "shadow"])
def test_an_option_that_the_file_had_at_the_start_was_never_taken_over(tmp_path: Path, key: str) -> None:
    at_start = settings(tmp_path, f'{key} = ["A*"]\n')
    assert at_start[key] == ["A*"]
    (tmp_path / "podhawk.toml").write_text(f'{key} = ["B*"]\n')
    after = settings_now(at_start)
    assert after[key] == ["B*"]
    (tmp_path / "podhawk.toml").write_text("")
    assert settings_now(after)[key] == []


def test_options_of_the_command_line_and_the_environment_stay(tmp_path: Path) -> None:
    at_start = settings(tmp_path, 'only = ["A*"]\n', {"PODHAWK_SHADOW": "E*"}, only=["C*"], exclude=())
    (tmp_path / "podhawk.toml").write_text('only = ["B*"]\nexclude = ["B*"]\nshadow = ["B*"]\n')
    after = settings_now(at_start)
    assert (after["only"], after["exclude"], after["shadow"]) == (["C*"], ["B*"], ["E*"])
