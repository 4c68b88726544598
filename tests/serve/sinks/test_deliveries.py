"""What receivers that others have written take from sinks."""

from __future__ import annotations

import email
import hmac
import json
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.policy import default
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from podhawk.serve.sinks.declare import DeliveryError, RefusedError
from podhawk.serve.sinks.message import SinkChange, SinkItem, SinkMessage, digest_of, message_of
from support.needs import program
from support.processes import HOST, free_port, wait_for
from support.service import service
from support.sinks import NOW, SECRET, receiver, record, sink

pytestmark = [pytest.mark.needs("serve")]
HOSTILE = '<!channel> [a](http://evil.example) "quoted] \\'


def message(*ids: str, change: SinkChange = "new", replaces: tuple[str, ...] = (), **members: Any) -> SinkMessage:
    before = dict.fromkeys(replaces if change == "rekeyed" else () if change == "new" else ids, 80)
    items = [SinkItem(change, one, 1, record(one, **members), replaces, before=before) for one in ids]
    return message_of(items, members.get("now", NOW), 70)


@contextmanager
def running(command: Sequence[object], folder: Path) -> Iterator[Path]:
    """A program that runs until the block ends; gives the file of what it says."""
    said = folder / "said"
    with said.open("ab") as file:
        process = subprocess.Popen([str(one) for one in command], stdout=file, stderr=file, cwd=folder)
    try:
        yield said
    finally:
        process.terminate()
        process.wait(30)


