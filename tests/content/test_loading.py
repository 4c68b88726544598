"""Paths in, one Content out: layouts, single files, loose folders, overrides, faults."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from podhawk.content import load_content, normalised
from podhawk.errors import ContentError

DATA = Path(__file__).parent / "data"
SITE = DATA / "site"


def test_a_content_root_loads_every_kind() -> None:
    content = load_content([SITE])
    assert len(content.detections) == 6
    assert {"site_events", "site_allowed"} <= {name for name, _ in content.macros}
    assert set(content.lookups) == {"site_users", "site_counts", "site_models"}
    assert set(content.stories) == {"Site Story"}
    assert content.data_sources["Audit A"].fields == ("verb", "user.username")
    assert content.baselines[0].detections == ("First Generation",)
    assert content.baselines[0].search.endswith("outputlookup site_counts")
    assert content.investigations[0].inputs == ("src_ip", "other")
    assert [(one.kind, one.name) for one in content.carried] == [
        ("dashboard", "A Dashboard"),
        ("playbook", "A Playbook"),
    ]
    assert not [problem for problem in content.problems if problem.severity == "error"]


def test_macros_of_one_name_and_several_arities() -> None:
    macros = load_content([SITE]).macros
    assert macros["site_allowed", 1].arguments == ("field",)
    two = macros["site_allowed_two", 0] if ("site_allowed_two", 0) in macros else macros["site_allowed", 2]
    assert (two.arguments, two.iseval, two.errormsg) == (("field", "value"), False, "field is missing")


def test_every_detection_has_its_tuning_slot() -> None:
    content = load_content([SITE])
    for one in content.detections:
        macro = content.macros[one.filter_macro, 0]
        assert (macro.definition, macro.generated) == ("search *", True)


def test_a_search_that_calls_the_slot_by_the_detections_name(tmp_path: Path) -> None:
    (tmp_path / "renamed.yml").write_text("name: My Own-Name\nsearch: a | `my_own_name_filter`\n")
    content = load_content([tmp_path / "renamed.yml"])
    assert content.detections[0].filter_macro == "my_own_name_filter"
    assert ("my_own_name_filter", 0) in content.macros


def test_one_file_brings_the_macros_of_its_root() -> None:
    content = load_content([SITE / "detections" / "cloud" / "second_generation.yml"])
    assert [one.name for one in content.detections] == ["Second Generation"]
    assert ("site_events", 0) in content.macros
    assert "site_users" in content.lookups
    assert "Site Story" in content.stories
    assert content.baselines == ()


def test_a_folder_inside_a_root_brings_the_macros_of_its_root() -> None:
    content = load_content([SITE / "detections" / "cloud"])
    assert len(content.detections) == 4
    assert ("site_events", 0) in content.macros


def test_a_single_macro_file_is_content() -> None:
    content = load_content([SITE / "macros" / "site_events.yml"])
    assert content.detections == ()
    assert content.macros["site_events", 0].definition == 'source="kubernetes"'


def test_a_loose_folder_tells_kinds_by_their_keys() -> None:
    content = load_content([DATA / "loose"])
    assert [one.name for one in content.detections] == ["Loose Detection"]
    assert ("loose_macro", 0) in content.macros
    messages = {Path(problem.place.file).name: problem for problem in content.problems}
    assert "Sigma" in messages["sigma.yml"].message
    assert set(messages) == {"compose.yml", "sigma.yml", "falco.yaml"}
    assert all(problem.severity == "warning" for problem in content.problems)


def test_a_loose_file_brings_what_lies_beside_it() -> None:
    content = load_content([DATA / "loose" / "loose_detection.yml"])
    assert [one.name for one in content.detections] == ["Loose Detection"]
    assert ("loose_macro", 0) in content.macros
    assert content.problems == ()


def test_roots_below_a_folder_are_found() -> None:
    content = load_content([DATA])
    assert {"First Generation", "Loose Detection"} <= {one.name for one in content.detections}
    assert ("site_events", 0) in content.macros


def test_a_git_folder_is_not_content(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.yml").write_text("name: x\nsearch: y\n")
    (tmp_path / "real.yml").write_text("name: Real\nsearch: y\n")
    assert [one.name for one in load_content([tmp_path]).detections] == ["Real"]


def test_macros_and_lookups_alone_are_content(tmp_path: Path) -> None:
    for folder in ("macros", "lookups"):
        shutil.copytree(SITE / folder, tmp_path / folder)
    content = load_content([tmp_path])
    assert ("site_events", 0) in content.macros
    assert content.lookups["site_users"].path.endswith("site_users.csv")


def test_the_same_path_twice_counts_once() -> None:
    content = load_content([SITE, SITE / "detections"])
    assert len(content.detections) == 6
    assert not any("also that of" in problem.message for problem in content.problems)


def test_a_path_that_is_not_there() -> None:
    with pytest.raises(ContentError) as caught:
        load_content([DATA / "sight"])
    assert caught.value.exit_code == 3
    assert "site" in caught.value.remedy


@pytest.mark.parametrize("files", [{}, {"notes.txt": "hello"}, {"compose.yml": "services: {}"}])
def test_a_folder_without_content(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ContentError, match="contains no detection content"):
        load_content([tmp_path])


def test_overrides_replace_macros_and_lookups_and_nothing_else() -> None:
    content = load_content([SITE], [DATA / "overrides"])
    assert content.macros["site_events", 0].definition == "index=audit"
    assert content.macros["first_generation_filter", 0].definition == "search NOT user=robot"
    assert content.macros["first_generation_filter", 0].generated is False
    assert content.macros["second_generation_filter", 0].definition == "search *"
    assert content.lookups["site_users"].path.endswith("overrides/lookups/site_users.csv")
    assert content.macros["site_allowed", 1] == load_content([SITE]).macros["site_allowed", 1]


def test_a_detection_in_an_override_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "d.yml").write_text("name: D\nsearch: x\n")
    content = load_content([SITE], [tmp_path])
    assert len(content.detections) == 6
    assert any("'D' is not loaded" in problem.message for problem in content.problems)


def test_macro_overrides_from_settings() -> None:
    content = load_content(
        [SITE],
        macro_overrides={
            "site_events": "index=x",
            "old_one_filter": "search user=me",
            "site_allowed(field)": "$field$=root",
            "brand_new(a, b)": "$a$=$b$",
        },
    )
    assert content.macros["site_events", 0].definition == "index=x"
    assert content.macros["old_one_filter", 0].definition == "search user=me"
    assert content.macros["site_allowed", 1].definition == "$field$=root"
    assert content.macros["brand_new", 2].arguments == ("a", "b")


def test_a_misspelt_macro_override_is_noticed() -> None:
    content = load_content([SITE], macro_overrides={"site_event": "index=x"})
    problem = next(problem for problem in content.problems if "overrides no loaded macro" in problem.message)
    assert "site_events" in problem.remedy


def test_two_definitions_of_a_macro_later_wins_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "m.yml").write_text("name: site_events\ndefinition: index=other\n")
    content = load_content([SITE, tmp_path])
    assert content.macros["site_events", 0].definition == "index=other"
    assert any("'site_events' has another definition in" in problem.message for problem in content.problems)


def test_of_one_id_the_higher_version_is_kept(tmp_path: Path) -> None:
    (tmp_path / "newer.yml").write_text(
        "name: Newer\nid: 00000000-0000-4000-8000-000000000001\nversion: 9\nsearch: x\n"
    )
    content = load_content([SITE, tmp_path])
    assert "First Generation" not in {one.name for one in content.detections}
    assert any("is also used by 'First Generation'" in problem.message for problem in content.problems)


def test_several_documents_and_lists_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "many.yml").write_text(
        "name: A\nsearch: x\n---\nname: B\nsearch: y\n---\n- name: C\n  search: |-\n    z\n- name: m\n  definition: q\n"
    )
    content = load_content([tmp_path])
    assert {one.name: one.search_line for one in content.detections} == {"A": 2, "B": 5, "C": 9}
    assert ("m", 0) in content.macros


BROKEN = [
    ("tab", b"name: A\n\tsearch: x\n", 2, "YAML"),
    ("colon", b"name: A\nsearch: a: b\n", 2, "mapping values"),
    ("latin1", "name: A\nsearch: é\n".encode("latin-1"), 2, "UTF-8"),
    ("nul", b"name: A\nsearch: a\x00b\n", 2, "does not allow"),
    ("no_search", b"name: A\ntype: TTP\n", 1, "no 'search'"),
    ("no_name", b"search: x\ntype: TTP\n", 1, "no 'name'"),
    ("search_list", b"name: A\nsearch: [x]\n", 2, "must be a string"),
    ("bare_list", b"- 1\n- 2\n", 1, "contains text"),
    ("bare_text", b"hello\n", 1, "contains text"),
    ("unclosed", b"name: A\nsearch: 'x\n", 3, "quoted scalar"),
    ("alias_loop", b"name: A\nsearch: x\ntags: &t {a: *t}\n", 3, "contains itself"),
    ("unknown_alias", b"name: A\nsearch: *x\n", 2, "alias"),
    ("list_key", b"? [a]\n: 1\n", 1, "plain string"),
    ("too_deep", b"a: " + b"[" * 3000 + b"]" * 3000, 1, "nest"),
    ("empty", b"", 1, "is empty"),
    ("comment", b"# nothing\n", 1, "is empty"),
]


@pytest.mark.parametrize(("name", "raw", "line", "message"), BROKEN, ids=[case[0] for case in BROKEN])
def test_a_broken_file_is_reported_and_the_rest_loads(
    tmp_path: Path, name: str, raw: bytes, line: int, message: str
) -> None:
    (tmp_path / "detections").mkdir()
    (tmp_path / "detections" / f"{name}.yml").write_bytes(raw)
    (tmp_path / "detections" / "good.yml").write_text("name: Good\nsearch: x\n")
    content = load_content([tmp_path])
    assert [one.name for one in content.detections] == ["Good"]
    problem = content.problems[0]
    assert problem.place.file.endswith(f"{name}.yml")
    assert problem.place.line == line
    assert message in problem.message
    assert problem.severity == "error"


def test_aliases_that_unfold_without_end(tmp_path: Path) -> None:
    lines = ["name: A", "search: x", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (tmp_path / "laughs.yml").write_text("\n".join(lines))
    assert "too much data" in load_content([tmp_path]).problems[0].message


def test_a_key_written_twice_is_a_warning_and_the_last_counts(tmp_path: Path) -> None:
    (tmp_path / "twice.yml").write_text("name: A\nsearch: x\nsearch: y\n")
    content = load_content([tmp_path])
    assert content.detections[0].search == "y"
    assert content.detections[0].search_line == 3
    problem = content.problems[0]
    assert (problem.place.line, problem.place.column, problem.severity) == (3, 1, "warning")


def test_anchors_and_merges_work(tmp_path: Path) -> None:
    (tmp_path / "anchors.yml").write_text(
        "name: A\nsearch: x\nbase: &base {asset_type: K, security_domain: network}\n"
        "tags:\n  <<: *base\n  security_domain: access\n  confidence: 10\n  impact: 50\n"
    )
    one = load_content([tmp_path]).detections[0]
    assert (one.asset_type, one.security_domain) == ("K", "access")


def test_a_byte_order_mark_and_utf_16(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes("name: Ä\nsearch: x\n".encode("utf-8-sig"))
    (tmp_path / "b.yml").write_bytes("name: Ö\nsearch: x\n".encode("utf-16"))
    assert [one.name for one in load_content([tmp_path]).detections] == ["Ä", "Ö"]


@pytest.mark.parametrize(
    "member",
    [
        "tags: [a]",
        "tags: text",
        "tags:\n  observable: text",
        "tags:\n  observable: [1, {name: {a: b}}]",
        "tags:\n  confidence: high\n  impact: [1]",
        "version: one",
        "references: {a: b}",
        "tests: [1, {attack_data: 3}]",
        "rba: text",
        "rba:\n  risk_objects: [{score: .inf, field: a}, {score: .nan, field: b}]",
        "finding: []",
        "finding: {entity: {field: user, score: many}}",
        "drilldown_searches: 5",
        "deployment: [1]",
        "deprecation_info: soon",
        "type: Nonsense",
        "status: [x]",
        "description: ~",
        "data_source: {a: b}",
    ],
)
def test_an_odd_member_costs_only_itself(tmp_path: Path, member: str) -> None:
    (tmp_path / "odd.yml").write_text(f"name: Odd\nsearch: x\n{member}\n")
    assert [one.name for one in load_content([tmp_path]).detections] == ["Odd"]


def test_a_lookup_without_its_file_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "l.yml").write_text("name: l\nfilename: gone.csv\n")
    assert "file 'gone.csv' not found" in load_content([tmp_path]).problems[0].message


def test_a_match_type_that_means_nothing(tmp_path: Path) -> None:
    (tmp_path / "l.yml").write_text("name: l\nfilename: l.csv\nmatch_type: FUZZY(a)\n")
    problem = load_content([tmp_path]).problems[0]
    assert (problem.place.line, problem.severity) == (3, "error")


def test_damaged_files_raise_nothing(tmp_path: Path) -> None:
    """Five hundred files with bytes inserted, removed and changed: problems, never another exception."""
    seeds = [path.read_bytes() for path in sorted(SITE.rglob("*.yml"))]
    pieces = [
        b"[",
        b"]",
        b"{",
        b": ",
        b"\n",
        b"- ",
        b"\t",
        b"&a ",
        b"*a",
        b"<<: ",
        b"~",
        b"|\n",
        b'"',
        b"'",
        b"\x00",
        b"\xff",
        b"---\n",
        b"1e999",
        b".nan",
        b"? ",
        b"!!int x",
        b"!!set ",
        b"2024-01-01",
        b"\xed\xa0\x80",
    ]
    chance = random.Random(20240512)
    (tmp_path / "good.yml").write_text("name: Good\nsearch: x\n")
    loaded = 0
    for _ in range(500):
        raw = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 5)):
            at = chance.randrange(len(raw) + 1)
            if chance.random() < 0.7:
                raw[at:at] = chance.choice(pieces)
            else:
                del raw[at : at + chance.randint(1, 20)]
        (tmp_path / "damaged.yml").write_bytes(bytes(raw))
        content = load_content([tmp_path])
        assert "Good" in {one.name for one in content.detections}
        for one in content.detections:
            normalised(one)
        loaded += len(content.detections) > 1
    assert 10 < loaded < 500
