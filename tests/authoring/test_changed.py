"""--changed: the detections that a change of files may change."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.authoring.changed import changed
from podhawk.authoring.uses import Uses, uses_of
from podhawk.content.load import load_content
from podhawk.content.model import Content, Detection, Macro

TABLE = "name: {name}\nfilename: {name}.csv\n"
SEARCHES = {
    "by_inputlookup": "| inputlookup allow",
    "appending": "verb=create | inputlookup append=true allow",
    "by_lookup": "verb=create | lookup allow user AS user.username OUTPUT team",
    "by_output": "verb=create | stats count by user | outputlookup allow",
    "by_file": "| inputlookup allow.csv",
    "by_dataset": "| from lookup:allow",
    "by_quoted_name": '| inputlookup "allow"',
    "in_subsearch": "verb=create [| inputlookup allow | fields user]",
    "in_append": "verb=create | append [| inputlookup allow]",
    "in_join": "verb=create | join user [| inputlookup allow]",
    "in_appendpipe": "verb=create | appendpipe [lookup allow user]",
    "in_foreach": "verb=create | foreach a b [lookup allow <<FIELD>> AS user]",
    "in_map": 'verb=create | map search="| inputlookup allow | search user=$user$"',
    "in_macro": "`outer`",
    "in_macro_of_map": 'verb=create | map search="`inner` | search user=$user$"',
}
OTHERS = {
    "of_another_table": "| inputlookup deny",
    "in_words": 'verb=create | eval text="| inputlookup allow"',
    "in_a_comment": "verb=create ``` lookup allow user ``` | head 1",
    "as_a_field": "verb=create | table lookup allow",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Content with a detection for each search."""
    for folder in ("detections", "macros", "lookups"):
        (tmp_path / folder).mkdir()
    for name, search in {**SEARCHES, **OTHERS}.items():
        (tmp_path / "detections" / f"{name}.yml").write_text(f"name: {name}\nid: {name}\nsearch: |-\n  {search}\n")
    for name in ("allow", "deny"):
        (tmp_path / "lookups" / f"{name}.yml").write_text(TABLE.format(name=name))
        (tmp_path / "lookups" / f"{name}.csv").write_text("user,team\nalice,a\n")
    (tmp_path / "macros" / "outer.yml").write_text("name: outer\ndefinition: '`inner`'\n")
    (tmp_path / "macros" / "inner.yml").write_text("name: inner\ndefinition: '| inputlookup allow'\n")
    return tmp_path


def affected(root: Path, *files: str) -> set[str]:
    content = load_content([root])
    return {one.name for one in changed(content, content.detections, [(root / file).resolve() for file in files])}


@pytest.mark.parametrize("file", ["lookups/allow.yml", "lookups/allow.csv"])
def test_inputlookup_of_a_changed_table_was_not_seen(root: Path, file: str) -> None:
    assert affected(root, file) == set(SEARCHES)


def test_macros_count_at_any_depth(root: Path) -> None:
    assert affected(root, "macros/inner.yml") == {"in_macro", "in_macro_of_map"}
    assert affected(root, "macros/outer.yml") == {"in_macro"}


def test_a_file_counts_for_itself_alone(root: Path) -> None:
    assert affected(root, "detections/in_words.yml", "README.md") == {"in_words"}


def test_a_name_that_a_deleted_file_defined_counts_as_changed(root: Path) -> None:
    for name in ("macros/inner.yml", "lookups/deny.yml", "lookups/deny.csv"):
        (root / name).unlink()
    assert affected(root, "macros/inner.yml") == {"in_macro", "in_macro_of_map", "of_another_table"}
    assert affected(root, "lookups/allow.csv") == set(SEARCHES) - {"in_macro"} | {"of_another_table"}


def test_a_search_that_cannot_be_read_counts_as_changed_with_any_definition(root: Path) -> None:
    (root / "detections" / "in_words.yml").write_text("name: in_words\nid: in_words\nsearch: verb=create | stast x\n")
    assert "in_words" in affected(root, "lookups/allow.csv")
    assert "in_words" not in affected(root, "detections/by_file.yml")


def test_a_macro_whose_name_is_an_argument_is_found() -> None:
    macros = {
        ("pick", 1): Macro("pick", ("which",), "`$which$_clause`"),
        ("pods_clause", 0): Macro("pods_clause", (), "objectRef.resource=pods"),
        ("jobs_clause", 0): Macro("jobs_clause", (), "objectRef.resource=jobs"),
    }
    found = uses_of(Detection(name="x", search="`pick(pods)` verb=create"), Content(macros=macros))
    assert found == Uses(frozenset({("pick", 1), ("pods_clause", 0)}), frozenset())