def test_a_webhook_is_signed_over_key_time_and_body() -> None:
    with receiver() as one:
        deliverer = sink(url=f"{one.url}/hook").open()
        deliverer.deliver(message("a", title=HOSTILE))
        headers, body = one.bodies[0]
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = b64encode(hmac.new(SECRET.encode(), signed, sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 300
        told = json.loads(body)
        assert (told["key"], headers["webhook-id"], told["urgency"]) == ("a:1", "a:1", "urgent")
        assert told["items"][0]["record"]["title"] == HOSTILE
        assert b"<!channel>" not in body
        deliverer.close()


@pytest.mark.parametrize(
    ("status", "error"), [(400, RefusedError), (413, RefusedError), (401, DeliveryError), (503, DeliveryError)]
)
def test_what_an_answer_means(status: int, error: type[Exception]) -> None:
    with receiver(status=status, headers={"Retry-After": "7"}) as one:
        deliverer = sink(url=one.url).open()
        with pytest.raises(error) as told:
            deliverer.deliver(message("a"))
        assert not isinstance(told.value, DeliveryError) or told.value.after == 7
        deliverer.close()
    deliverer = sink(url=one.url).open()
    with pytest.raises(DeliveryError):
        deliverer.deliver(message("a"))


@pytest.mark.slow
def test_our_own_hec_takes_findings_and_risk_events(tmp_path: Path) -> None:
    with service(tmp_path / "live") as live:
        token = live.new_token("splunk", scopes=("send",))
        wait_for(
            lambda: live.post("/services/collector/event", b"", Authorization=f"Splunk {token}").status_code == 400,
            30,
            live.log,
        )
        risk = [{"field": "user", "type": "user", "value": "alice", "score": 49}]
        deliverer = sink("splunk", url=live.url, token=token).open()
        deliverer.deliver(message("a", "b", risk_objects=risk))
        deliverer.close()
        account = live.ledger()["hec:splunk"]
        assert account["received"] == 4, account


def test_risk_events_have_the_fields_of_the_data_model() -> None:
    from podhawk.serve.sinks.splunk import SplunkOptions, envelopes

    risk = [{"field": "user", "type": "user", "value": "alice", "score": 49}]
    found = list(envelopes(message("a", risk_objects=risk), SplunkOptions("http://x", "t")))
    assert [one["sourcetype"] for one in found] == ["podhawk:finding", "podhawk:risk"]
    event = found[1]["event"]
    assert (event["risk_object"], event["risk_object_type"], event["risk_score"]) == ("alice", "user", 49)
    assert (event["podhawk_key"], found[1]["index"]) == ("a:1:0", "risk")
    assert [one["sourcetype"] for one in envelopes(message("a", change="gone"), SplunkOptions("http://x", "t"))] == [
        "podhawk:finding"
    ]


ALERTMANAGER = """
route: {{receiver: hook, group_by: [finding_id], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers: [{{name: hook, webhook_configs: [{{url: "{url}", send_resolved: true}}]}}]
"""


@pytest.mark.slow
@pytest.mark.needs("alertmanager")
def test_alertmanager_notifies_and_resolves(tmp_path: Path) -> None:
    with receiver() as one:
        (tmp_path / "am.yml").write_text(ALERTMANAGER.format(url=one.url))
        port = free_port()
        command = [
            *(program("prometheus-alertmanager"), f"--config.file={tmp_path / 'am.yml'}", "--cluster.listen-address="),
            *(f"--storage.path={tmp_path / 'data'}", f"--web.listen-address={HOST}:{port}"),
        ]
        with running(command, tmp_path) as said:
            url = f"http://{HOST}:{port}"
            wait_for(lambda: _answers(f"{url}/-/ready"), 30, said.read_text())
            deliverer = sink("alertmanager", url=url).open()
            now = time.time()

            def alerts(status: str) -> set[tuple[str, str]]:
                told = [alert for body in one.json() for alert in body["alerts"]]
                return {(a["labels"]["finding_id"], a["labels"]["severity"]) for a in told if a["status"] == status}

            deliverer.deliver(message("a", title=HOSTILE, now=now))
            deliverer.deliver(message("b", now=now))
            wait_for(lambda: alerts("firing") == {("a", "critical"), ("b", "critical")}, 30, said.read_text())
            deliverer.deliver(message("c", change="rekeyed", replaces=("a",), priority=10, now=now))
            deliverer.deliver(message("b", change="gone", now=now))
            wait_for(lambda: alerts("resolved") == {("a", "critical"), ("b", "critical")}, 60, said.read_text())
            assert ("c", "warning") in alerts("firing")
            shown = json.dumps(one.json())
            assert "<!channel>" not in shown
            assert "http://evil" not in shown
            assert {a["labels"]["finding_id"] for a in httpx.get(f"{url}/api/v2/alerts").json()} == {"c"}
            deliverer.close()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


SYSLOG_NG = """@version: 3.38
source podhawk {{
    syslog(transport("udp") ip("127.0.0.1") port({udp}));
    syslog(transport("tcp") ip("127.0.0.1") port({tcp}));
    syslog(transport("tls") ip("127.0.0.1") port({tls}) tls(
        key-file("{folder}/tls.key") cert-file("{folder}/tls.crt") peer-verify(optional-untrusted)));
}};
template line {{ template("$PROGRAM $LEVEL ${{.SDATA.podhawk@32473.key}} ${{.SDATA.podhawk@32473.user}} $MSG\\n"); }};
destination file {{ file("{folder}/got" template(line)); }};
log {{ source(podhawk); destination(file); }};
"""


@pytest.mark.slow
@pytest.mark.needs("syslog-ng", "openssl")
def test_syslog_ng_reads_what_is_sent_over_udp_tcp_and_tls(tmp_path: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / "tls.key", "-out", tmp_path / "tls.crt"),
        ],
        check=True,
        capture_output=True,
    )
    ports = {"udp": free_port(), "tcp": free_port(), "tls": free_port()}
    (tmp_path / "ng.conf").write_text(SYSLOG_NG.format(folder=tmp_path, **ports))
    command = [
        *(program("syslog-ng"), "--foreground", "--no-caps", "--cfgfile", tmp_path / "ng.conf"),
        *("--persist-file", tmp_path / "persist", "--control", tmp_path / "control"),
        *("--pidfile", tmp_path / "pid", "--stderr"),
    ]
    got = tmp_path / "got"
    with running(command, tmp_path) as said:
        for scheme, port in ports.items():
            ca = {"ca": str(tmp_path / "tls.crt")} if scheme == "tls" else {}
            deliverer = sink("syslog", url=f"{scheme}://{HOST}:{port}", **ca).open()

            def arrived(deliverer: Any = deliverer, scheme: str = scheme) -> bool:
                try:
                    deliverer.deliver(message(scheme, title=f"one\ntwo {HOSTILE}", actor={"user": 'a"b]c\\d'}))
                except DeliveryError:  # syslog-ng is starting
                    return False
                time.sleep(0.2)
                return got.exists() and f"{scheme}:1" in got.read_text()

            wait_for(arrived, 60, said.read_text())
            deliverer.close()
    lines = got.read_text().splitlines()
    assert {line.split()[2] for line in lines} == {"udp:1", "tcp:1", "tls:1"}
    for line in lines:
        assert line.startswith("podhawk alert ")
        assert 'a"b]c\\d Urgent' in line
        assert "<!channel>" not in line
        assert "http://evil" not in line


