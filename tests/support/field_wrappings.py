"""Audit events as they come out of viewers of logs, exports, tables and shippers: more wrappings."""

from __future__ import annotations

import base64
import csv
import gzip
import html
import io
import json
import random
import urllib.parse
from collections.abc import Callable

from support import wrappings
from support.wrappings import wrapping


@wrapping
def kubectl_prefix(chance: random.Random, texts: list[str]) -> bytes:
    """What `kubectl logs --prefix` and stern put before a line, and text behind some."""
    return "".join(
        chance.choice(["[pod/kube-apiserver-cp1/kube-apiserver] ", "kube-apiserver-cp1 kube-apiserver "])
        + text
        + (" # noted" if chance.random() < 0.1 else "")
        + "\n"
        for text in texts
    ).encode()


@wrapping
def logcli(chance: random.Random, texts: list[str]) -> bytes:
    return "".join(f'2026-11-25T10:00:00Z {{cluster="c", job="audit"}} {text}\n' for text in texts).encode()


@wrapping
def quoted(chance: random.Random, texts: list[str]) -> bytes:
    """Warnings that quote the event: escaped, in single quotes, or as a Ruby hash."""
    kinds: list[Callable[[str], str]] = [
        json.dumps,
        lambda text: json.dumps(json.dumps(text)),
        lambda text: "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'",
        lambda text: json.dumps({"log": text}).replace('": ', '"=>'),
    ]
    return "".join(
        f"2026-11-25 10:00:00 +0000 [warn]: no match: {chance.choice(kinds)(text)}\n" for text in texts
    ).encode()


@wrapping
def labelled_pretty(chance: random.Random, texts: list[str]) -> bytes:
    """Events over many lines: after a label, or with a label on each of their lines."""
    out = []
    for number, text in enumerate(texts):
        label = f"2026-11-25T10:00:{number % 60:02d}.5+00:00 stream "
        lines = json.dumps(json.loads(text), indent=chance.choice([2, 4])).split("\n")
        out.append(label + ("\n" if chance.random() < 0.5 else "\n" + label).join(lines) + "\n")
    return "".join(out).encode()


@wrapping
def bulk(chance: random.Random, texts: list[str]) -> bytes:
    return "".join('{"index":{"_index":"audit"}}\n' + text + "\n" for text in texts).encode()


@wrapping
def csv_cells(chance: random.Random, texts: list[str]) -> bytes:
    """A console's export: the event in a cell."""
    mark, feed = chance.choice(",;\t|"), chance.choice(["\n", "\r\n"])
    rows = [mark.join(("timestamp", "message", "stream"))]
    rows += [mark.join((str(number), '"' + text.replace('"', '""') + '"', "s")) for number, text in enumerate(texts)]
    return (chance.choice(["", "\ufeff"]) + feed.join(rows) + feed).encode()


@wrapping
def csv_columns(chance: random.Random, texts: list[str]) -> bytes:
    """An export in which columns are the members of events."""
    out = io.StringIO()
    writer = csv.writer(out)
    names = ("auditID", "verb", "stage", "user.username", "sourceIPs{}", "objectRef.resource", "objectRef.namespace")
    writer.writerow((*names, "responseStatus.code", "requestReceivedTimestamp"))
    for text in texts:
        made = json.loads(text)
        ref = made["objectRef"]
        who = made["user"]["username"], made["sourceIPs"][0]
        what = ref["resource"], ref["namespace"], made["responseStatus"]["code"], made["requestReceivedTimestamp"]
        writer.writerow((made["auditID"], made["verb"], made["stage"], *who, *what))
    return out.getvalue().encode()


@wrapping
def aks_table(chance: random.Random, texts: list[str]) -> bytes:
    """Rows of the table AKSAudit, dynamic columns as objects or as text, and as columns and rows."""
    rows = []
    for text in texts:
        row: dict[str, object] = {"Type": "AKSAudit"}
        for name, value in json.loads(text).items():
            column = {"auditID": "AuditId", "sourceIPs": "SourceIps", "requestReceivedTimestamp": "RequestReceivedTime"}
            inner = json.dumps(value) if isinstance(value, (dict, list)) and chance.random() < 0.5 else value
            row[column.get(name, name[0].upper() + name[1:])] = inner
        rows.append(row)
    cut = len(rows) // 2
    names = sorted({name for row in rows[cut:] for name in row})
    table = {
        "columns": [{"name": name} for name in names],
        "rows": [[row.get(name) for name in names] for row in rows[cut:]],
    }
    return "".join(json.dumps(row) + "\n" for row in [*rows[:cut], {"tables": [table]}]).encode()


@wrapping
def bigquery(chance: random.Random, texts: list[str]) -> bytes:
    """Entries of Cloud Logging as its sink to BigQuery keeps them."""
    return b"".join(
        line.replace(b'"protoPayload"', b'"protopayload_auditlog"')
        for line in wrappings.gke(chance, texts).splitlines(keepends=True)
    )


@wrapping
def loki(chance: random.Random, texts: list[str]) -> bytes:
    result = [
        {"stream": {"job": "a"}, "values": [[f"179352720251100{number:04d}", text]]}
        for number, text in enumerate(texts)
    ]
    return json.dumps({"status": "success", "data": {"resultType": "streams", "result": result}}).encode() + b"\n"


@wrapping
def hidden(chance: random.Random, texts: list[str]) -> bytes:
    """Events where no text is: in base64, once or twice, compressed, as bytes, in an address, in a page."""
    kinds: list[Callable[[str], object]] = [
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(b" " + text.encode()).decode(),
        lambda text: base64.b64encode(gzip.compress(text.encode())).decode(),
        lambda text: list(text.encode()),
        lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
        lambda text: "x " + html.escape(text),
        urllib.parse.quote,
    ]
    plain = "".join(text + "\n" for text in texts[:20])
    return (
        plain + "".join(json.dumps({"id": 1, "a": [[{"v": chance.choice(kinds)(text)}]]}) + "\n" for text in texts[20:])
    ).encode()


@wrapping
def flat(chance: random.Random, texts: list[str]) -> bytes:
    """Members joined into keys, as shippers do."""
    out = []
    for text in texts:
        mark, row = chance.choice([".", "_", "/"]), {"host": "n"}
        for name, value in json.loads(text).items():
            if isinstance(value, dict) and name != "requestObject":
                row |= {f"{name}{mark}{inner}": item for inner, item in value.items()}
            else:
                row[name] = json.dumps(value) if isinstance(value, (dict, list)) else value
        out.append(json.dumps(row) + "\n")
    return "".join(out).encode()


@wrapping
def changed(chance: random.Random, texts: list[str]) -> bytes:
    """Plain lines whose whole numbers were made decimals and whose keys lost their dots, among others."""
    out = []
    for text in texts:
        made = json.loads(text)
        if chance.random() < 0.5:
            made["responseStatus"]["code"] = float(made["responseStatus"]["code"])
            if "requestObject" in made:
                made["requestObject"]["spec"]["fsGroup"] = [float(n) for n in made["requestObject"]["spec"]["fsGroup"]]
        if chance.random() < 0.5:
            made["annotations"] = {"authorization_k8s_io/decision": "allow"}
        out.append(json.dumps(made, separators=(",", ":")) + "\n")
    return "".join(out).encode()
