"""Where a detection fires follows from its search and from the places, never from its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.authoring.pages.trace import level_of, trace
from podhawk.authoring.pages.where import verdicts
from podhawk.content import Content, load_content

PLACES = ("onprem-none", "onprem-metadata", "onprem-request", "onprem-requestresponse", "eks", "gke", "aks")


def outcomes(content: Content, stem: str) -> dict[str, str]:
    one = next(one for one in content.detections if one.stem == stem)
    return {verdict.place: verdict.outcome for verdict in verdicts(trace(one, content))}


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("pod_tags", "cannot fires fires fires fires partly fires"),
        ("body", "cannot cannot fires fires fires fires fires"),
        ("either", "cannot partly fires fires fires fires fires"),
        ("unless", "cannot fires fires fires fires partly partly"),
        ("grouped", "cannot cannot cannot fires fires partly partly"),
        ("events", "cannot cannot fires fires cannot cannot cannot"),
    ],
)
def test_outcome_at_each_place(content: Content, stem: str, expected: str) -> None:
    assert outcomes(content, stem) == dict(zip(PLACES, expected.split(), strict=True))


def test_a_field_that_fillnull_fills_does_not_drop_rows(content: Content) -> None:
    one = next(one for one in content.detections if one.stem == "pod_tags")
    gke = next(verdict for verdict in verdicts(trace(one, content)) if verdict.place == "gke")
    assert gke.reasons == ("Fields without values here: user.groups{}.",)


def test_a_search_over_another_source_fires_nowhere(tmp_path: Path) -> None:
    (tmp_path / "detections").mkdir()
    (tmp_path / "detections" / "x.yml").write_text("name: x\nsearch: source=falco verb=get\ntype: Hunting\n")
    assert set(outcomes(load_content([tmp_path]), "x").values()) == {"cannot"}


def test_a_broken_search_says_why_instead_of_failing(tmp_path: Path) -> None:
    (tmp_path / "detections").mkdir()
    (tmp_path / "detections" / "x.yml").write_text("name: x\nsearch: '`nowhere` verb=get'\ntype: Hunting\n")
    content = load_content([tmp_path])
    found = verdicts(trace(content.detections[0], content))
    assert {one.outcome for one in found} == {"unknown"}
    assert "nowhere" in found[0].reasons[0]


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("verb", "Metadata"),
        ("sourceIPs{}", "Metadata"),
        ("requestObject.spec", "Request"),
        ("responseObject.kind", "RequestResponse"),
        ("source", "any"),
        ("_raw", "any"),
        ("Country", "not an audit field"),
    ],
)
def test_level_of_a_field(name: str, level: str) -> None:
    assert level_of(name) == level


def test_published_content_has_a_verdict_with_a_reason_everywhere(published: Content) -> None:
    for one in published.detections:
        found = verdicts(trace(one, published))
        assert [verdict.place for verdict in found] == list(PLACES)
        assert all(verdict.reasons for verdict in found)
