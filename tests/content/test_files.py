"""Files that searches read and write stay inside the state and the content, and are written only with --write."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk import api
from podhawk.content.files import FOLDER, FileStore
from podhawk.content.model import Content
from podhawk.errors import ContentError, OutputError, SearchError
from support.golden_case import content_for

OUTSIDE = ("../x", "a/b", "/etc/passwd", "..", ".hidden", "..%2fx", "x\\y", "", "x\0y", "~x", "C:x")
EVENT = '{"_time":1,"u":"ann"}\n'


def search(spl: str, folder: Path, *, write: bool = False) -> list[dict[str, object]]:
    path = folder / "events.json"
    path.write_text(EVENT, encoding="utf-8")
    return list(api.search(spl, path, content=Content(), input_format="json", state=str(folder / "state"), write=write))


def files_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.rglob("*.csv"))


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_could_lead_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    store = FileStore(Content(), tmp_path, writable=True)
    with pytest.raises(ContentError):
        store.read(name)
    with pytest.raises(ContentError):
        store.write(name, [{"u": "ann"}], ("u",), False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "spl",
    [
        "* | table u | outputcsv ../x",
        "* | table u | outputcsv append=t /x",
        "* | table u | tscollect namespace=../x",
        "| inputcsv /etc/passwd",
        "* | inputcsv append=t ../x",
        "* | outputlookup ../x",
    ],
)
def test_a_search_with_such_a_name_is_an_error_and_writes_nothing(spl: str, tmp_path: Path) -> None:
    with pytest.raises((SearchError, ContentError)):
        search(spl, tmp_path, write=True)
    assert files_in(tmp_path) == []


WRITING = (
    "* | table u | outputcsv kept",
    "* | table u | outputcsv create_empty=t kept",
    "* | table u | tscollect namespace=kept",
)


@pytest.mark.parametrize("spl", WRITING)
def test_nothing_is_written_without_the_option(spl: str, tmp_path: Path) -> None:
    search(spl, tmp_path)
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("spl", WRITING)
def test_with_the_option_a_file_lies_in_the_folder_of_the_state(spl: str, tmp_path: Path) -> None:
    search(spl, tmp_path, write=True)
    (file,) = (tmp_path / "state" / FOLDER).iterdir()
    assert file.read_text(encoding="utf-8").splitlines() == ["u", "ann"]


def test_outputtext_writes_no_file(tmp_path: Path) -> None:
    assert search("* | outputtext | table _xml", tmp_path, write=True) == [{"_xml": EVENT.strip()}]
    assert files_in(tmp_path) == []


def test_what_was_written_is_read_by_the_next_run(tmp_path: Path) -> None:
    search("* | table u | outputcsv kept", tmp_path, write=True)
    assert search("| inputcsv kept", tmp_path) == [{"u": "ann"}]


def test_what_was_not_written_is_read_in_the_same_run_only(tmp_path: Path) -> None:
    assert search("* | table u | outputcsv kept | inputcsv append=t kept", tmp_path) == [{"u": "ann"}, {"u": "ann"}]
    with pytest.raises(SearchError, match="unknown file"):
        search("| inputcsv kept", tmp_path)


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("u\nroot\n", encoding="utf-8")
    folder = tmp_path / "state" / FOLDER
    folder.mkdir(parents=True)
    (folder / "kept.csv").symlink_to(secret)
    with pytest.raises(ContentError, match="unknown file"):
        FileStore(Content(), tmp_path / "state").read("kept")


def test_a_link_in_the_folder_is_not_written_through(tmp_path: Path) -> None:
    target = tmp_path / "target.csv"
    target.write_text("u\nroot\n", encoding="utf-8")
    folder = tmp_path / "state" / FOLDER
    folder.mkdir(parents=True)
    (folder / "kept.csv").symlink_to(target)
    with pytest.raises(OutputError, match="link"):
        FileStore(Content(), tmp_path / "state", writable=True).write("kept", [{"u": "ann"}], ("u",), False)
    assert target.read_text(encoding="utf-8") == "u\nroot\n"


def test_the_tables_of_the_content_are_files_too(tmp_path: Path) -> None:
    content = content_for({"lookups": {"teams": "user,team\nann,red\n"}}, tmp_path)
    assert FileStore(content).read("teams") == (("user", "team"), [{"user": "ann", "team": "red"}])
