"""OTLP, Firehose and Pub/Sub: real exporters and clients of their shape deliver every event, as it is."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from podhawk.serve.receivers.protobuf import ProtobufError, otlp_json
from support.findings import event
from support.processes import wait_for
from support.service import Service, balanced

pytestmark = [pytest.mark.needs("serve")]
EVENTS = 150
TOKENS: dict[str, str] = {}
AUDIENCE = "https://podhawk.example.org/pubsub"
ACCOUNT = "push@project.iam.gserviceaccount.com"
PYTHON = """
import logging, sys
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
url, token, log, shape = sys.argv[1:]
exporter = OTLPLogExporter(url, headers={"Authorization": f"Bearer {token}"})
provider = LoggerProvider(resource=Resource.create({"k8s.cluster.name": "otel"}))
provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
import json
logger = provider.get_logger("audit")
for line in open(log):
    text = line.rstrip("\\n")
    logger.emit(body=json.loads(text) if shape == "map" else text, severity_number=SeverityNumber.INFO)
provider.force_flush()
provider.shutdown()
"""
NODE = """
const { LoggerProvider, BatchLogRecordProcessor } = require("@opentelemetry/sdk-logs");
const { OTLPLogExporter } = require("@opentelemetry/exporter-logs-otlp-http");
const fs = require("fs");
const [url, token, log] = process.argv.slice(2);
const exporter = new OTLPLogExporter({ url, headers: { Authorization: `Bearer ${token}` } });
const provider = new LoggerProvider({ processors: [new BatchLogRecordProcessor(exporter)] });
const logger = provider.getLogger("audit");
for (const line of fs.readFileSync(log, "utf8").trim().split("\\n")) logger.emit({ body: line });
provider.forceFlush().then(() => provider.shutdown());
"""


@pytest.fixture(scope="module")
def signer() -> Any:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_set(*keys: Any) -> str:
    import jwt

    found = []
    for number, one in enumerate(keys):
        about = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(one.public_key()))
        found.append({**about, "kid": f"key{number}", "use": "sig", "alg": "RS256"})
    return json.dumps({"keys": found})


def signed(key: Any, kid: str = "key0", **claims: Any) -> str:
    import jwt

    now = int(time.time())
    told = {"iss": "https://accounts.google.com", "aud": AUDIENCE, "email": ACCOUNT, "email_verified": True}
    return jwt.encode({**told, "iat": now, "exp": now + 600, **claims}, key, "RS256", {"kid": kid})


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, signer: Any) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("live")
    keys = folder / "keys.json"
    keys.write_text(key_set(signer))
    one = Service(folder, ("--pubsub-audience", AUDIENCE, "--pubsub-keys", keys))
    for name in ("python", "map", "json", "node", "firehose"):
        TOKENS[name] = one.new_token(name, clusters=("otel", "prod"), scopes=("send",))
    one.new_token("google", clusters=("prod",), scopes=("send",), account=ACCOUNT)
    one.start()
    yield one
    one.stop()


def logged(name: str) -> list[bytes]:
    return [json.dumps(event(f"{name}-{number}"), separators=(",", ":")).encode() for number in range(EVENTS)]


def log_of(folder: Path, name: str) -> Path:
    path = folder / "audit.log"
    path.write_bytes(b"\n".join([*logged(name), b""]))
    return path


def all_arrived(live: Service, sender: str, count: int = EVENTS) -> bool:
    account = live.ledger().get(sender)
    if account is None or account["received"] < count:
        return False
    assert balanced(account)
    assert (account["rejected"], account["dead_lettered"], account["received"]) == ({}, 0, count), account
    return True


@pytest.mark.slow
@pytest.mark.needs("otlp")
@pytest.mark.parametrize("shape", ["python", "map"])
def test_the_exporter_of_python(live: Service, tmp_path: Path, shape: str) -> None:
    url = f"{live.url}/v1/logs"
    arguments = [url, TOKENS[shape], str(log_of(tmp_path, shape)), shape]
    done = subprocess.run(
        [sys.executable, "-c", PYTHON, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    wait_for(lambda: all_arrived(live, f"otlp:{shape}"), 30, f"{done.stderr} {live.ledger()} {live.log}")


@pytest.mark.slow
@pytest.mark.registry
@pytest.mark.needs("npm")
def test_the_exporter_of_node(live: Service, tmp_path: Path) -> None:
    packages = ("@opentelemetry/sdk-logs@0.205.0", "@opentelemetry/exporter-logs-otlp-http@0.205.0")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(tmp_path), *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        pytest.skip(f"the exporter cannot be installed: {(done.stderr or done.stdout).strip()[-200:]}")
    (tmp_path / "send.js").write_text(NODE)
    arguments = [f"{live.url}/v1/logs", TOKENS["node"], str(log_of(tmp_path, "node"))]
    done = subprocess.run(
        ["node", "send.js", *arguments], capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    wait_for(lambda: all_arrived(live, "otlp:node"), 30, f"{done.stderr} {live.ledger()} {live.log}")


def batch(lines: Sequence[bytes], size: int = 40) -> bytes:
    records = []
    for start in range(0, len(lines), size):
        events = [
            {"id": str(number), "timestamp": 0, "message": line.decode()}
            for number, line in enumerate(lines[start : start + size])
        ]
        payload = {
            "messageType": "DATA_MESSAGE",
            "owner": "123456789012",
            "logGroup": "/aws/eks/prod/cluster",
            "logStream": "kube-apiserver-audit-1",
            "subscriptionFilters": ["podhawk"],
            "logEvents": events,
        }
        records.append({"data": b64encode(gzip.compress(json.dumps(payload).encode())).decode()})
    return json.dumps({"requestId": "r", "timestamp": 1, "records": records}).encode()


@pytest.mark.slow
def test_a_client_of_the_shape_of_firehose(live: Service) -> None:
    headers = {"X-Amz-Firehose-Request-Id": "r", "X-Amz-Firehose-Access-Key": TOKENS["firehose"]}
    for encoding in ("", "gzip"):
        body = batch(logged(f"firehose{encoding}"))
        more = {"Content-Encoding": "gzip"} if encoding else {}
        sent = gzip.compress(body) if encoding else body
        answer = httpx.post(f"{live.url}/firehose", content=sent, headers={**headers, **more})
        assert (answer.status_code, answer.json()["requestId"]) == (200, "r"), answer.text
        assert abs(answer.json()["timestamp"] / 1000 - time.time()) < 300
    assert all_arrived(live, "firehose:firehose", 2 * EVENTS)
    wrong = httpx.post(f"{live.url}/firehose", content=body, headers={**headers, "X-Amz-Firehose-Access-Key": "no"})
    assert (wrong.status_code, wrong.json()["requestId"], bool(wrong.json()["errorMessage"])) == (401, "r", True)
    assert httpx.post(f"{live.url}/firehose", content=b"no", headers=headers).status_code == 400


def pushed(line: bytes, number: int) -> bytes:
    message = {"data": b64encode(line).decode(), "messageId": str(number), "publishTime": "2026-11-30T10:00:00Z"}
    return json.dumps({"message": message, "subscription": "projects/p/subscriptions/s"}).encode()


def push(live: Service, body: bytes, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.post(f"{live.url}/pubsub", content=body, headers=headers)


@pytest.mark.slow
def test_a_client_of_the_shape_of_pub_sub(live: Service, signer: Any) -> None:
    token = signed(signer)
    for number, line in enumerate(logged("pubsub")):
        assert push(live, pushed(line, number), token).status_code == 200
    assert all_arrived(live, "pubsub:google")


@pytest.mark.slow
def test_tokens_of_pub_sub_that_are_refused(live: Service, signer: Any) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    body, now = pushed(logged("refused")[0], 0), int(time.time())
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    import jwt

    unsigned = jwt.encode({"aud": AUDIENCE, "email": ACCOUNT}, None, "none", {"kid": "key0"})
    symmetric = jwt.encode(
        {"aud": AUDIENCE, "email": ACCOUNT, "exp": now + 9, "iat": now}, "x" * 40, "HS256", {"kid": "key0"}
    )
    for token in (
        "",
        "nonsense",
        unsigned,
        symmetric,
        signed(other),
        signed(signer, "key9"),
        signed(signer, aud="https://elsewhere.example.org"),
        signed(signer, exp=now - 3600, iat=now - 7200),
        signed(signer, iss="https://evil.example.org"),
        signed(signer, email="other@project.iam.gserviceaccount.com"),
        signed(signer, email_verified=False),
    ):
        assert push(live, body, token).status_code == 401, token
    assert not any(one.startswith("pubsub:other") for one in live.ledger())


def test_a_token_of_another_algorithm_than_its_key_was_an_error_of_the_service(tmp_path: Path, signer: Any) -> None:
    import asyncio

    from cryptography.hazmat.primitives.asymmetric import ec
    from jwt import encode
    from jwt.algorithms import RSAAlgorithm

    from podhawk.serve.receivers.identity import IdentityError, IdentitySettings, PushIdentity

    keys = tmp_path / "keys.json"
    known = {**RSAAlgorithm.to_jwk(signer.public_key(), as_dict=True), "kid": "key0", "alg": "RS256"}
    keys.write_text(json.dumps({"keys": [known]}))
    token = encode({"aud": AUDIENCE}, ec.generate_private_key(ec.SECP256R1()), "ES256", {"kid": "key0"})
    with pytest.raises(IdentityError, match="not valid"):
        asyncio.run(PushIdentity(IdentitySettings(AUDIENCE, str(keys))).account_of(token))


@pytest.mark.slow
def test_otlp_in_json_and_what_it_refuses(live: Service) -> None:
    def post(body: bytes, kind: str = "application/json", token: str = TOKENS["json"]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        return httpx.post(f"{live.url}/v1/logs", content=body, headers=headers)

    def request(*bodies: str, cluster: str = "prod") -> bytes:
        about = {"attributes": [{"key": "k8s.cluster.name", "value": {"stringValue": cluster}}]}
        records = [{"body": {"stringValue": one}} for one in bodies]
        return json.dumps({"resourceLogs": [{"resource": about, "scopeLogs": [{"logRecords": records}]}]}).encode()

    good = [line.decode() for line in logged("json")]
    assert post(request(*good)).json() == {}
    assert all_arrived(live, "otlp:json")
    partial = post(request(good[0], "no event"))
    assert (partial.status_code, partial.json()["partialSuccess"]["rejectedLogRecords"]) == (200, "1")
    assert post(request(good[1], cluster="elsewhere")).status_code == 403
    assert post(b"{").status_code == 400
    assert post(b"\xff\xff\xff", "application/x-protobuf").status_code == 400
    assert post(request(*good), token="no").status_code == 401
    assert post(b"").status_code == 400
    assert post(b"", "application/x-protobuf").status_code == 200  # a request without records


@pytest.mark.needs("otlp")
def test_protobuf_is_read_as_its_own_library_reads_it() -> None:
    from google.protobuf.json_format import MessageToDict
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.append(KeyValue(key="k8s.cluster.name", value=AnyValue(string_value="prod")))
    log = group.scope_logs.add().log_records.add(time_unix_nano=1793527200500000000, severity_text="INFO", flags=7)
    values = [
        *(
            AnyValue(int_value=-5),
            AnyValue(double_value=1.5),
            AnyValue(bool_value=True),
            AnyValue(bytes_value=b"\x00x"),
        ),
        AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="é")])),
    ]
    pairs = [KeyValue(key=f"k{number}", value=value) for number, value in enumerate(values)]
    log.body.CopyFrom(AnyValue(kvlist_value=KeyValueList(values=pairs)))
    log.attributes.append(KeyValue(key="a", value=AnyValue(string_value="b")))
    found = otlp_json(request.SerializeToString())
    expected = MessageToDict(request)
    (ours,), (theirs,) = (one["resourceLogs"][0]["scopeLogs"][0]["logRecords"] for one in (found, expected))
    for name in ("body", "attributes", "timeUnixNano"):
        assert ours[name] == theirs[name]
    assert found["resourceLogs"][0]["resource"] == expected["resourceLogs"][0]["resource"]


def test_damaged_protobuf_is_an_error_and_nothing_else() -> None:
    from random import Random

    whole = bytes.fromhex("0a1e0a0e0a0c0a016112070a05616263646512") + bytes(range(40))
    random = Random(7)
    for _ in range(3000):
        data = bytearray(whole[: random.randrange(len(whole))])
        for _ in range(random.randrange(4)):
            if data:
                data[random.randrange(len(data))] = random.randrange(256)
        try:
            otlp_json(bytes(data))
        except ProtobufError:
            continue


@pytest.mark.parametrize("part", ["resource", "record", "pair", "value"])
def test_a_body_of_empty_messages_took_a_hundred_times_its_size(part: str) -> None:
    many = {"resource": b"\x0a\x00", "record": b"\x12\x00", "pair": b"\x32\x00", "value": b"\x0a\x00"}[part] * 1_000_001

    def within(*tags: int) -> bytes:
        found = many
        for tag in reversed(tags):
            size, prefix = len(found), bytearray()
            while size > 0x7F:
                prefix.append(size & 0x7F | 0x80)
                size >>= 7
            found = bytes([tag, *prefix, size]) + found
        return found

    tags = {"resource": (), "record": (0x0A, 0x12), "pair": (0x0A, 0x12, 0x12), "value": (0x0A, 0x12, 0x12, 0x2A, 0x2A)}
    with pytest.raises(ProtobufError, match="more than"):
        otlp_json(within(*tags[part]))


def test_values_that_are_nested_without_end_are_refused() -> None:
    def field(number: int, inner: bytes) -> bytes:
        size = len(inner)
        return bytes([number << 3 | 2, size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14]) + inner

    value = b""
    for _ in range(2000):
        value = field(5, field(1, value))
    with pytest.raises(ProtobufError, match="too deeply"):
        otlp_json(field(1, field(2, field(2, field(5, value)))))


CORPORA = {"A": "A-metadata", "C": "C-requestresponse", "D": "D-background-1"}


@pytest.mark.slow
@pytest.mark.corpus
@pytest.mark.parametrize("corpus", CORPORA)
def test_every_event_of_a_real_log(shared: Path, live: Service, signer: Any, corpus: str) -> None:
    log = shared / "audit" / "corpus" / f"{CORPORA[corpus]}.log.gz"
    lines = gzip.decompress(log.read_bytes()).splitlines()[:3000]
    before = live.ledger()

    def received(sender: str) -> int:
        return sum(one.get(sender, {}).get("received", 0) * sign for one, sign in ((live.ledger(), 1), (before, -1)))

    headers = {"X-Amz-Firehose-Request-Id": "r", "X-Amz-Firehose-Access-Key": TOKENS["firehose"]}
    for start in range(0, len(lines), 500):
        body = batch(lines[start : start + 500])
        assert httpx.post(f"{live.url}/firehose", content=body, headers=headers, timeout=60).status_code == 200
    records = [{"body": {"stringValue": one.decode()}} for one in lines]
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()
    about = {"Authorization": f"Bearer {TOKENS['json']}", "Content-Type": "application/json"}
    assert httpx.post(f"{live.url}/v1/logs", content=body, headers=about, timeout=60).json() == {}
    token = signed(signer)
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}) as client:
        for number, line in enumerate(lines[:200]):
            assert client.post(f"{live.url}/pubsub", content=pushed(line, number)).status_code == 200
    assert received("firehose:firehose") == len(lines)
    assert received("otlp:json") == len(lines)
    assert received("pubsub:google") == min(len(lines), 200)
    account = live.ledger()["firehose:firehose"]
    assert (account["rejected"], account["dead_lettered"]) == ({}, 0)
