"""How the bytes of an input show that values or names do not stand in it as text, for each format where they do not.

Such an input is read line by line: the prefilter, which looks for values and names in bytes, does not judge it. The
patterns are regular expressions. They stand in a file of their own because the prefilter needs all of them for each
log, and the formats that name them for few.
"""

from __future__ import annotations

from typing import Final

from podhawk.events.spellings import HIDDEN

BIGQUERY: Final = (rb"protopayload", rb"proto_payload")
IDS: Final = (
    "auditid",
    "auditId",
    "audit_id",
    "audit_ID",
    "AuditId",
    "AuditID",
    "Auditid",
    "Audit_Id",
    "Audit_ID",
    "AUDITID",
    "AUDIT_ID",
)
"""How tables spell the name of the column with the auditID."""
PREFIXES: Final = "._/:-"
"""What stands between a prefix and the name of a member."""
COLUMNS: Final = (
    *(b'"' + name.encode() for name in IDS),
    rb"\"auditID_",
    *(b"\\" + mark.encode() + b"auditID" for mark in PREFIXES),
)
CLOUDWATCH: Final = (rb"awslogs", rb"\"data\\*\"\s*:\s*\\*\"")
CRI: Final = (rb"(?:stdout|stderr) P ",)
DOCKER: Final = (rb"\"stream\\*\"\s*:\s*\\*\"std",)
GKE: Final = (rb"protoPayload", rb"\"method_name")
NESTED: Final = HIDDEN
PUBSUB: Final = (rb"\"data\\*\"\s*:\s*\\*\"",)
ALL: Final = tuple(dict.fromkeys((*BIGQUERY, *COLUMNS, *CLOUDWATCH, *CRI, *DOCKER, *GKE, *NESTED, *PUBSUB)))
"""Those of all formats; a test compares them with what the formats name."""
