"""The documentation says everything there is to know, and says it as the code does."""

from __future__ import annotations

import pytest

from podhawk.cli.main import EXIT_CODES, VERBS
from podhawk.cli.pages import PAGES
from podhawk.commands.registry import COMMANDS
from podhawk.content.model import Detection
from podhawk.detect.finding import Actor, Finding, RequestInfo, ScoredEntity, Target
from podhawk.detect.noise.registry import NOISE_CLASSES
from podhawk.detect.rank.exceptions import KEYS
from podhawk.detect.rank.priority import FACTORS
from podhawk.detect.risk.factors import DEFAULTS, row_of_finding
from podhawk.functions.aggregations import AGGREGATIONS
from podhawk.functions.registry import FUNCTIONS
from podhawk.settings.options import OPTIONS
from podhawk.settings.switches import DIFFERENCES, SWITCHES
from support import ROOT

DOCS = ROOT / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_generated_page_is_current(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == PAGES[name]() + "\n", "run scripts/docs"


def test_every_command_function_and_aggregation_has_its_entry() -> None:
    page = (DOCS / "spl.md").read_text(encoding="utf-8")
    names = {f"### {command.name}\n" if not command.refused else f"| {command.name} |" for command in COMMANDS.values()}
    names |= {f"### {function.name}()" for function in FUNCTIONS.values()}
    names |= {f"### {one.name} (aggregation)" for one in AGGREGATIONS.values()}
    names |= {f"| {switch.name} |" for switch in (*SWITCHES, *DIFFERENCES)}
    assert [name for name in names if name not in page] == []


def test_every_verb_option_and_exit_code_has_its_entry() -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    names = {f"podhawk {verb}" for verb in VERBS} | {f"`--{option.name}`" for option in OPTIONS}
    names |= {option.variable for option in OPTIONS} | {f"| {code} |" for code in EXIT_CODES}
    assert [name for name in names if name not in page] == []


def test_every_noise_class_factor_and_risk_factor_has_its_line() -> None:
    page = (DOCS / "findings.md").read_text(encoding="utf-8")
    lines = [f"| `{one.name}` | {one.action} | {one.doc} |" for one in NOISE_CLASSES]
    lines += [f"| `{one.name}` | {one.points:+d} | {one.reason} |" for one in FACTORS]
    lines += [f"| `{one.name}` | `{one.when}` | ×{one.multiply:g} |" for one in DEFAULTS]
    lines += [f"{key}:" for key in KEYS]
    lines += [f"`{name}`" for name in row_of_finding_fields()]
    assert [line for line in lines if line not in page] == []


def row_of_finding_fields() -> set[str]:
    """The fields that risk conditions can name."""
    entity = ScoredEntity("user", "user", "x", 1)
    one = Finding(
        finding_id="",
        detection=Detection(name="", search=""),
        kind="finding",
        first_time=0,
        last_time=0,
        title="",
        severity="low",
        risk_score=0,
        cluster="",
        actor=Actor("u", ("g",), source_ip="i", user_agent="a"),
        target=Target("r", "s", "", "n", "m"),
        requests=(RequestInfo("", "v", "", (), 1, "", "", ""),),
    )
    return set(row_of_finding(one, entity, "owner"))
