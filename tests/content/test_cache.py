"""Content and parsed searches are kept between runs, and never for longer than they are right."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from podhawk import api
from podhawk.content.cache import WORTH_IT, file_for
from podhawk.content.model import Content, Macro
from podhawk.content.packed import pack, unpack

DETECTION = """\
name: Object Created
id: 6a3a3c36-6a5c-4ad5-9be1-000000000001
version: 1
date: '2026-11-01'
author: test
status: production
type: Anomaly
description: An object is made.
data_source: [Kubernetes Audit]
search: '`audit` verb=create | stats count by user.username | `object_created_filter`'
how_to_implement: none
known_false_positives: none
tags: {analytic_story: [Test], message: made by $user.username$, impact: 50, confidence: 50, security_domain: network}
"""
EVENT = (
    '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"1","stage":"ResponseComplete",'
    '"verb":"create","user":{"username":"alice"},"requestReceivedTimestamp":"2026-11-01T10:00:00.000001Z"}\n'
)


SIGMA = (
    "title: Secrets Read\nid: 0c1f2d6b-9f0e-4a2a-8d51-000000000001\nstatus: test\nlevel: low\n"
    "logsource: {product: kubernetes, service: audit}\ndetection: {one: {verb: get}, condition: one}\n"
)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A content folder with one detection and a log beside it."""
    for part in ("detections", "macros"):
        (tmp_path / "content" / part).mkdir(parents=True)
    (tmp_path / "content" / "detections" / "object_created.yml").write_text(DETECTION)
    write_macro(tmp_path, "source=kubernetes")
    (tmp_path / "a.log").write_text(EVENT)
    return tmp_path


@pytest.fixture
def folder(small: Path) -> Path:
    """The same with so many files that keeping what they hold is worth it."""
    for number in range(WORTH_IT):
        (small / "content" / "macros" / f"m{number}.yml").write_text(f"name: m{number}\ndefinition: verb=get\n")
    return small


def write_macro(folder: Path, definition: str, more: str = "") -> None:
    (folder / "content" / "macros" / "audit.yml").write_text(
        f"name: audit\ndefinition: '{definition}'\ndescription: none\n{more}"
    )


def run(folder: Path, macros: dict[str, str] | None = None, where: str | None = None) -> tuple[Content, list[Any]]:
    """The content and its rows, kept as the command line keeps them."""
    content = api.content_of({"content": [folder / "content"], "content_cache": where or str(folder / "cache")}, macros)
    rows = [row for one in api.rows(content, folder / "a.log", jobs=1).detections for row in one.result or ()]
    content.keep()
    return content, rows


def files(folder: Path) -> list[Path]:
    return sorted((folder / "cache").glob("*"))


def test_the_second_run_gives_the_same(folder: Path) -> None:
    content, rows = run(folder)
    assert len(rows) == 1
    assert run(folder) == (content, rows)
    assert len(files(folder)) == 1
    assert files(folder)[0].stat().st_mode & 0o077 == 0


def test_the_second_run_takes_content_and_searches_from_the_file(folder: Path) -> None:
    content, _ = run(folder)
    values, searches = unpack(files(folder)[0].read_bytes())
    values[0] = (replace(content.detections[0], author="the file"),)
    (name, text, quotes, pipeline) = searches[0]
    searches[0] = (name, text, quotes, replace(pipeline, stages=pipeline.stages[:1]))
    files(folder)[0].write_bytes(pack([values, searches]))
    kept, rows = run(folder)
    assert kept.detections[0].author == "the file"
    assert "count" not in rows[0]


def test_what_changes_is_read_anew(folder: Path) -> None:
    run(folder)
    write_macro(folder, "source=elsewhere")
    assert run(folder)[1] == []
    write_macro(folder, "source=kubernetes")
    assert len(run(folder)[1]) == 1
    assert run(folder, {"object_created_filter": "search user.username=bob"})[1] == []
    assert len(files(folder)) == 3


@pytest.mark.parametrize("damage", [b"", b"no pickle", b"\x80\x05]."])
def test_a_damaged_file_is_written_anew(folder: Path, damage: bytes) -> None:
    content, rows = run(folder)
    files(folder)[0].write_bytes(damage)
    assert run(folder) == (content, rows)
    assert files(folder)[0].stat().st_size > 1000


@pytest.mark.parametrize("which", ["file", "folder"])
def test_what_others_could_have_written_is_not_read(folder: Path, which: str) -> None:
    run(folder)
    os.chmod(files(folder)[0] if which == "file" else folder / "cache", 0o777)
    content = api.content_of({"content": [folder / "content"], "content_cache": str(folder / "cache")})
    assert content.parsed.searches == {}


def test_macros_that_are_worked_out_are_worked_out_each_time(folder: Path) -> None:
    write_macro(folder, '"source=" . "kubernetes"', "iseval: true\n")
    content, rows = run(folder)
    assert len(rows) == 1
    assert content.parsed.searches == {}


def test_other_macros_do_not_meet_searches_parsed_under_the_old_ones(folder: Path) -> None:
    content, _ = run(folder)
    assert content.parsed.searches
    other = replace(content, macros={**content.macros, ("audit", 0): Macro("audit", (), "source=elsewhere")})
    assert [row for one in api.rows(other, folder / "a.log", jobs=1).detections for row in one.result or ()] == []


def test_off_keeps_nothing(folder: Path) -> None:
    run(folder, where="off")
    assert files(folder) == []


def test_a_folder_that_cannot_be_made_costs_nothing(folder: Path) -> None:
    (folder / "cache").write_text("a file")
    assert len(run(folder)[1]) == 1


def test_a_table_that_came_later_was_not_seen(folder: Path) -> None:
    """It need not end in .csv, as do the files that the name of the kept content is made of."""
    (folder / "content" / "lookups").mkdir()
    (folder / "content" / "lookups" / "people.yml").write_text("name: people\nfilename: ../people.txt\n")
    assert run(folder)[0].lookups["people"].path == ""
    (folder / "content" / "people.txt").write_text("name,team\nalice,a\n")
    assert run(folder)[0].lookups["people"].path
    (folder / "content" / "people.txt").unlink()
    assert run(folder)[0].lookups["people"].path == ""


def test_what_turns_sigma_rules_into_searches_was_not_asked_for(small: Path) -> None:
    (small / "content" / "detections" / "sigma.yml").write_text(SIGMA)
    run(small)
    (kept,) = files(small)
    given = (str(small / "cache"), [small / "content"], (), {})
    assert file_for(*given) == kept
    assert file_for(*given, version_of=lambda package: "another") != kept


@pytest.mark.parametrize(
    "search",
    ["`audit` | eval n=99999999999999999999 | table n", "`audit` | eval n=" + "+".join(["1"] * 250) + " | table n"],
)
def test_what_cannot_be_kept_ended_a_run_that_had_succeeded(search: str, folder: Path) -> None:
    path = folder / "content" / "detections" / "object_created.yml"
    path.write_text(DETECTION.replace(DETECTION.splitlines()[8], f"search: '{search}'"))
    assert len(run(folder)[1]) == 1
    assert len(run(folder)[1]) == 1


def test_content_that_changes_while_it_is_read_was_kept_under_its_old_name(folder: Path) -> None:
    content = api.content_of({"content": [folder / "content"], "content_cache": str(folder / "cache")})
    write_macro(folder, "source=elsewhere")
    content.keep()
    assert files(folder) == []


def test_a_little_content_is_read_as_quickly(small: Path) -> None:
    run(small)
    assert files(small) == []
