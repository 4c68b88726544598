"""Why a record is not an audit event: the reasons that the summary counts, and how each is told.

A reason says what the record is, as far as that can be known, because "not recognised" sends nobody to
the right log. The texts are what the summary prints.
"""

from __future__ import annotations

import re
from typing import Any, Final

ADMISSION: Final = "AdmissionReview, not an audit event"
KLOG: Final = "klog line"
RANCHER: Final = "Rancher API audit, not Kubernetes audit"
AUDITD: Final = "Linux auditd record"
OVN: Final = "OVN ACL log"
LEGACY: Final = "audit text from before audit.k8s.io"
CORE_EVENT: Final = "Kubernetes core Event, not an audit event"
OBJECT: Final = "Kubernetes object, not an audit event"
CONTROL: Final = "CloudWatch control message"
GCP_OTHER: Final = "GCP audit log of another service"
GCP_ENTRY: Final = "GCP log entry without audit payload"
CLOUDTRAIL: Final = "CloudTrail record"
NO_AUDIT_ID: Final = "audit event without auditID"
FLATTENED: Final = "audit event in pieces"
OTHER_JSON: Final = "JSON that is no audit event"
CUT: Final = "truncated before auditID"
FRAGMENT: Final = "fragment of a split record"
BROKEN: Final = "broken JSON"
TOO_DEEP: Final = "nested too deeply"
WRAPPED: Final = "wrapped too deeply"
PAYLOAD: Final = "undecodable payload"
EMPTY: Final = "envelope without an event"
TEXT: Final = "text"
BINARY: Final = "binary data"
COMPRESSION: Final = "damaged compressed data"
EXPANDS: Final = "compressed data that expands without bound"
ENCRYPTED: Final = "encrypted archive"
ZIP: Final = "zip archive"
SEVEN_ZIP: Final = "7z archive"
RAR: Final = "RAR archive"
LZ4: Final = "LZ4-compressed data"
LZOP: Final = "LZO-compressed data"
LZIP: Final = "lzip-compressed data"
LZMA: Final = "LZMA-compressed data"
SNAPPY: Final = "Snappy-compressed data"
UNIX_COMPRESS: Final = "data compressed by compress (.Z)"
AVRO: Final = "Avro file"
PARQUET: Final = "Parquet file"
YAML_EMPTY: Final = "YAML without events"
YAML_BROKEN: Final = "broken YAML"
TOO_LARGE: Final = "record over the size limit"
OTHER_FORMAT: Final = "not of the chosen input format"
SHRANK: Final = "file that shrank while it was read"
UNREADABLE: Final = "file that cannot be read"
BROKE_OFF: Final = "file that cannot be read to its end"
REPLACED: Final = "file that was replaced before it was read"
FOLDER: Final = "folder that was not read"
REMOVED: Final = "events that are no longer kept"

REASONS: Final[dict[str, str]] = {
    ADMISSION: ("The request or response of an admission webhook. It has a uid instead of an auditID, and no outcome."),
    KLOG: "A log line of a Kubernetes component (`I0102 15:04:05.000000 …`).",
    RANCHER: (
        "Rancher's own API audit log. It also has `auditID` and `verb`, but upper-case HTTP methods and `user.name`."
    ),
    AUDITD: "A record of the Linux audit daemon (`type=… msg=audit(…)`).",
    OVN: "An access-list line of OVN (`…|acl_log(…)|…`).",
    LEGACY: (
        "The text format of API servers before 1.12 (`AUDIT: id=…`). It has no structure from which "
        "events can be rebuilt."
    ),
    CORE_EVENT: "An Event object of the cluster (`kubectl get events`), core/v1 or events.k8s.io.",
    OBJECT: "Any other Kubernetes object, or a list of them.",
    CONTROL: "A message by which CloudWatch tests a subscription (`messageType: CONTROL_MESSAGE`).",
    GCP_OTHER: "A Cloud Audit Logs entry whose method is not a Kubernetes method.",
    GCP_ENTRY: "A Cloud Logging entry whose text or JSON payload contains no audit event.",
    CLOUDTRAIL: "An AWS CloudTrail record: calls to the AWS API, not to the cluster.",
    NO_AUDIT_ID: "Resembles an audit event, but has no string `auditID`, or neither `verb` nor `stage`.",
    FLATTENED: "An audit event whose members were joined into keys (`userUsername`) that cannot be separated again.",
    OTHER_JSON: "Valid JSON of no known format.",
    CUT: ("A record that was cut before `auditID`, or before `verb` and `stage`. Nothing can be salvaged."),
    FRAGMENT: "The middle or end of a record that its carrier split.",
    BROKEN: "Starts like JSON, but is invalid, and nothing can be salvaged.",
    TOO_DEEP: ("JSON nested deeper than any Kubernetes object, with the identity of the event inside the nesting."),
    WRAPPED: "More than 32 nested envelopes.",
    PAYLOAD: "Base64 or compressed data in an envelope that cannot be decoded.",
    EMPTY: "An envelope of a known format that contains nothing.",
    TEXT: "A line of text of an unknown kind.",
    BINARY: "Bytes that are not text.",
    COMPRESSION: "A compressed stream or an archive that ends early or is corrupt. What came before was read.",
    EXPANDS: "More than 8 layers of compression, or data that expands to over 1 GiB and 1,000 times its size.",
    ENCRYPTED: "A zip archive with a password, or with a compression method that Python does not support.",
    ZIP: "A zip archive on standard input or inside another archive. A zip archive that is a file is read.",
    SEVEN_ZIP: "Not supported.",
    RAR: "Not supported.",
    LZ4: "Not supported.",
    LZOP: "Not supported.",
    LZIP: "Not supported.",
    LZMA: "The format before xz. Not supported.",
    SNAPPY: "Not supported.",
    UNIX_COMPRESS: "Not supported.",
    AVRO: "The format of Event Hubs Capture. Not supported.",
    PARQUET: "Not supported.",
    YAML_EMPTY: "A YAML file, such as a detection rule, that contains no event.",
    YAML_BROKEN: "A YAML file that is invalid, or that expands without limit.",
    TOO_LARGE: "A record larger than 256 MiB.",
    OTHER_FORMAT: "With `--input-format NAME`: a record of another format.",
    SHRANK: "A file that was truncated or overwritten (`copytruncate`) before it was read to its end; counted once.",
    UNREADABLE: "A file in a folder or glob without read permission, or a broken link. The other files are read.",
    BROKE_OFF: "A file in a folder or glob that failed while it was read. The part before the failure was read.",
    REPLACED: "One of very many files, which was another file when it was opened again.",
    REMOVED: "Events of `state:DIR` that podhawk serve has removed, because they were too old or too many.",
    FOLDER: "A folder inside the input without read permission, or a link to a folder. Such links are not followed.",
}
OF_FILES: Final = frozenset({SHRANK, UNREADABLE, BROKE_OFF, REPLACED, FOLDER, REMOVED})
"""Reasons that are about a file as a whole, and are counted once for each."""

