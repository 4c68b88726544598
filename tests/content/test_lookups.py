"""Lookup tables: reading, matching, defaults, writing."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.content import Content, LookupDefinition, LookupStore, LookupTable, load_content
from podhawk.content.csvfile import parse_csv
from podhawk.errors import ContentError

SITE = Path(__file__).parent / "data" / "site"


@pytest.fixture
def store() -> LookupStore:
    return LookupStore(load_content([SITE]))


def _table(text: str, **options: object) -> LookupTable:
    return LookupTable.from_csv(LookupDefinition("t", **options), text)  # type: ignore[arg-type]


def test_blanks_after_commas_are_dropped_so_that_published_tables_match() -> None:
    table = _table(
        "local_file_inclusion_paths, lfi_path\n*/etc/passwd*, yes\n",
        match_type={"local_file_inclusion_paths": "WILDCARD"},
    )
    assert table.columns == ("local_file_inclusion_paths", "lfi_path")
    assert table.match({"local_file_inclusion_paths": "GET /../etc/passwd"})[0]["lfi_path"] == "yes"


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        ("\ufeffa,b\r\n1,2\r\n", ("a", "b"), [{"a": "1", "b": "2"}]),
        ('a,b\n"x, y","say ""hi"""\n', ("a", "b"), [{"a": "x, y", "b": 'say "hi"'}]),
        ('a,b\n" kept "," "\n', ("a", "b"), [{"a": " kept ", "b": " "}]),
        ("a,b\n1\n1,2,3\n", ("a", "b"), [{"a": "1"}, {"a": "1", "b": "2"}]),
        ("a,b\n,2\n\n", ("a", "b"), [{"b": "2"}]),
        ("a,a\n1,2\n", ("a",), [{"a": "1"}]),
        ("", (), []),
        ("a,b", ("a", "b"), []),
        ('a\n"two\nlines"\n', ("a",), [{"a": "two\nlines"}]),
        ("a,,b\n1,2,3\n", ("a", "b"), [{"a": "1", "b": "3"}]),
    ],
)
def test_how_csv_is_read(text: str, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    assert parse_csv(text) == (columns, rows)


@pytest.mark.parametrize(
    ("pattern", "value", "hit"),
    [
        ("*admin*", "the-admin-2", True),
        ("admin*", "admin", True),
        ("admin*", "an admin", False),
        ("*", "anything", True),
        ("*", "", True),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "acb", False),
        ("ab*ba", "aba", False),
        ("a*a", "a", False),
        ("*a*b", "ab", True),
        ("**", "x", True),
        ("exact", "exact", True),
        ("exact", "exactly", False),
        ("[a]?", "[a]?", True),
        ("[a]?", "ab", False),
        ("*.log", "x.LOG", False),
    ],
)
def test_wildcards_take_the_whole_value(pattern: str, value: str, hit: bool) -> None:
    table = _table(f'k,v\n"{pattern}",1\n', match_type={"k": "WILDCARD"})
    assert bool(table.match({"k": value})) is hit