def test_a_syslog_receiver_that_went_away_is_noticed(tmp_path: Path) -> None:
    import socket

    with socket.create_server((HOST, 0)) as server:
        deliverer = sink("syslog", url=f"tcp://{HOST}:{server.getsockname()[1]}").open()
        deliverer.deliver(message("a"))
        first, _ = server.accept()
        assert b"a:1" in first.recv(65536)
        first.close()
        wait_for(lambda: _delivered_again(deliverer, server), 10, "a second connection")
    wait_for(lambda: _fails(deliverer), 10, "an error")
    deliverer.close()


def _fails(deliverer: Any) -> bool:
    try:
        deliverer.deliver(message("c"))
    except DeliveryError:
        return True
    return False


def _delivered_again(deliverer: Any, server: Any) -> bool:
    deliverer.deliver(message("b"))
    server.settimeout(1)
    try:
        second, _ = server.accept()
    except TimeoutError:
        return False
    with second:
        return b"b:1" in second.recv(65536)


@pytest.mark.needs("smtp")
def test_mail_over_smtp() -> None:
    from aiosmtpd.controller import Controller

    mails: list[bytes] = []

    class Inbox:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            mails.append(envelope.content)
            return "250 OK"

    controller = Controller(Inbox(), hostname=HOST, port=free_port())
    controller.start()
    try:
        url = f"mailto://{HOST}:{controller.port}?from=podhawk@example.org&to=oncall@example.org&mode=insecure"
        deliverer = sink("apprise", urls=[url]).open()
        deliverer.deliver(message("a", title=f"x\r\nBcc: all@example.org {HOSTILE}"))
    finally:
        controller.stop()
    (found,) = (email.message_from_bytes(one, policy=default) for one in mails)
    assert found["Bcc"] is None
    assert "Urgent: x" in found["Subject"]
    for part in found.walk():
        if part.get_content_maintype() == "text":
            text = part.get_content()
            assert "a:1" in text
            assert "evil.example" not in text
            assert "<!channel>" not in text


def test_a_url_that_was_told_is_not_told_again_when_another_failed() -> None:
    with receiver(answer=b"{}") as good, receiver(status=500) as bad:
        urls = [f"json://{HOST}:{good.port}/", f"json://{HOST}:{bad.port}/"]
        deliverer = sink("apprise", urls=urls).open()
        for _ in range(2):
            with pytest.raises(DeliveryError):
                deliverer.deliver(message("a"))
        assert (len(good.bodies), len(bad.bodies)) == (1, 2)


def test_a_digest_that_is_longer_than_a_chat_takes_was_refused_and_held_up_everything() -> None:
    with receiver(answer=b"{}") as one:
        deliverer = sink("apprise", urls=[f"mmost://{HOST}:{one.port}/abcdefghijklmnop"]).open()
        found = [SinkItem("new", f"f{number}", 1, record(f"f{number}", title="x" * 250)) for number in range(30)]
        digest = digest_of(found, 30, {"medium": 30}, NOW, 70, imported=False)
        deliverer.deliver(digest)
        texts = [text["text"] for text in one.json()]
        assert max(map(len, texts)) <= 4000
        assert all(f"f{number}" in "".join(texts) for number in range(30))
        assert digest.key in texts[-1]


@pytest.mark.needs("ocsf")
def test_ocsf_is_valid(tmp_path: Path) -> None:
    from py_ocsf_models.events.findings.detection_finding import DetectionFinding

    path = tmp_path / "findings.jsonl"
    deliverer = sink("ocsf", file=str(path)).open()
    attack = [{"id": "T1204", "name": "User Execution", "tactics": [{"id": "TA0002", "name": "Execution"}]}]
    request = {"audit_id": "x", "verb": "create", "uri": "/", "stages": [], "code": 201, "user": "a", "received": ""}
    deliverer.deliver(message("a", attack=attack, requests=[request]))
    deliverer.deliver(message("a", change="revised"))
    deliverer.deliver(message("a", change="gone"))
    deliverer.deliver(message("b", change="rekeyed", replaces=("a",)))
    deliverer.deliver(digest_of(message("c").items, 7, {"high": 7}, NOW, 70, imported=False))
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(one["activity_name"], one["finding_info"]["uid"]) for one in found] == [
        *(("Create", "a"), ("Update", "a"), ("Close", "a"), ("Close", "a"), ("Create", "b"), ("Create", "c"))
    ]
    for one in found:
        model = DetectionFinding.model_validate(one)
        assert (model.class_uid, model.type_uid) == (2004, 200400 + one["activity_id"])
        shown = json.loads(model.model_dump_json(exclude_none=True))
        assert shown["finding_info"]["uid"] == one["finding_info"]["uid"]
