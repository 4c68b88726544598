"""CSV exports: a cell that holds the event, or columns that are the event; other delimiters, quotes and damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from events.conftest import Read
from podhawk.errors import InputError
from podhawk.events import check_recognised, fields_of
from podhawk.events.formats.csvfile import table_in
from support.samples import event, gke, line, text

EVENT = text(event())
DOUBLED = EVENT.replace('"', '""')
CELL = f'"{DOUBLED}"'
SECOND = '"' + text(event("a2")).replace('"', '""') + '"'

CELLS = {
    "comma": f"timestamp,message\n1793527200500,{CELL}\n1793527200600,{SECOND}\n",
    "semicolon": f"time;message\n1;{CELL}\n2;{SECOND}\n",
    "tab, CRLF": f"time\tmessage\r\n1\t{CELL}\r\n2\t{SECOND}\r\n",
    "bar, byte-order mark": f"\ufefftime|msg\n1|{CELL}\n2|{SECOND}\n",
    "separator told": f"sep=;\ntime;msg\n1;{CELL}\n2;{SECOND}\n",
    "utf-16": f"time,msg\n1,{CELL}\n2,{SECOND}\n".encode("utf-16"),
    "quotes escaped by backslashes": f"time,message\n1,{json.dumps(EVENT)}\n2,{json.dumps(text(event('a2')))}\n",
    "single quotes": f"time,message\n1,'{EVENT}'\n2,'{text(event('a2'))}'\n",
    "one column": f"_raw\n{CELL}\n{SECOND}\n",
    "quoted names": f'"_raw","_time","host"\n{CELL},"2026-11-01T10:00:00","h"\n{SECOND},"x","h"\n',
    "a name that nobody knows": f"Host,The Text\nh,{CELL}\nh,{SECOND}\n",
    "no last line feed": f"a,_raw\n1,{CELL}\n2,{SECOND}",
    "many lines in a cell": 't,message\n1,"' + json.dumps(event(), indent=2).replace('"', '""') + f'"\n2,{SECOND}\n',
    "names again": f"time,message\n1,{CELL}\ntime,message\n2,{SECOND}\n",
    "blank lines": f"time,message\n\n1,{CELL}\n\r\n2,{SECOND}\n\n",
    "no names": f"2026-11-01T10:00:00Z,{CELL}\n2026-11-01T10:00:01Z,{SECOND}\n",
    "docker in a cell": "a,log line\n1,"
    + json.dumps(text({"log": line(), "stream": "stdout"})).replace('\\"', '""').replace("\\\\", "\\")
    + f"\n2,{SECOND}\n",
}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_holds_the_event(name: str, read: Read) -> None:
    events, report = read(CELLS[name])
    assert [one.view.data["auditID"] for one in events] == ["a1", "a2"], report.summary_lines()
    assert not report.rejected
    assert events[0].view.data["objectRef"]["name"] == "web-ä"
    assert read(CELLS[name], input_format="csv" if name != "no names" else "auto")[1].events == 2


COLUMNS = {
    "as Splunk names fields": (
        "auditID,verb,stage,user.username,user.groups{},sourceIPs{},objectRef.resource,responseStatus.code,"
        "requestObject.spec.hostNetwork,requestObject.spec.containers{}.image\n"
        'a1,create,ResponseComplete,alice,"dev\nops",1.1.1.1,pods,201,true,"nginx\nbusybox"\n'
    ),
    "with a prefix": (
        '"@timestamp","log.auditID","log.verb","log.stage","log.user.username","log.user.groups","log.sourceIPs",'
        '"log.objectRef.resource","log.responseStatus.code","log.requestObject.spec.hostNetwork",'
        '"log.requestObject.spec.containers"\n'
        '"Nov 1, 2026 @ 10:00:00.425",a1,create,ResponseComplete,alice,"dev, ops",1.1.1.1,pods,201,true,'
        '"[{""image"":""nginx""},{""image"":""busybox""}]"\n'
    ),
    "as the portal of Azure names them": (
        'TenantId,"TimeGenerated [UTC]",AuditId,Verb,Stage,User,SourceIps,ObjectRef,ResponseStatus,RequestObject\n'
        't,"11/1/2026, 10:00:00.425 AM",a1,create,ResponseComplete,'
        '"{""username"":""alice"",""groups"":[""dev"",""ops""]}","[""1.1.1.1""]",'
        '"{""resource"":""pods""}","{""code"":201}",'
        '"{""spec"":{""hostNetwork"":true,""containers"":[{""image"":""nginx""},{""image"":""busybox""}]}}"\n'
    ),
    "in capitals": (
        "AUDITID,VERB,STAGE,USER,SOURCEIPS,OBJECTREF,RESPONSESTATUS,REQUESTOBJECT\n"
        'a1,create,ResponseComplete,"{""username"":""alice"",""groups"":[""dev"",""ops""]}","[""1.1.1.1""]",'
        '"{""resource"":""pods""}","{""code"":201}",'
        '"{""spec"":{""hostNetwork"":true,""containers"":[{""image"":""nginx""},{""image"":""busybox""}]}}"\n'
    ),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_are_the_event(name: str, read: Read) -> None:
    (one,), report = read(COLUMNS[name])
    assert not report.rejected
    fields = fields_of(one.view)
    wanted: dict[str, Any] = {
        "auditID": "a1",
        "verb": "create",
        "user.username": "alice",
        "user.groups{}": ("dev", "ops"),
        "sourceIPs{}": "1.1.1.1",
        "objectRef.resource": "pods",
        "responseStatus.code": "201",
        "requestObject.spec.hostNetwork": "true",
        "requestObject.spec.containers{}.image": ("nginx", "busybox"),
    }
    assert {field: fields.get(field) for field in wanted} == wanted
    assert one.view.data["requestObject"]["spec"]["hostNetwork"] is True


def test_columns_of_a_cloud_logging_entry(read: Read) -> None:
    entry, row = gke(), {}
    for name in ("serviceName", "methodName", "resourceName"):
        row[f"protoPayload.{name}"] = entry["protoPayload"][name]
    row |= {"protoPayload.authenticationInfo.principalEmail": "alice@example.com"}
    row |= {"resource.labels.cluster_name": "prod-eu", "insertId": "g1", "timestamp": entry["timestamp"]}
    row |= {"labels.authorization.k8s.io/decision": "allow"}
    (one,), _ = read(",".join(row) + "\n" + ",".join(row.values()) + "\n")
    assert (one.view.data["verb"], one.view.data["user"], one.cluster) == (
        "create",
        {"username": "alice@example.com"},
        "prod-eu",
    )
    assert one.view.data["annotations"] == {"authorization.k8s.io/decision": "allow"}


def test_times_of_rows_are_read(read: Read) -> None:
    short = '"{""auditID"":""x"",""verb"":""get""}"'
    for head, cell in (
        ("timestamp,message", "1793527200500"),
        ("@timestamp,@message", "2026-11-01 10:00:00.500"),
        ("_time,_raw", "2026-11-01T10:00:00.500+0000"),
        ("TimeGenerated,log_s", '"11/1/2026, 10:00:00.500 AM"'),
    ):
        assert read(f"{head}\n{cell},{short}\n")[0][0].time == 1793527200.5, head


def test_a_file_without_events_is_refused(read: Read) -> None:
    for content in ("namespace,pods\nshop,4\n", "timestamp,message\n1,hello\n2,x\n", 'message\n"hello"\n'):
        events, report = read(content)
        assert not events
        with pytest.raises(InputError):
            check_recognised(report)


@pytest.mark.parametrize("damage", ['1,"a"b"', f'1,"{DOUBLED}', f'1,{CELL}"', '"', f"1,2,{CELL}", "1,'"])
def test_a_damaged_record_spoils_no_other(damage: str, read: Read) -> None:
    rows = [f"{number}," + CELL.replace("a1", f"b{number}", 1) for number in range(4)]
    events, _ = read("\n".join(("time,message", *rows[:2], damage, *rows[2:])) + "\n")
    found = [one.view.data["auditID"] for one in events]
    assert [name for name in found if name != "a1"] == ["b0", "b1", "b2", "b3"]


def test_records_are_counted_where_they_begin(read: Read) -> None:
    events, report = read(CELLS["many lines in a cell"])
    assert [one.origin.line for one in events] == [2, 2 + json.dumps(event(), indent=2).count("\n") + 1]
    assert report.lines == events[-1].origin.line


def test_lines_of_a_log_are_no_table() -> None:
    for content in (line() * 2, "hello, world\nx, {}\n", "a\nb\n", f"a,b\n{line()}", "[1,2]\n[3,4]\n", "", "x"):
        assert table_in(content.encode()) is None
