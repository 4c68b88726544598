"""Audit events as other products wrap them, spelled as JSON may spell them: input for tests of the prefilter.

A wrapping makes a file of the JSON texts of events, with chance where the product leaves a choice.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable

from support import samples

VERBS = ["create", "get", "list", "CREATE", "delete"]
RESOURCES = ["pods", "secrets", "configmaps"]
NAMESPACES = ["default", "kube-system", "team-a", "dé-faut", 'a"b', "x/y", "<x>", "K\u212a"]
NAMES = ["bob", "ann", "ann b", "it's=me", "a,b:c"]
SEARCHES = [
    "verb=create objectRef.resource=pods",
    "objectRef.namespace IN (default, kube-system) verb=get",
    "verb=create OR verb=list objectRef.resource=secrets",
    'objectRef.namespace="kube*" verb=*',
    "responseStatus.code=403",
    "objectRef.resource!=pods verb=delete",
    "secrets verb=get",
    '"kube-system" verb=list',
    'user.username="bob*" objectRef.resource=pods',
    'objectRef.namespace="x/y"',
    'objectRef.namespace="a\\"b"',
    "objectRef.namespace=kk verb=*",
    "sourceIPs{}=10.0.0.1 verb=get",
    "requestObject.spec.type=NodePort verb=create",
    'user.username="ann b" verb=*',
    'user.username="it\'s=me"',
    "requestObject.spec.fsGroup{}=4711",
    'user.username="a,b:c" verb=get',
    "sourcetype=kube:apiserver-audit NOT verb=create",
    "NOT sourcetype=kube:apiserver* NOT source=kubernetes NOT verb=get",
]


def event(chance: random.Random, number: int) -> dict[str, object]:
    made: dict[str, object] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": f"id-{number}",
        "stage": "ResponseComplete",
        "verb": chance.choice(VERBS),
        "user": {"username": chance.choice(NAMES)},
        "sourceIPs": [chance.choice(["10.0.0.1", "::1"])],
        "objectRef": {"resource": chance.choice(RESOURCES), "namespace": chance.choice(NAMESPACES)},
        "responseStatus": {"code": chance.choice([200, 201, 403])},
        "requestReceivedTimestamp": f"2026-11-25T10:00:{number % 60:02d}.000001Z",
    }
    if chance.random() < 0.2:
        made["requestObject"] = {
            "spec": {"type": chance.choice(["NodePort", "ClusterIP"]), "fsGroup": [4711, chance.randrange(9)]}
        }
    return made


def spelled(chance: random.Random, made: dict[str, object]) -> str:
    """One line of JSON, some letters of it escaped as JSON may."""
    text = json.dumps(made, ensure_ascii=chance.random() < 0.3, separators=chance.choice([(",", ":"), (", ", ": ")]))
    if chance.random() < 0.2:
        word = chance.choice(["create", "pods", "default", "kube-system", "NodePort", *NAMES])
        place = chance.randrange(len(word))
        text = text.replace(f'"{word}"', f'"{word[:place]}\\u{ord(word[place]):04x}{word[place + 1 :]}"')
    return text


Wrapping = Callable[[random.Random, list[str]], bytes]
WRAPPINGS: list[Wrapping] = []


def wrapping(function: Wrapping) -> Wrapping:
    WRAPPINGS.append(function)
    return function


def lines(texts: Iterable[str], end: str = "\n") -> bytes:
    return "".join(text + end for text in texts).encode()


@wrapping
def plain_lines(chance: random.Random, texts: list[str]) -> bytes:
    return lines(texts)


@wrapping
def crlf(chance: random.Random, texts: list[str]) -> bytes:
    return lines(texts, "\r\n")


@wrapping
def half_lines(chance: random.Random, texts: list[str]) -> bytes:
    """Here and there a line is cut, as when a disk is full; the last one has no line feed."""
    return lines(
        text[: chance.randrange(20, len(text))] if chance.random() < 0.1 else text for text in texts
    ).removesuffix(b"\n")


@wrapping
def pretty(chance: random.Random, texts: list[str]) -> bytes:
    return lines(json.dumps(json.loads(text), indent=2) for text in texts)


@wrapping
def pretty_among_lines(chance: random.Random, texts: list[str]) -> bytes:
    return lines(json.dumps(json.loads(text), indent=1) if chance.random() < 0.05 else text for text in texts)


@wrapping
def two_lines(chance: random.Random, texts: list[str]) -> bytes:
    return lines(text.replace(',"verb"', ',\n"verb"') if chance.random() < 0.1 else text for text in texts)


@wrapping
def array(chance: random.Random, texts: list[str]) -> bytes:
    return ("[" + ",\n".join(texts) + "]").encode()


@wrapping
def event_list(chance: random.Random, texts: list[str]) -> bytes:
    return lines(['{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[' + ",".join(texts) + "]}"])


@wrapping
def docker(chance: random.Random, texts: list[str]) -> bytes:
    return lines(json.dumps({"log": text + "\n", "stream": "stdout", "time": "2026-11-25T10:00:00Z"}) for text in texts)


@wrapping
def cri(chance: random.Random, texts: list[str]) -> bytes:
    """Long lines come in parts (P), the last of which is full (F)."""
    out = []
    for text in texts:
        cut = chance.randrange(1, len(text))
        parts = [("P", text[:cut]), ("F", text[cut:])] if chance.random() < 0.2 else [("F", text)]
        out += [f"2026-11-25T10:00:00.1Z stdout {tag} {part}" for tag, part in parts]
    return lines(out)


@wrapping
def hec_text(chance: random.Random, texts: list[str]) -> bytes:
    return lines(json.dumps({"event": text, "sourcetype": "kube:apiserver-audit"}) for text in texts)


@wrapping
def aks(chance: random.Random, texts: list[str]) -> bytes:
    return lines(json.dumps({"category": "kube-audit", "properties": {"log": text + "\n"}}) for text in texts)


@wrapping
def dotnet(chance: random.Random, texts: list[str]) -> bytes:
    """Strings in which quotes and other marks are escaped by their numbers, as .NET and Gson do."""

    def quoted(text: str) -> str:
        made = json.dumps(text + "\n")[1:-1].replace('\\"', "\\u0022")
        return made.replace("'", "\\u0027").replace("=", "\\u003D") if chance.random() < 0.5 else made

    return lines(f'{{"category":"kube-audit","properties":{{"log":"{quoted(text)}"}}}}' for text in texts)


@wrapping
def indented_in_string(chance: random.Random, texts: list[str]) -> bytes:
    """Pretty-printed with tabs, then put into a string: what stands before a value is an escape."""
    return aks(chance, [json.dumps(json.loads(text), indent="\t") for text in texts])


@wrapping
def string_in_string(chance: random.Random, texts: list[str]) -> bytes:
    return lines(json.dumps({"message": json.dumps({"log": text})}) for text in texts)


@wrapping
def cloudwatch(chance: random.Random, texts: list[str]) -> bytes:
    """Subscription payloads, compressed and in base64, among plain lines."""
    half = len(texts) // 2
    payload = samples.packed(samples.cloudwatch(*texts[:half]))
    return lines([*texts[half:], json.dumps({"awslogs": {"data": payload}})])


@wrapping
def gke(chance: random.Random, texts: list[str]) -> bytes:
    """Cloud Logging entries, whose verb and resource stand in a method's name."""
    entries = []
    for known in map(json.loads, texts):
        resource = known["objectRef"]["resource"]
        entry = samples.gke(
            f"io.k8s.core.v1.{resource}.{known['verb'].lower()}",
            f"core/v1/namespaces/team-a/{resource}/x",
            authenticationInfo={"principalEmail": known["user"]["username"]},
        )
        entries.append(json.dumps({**entry, "insertId": known["auditID"], "operation": {}}))
    return lines(entries)


from support import field_wrappings  # noqa: E402, F401 - which adds its own
