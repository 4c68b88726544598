"""No file outside the content root is read, whatever a content file names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from podhawk.authoring.export.app import export
from podhawk.authoring.export.settings import AppSettings
from podhawk.authoring.testing.datasets import Places, locate
from podhawk.authoring.testing.run import cases_of
from podhawk.content import LookupStore, load_content
from podhawk.errors import ContentError

DETECTION = "name: Made\nid: 1\nsearch: verb=create | lookup people user OUTPUT team | table team\n"
SECRET = "user,team\nalice,the secret\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "content"
    for name in ("detections", "lookups", "macros"):
        (made / name).mkdir(parents=True)
    (made / "detections" / "made.yml").write_text(DETECTION)
    (tmp_path / "secret.csv").write_text(SECRET)
    return made


def lookup(root: Path, filename: str) -> None:
    (root / "lookups" / "people.yml").write_text(f"name: people\nlookup_type: csv\nfilename: {filename}\n")


@pytest.mark.parametrize(
    "filename", ["../../secret.csv", "ABSOLUTE", "./../lookups/../../secret.csv", "link.csv", "folder/secret.csv"]
)
def test_a_lookup_outside_the_content_was_read_and_exported(filename: str, root: Path, tmp_path: Path) -> None:
    (root / "lookups" / "link.csv").symlink_to(tmp_path / "secret.csv")
    (root / "lookups" / "folder").symlink_to(tmp_path)
    lookup(root, filename.replace("ABSOLUTE", str(tmp_path / "secret.csv")))
    content = load_content(root)
    told = [one for one in content.problems if "lookup 'people'" in one.message]
    assert [(one.place.file, one.place.line, one.severity) for one in told] == [
        (str(root / "lookups" / "people.yml"), 3, "error")
    ]
    assert "outside the content root" in told[0].message
    assert "--overrides" in told[0].remedy
    for name in ("people", "secret.csv", "link.csv"):
        with pytest.raises(ContentError):
            LookupStore(content).get(name)
    done = export(content, content.detections, AppSettings(), tmp_path / "app")
    assert not [path for path in done.folder.rglob("*") if path.is_file() and "the secret" in path.read_text()]


def test_a_table_in_the_content_is_read_through_a_link_in_the_content(root: Path) -> None:
    """Mounted ConfigMaps are links beside the files that they lead to."""
    (root / "..data").mkdir()
    (root / "..data" / "people.csv").write_text(SECRET)
    (root / "lookups" / "people.csv").symlink_to("../..data/people.csv")
    lookup(root, "people.csv")
    assert LookupStore(load_content(root)).get("people").rows


def test_a_folder_that_the_user_names_gives_its_tables(root: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "people.csv").write_text(SECRET)
    lookup(root, "people.csv")
    assert LookupStore(load_content(root, tmp_path / "site")).get("people").rows
    link = tmp_path / "current"
    link.symlink_to(root)
    (root / "lookups" / "people.csv").write_text(SECRET)
    assert LookupStore(load_content(link)).get("people").rows


@pytest.mark.parametrize("name", ["macros/one.yml", "detections/one.yml", "lookups/one.csv"])
def test_a_content_file_that_is_a_link_to_another_place_was_read(name: str, root: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("name: other\ndefinition: the secret\nsearch: the secret\n")
    (root / name).symlink_to(tmp_path / "other")
    content = load_content(root)
    (told,) = (one for one in content.problems if one.place.file == str(root / name))
    assert told.severity == "error"
    assert "outside the content root" in told.message
    assert not [one for one in content.macros.values() if one.name == "other"]
    assert [one.name for one in content.detections] == ["Made"]
    assert not content.lookup_files


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["macros/one.yml", "lookups/one.csv"])
def test_a_pipe_among_the_files_was_waited_for(name: str, root: Path) -> None:
    os.mkfifo(root / name)
    content = load_content(root)
    assert any("is not a regular file" in one.message for one in content.problems)


@pytest.mark.parametrize("name", ["../../secret.csv", "ABSOLUTE", "link.log", "secret.csv"])
def test_a_dataset_outside_the_content_was_read(name: str, root: Path, tmp_path: Path) -> None:
    """A plain name was looked for in each folder up to the root of the disk."""
    (root / "detections" / "link.log").symlink_to(tmp_path / "secret.csv")
    data = name.replace("ABSOLUTE", str(tmp_path / "secret.csv"))
    path = root / "detections" / "made.yml"
    path.write_text(f"{DETECTION}tests:\n- name: x\n  attack_data:\n  - data: {data}\n")
    content = load_content(root)
    (one,) = content.detections
    if name == "secret.csv":
        assert locate(data, one, Places()).path is None
        return
    assert [(each.place.file, each.place.line) for each in content.problems if "dataset" in each.message] == [
        (str(path), 7)
    ]
    with pytest.raises(ContentError, match="outside the content root"):
        locate(data, one, Places())


def test_a_url_led_out_of_the_checkout(root: Path, tmp_path: Path) -> None:
    (tmp_path / "checkout" / "datasets").mkdir(parents=True)
    (one,) = load_content(root).detections
    url = "https://media.example/attack_data/master/datasets/../../secret.csv"
    assert locate(url, one, Places(attack_data=tmp_path / "checkout")).path is None


def test_golden_rows_were_read_and_written_through_a_link(root: Path, tmp_path: Path) -> None:
    (root / "golden").symlink_to(tmp_path)
    (case,) = cases_of(load_content(root).detections)
    with pytest.raises(ContentError, match="out of the content root"):
        _ = case.golden


def test_a_table_that_became_a_link_after_loading_was_followed(root: Path, tmp_path: Path) -> None:
    (root / "lookups" / "people.csv").write_text("user,team\n")
    lookup(root, "people.csv")
    content = load_content(root)
    (root / "lookups" / "people.csv").unlink()
    (root / "lookups" / "people.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(ContentError, match="symbolic link"):
        LookupStore(content).get("people")
