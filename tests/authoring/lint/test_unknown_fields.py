"""field-unknown finds misspelt fields by the tree of the search, however it names its source."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from support.command_line import podhawk

SEARCH = (
    "`kube_audit` verb=create {a} | iplocation sourceIPs{{}} | search NOT `allowed` | fillnull | stats count "
    "values(user.groups{{}}) as groups by objectRef.name {b} sourceIPs{{}} user.username Country "
    "| rename sourceIPs{{}} as src_ip, user.username as user | `made_filter`"
)
MACROS = {
    "plain": "source=kubernetes",
    "quoted": 'source="kubernetes"',
    "list": 'source IN ("kubernetes", "other")',
    "sourcetype": 'index=k8s sourcetype="kube:apiserver:audit"',
    "wildcard": 'source="*kubernetes*"',
}


def unknown(folder: Path) -> set[str]:
    """What field-unknown reports, as `field → remedy`."""
    found = [json.loads(line) for line in podhawk("lint", folder, "-o", "jsonl").stdout.splitlines()]
    faults = [one for one in found if one["check"] == "field-unknown"]
    return {one["message"].split("'")[1] + " → " + one["remedy"].split("'")[1] for one in faults}


def content(folder: Path, source: str, a: str, b: str, allowed: str = "objectRef.name=x") -> Path:
    (folder / "detections").mkdir(parents=True)
    (folder / "macros").mkdir()
    for name, definition in (("kube_audit", source), ("allowed", allowed)):
        (folder / "macros" / f"{name}.yml").write_text(f"name: {name}\ndescription: d\ndefinition: '{definition}'\n")
    (folder / "detections" / "made.yml").write_text(
        "name: Made\nid: 11111111-1111-1111-1111-111111111111\nversion: 1\ntype: TTP\nstatus: production\n"
        f"search: '{SEARCH.format(a=a, b=b)}'\n"
    )
    return folder


@pytest.mark.parametrize("source", MACROS)
def test_a_quoted_source_hid_every_misspelt_field(tmp_path: Path, source: str) -> None:
    made = content(tmp_path, MACROS[source], '"objectRef.resorce"=pods Verb=x', "sourceIPs stge", "objectRef.nam=x")
    assert unknown(made) == {
        "objectRef.resorce → objectRef.resource",
        "Verb → verb",
        "sourceIPs → sourceIPs{}",
        "stge → stage",
        "objectRef.nam → objectRef.name",
    }


def test_fields_that_exist_or_are_made_are_known(tmp_path: Path) -> None:
    made = content(tmp_path, MACROS["quoted"], '"objectRef.resource"=pods requestObject.any=*', "City")
    assert unknown(made) == set()


@pytest.mark.parametrize("right", ["objectRef.resource", "verb", "user.groups{}"])
def test_published_content_with_a_typo(shared: Path, tmp_path: Path, right: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(shared / "content" / "splunk", copy)
    path = copy / "detections" / "cloud" / "kubernetes_cron_job_creation.yml"
    path.chmod(0o600)
    before = path.read_text()
    wrong = right.replace("e", "", 1)
    head, search, tail = before.partition("search: ")
    path.write_text(head + search + tail.replace(right, wrong, 1))
    assert unknown(copy) == {f"{wrong} → {right}"}


def test_published_content_is_without_unknown_fields(shared: Path) -> None:
    assert unknown(shared / "content" / "splunk") == set()


def test_the_pack_is_without_unknown_fields() -> None:
    from podhawk.content.load import shipped_pack

    assert unknown(shipped_pack()) == set()


@pytest.mark.parametrize(
    ("a", "b", "reported"),
    [
        ("verb=create", "objectRef.name | where cnt > 3", {"cnt → count"}),
        ("verb=create", "objectRef.name | where count > 3 | rename objectRef.name as n | table n", set()),
    ],
)
def test_a_typo_behind_an_aggregation_was_not_seen(tmp_path: Path, a: str, b: str, reported: set[str]) -> None:
    made = content(tmp_path, "source=kubernetes", a, "stage")
    path = made / "detections" / "made.yml"
    path.write_text(path.read_text().partition("search:")[0] + f"search: '`kube_audit` {a} | stats count by {b}'\n")
    assert unknown(made) == reported
