"""Tables of clouds and databases: rows, columns and rows, names of their own, the sink to BigQuery."""

from __future__ import annotations

from typing import Any

import pytest

from events.conftest import Read
from podhawk.events import fields_of, hides
from podhawk.events.registry import FORMATS
from support.samples import event, gke, text

RESOURCE = "/subscriptions/0/resourcegroups/rg/providers/microsoft.containerservice/managedclusters/prod-eu"
NAMES = {"auditID": "AuditId", "requestReceivedTimestamp": "RequestReceivedTime", "stageTimestamp": "StageReceivedTime"}
ROW = {
    "TenantId": "t",
    "TimeGenerated": "2026-11-01T10:00:00.43Z",
    **{NAMES.get(name, name[:1].upper() + name[1:]): value for name, value in event().items() if name not in ("kind",)},
    "PodName": "kube-apiserver-0",
    "Type": "AKSAudit",
    "_ResourceId": RESOURCE,
}
TEXTS = {name: text(value) if isinstance(value, (dict, list)) else value for name, value in ROW.items()}


def columns_and_rows(*rows: dict[str, Any]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {
        "columns": [{"name": name, "type": "string"} for name in names],
        "rows": [[row.get(name) for name in names] for row in rows],
    }


def as_data(rows: dict[str, Any]) -> dict[str, Any]:
    return {"columns": [column["name"] for column in rows["columns"]], "data": rows["rows"]}


TABLES: dict[str, Any] = {
    "exported": ROW,
    "through az": [{**TEXTS, "TableName": "PrimaryResult"}],
    "through the REST API": {"tables": [{"name": "PrimaryResult", **columns_and_rows(TEXTS)}]},
    "Kusto": {
        "Tables": [{"TableName": "T", "Columns": [{"ColumnName": n} for n in TEXTS], "Rows": [[*TEXTS.values()]]}]
    },
    "in an Event Hub": {"records": [ROW]},
    "pandas": as_data(columns_and_rows(TEXTS)),
    "Elasticsearch SQL": {"columns": columns_and_rows(ROW)["columns"], "values": columns_and_rows(ROW)["rows"]},
    "Splunk": {"fields": ["_time", "_raw"], "rows": [["2026-11-01", text(event())]]},
    "Athena": {
        "ResultSet": {
            "Rows": [
                {"Data": [{"VarCharValue": name.lower()} for name in event()]},
                {"Data": [{"VarCharValue": v if isinstance(v, str) else text(v)} for v in event().values()]},
            ]
        }
    },
    "Snowflake": {
        "resultSetMetaData": {"rowType": [{"name": name.upper()} for name in event()]},
        "data": [[v if isinstance(v, str) else text(v) for v in event().values()]],
    },
    "names with underscores": {
        "audit_id": "a1",
        "request_uri": event()["requestURI"],
        "source_ips": event()["sourceIPs"],
        "user_agent": event()["userAgent"],
        "object_ref": event()["objectRef"],
        "response_status": event()["responseStatus"],
        "request_object": event()["requestObject"],
        "request_received_timestamp": event()["requestReceivedTimestamp"],
        "stage_timestamp": event()["stageTimestamp"],
        **{name: event()[name] for name in ("level", "stage", "verb", "user", "annotations")},
    },
    "names with types": {
        f"{name}_{'t' if 'Time' in name else 's'}": v if isinstance(v, str) else text(v) for name, v in event().items()
    },
    "a prefix": {f"log.{name}": value for name, value in event().items()},
}


@pytest.mark.parametrize("name", TABLES)
def test_a_row_is_the_event_it_was(name: str, read: Read) -> None:
    (one,), report = read(text(TABLES[name]))
    assert not report.rejected
    (wanted,), _ = read(text(event()))
    found, whole = fields_of(one.view), fields_of(wanted.view)
    assert {field: found.get(field) for field in whole if field not in ("kind", "apiVersion")} == {
        field: value for field, value in whole.items() if field not in ("kind", "apiVersion")
    }
    assert (one.time, one.stage_time) == (wanted.time, wanted.stage_time)


def test_tables_of_azure_say_which_cluster_it_was(read: Read) -> None:
    for content in (ROW, [TEXTS], {"tables": [columns_and_rows(TEXTS)]}):
        (one,), _ = read(text(content))
        assert one.cluster == "prod-eu"
        assert one.missing == {"impersonatedUser"}
        assert one.carrier is not None
        assert (one.carrier.sourcetype, one.carrier.data["Type"]) == ("mscs:storage:blob:json", "AKSAudit")
    bare = {name: ROW[name] for name in ("AuditId", "Verb", "TimeGenerated", "_ResourceId")}
    assert read(text(bare))[0][0].time == 1793527200.43


def test_placeholders_stay_what_they_are(read: Read) -> None:
    (one,), _ = read(text({**ROW, "RequestObject": "skipped-too-big-size-object", "ResponseObject": ""}))
    assert one.view.data["requestObject"] == "skipped-too-big-size-object"
    assert "responseObject" not in one.view.data


def sink(**payload: Any) -> dict[str, Any]:
    """A row of the BigQuery sink."""
    entry = gke(**payload)
    audit = entry.pop("protoPayload")
    for name in ("request", "response"):
        if name in audit:
            audit[f"{name}Json"] = text(audit.pop(name))
    entry["labels"] = {name.replace(".", "_").replace("/", "_"): value for name, value in entry["labels"].items()}
    return {**entry, "timestamp": "2026-11-01 10:00:00.5 UTC", "protopayload_auditlog": audit}


def test_rows_of_the_sink_are_the_entries_they_were(read: Read) -> None:
    more: dict[str, Any] = {
        "request": {"@type": "core.k8s.io/v1.Pod", "spec": {"hostNetwork": True, "containers": [{"image": "x"}]}},
        "response": {"metadata": {"uid": "u"}},
        "authorizationInfo": [{"granted": True, "permission": "p", "resource": "r"}],
        "status": {"code": 7},
    }
    for payload in ({}, more, {"authenticationInfo": {"principalEmail": "a@x", "authoritySelector": "bob"}}):
        (wanted,), _ = read(text(gke(**payload)))
        row = sink(**payload)
        row["protopayload_auditlog"] |= {"metadataJson": None, "serviceData": None, "requestMetadata_x": []}
        renamed = {("protopayload_AuditLog" if key.startswith("protop") else key): value for key, value in row.items()}
        for content in (row, renamed, [row]):
            (one,), report = read(text(content))
            assert one.view.data == wanted.view.data
            assert (one.cluster, one.time, one.missing) == (wanted.cluster, wanted.time, wanted.missing)
            assert not report.rejected
    assert read(text(sink(methodName="v1.compute.instances.insert", serviceName="compute.googleapis.com")))[1].rejected


def test_an_answer_of_bigquery_has_records_in_records(read: Read) -> None:
    def field(name: str, *inner: Any) -> dict[str, Any]:
        return {"name": name, "type": "RECORD" if inner else "STRING", **({"fields": list(inner)} if inner else {})}

    def cells(*values: Any) -> dict[str, Any]:
        return {"f": [{"v": value} for value in values]}

    answer = {
        "kind": "bigquery#queryResponse",
        "schema": {
            "fields": [
                field("insertId"),
                field("timestamp"),
                field(
                    "protopayload_auditlog",
                    field("methodName"),
                    field("serviceName"),
                    field("authenticationInfo", field("principalEmail")),
                    field("authorizationInfo", field("granted")),
                    field("requestJson"),
                ),
            ]
        },
        "rows": [
            cells(
                "i1",
                "1.793527200425513E9",
                cells(
                    "io.k8s.core.v1.pods.create",
                    "k8s.io",
                    cells("alice@example.com"),
                    [{"v": cells("true")}],
                    '{"spec":{"hostPID":true}}',
                ),
            )
        ],
    }
    (one,), _ = read(text(answer))
    assert one.time == 1793527200.425513
    assert one.view.data["user"] == {"username": "alice@example.com"}
    assert one.view.data["requestObject"] == {"spec": {"hostPID": True}}
    assert one.view.data["annotations"] == {"authorization.k8s.io/decision": "allow"}


def test_a_table_with_the_names_of_protocol_buffers(read: Read) -> None:
    entry = gke(request={"spec": {"x_y": 1}})
    payload = entry["protoPayload"]
    row = {
        "insert_id": "g1",
        "log_name": "x",
        "timestamp": entry["timestamp"],
        "resource": entry["resource"],
        "labels": entry["labels"],
        "operation": entry["operation"],
        "proto_payload": {
            "audit_log": {
                "service_name": payload["serviceName"],
                "method_name": payload["methodName"],
                "resource_name": payload["resourceName"],
                "authentication_info": {"principal_email": "alice@example.com"},
                "request_metadata": {"caller_ip": "192.0.2.7", "caller_supplied_user_agent": "kubectl/v1"},
                "status": {},
                "request": {"spec": {"x_y": 1}},
            }
        },
    }
    (one,), _ = read(text(row))
    assert one.view.data == read(text(entry))[0][0].view.data


def test_the_prefilter_knows_what_hides_values_in_every_format() -> None:
    assert {pattern for form in FORMATS for pattern in form.hides} == set(hides.ALL)
