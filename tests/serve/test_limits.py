"""What the service does at its limits: full, stalled, too many, killed by an event."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from podhawk.serve.evaluator.attempts import MOST_LINES, Attempts
from podhawk.serve.evaluator.pace import FEWEST, Pace
from podhawk.serve.inbox.reader import Position
from support.command_line import podhawk
from support.findings import event
from support.processes import HOST, wait_for
from support.service import Service, balanced, event_list, service

pytestmark = [pytest.mark.needs("serve"), pytest.mark.slow]
PATH = "/audit/prod/cp-1?timeout=30s"


def body(*names: str) -> bytes:
    return event_list([event(name) for name in names])


def test_a_full_inbox_is_503_with_the_time_to_come_back(tmp_path: Path) -> None:
    with service(tmp_path / "live", "--inbox-limit", "4K") as live:
        answer = live.post(PATH, body("a"))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json()["error"]["code"] == "full"
        busy = live.post("/services/collector", '{"event":{"a":1}}')
        assert (busy.status_code, busy.json()["code"], busy.headers["Retry-After"]) == (503, 9, "5")
        assert live.get("/services/collector/health").json()["code"] == 18
        assert live.get("/readyz").status_code == 503
        assert live.get("/livez").status_code == 200
        assert live.metric("podhawk_inbox_full") == 1
        assert live.metric("podhawk_requests_refused_total") == 2


def test_idle_connections_are_closed_and_too_many_are_refused(tmp_path: Path) -> None:
    with service(tmp_path / "live", "--connections", "5") as live:
        held = [socket.create_connection((HOST, live.port)) for _ in range(40)]
        try:
            wait_for(lambda: sum(_is_closed(one) for one in held) >= 40 - 5 - 16, 30, "too many connections to go")
            wait_for(lambda: all(_is_closed(one) for one in held), 30, "idle connections to go")
        finally:
            for one in held:
                one.close()
        assert live.post(PATH, body("a")).status_code == 200


def test_a_sender_that_stalls_in_its_headers_is_let_go(tmp_path: Path) -> None:
    with service(tmp_path / "live") as live, socket.create_connection((HOST, live.port)) as slow:
        slow.sendall(b"POST /audit/prod/cp-1 HTTP/1.1\r\nHost: x\r\n")
        wait_for(lambda: _is_closed(slow), 30, "the connection to go")
        assert live.get("/livez").status_code == 200


def _is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1000, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_only_one_service_uses_a_state(tmp_path: Path) -> None:
    with service(tmp_path / "live") as live:
        other = Service(live.folder, token=live.token)
        with pytest.raises(AssertionError, match="another podhawk serve uses"):
            other.start()
        assert other.process is not None
        assert other.process.wait() == 7


def test_content_with_which_nothing_can_be_evaluated_ends_the_service(tmp_path: Path) -> None:
    exceptions = tmp_path / "exceptions.yml"
    exceptions.write_text("- nonsense", encoding="utf-8")
    ended = podhawk("serve", "--state", tmp_path, "--listen", f"{HOST}:0", "--exceptions", exceptions)
    assert ended.returncode == 3
    assert f"podhawk: {exceptions}" in ended.stderr


def test_an_increment_that_fails_is_halved_until_one_event_is_left(tmp_path: Path) -> None:
    """Each process ends before it can say that the increment has ended."""
    path, position = tmp_path / "attempts.json", Position(3, 0)
    seen = []
    for _ in range(30):
        attempts = Attempts(path)
        most = attempts.most_lines("prod", position)
        seen.append(most)
        if not most:
            break
        attempts.begin("prod", position, min(most, 100), most)
    assert seen == [MOST_LINES, MOST_LINES, 50, 25, 12, 6, 3, 1, 0]
    attempts.end("prod", Position(3, 1))
    assert Attempts(path).most_lines("prod", Position(3, 1)) == 2


@pytest.mark.parametrize(
    ("fixed", "each", "least", "most"),
    [
        (0.0, 0.0002, 4000, 7500),  # a second of lines
        (0.0, 0.01, FEWEST, FEWEST * 3 // 2),
        (0.0, 0.00001, MOST_LINES, MOST_LINES),
        (3.0, 0.0002, 12_000, MOST_LINES),  # shorter ones would pay the three seconds more often, and fall behind
    ],
)
def test_increments_are_as_long_as_their_costs_call_for(fixed: float, each: float, least: int, most: int) -> None:
    pace = Pace()
    for _ in range(40):
        lines = pace.lines
        pace.note(lines, fixed + each * lines)
    assert least <= pace.lines <= most


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs fork")
def test_an_event_that_kills_the_evaluator_is_buried_and_the_others_are_evaluated(tmp_path: Path) -> None:
    """The evaluator is run with a module that ends the process at an event with a certain name, as a fault in native
    code would."""
    fault = tmp_path / "fault"
    fault.mkdir()
    (fault / "sitecustomize.py").write_text(
        "import os, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'podhawk.serve.evaluator.evaluate':\n"
        "            sys.meta_path.remove(self)\n"
        "            from podhawk.events.inputfile import Input\n"
        "            made = Input.of_bytes\n"
        "            def of_bytes(path, data):\n"
        "                if b'poison' in data: os.abort()\n"
        "                return made(path, data)\n"
        "            Input.of_bytes = of_bytes\n"
        "sys.meta_path.insert(0, Finder())\n",
        encoding="utf-8",
    )
    search = os.pathsep.join([str(fault), os.environ.get("PYTHONPATH", "")])
    with service(tmp_path / "live", PYTHONPATH=search) as live:
        assert live.post(PATH, body("a", "b", "poison", "c")).status_code == 200
        assert live.post(PATH, body("d")).status_code == 200
        wait_for(lambda: not live.ledger()["webhook:prod/cp-1"]["waiting"], 120, f"evaluation: {live.log}")
        account = live.ledger()["webhook:prod/cp-1"]
        assert (account["evaluated"], account["dead_lettered"]) == (4, 1)
        assert balanced(account)
        (letter,) = live.get("/api/v1/dead-letters").json()["dead_letters"]
        assert letter["stage"] == "evaluator"
        assert live.metric("podhawk_evaluator_starts_total") > 3
        assert live.metric("podhawk_dead_letters_total") == 1


def _certificate(folder: Path, name: str, *more: str) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"),
            *("-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt"), *more),
        ],
        check=True,
        capture_output=True,
    )


@pytest.mark.needs("openssl")
def test_tls_client_certificates_and_a_new_certificate(tmp_path: Path) -> None:
    alternative = ("-addext", f"subjectAltName=IP:{HOST}")
    _certificate(tmp_path, "server", *alternative)
    _certificate(tmp_path, "apiserver")
    live_folder = tmp_path / "live"
    live_folder.mkdir()
    options = ("--tls-cert", tmp_path / "server.crt", "--tls-key", tmp_path / "server.key")
    live = Service(live_folder, (*options, "--client-ca", tmp_path / "apiserver.crt"), scheme="https")
    live.new_token("certificate", ("prod",), certificate="apiserver", scopes=("send",))
    live.start()
    try:
        trusting = ssl.create_default_context(cafile=str(tmp_path / "server.crt"))
        assert httpx.post(live.url + PATH, content=body("a"), verify=trusting).status_code == 401
        trusting.load_cert_chain(tmp_path / "apiserver.crt", tmp_path / "apiserver.key")
        assert httpx.post(live.url + PATH, content=body("a"), verify=trusting).status_code == 200
        assert httpx.post(f"{live.url}/audit/dev/x", content=body("a"), verify=trusting).status_code == 403
        before = ssl.get_server_certificate((HOST, live.port))
        _certificate(tmp_path, "server", *alternative)
        wait_for(lambda: ssl.get_server_certificate((HOST, live.port)) != before, 20, "the new certificate")
    finally:
        live.stop()


@pytest.mark.mounts
@pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/proc/mounts"), reason="mounts a small disk: needs root")
def test_a_full_disk_is_503_and_the_service_goes_on_when_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        with service(disk / "live", "--free-disk", "1K") as live:
            assert live.post(PATH, body("first")).status_code == 200
            live.wait_until_evaluated()
            filler = disk / "filler"
            with filler.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"x" * 4096)
                except OSError:
                    pass
            large = event_list([event(f"large{number}", userAgent="x" * 900) for number in range(2000)])
            answer = live.post(PATH, large)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert live.get("/livez").status_code == 200
            filler.unlink()
            small = body("second")
            wait_for(lambda: live.post(PATH, small).status_code == 200, 30, "room")
            live.wait_until_evaluated()
            account = live.ledger()["webhook:prod/cp-1"]
            assert balanced(account)
            assert account["evaluated"] == 2
            assert len({one["requests"][0]["audit_id"] for one in live.findings() if one["kind"] != "incident"}) == 2
    finally:
        subprocess.run(["umount", str(disk)], check=False)
