"""The Threat Matrix for Kubernetes by what detections claim."""

from __future__ import annotations

import re

from podhawk.authoring.coverage.threats import threat_matrix
from podhawk.content.model import Detection


def claimed(*names: str) -> dict[str, tuple[str, ...]]:
    detection = Detection(name="d", search="", mitre_attack_id=names)
    return {one.id: one.detections for _, row in threat_matrix([detection]) for one in row if one.detections}


def test_every_technique_has_an_id_a_name_and_techniques_of_attack() -> None:
    matrix = threat_matrix([])
    assert [name for name, _ in matrix][:2] == ["Initial Access", "Execution"]
    every = {one.id: one for _, row in matrix for one in row}
    assert len(every) == 40
    for one in every.values():
        assert re.fullmatch(r"MS-TA90\d\d", one.id)
        assert one.name
        assert all(re.fullmatch(r"T\d{4}(?:\.\d{3})?", id_) for id_ in one.attack)


def test_a_detection_claims_what_its_technique_stands_for() -> None:
    assert set(claimed("T1610")) == {"MS-TA9008", "MS-TA9011", "MS-TA9018"}
    assert set(claimed("t1059.004")) == {"MS-TA9007"}
    assert claimed("T1552.007") == {"MS-TA9025": ("d",), "MS-TA9027": ("d",)}
    assert claimed("T15") == {}
    assert claimed() == {}
