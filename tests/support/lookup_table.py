"""A lookup table and a CSV file for tests: ann is in the team red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from podhawk.rows import Value


class Teams:
    """Users and their teams."""

    rows = ({"user": "ann", "team": "red"},)

    def outputs(self, inputs: Mapping[str, str], wanted: Sequence[str]) -> dict[str, Value]:
        found = next((row for row in self.rows if inputs.items() <= row.items()), {})
        return {name: found[name] for name in wanted if name in found}


def teams(name: str) -> Teams:
    """The table of any name."""
    return Teams()


class TeamFiles:
    """One CSV file under every name; what is written goes nowhere."""

    def read(self, name: str) -> tuple[tuple[str, ...], list[dict[str, str]]]:
        return ("user", "team"), [dict(row) for row in Teams.rows]

    def write(self, name: str, rows: Sequence[Mapping[str, Value]], columns: Sequence[str], append: bool) -> None:
        """No later command reads it."""
