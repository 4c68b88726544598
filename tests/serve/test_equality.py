"""What the service finds is what `podhawk run` finds over the same events."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from support.served import alike, demo_lines, expected, risk_of, send
from support.service import balanced, service

pytestmark = pytest.mark.needs("serve")


@pytest.mark.slow
def test_findings_risk_and_incidents_are_those_of_a_run(tmp_path: Path) -> None:
    lines = demo_lines(1600)
    findings, risk = expected(lines, tmp_path, "prod")
    assert any('"kind": "incident"' in one for one in findings)
    shuffled = [*lines, *lines[:300]]
    Random(7).shuffle(shuffled)
    with service(tmp_path / "live") as live:
        send(live, shuffled, "prod")
        live.wait_until_evaluated()
        account = live.ledger()["webhook:prod/cp-1"]
        assert account["received"] == len(shuffled)
        assert balanced(account)
        assert alike(live.findings()) == findings
        assert risk_of(str(live.folder)) == risk
        assert live.metric("podhawk_evaluator_starts_total") == 1
