"""Logs and content whose every text tries to become something else on a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from support.findings import event

MARKUP: Final = (
    '<img src="https://evil.example/x.png" onerror="document.title=1">',
    "<script>document.title=1</script>",
    "</style><script>document.title=1</script>",
    "</title></head><body onload=document.title=1>",
    "--><svg onload=document.title=1>",
    '"><a href="javascript:document.title=1" autofocus onfocus="document.title=1">x</a>',
    "' onmouseover='document.title=1' x='",
    '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
    '<base href="https://evil.example/"><link rel=stylesheet href=//evil.example/x.css>',
    "<iframe srcdoc='<script>parent.document.title=1</script>'></iframe>",
    "<form action=https://evil.example/><button>Log in</button></form>",
    "{{ 7 * 7191 }}{% raw %}{# x #}",
    "&lt;b&gt;&#x3c;i&#x3e;",
    "javascript:document.title=1",
    "<style>*{display:none}</style>",
    "]]><![CDATA[<b>",
)
CONTROLS: Final = "a\x1b[2Jb\x1b]0;t\x07c\x9b31md\u202ee\u2066f\u200bg\ufeffh\x7fi\u2028j\x85k\r\nINJECTED"
RIGHT_TO_LEFT: Final = "אבג 10"
BLANK, STACK = "\u3164\u2800\u115f", "e" + "\u0301\u0336" * 200
HOSTILE: Final = (*MARKUP, CONTROLS, RIGHT_TO_LEFT, BLANK, STACK, "x" * 5000)
HIDDEN: Final = frozenset(CONTROLS) - frozenset(map(chr, range(32, 127))) - frozenset("\r\n")
DETECTION: Final = {
    "id": "11111111-1111-1111-1111-111111111111",
    "version": 1,
    "type": "TTP",
    "status": "production",
    "severity": "high",
}


def hostile_log(folder: Path) -> Path:
    """Events that hold the hostile values wherever a requester chooses a value."""
    lines = []
    for number, text in enumerate(HOSTILE):
        one = event(
            f"{text}{number}",
            user={"username": text, "groups": [text, "system:authenticated"], "extra": {"x": [text]}},
            userAgent=text,
            sourceIPs=[text],
            requestURI=f"/api/v1/namespaces/default/pods?command={text}",
            objectRef={"resource": "pods", "namespace": "default", "name": text, "apiVersion": "v1"},
            annotations={"authorization.k8s.io/decision": "allow", text: text},
        )
        lines.append(json.dumps(one))
    path = folder / "<img src=x onerror=document.title=1>.log"
    path.write_text("\n".join(lines) + "\n")
    return path


def hostile_content(folder: Path) -> Path:
    """Detections with the hostile values in each text, over events and over counts; one that cannot run."""
    text, name = " ".join((*MARKUP, CONTROLS, RIGHT_TO_LEFT)), MARKUP[2]
    detections = {
        "each": {
            **DETECTION,
            "name": f"Each {name}",
            "search": 'verb=create userAgent!="<b>x" | table auditID user.username userAgent',
            "tags": {"mitre_attack_id": ["T1610"], "analytic_story": [text]},
            "description": text,
            "known_false_positives": text,
            "finding": {
                "title": f"$user.username$ {MARKUP[0]}{CONTROLS}",
                "entity": {"field": "user.username", "type": "user", "score": 90},
            },
        },
        "counts": {
            **DETECTION,
            "id": "2",
            "name": f"Counts {name}",
            "search": "verb=create | stats count values(user.username) as who by objectRef.name | where count > 0",
            "finding": {"title": "$objectRef.name$", "entity": {"field": "who", "type": "user", "score": 10}},
        },
        "cannot": {
            **DETECTION,
            "id": "3",
            "name": f"Cannot {name}",
            "search": "verb=create requestObject.spec.hostNetwork=true | table auditID",
        },
        "broken": {**DETECTION, "id": "4", "name": f"Broken {name}", "search": f"verb=create | nonsense {name}"},
    }
    root = folder / "content"
    for name, one in detections.items():
        (root / "detections" / f"{name}.yml").parent.mkdir(parents=True, exist_ok=True)
        (root / "detections" / f"{name}.yml").write_text(json.dumps(one))
    return root


def exceptions(folder: Path) -> Path:
    """An exception with hostile texts that hides one finding."""
    path = folder / "exceptions.yml"
    one = {
        "name": MARKUP[1],
        "detection": "each",
        "when": 'userAgent="javascript:*"',
        "owner": MARKUP[0],
        "reason": MARKUP[2] + CONTROLS,
        "expires": "2030-01-01",
    }
    path.write_text(json.dumps([one]))
    return path
