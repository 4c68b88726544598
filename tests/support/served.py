"""What the service found, to be compared with what one run finds over the same events."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from podhawk import api
from podhawk.content.load import shipped_pack
from podhawk.detect.report.finding_json import to_record
from podhawk.store.datasets import SqlDatasets
from support.service import Service, event_list

_OURS = ("revision", "replaces", "status", "disposition", "assignee", "note", "triage_changed")
"""Members that do not come from the events."""


def demo_lines(most: int) -> list[bytes]:
    return gzip.decompress((shipped_pack() / "datasets" / "demo.log.gz").read_bytes()).splitlines()[:most]


def alike(records: list[dict[str, Any]]) -> list[str]:
    """Findings without what depends on how they came."""
    found = []
    for one in records:
        kept = {name: value for name, value in one.items() if name not in _OURS}
        kept["requests"] = [{**request, "source": ""} for request in one["requests"]]
        found.append(json.dumps(kept, sort_keys=True))
    return sorted(found)


def risk_of(state: str) -> list[str]:
    return sorted(str(sorted(row.items())) for row in SqlDatasets(state).rows("Risk", "All_Risk"))


def expected(lines: list[bytes], folder: Path, cluster: str) -> tuple[list[str], list[str]]:
    """Findings and risk of one run over all events."""
    log = folder / "whole.log"
    log.write_bytes(b"".join(line + b"\n" for line in lines))
    state = str(folder / "whole")
    result = api.run(shipped_pack(), log, state=state, cluster=cluster, jobs=1)
    return alike([to_record(one) for one in result.found.everything()]), risk_of(state)


def expected_of_lake(state: str, folder: Path) -> tuple[list[str], list[str]]:
    """Findings and risk of one run over what a service keeps."""
    own = str(folder / "of-lake")
    result = api.run(shipped_pack(), f"state:{state}", state=own, jobs=1)
    return alike([to_record(one) for one in result.found.everything()]), risk_of(own)


def send(to: Service, lines: list[bytes], cluster: str, size: int = 200) -> None:
    for start in range(0, len(lines), size):
        answer = to.post(f"/audit/{cluster}/cp-1?timeout=30s", event_list(lines[start : start + size]))
        assert answer.status_code == 200, answer.text
