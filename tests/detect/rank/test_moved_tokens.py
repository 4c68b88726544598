"""A token that is used from another address than before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.findings import detection, event, run, write

SEARCH = "verb=get objectRef.resource=secrets"


def read(audit_id: str, at: str, token: str, address: str, namespace: str = "payments") -> dict[str, Any]:
    extra = {"authentication.kubernetes.io/credential-id": [token]}
    return event(
        audit_id,
        at=at,
        verb="get",
        user={"username": "system:serviceaccount:payments:api", "uid": "1", "extra": extra},
        userAgent="api/1",
        sourceIPs=[address],
        objectRef={"resource": "secrets", "namespace": namespace, "name": "s"},
        responseStatus={"code": 200},
    )


def test_a_stolen_token_in_its_own_namespace_was_below_the_bar(tmp_path: Path) -> None:
    log = write(
        tmp_path / "a.log",
        read("home", "10:00:00.1", "JTI=1", "10.1.0.5"),
        read("moved", "10:00:01.1", "JTI=1", "10.9.9.9"),
        read("restarted", "10:00:02.1", "JTI=2", "10.1.0.6"),
        read("again", "10:00:03.1", "JTI=1", "10.1.0.5"),
    )
    found = {one.requests[0].audit_id: one for one in run(log, detection(SEARCH, risk_score=20))}
    assert {name for name, one in found.items() if one.actor.borrowed} == {"moved"}
    assert {name for name, one in found.items() if one.visible} == {"moved"}
    assert found["moved"].actor.borrowed == "its token was used from 10.1.0.5 before"
