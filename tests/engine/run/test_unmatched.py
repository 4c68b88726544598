"""A search that asks for what no event has: once it gave no rows and no word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import podhawk
from support.findings import event, write


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write(tmp_path / "a.log", event("a"), event("b"))


def remarks(search: str, log: Path, **options: str) -> list[str]:
    return list(podhawk.search(search, log, **options).remarks)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("search", "named"),
    [
        ("index=k8s verb=create | stats count", "index=k8s"),
        ("sourcetype=kube:apiserver:audit", "sourcetype=kube:apiserver:audit"),
        ("source=/var/log/audit.log verb=create", "source=/var/log/audit.log"),
        ("host=master* nothing", "host=master*"),
        ("verb=create index IN (a, b)", "index IN (a, b)"),
        ("NOT index=main", "the source, sourcetype, host or index"),
        ("verb=create | append [search index=k8s verb=get]", "index=k8s"),
        ("verb=create [search index=k8s | fields auditID]", "index=k8s"),
    ],
)
def test_an_index_that_no_event_has_gave_no_rows_and_no_word(log: Path, search: str, named: str) -> None:
    (remark,) = remarks(search, log)
    assert remark.startswith(f"no event has {named}, which the search selects. Native events have index=main ")


@pytest.mark.parametrize(
    ("search", "told"),
    [
        ("user=alice", "no event has 'user'. Did you mean 'user.username'?"),
        ("username=alice", "no event has 'username'. Did you mean 'user.username'?"),
        ("Verb=create", "no event has 'Verb'. Did you mean 'verb'?"),
        ("sourceIPs=10.0.0.7", "no event has 'sourceIPs'. Did you mean 'sourceIPs{}'?"),
        ("verb=create | stats count by objectRef.nam", "no event has 'objectRef.nam'. Did you mean 'objectRef.name'?"),
        ("verb=create | where code>0", "no event has 'code'. Did you mean 'responseStatus.code'?"),
        (
            "verb=create | stats count by verb | where cnt>0",
            "the rows at this point have no field 'cnt'. Did you mean 'count'?",
        ),
        (
            "user.username='alice'",
            "single quotes are part of the value in user.username='alice'. Write user.username=alice.",
        ),
    ],
)
def test_a_misspelt_field_gave_no_rows_and_no_word(log: Path, search: str, told: str) -> None:
    assert remarks(search, log) == [told]


@pytest.mark.parametrize(
    "search",
    [
        "index=main source=kubernetes sourcetype=_json host=* verb=create",
        "index=main OR index=k8s",
        "requestObject.spec.hostPID=true",
        'verb=create | rex field=userAgent "(?<client>\\\\w+)/" | stats count by client',
        "verb=create | eval who='user.username' | where who=\"alice\" | table who",
        "verb=create | stats count as n by verb | where n>0 | sort -n",
        "verb=create | spath",
        "verb=create user.username=nobody",
        "| makeresults | eval a=b",
        "* | stats count by user.username | append [search verb=get | stats count as gets by user.username] "
        "| where gets>0",
        "* | stats count by verb | join verb [search * | stats count as all by verb] | where all>0",
        "* | stats count by verb | appendcols [search * | stats count as all] | where all>0",
        "* | stats count by verb | appendpipe [stats sum(count) as all] | where all>0",
        "* | top user.username | where percent>1",
        "* | transaction user.username | where duration>=0 | table eventcount",
        "* | timechart count by verb | where create>0",
        "* | chart count over verb by user.username | where alice>0",
        "* | stats count by verb stage | xyseries verb stage count | where ResponseComplete>0",
        "* | stats count by verb | untable verb name value | where value>0",
        "* | stats count by verb | addtotals | where Total>1",
        "* | iplocation sourceIPs{} | table City Country",
        "* | stats latest(*) as * by verb | where 'user.username'=\"a\"",
        '* | stats count by verb | map search="search verb=$verb$ | stats count as inner" | where inner>0',
        "* | stats count by verb | fillnull value=0 foo | where foo=0",
        "* | rename user.* as u.* | where 'u.username'=\"alice\"",
    ],
)
def test_a_search_for_what_events_can_have_is_told_nothing(log: Path, search: str) -> None:
    assert remarks(search, log) == []


def test_other_logs_have_fields_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text(json.dumps({"a": 1}) + "\n")
    assert remarks("b=1", tmp_path / "x.log", input_format="json") == []


def test_a_member_that_a_shipper_added_to_one_event_is_no_unknown_field(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", event("a"), event("b", cluster_name="blue"))
    assert remarks("cluster_name=blue", log) == []
    assert remarks("clustername=blue", log) == ["no event has 'clustername'. Did you mean 'cluster_name'?"]
    assert remarks("zzzzz=blue", log) == ["no event has 'zzzzz'."]


def test_the_view_of_a_cloud_is_no_unknown_sourcetype(tmp_path: Path) -> None:
    record = {"time": "2026-11-25T10:00:00Z", "category": "kube-audit", "properties": {"log": json.dumps(event())}}
    log = tmp_path / "aks.json"
    log.write_text(json.dumps(record) + "\n")
    result = podhawk.search("sourcetype=mscs:storage:blob:json category=kube-audit", log)
    assert (len(result), list(result.remarks)) == (1, [])
    assert remarks("verb=create", log) == []
    (remark,) = remarks("sourcetype=mscs:storage:blob", log)
    assert remark.startswith("no event has sourcetype=mscs:storage:blob,")
