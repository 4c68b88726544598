"""The matrix as a layer for the ATT&CK Navigator, format 4.5.

Source: https://github.com/mitre-attack/attack-navigator/blob/master/layers/spec/v4.5/layerformat.md
"""

from __future__ import annotations

from typing import Any, Final

from podhawk.authoring.coverage.matrix import Coverage, Covered

_COLOURS: Final = {"proven": "#7fc79a", "claimed": "#f2cd7c", "gap": ""}
_SCORES: Final = {"proven": 100, "claimed": 50, "gap": 0}


def layer(coverage: Coverage, name: str = "podhawk coverage") -> dict[str, Any]:
    """The layer as plain data; a technique is one entry for each of its tactics."""
    facts = coverage.platform
    outside = ", ".join(f"{one.technique.id} {one.technique.name}" for one in coverage.outside)
    return {
        "name": name,
        "versions": {"attack": facts.attack, "navigator": "5.1.0", "layer": "4.5"},
        "domain": facts.domain,
        "description": "Techniques that detections claim"
        + (" and tests prove" if coverage.tested else "")
        + "."
        + (f" Not in the platform: {outside}." if outside else ""),
        "filters": {"platforms": [facts.platform]},
        "sorting": 0,
        "layout": {"layout": "side", "aggregateFunction": "average", "showID": True, "showName": True},
        "hideDisabled": False,
        "techniques": [
            _entry(one, tactic.name.lower().replace(" ", "-")) for tactic, row in coverage.matrix for one in row
        ],
        "gradient": {"colors": ["#ffffff", _COLOURS["claimed"], _COLOURS["proven"]], "minValue": 0, "maxValue": 100},
        "legendItems": [
            {"label": "proven by a test", "color": _COLOURS["proven"]},
            {"label": "claimed by a detection", "color": _COLOURS["claimed"]},
        ],
        "metadata": [],
        "links": [],
        "showTacticRowBackground": False,
        "selectTechniquesAcrossTactics": True,
        "selectSubtechniquesWithParent": False,
    }


def _entry(one: Covered, tactic: str) -> dict[str, Any]:
    return {
        "techniqueID": one.technique.id,
        "tactic": tactic,
        "score": _SCORES[one.state],
        "color": _COLOURS[one.state],
        "comment": "\n".join(one.detections),
        "enabled": True,
        "metadata": [],
        "links": [],
        "showSubtechniques": True,
    }
