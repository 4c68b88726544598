"""Real logs through the service: what it finds is what a run finds, and it keeps no secret of them."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from random import Random

import pytest

from support.processes import wait_for
from support.secret_values import held_in, secrets_of
from support.served import alike, expected, expected_of_lake, risk_of, send
from support.service import balanced, service

pytestmark = [pytest.mark.needs("serve"), pytest.mark.slow]
LOGS = {"A": "A-metadata", "C": "C-requestresponse"}
if os.environ.get("PODHAWK_EFFORT") == "full":
    LOGS |= {"D": "D-background-1", "F": "F-background-bodies", "H": "H-evasions"}
WITH_BODIES = ("C", "F", "H")


def shuffled(lines: list[bytes], seconds: float, seed: int) -> list[bytes]:
    """Lines out of order, each by at most so many seconds of the time at which it was received."""
    from podhawk.events.time import parse_rfc3339

    random = Random(seed)

    def place(line: bytes) -> float:
        time = parse_rfc3339(json.loads(line)["requestReceivedTimestamp"])
        return (time or 0.0) + random.uniform(0, seconds)

    return sorted(lines, key=place)


@pytest.mark.parametrize("corpus", LOGS)
def test_a_real_log_out_of_order_and_in_part_twice(shared: Path, tmp_path: Path, corpus: str) -> None:
    log = shared / "audit" / "corpus" / f"{LOGS[corpus]}.log.gz"
    lines = gzip.decompress(log.read_bytes()).splitlines()
    findings, risk = expected(lines, tmp_path, "prod")
    sent = shuffled(lines, 300.0, 11)
    sent += sent[::9]
    with service(tmp_path / "live") as live:
        half = len(sent) // 2
        send(live, sent[:half], "prod", 400)
        live.stop()
        live.age_inbox()
        live.start()
        send(live, sent[half:], "prod", 400)
        live.wait_until_evaluated(seconds=900)
        account = live.ledger()["webhook:prod/cp-1"]
        assert account["received"] == len(sent)
        assert account["rejected"] == {}
        assert balanced(account)
        assert alike(live.findings()) == findings
        assert risk_of(str(live.folder)) == risk
        wait_for(lambda: live.metric("podhawk_lake_events") == half, 60, f"the lake: {live.log}")
        assert expected_of_lake(str(live.folder), tmp_path) == (findings, risk)
        metrics = live.get("/metrics").text
        pages = json.dumps(live.findings()) + live.get("/api/v1/dead-letters").text
    if corpus in WITH_BODIES:
        secrets = secrets_of(log)
        texts = {str(path): path.read_bytes().decode("utf-8", "replace") for path in live.folder.rglob("*.*")}
        texts |= {
            str(path): gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
            for path in (live.folder / "lake").rglob("*.gz")
        }
        assert any("/lake/" in name for name in texts)
        texts |= {"metrics": metrics, "log": live.log, "pages": pages}
        assert any("inbox-" in name for name in texts)
        assert {name: held for name, text in texts.items() if (held := held_in(text, secrets))} == {}
