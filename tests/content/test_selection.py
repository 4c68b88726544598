"""Which detections `--only` and `--exclude` take."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.content import Content, load_content, select, shipped_pack
from podhawk.errors import UsageError

SITE = Path(__file__).parent / "data" / "site"
LIVE = {"First Generation", "Transition Form", "Second Generation", "Third Generation"}


@pytest.fixture(scope="module")
def content() -> Content:
    return load_content([SITE])


CASES: list[tuple[list[str], list[str], set[str]]] = [
    ([], [], LIVE),
    (["first generation"], [], {"First Generation"}),
    (["FIRST_GENERATION"], [], {"First Generation"}),
    (["00000000-0000-4000-8000-000000000003"], [], {"Second Generation"}),
    (["*generation"], [], LIVE - {"Transition Form"}),
    (["first*", "third*"], [], {"First Generation", "Third Generation"}),
    (["site story"], [], LIVE),
    (["story=Site*"], [], LIVE),
    (["type=ttp"], [], LIVE),
    (["technique=T1053"], [], LIVE),
    (["technique=t1053.007"], [], LIVE),
    (["name=Second*"], [], {"Second Generation"}),
    (["file=third_generation"], [], {"Third Generation"}),
    ([], ["type=TTP"], set()),
    (["site story"], ["*generation"], {"Transition Form"}),
    (["old one"], [], {"Old One"}),
    (["gone_one"], [], {"Gone One"}),
    (["status=deprecated"], [], {"Old One"}),
    (["status=*"], [], LIVE | {"Old One", "Gone One"}),
    (["old*"], [], {"Old One"}),
    (["*one"], [], {"Old One", "Gone One"}),
    (["*"], [], LIVE),
    ([], ["no such thing"], LIVE),
]


@pytest.mark.parametrize(("only", "exclude", "names"), CASES)
def test_what_is_selected(content: Content, only: list[str], exclude: list[str], names: set[str]) -> None:
    assert {one.name for one in select(content, only, exclude)} == names


@pytest.mark.parametrize(
    ("pattern", "remedy"),
    [
        ("Frist Generation", "'First Generation'"),
        ("second_generatoin", "econd"),
        ("type=Anomaly", "TTP"),
        ("tpye=TTP", "type="),
        ("technique=T1204", "deprecated"),
        ("zzzzqqq", "content list"),
    ],
)
def test_a_pattern_that_matches_nothing(content: Content, pattern: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(content, [pattern], [])
    assert remedy in caught.value.remedy
    assert caught.value.exit_code == 2


def test_the_order_is_that_of_the_content(content: Content) -> None:
    names = [one.name for one in select(content, ["third*", "first*"], [])]
    assert names == ["First Generation", "Third Generation"]


def test_a_story_of_retired_detections_only_is_not_a_way_to_run_them(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text(
        "name: X\nsearch: x\nstatus: deprecated\ntags: {analytic_story: [Old Story], impact: 1}\n"
    )
    with pytest.raises(UsageError):
        select(load_content([tmp_path]), ["Old Story"], [])


def test_the_id_of_a_technique_alone_was_no_detection() -> None:
    with pytest.raises(UsageError) as raised:
        select(load_content([shipped_pack()]), ["T1610"], [])
    assert raised.value.remedy == "To select by technique, write technique=T1610."