@pytest.mark.parametrize(
    ("block", "address", "hit"),
    [
        ("10.0.0.0/8", "10.255.0.1", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3/8", "10.9.9.9", True),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "10.0.0.1", False),
        ("::1", "0:0:0:0:0:0:0:1", True),
        ("0.0.0.0/0", "::1", False),
        ("nonsense", "10.0.0.1", False),
        ("10.0.0.0/8", "nonsense", False),
        ("10.0.0.0/8", "", False),
    ],
)
def test_networks_of_both_versions(block: str, address: str, hit: bool) -> None:
    table = _table(f"net,v\n{block},1\n", match_type={"net": "CIDR"})
    assert bool(table.match({"net": address})) is hit


def test_case_matters_unless_the_definition_says_otherwise() -> None:
    text = "k,v\nAdmin,1\nÄ,2\n"
    assert not _table(text).match({"k": "admin"})
    blind = _table(text, case_sensitive_match=False)
    assert blind.match({"k": "ADMIN"})
    assert blind.match({"k": "ä"})
    assert not _table("k,v\nk,1\n", case_sensitive_match=False).match({"k": "\u212a"})


def test_several_keys_must_all_match() -> None:
    table = _table("a,b,v\n1,x,first\n1,y,second\n2,x,third\n")
    assert [row["v"] for row in table.match({"a": "1"})] == ["first", "second"]
    assert [row["v"] for row in table.match({"b": "x", "a": "2"})] == ["third"]
    assert table.match({"a": "1", "gone": "x"}) == []
    assert table.match({}) == []


def test_the_first_matches_in_file_order_up_to_the_maximum() -> None:
    text = "k,v\n" + "".join(f"x,{n}\n" for n in range(300))
    assert [row["v"] for row in _table(text, max_matches=2).match({"k": "x"})] == ["0", "1"]
    assert len(_table(text).match({"k": "x"})) == 100


def test_several_matches_make_a_multivalue() -> None:
    table = _table("k,v,w\nx,1,a\nx,2,\n")
    assert table.outputs({"k": "x"}, ["v", "w", "gone"]) == {"v": ("1", "2"), "w": "a"}


@pytest.mark.parametrize(
    ("least", "default", "expected"),
    [
        (0, "false", {}),
        (1, "false", {"v": "false"}),
        (2, "none", {"v": ("none", "none")}),
        (1, None, {}),
        (1, "", {}),
    ],
)
def test_defaults_where_too_few_match(least: int, default: str | None, expected: dict[str, object]) -> None:
    table = _table("k,v\nx,1\n", min_matches=least, default_match=default)
    assert table.outputs({"k": "y"}, ["v"]) == expected


def test_a_default_tops_up_what_is_short() -> None:
    table = _table("k,v\nx,1\n", min_matches=2, default_match="none")
    assert table.outputs({"k": "x"}, ["v"]) == {"v": ("1", "none")}


def test_mixed_match_types_from_a_definition_file(store: LookupStore) -> None:
    table = store.get("site_users")
    assert table.definition.match_type == {"name": "WILDCARD", "network": "CIDR"}
    assert table.outputs({"name": "ADMIN-7", "network": "10.1.2.3"}, ["team"]) == {"team": ("ops", "dev")}
    assert table.outputs({"name": "admin-2", "network": "192.0.2.1"}, ["team", "note"]) == {
        "team": "any",
        "note": " kept blanks ",
    }
    assert table.outputs({"name": "nobody", "network": "192.0.2.1"}, ["team"]) == {"team": "false"}


def test_tables_by_file_name_and_unknown_ones(store: LookupStore) -> None:
    assert store.get("site_users.csv").rows == store.get("site_users").rows
    assert store.get("site_users.csv").definition.match_type == store.get("site_users").definition.match_type
    with pytest.raises(ContentError) as caught:
        store.get("site_user")
    assert "site_users" in caught.value.remedy


def test_key_value_stores_start_empty_and_models_are_no_tables(store: LookupStore) -> None:
    table = store.get("site_counts")
    assert (table.fields, table.rows) == (("_key", "user", "count"), [])
    with pytest.raises(ContentError, match="model"):
        store.get("site_models")


def test_written_tables_live_for_the_run(store: LookupStore) -> None:
    store.write("site_counts", [{"user": "a", "count": 3}, {"user": ("b", "c"), "odd": "x"}], ["user", "count"])
    table = store.get("site_counts")
    assert table.columns == ("user", "count")
    assert table.rows == [{"user": "a", "count": "3"}, {"user": "b c"}]
    assert LookupStore(store.content).get("site_counts").rows == []


def test_appending_keeps_the_tables_columns(store: LookupStore) -> None:
    store.write("fresh", [{"a": "1", "b": "2"}], ["a", "b"])
    store.write("fresh", [{"a": "3", "c": "4"}], ["a", "c"], True)
    assert store.get("fresh").columns == ("a", "b")
    assert store.get("fresh").rows == [{"a": "1", "b": "2"}, {"a": "3"}]
    store.write("fresh", [{"c": "5"}], ["c"])
    assert store.get("fresh").rows == [{"c": "5"}]


def test_matching_sees_what_was_written_over_a_table(store: LookupStore) -> None:
    assert store.get("site_users").match({"name": "zed", "network": "10.0.0.1"}) == []
    store.write("site_users", [{"name": "zed", "network": "10.0.0.0/8", "team": "new"}], ["name", "network", "team"])
    assert store.get("site_users").outputs({"name": "ZED", "network": "10.0.0.1"}, ["team"]) == {"team": "new"}


def test_a_state_folder_keeps_tables_between_runs(tmp_path: Path) -> None:
    content = load_content([SITE])
    LookupStore(content, tmp_path / "state").write("site_counts", [{"user": 'a "b", c', "count": 3}], ["user", "count"])
    again = LookupStore(content, tmp_path / "state")
    assert again.get("site_counts").rows == [{"user": 'a "b", c', "count": "3"}]
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["site_counts.csv"]


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "", ".hidden", "a/b", "a\0b"])
def test_a_table_name_cannot_leave_the_state_folder(tmp_path: Path, name: str) -> None:
    store = LookupStore(Content(), tmp_path / "state")
    with pytest.raises(ContentError):
        store.write(name, [{"a": "1"}], ["a"])
    with pytest.raises(ContentError):
        store.get(name)


def test_a_big_exact_table_is_indexed() -> None:
    table = _table("k,v\n" + "".join(f"key{n},{n}\n" for n in range(50_000)))
    assert table.outputs({"k": "key49999"}, ["v"]) == {"v": "49999"}
    index = table._index(("k",))
    assert len(index) == 50_000
    assert table._index(("k",)) is index