REMEDIES: Final[dict[str, str]] = {
    ENCRYPTED: "7z x FILE",
    ZIP: "unzip -p FILE | podhawk … -",
    SEVEN_ZIP: "7z x -so FILE | podhawk … -",
    RAR: "unrar p -inul FILE | podhawk … -",
    LZ4: "lz4 -dc FILE | podhawk … -",
    LZOP: "lzop -dc FILE | podhawk … -",
    LZIP: "lzip -dc FILE | podhawk … -",
    LZMA: "xz -dc --format=lzma FILE | podhawk … -",
    SNAPPY: "snzip -dc FILE | podhawk … -",
    UNIX_COMPRESS: "gzip -dc FILE | podhawk … -",
    AVRO: "avro-tools tojson FILE | podhawk … -",
    PARQUET: "duckdb -jsonlines -c \"from 'FILE'\" | podhawk … -",
}
"""For each format that is not supported, the command that converts it."""
ADVICE: Final[dict[str, str]] = {
    COMPRESSION: "copy the file again, and check it with gzip -t, zstd -t or xz -t",
    EXPANDS: "look at the file: no log compresses so well",
}
"""For other reasons what to do, where there is something."""

_KLOG: Final = re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d")
_AUDITD: Final = re.compile(r"(?:node=\S+ )?type=\w+ msg=audit\(")
_JSONISH: Final = re.compile(r'"\s*:\s*[\["{\dtfn]|\\"\s*:|[}\]"]\s*[,}\]]|"\s*\}')
METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE"})


def is_audit_event(value: Any) -> bool:
    """An audit event is told by a string `auditID` with a string `verb` or `stage`, never by its kind:
    webhook items carry none. Rancher's API audit has all of these, and is told by its methods."""
    return (
        type(value) is dict
        and type(value.get("auditID")) is str
        and (type(value.get("verb")) is str or type(value.get("stage")) is str)
        and not _is_rancher(value)
    )


def _is_rancher(value: dict[str, Any]) -> bool:
    verb = value.get("verb")
    method = verb if isinstance(verb, str) and verb in METHODS else value.get("method")
    if not isinstance(method, str) or method not in METHODS or "apiVersion" in value:
        return False
    user = value.get("user")
    return not (isinstance(user, dict) and "username" in user)


def reason_for_object(value: dict[str, Any]) -> str:
    """Why a JSON object that no format recognises is not an audit event."""
    kind = value.get("kind")
    version = value.get("apiVersion")
    version = version if isinstance(version, str) else ""
    if kind == "AdmissionReview" or version.startswith("admission.k8s.io/"):
        return ADMISSION
    if "auditID" in value and _is_rancher(value):
        return RANCHER
    if "involvedObject" in value or "regarding" in value or version.startswith("events.k8s.io/"):
        return CORE_EVENT
    if (
        version.startswith("audit.k8s.io/")
        or "auditID" in value
        or (kind == "Event" and ("verb" in value or "requestURI" in value))
    ):
        return NO_AUDIT_ID
    if kind == "Event" and version == "v1":
        return CORE_EVENT
    if isinstance(kind, str) and version and ("metadata" in value or "items" in value):
        return OBJECT
    if "operation" in value and "userInfo" in value and "uid" in value:
        return ADMISSION
    if "eventVersion" in value and str(value.get("eventSource")).endswith(".amazonaws.com"):
        return CLOUDTRAIL
    if value.get("log_source") == "auditd" or "audit.linux" in value:
        return AUDITD
    if value.get("log_source") == "ovn":
        return OVN
    if "verb" in value and "objectRef" in value:
        return NO_AUDIT_ID
    return OTHER_JSON


def reason_for_text(text: str) -> str:
    """Why a text that is no JSON document is not an audit event."""
    head = text[:4096].strip()
    if _KLOG.match(head):
        return KLOG
    if _AUDITD.match(head):
        return AUDITD
    if "|acl_log(" in head:
        return OVN
    if 'AUDIT: id="' in head:
        return LEGACY
    odd = sum(1 for character in head if (character < " " and character not in "\t\r\n") or character == "\ufffd")
    if odd * 10 > len(head):
        return BINARY
    return FRAGMENT if _JSONISH.search(head) else TEXT
