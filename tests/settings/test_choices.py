"""Choices that differ from verb to verb."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.errors import UsageError
from podhawk.settings.resolve import resolve


@pytest.mark.parametrize(("output", "used"), [("csv", None), ("table", None), ("jsonl", "jsonl")])
def test_an_output_for_all_verbs_does_not_stop_a_verb_that_has_its_own(
    output: str, used: str | None, tmp_path: Path
) -> None:
    assert resolve("explain", {}, {"PODHAWK_OUTPUT": output}, tmp_path).values["output"] == used
    assert resolve("run", {}, {"PODHAWK_OUTPUT": output}, tmp_path).values["output"] == output


def test_on_the_command_line_it_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Choose one of text, jsonl, json"):
        resolve("explain", {"output": "csv"}, {}, tmp_path)
