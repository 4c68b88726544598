"""podhawk replay against a real HTTP server that is sometimes busy, sometimes gone, and once in a while breaks off."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from podhawk.authoring.replay.datasets import ReplayDataset, messages
from podhawk.authoring.replay.send import MOST_BYTES, ReplayPosition, batches, read_position, write_position
from podhawk.authoring.replay.targets import target_of
from podhawk.errors import UsageError
from support.command_line import podhawk
from support.findings import NOW, event, write

pytestmark = pytest.mark.slow


class Receiver(ThreadingHTTPServer):
    """A small HEC: keeps what it accepts, and does what its `moods` say, one for each request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.moods: list[str] = []
        self.accepted: list[tuple[str, dict[str, str], str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def events(self) -> list[dict[str, Any]]:
        """The envelopes that were accepted, each once, in the order of arrival."""
        found: dict[str, dict[str, Any]] = {}
        for _, _, body in self.accepted:
            for line in body.splitlines():
                envelope = json.loads(line)
                found.setdefault(envelope["fields"]["podhawk_replay"], envelope)
        return list(found.values())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        mood = self.server.moods.pop(0) if self.server.moods else "accept"
        if mood == "drop":  # breaks off without an answer, nothing kept
            self.close_connection = True
            self.connection.close()
            return
        if mood in ("accept", "accept and drop"):
            self.server.accepted.append((self.path, dict(self.headers), body))
        if mood == "accept and drop":
            self.close_connection = True
            self.connection.close()
            return
        status = 200 if mood == "accept" else int(mood)
        self.send_response(status)
        if mood == "403":  # as some proxies do, it says what it was sent
            text = self.headers["Authorization"].encode()
        else:
            text = b'{"text":"Success","code":0}' if status == 200 else b'{"text":"Server is busy","code":9}'
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def day_long(path: Path, count: int = 1300) -> Path:
    """Events over a day, in the order in which a server writes them."""
    made = []
    for number in range(count):
        seconds = number * 86_000 // count
        made.append(event(f"e{number}", at=f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.000001"))
    return write(path, *made)


def replay(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return podhawk("replay", *arguments, env=environment)


@pytest.mark.slow
def test_a_day_arrives_complete_in_order_and_moved_though_the_receiver_fails_and_breaks_off(
    receiver: Receiver, tmp_path: Path
) -> None:
    receiver.moods = ["accept", "503", "503", "drop", "accept and drop", "429"]
    log = day_long(tmp_path / "day.log")
    done = replay(log, "--to", receiver.url + "/services/collector/event", "--now", NOW, "--token", "secret")
    assert done.returncode == 0, done.stderr
    got = receiver.events()
    assert [one["event"]["auditID"] for one in got] == [f"e{number}" for number in range(1300)]
    sent = [json.loads(line) for line in log.read_text().splitlines()]
    shift = datetime.fromisoformat(NOW) - datetime.fromisoformat(sent[-1]["requestReceivedTimestamp"])
    for before, after in zip(sent, got, strict=True):
        for name in ("requestReceivedTimestamp", "stageTimestamp"):
            moved = datetime.fromisoformat(before[name]) + shift
            assert abs(datetime.fromisoformat(after["event"][name]) - moved) < timedelta(microseconds=2)
        assert after["time"] == pytest.approx(
            datetime.fromisoformat(after["event"]["requestReceivedTimestamp"]).timestamp(), abs=1e-5
        )
        assert {
            **after["event"],
            **{name: before[name] for name in ("requestReceivedTimestamp", "stageTimestamp")},
        } == before
    assert all(headers["Authorization"] == "Splunk secret" for _, headers, _ in receiver.accepted)
    assert "secret" not in done.stdout + done.stderr


def test_raw_and_webhook_bodies_are_what_these_receivers_take(receiver: Receiver, tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", event("1"), event("2"))
    replay(log, "--to", receiver.url + "/services/collector/raw", "--keep-times")
    replay(log, "--to", receiver.url + "/audit", "--keep-times", "--token", "t")
    (_, _, raw), (_, headers, hook) = receiver.accepted
    assert raw == log.read_text()
    assert [one["auditID"] for one in json.loads(hook)["items"]] == ["1", "2"]
    assert json.loads(hook)["kind"] == "EventList"
    assert headers["Authorization"] == "Bearer t"


def test_datasets_of_a_detection_keep_their_source_and_sourcetype(receiver: Receiver) -> None:
    done = replay("kubernetes_node_port_creation", "--to", receiver.url + "/services/collector")
    assert done.returncode == 0, done.stderr
    got = receiver.events()
    assert len(got) > 50
    assert {(one["source"], one["sourcetype"]) for one in got} == {("kubernetes", "_json")}


@pytest.mark.slow
def test_a_replay_that_was_stopped_goes_on_where_it_was(receiver: Receiver, tmp_path: Path) -> None:
    log, position = day_long(tmp_path / "day.log"), tmp_path / "position.json"
    receiver.moods = ["accept", "400"]
    stopped = replay(log, "--to", receiver.url + "/services/collector/event", "--resume", position, "--now", NOW)
    assert stopped.returncode == 2
    assert "rejected" in stopped.stderr
    assert json.loads(position.read_text())["sent"] == 500
    again = replay(log, "--to", receiver.url + "/services/collector/event", "--resume", position)
    assert again.returncode == 0, again.stderr
    assert [one["event"]["auditID"] for one in receiver.events()] == [f"e{number}" for number in range(1300)]
    assert not position.exists()


def test_a_receiver_that_is_not_there_is_given_up_on(tmp_path: Path) -> None:
    done = replay(
        write(tmp_path / "a.log", event()), "--to", "http://127.0.0.1:1/services/collector", "--patience", "1"
    )
    assert done.returncode == 2
    assert "accepted no events" in done.stderr


def test_a_dry_run_sends_nothing(receiver: Receiver, tmp_path: Path) -> None:
    done = replay(write(tmp_path / "a.log", event()), "--to", receiver.url + "/audit", "--dry-run")
    assert "would send 1 event from" in done.stdout
    assert receiver.accepted == []


def test_the_token_is_taken_from_the_environment_or_a_file(receiver: Receiver, tmp_path: Path) -> None:
    log, secret = write(tmp_path / "a.log", event()), tmp_path / "token"
    secret.write_text("from-file\n")
    replay(log, "--to", receiver.url + "/audit", PODHAWK_TOKEN="from-environment")
    replay(log, "--to", receiver.url + "/audit", "--token-file", secret)
    assert [headers["Authorization"] for _, headers, _ in receiver.accepted] == [
        "Bearer from-environment",
        "Bearer from-file",
    ]


def test_the_rate_holds_sending_back(receiver: Receiver, tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", *(event(str(number)) for number in range(20)))
    done = replay(log, "--to", receiver.url + "/audit", "--rate", "10")
    assert float(done.stderr.rsplit(" in ", 1)[1].split()[0]) >= 1.9


def test_batches_stay_below_what_receivers_take() -> None:
    one = ReplayDataset(Path("a"))
    big = [type(message)("x" * 200_000, message.time, one) for message in _some(one, 10)]
    made = list(batches(big))
    assert all(sum(len(each.text) for each in batch) <= MOST_BYTES for batch in made)
    assert [each for batch in made for each in batch] == big


def _some(dataset: ReplayDataset, count: int) -> list[Any]:
    from podhawk.authoring.replay.datasets import Message

    return [Message("{}", float(number), dataset) for number in range(count)]


def test_positions_are_of_their_datasets(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    write_position(file, ReplayPosition("r", 3, 1.0, ("a",)))
    assert read_position(file, ["a"]) == ReplayPosition("r", 3, 1.0, ("a",))
    with pytest.raises(UsageError):
        read_position(file, ["b"])
    file.write_text("{}")
    with pytest.raises(UsageError):
        read_position(file, ["a"])


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("http://h/services/collector/event", "event"),
        ("http://h/services/collector", "event"),
        ("http://h/services/collector/raw", "raw"),
        ("https://h/k8s/audit", "webhook"),
    ],
)
def test_the_form_follows_from_the_path(url: str, form: str) -> None:
    assert target_of(url, None, "").form == form
    assert target_of(url, "raw", "").form == "raw"
    with pytest.raises(UsageError):
        target_of(url.split("://")[1], None, "")


def test_wrapped_events_are_sent_as_the_events_they_hold(tmp_path: Path) -> None:
    log = tmp_path / "list.json"
    log.write_text(json.dumps({"kind": "EventList", "items": [event("1"), event("2")]}))
    assert [json.loads(one.text)["auditID"] for one in messages(ReplayDataset(log), 10.0)] == ["1", "2"]


def test_a_refusal_that_repeats_the_token_showed_it(receiver: Receiver, tmp_path: Path) -> None:
    receiver.moods = ["403"]
    done = replay(write(tmp_path / "a.log", event()), "--to", receiver.url + "/services/collector", "--token", "secret")
    assert done.returncode == 2
    assert "403 Splunk (token)" in done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_a_pointer_of_git_lfs_given_as_a_file_was_sent_as_nothing_and_called_done(
    receiver: Receiver, tmp_path: Path
) -> None:
    pointer = tmp_path / "attack.log"
    pointer.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12\n")
    done = replay(pointer, "--to", receiver.url + "/services/collector/event")
    assert done.returncode == 2
    assert "is a git LFS pointer" in done.stderr
    assert receiver.accepted == []


def test_a_password_in_the_url_was_shown(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", event("1"))
    done = replay(log, "--to", "http://sender:s3cret@127.0.0.1:9/audit", "--dry-run")
    assert "http://sender:…@127.0.0.1:9/audit" in done.stderr
    assert "s3cret" not in done.stderr + done.stdout


@pytest.mark.parametrize("token", ["abc\ndef", "abc\n", "s3cr\u00e9t", "two words"])
def test_a_token_with_a_line_feed_was_printed(receiver: Receiver, tmp_path: Path, token: str) -> None:
    log = write(tmp_path / "a.log", event())
    done = replay(log, "--to", receiver.url + "/services/collector", PODHAWK_TOKEN=token)
    assert done.returncode == 2
    assert "the token holds" in done.stderr
    assert not any(part in done.stdout + done.stderr for part in token.split())
    assert receiver.accepted == []


@pytest.mark.parametrize("mood", ["accept", "400"])
def test_secrets_of_the_url_were_shown(receiver: Receiver, tmp_path: Path, mood: str) -> None:
    receiver.moods = [mood]
    url = receiver.url.replace("//", "//me:hunter2@") + "/audit?token=hunter3&%70assword=hunter4&index=shown"
    done = replay(write(tmp_path / "a.log", event()), "--to", url, "--verbose")
    assert done.returncode == (0 if mood == "accept" else 2), done.stderr
    assert "index=shown" in done.stderr
    assert "hunter" not in done.stdout + done.stderr
    refused = replay(tmp_path / "a.log", "--to", "me:hunter2@host/x?token=hunter3")
    assert refused.returncode == 2
    assert "hunter" not in refused.stderr


class Dripping(BaseHTTPRequestHandler):
    """Answers without end, in its headers, or in its body, or with a body of any size."""

    server: Any

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("headers"):
            self.wfile.write(b"HTTP/1.1 503 Busy\r\nX-Drip: ")
        else:
            self.wfile.write(b"HTTP/1.1 503 Busy\r\nContent-Type: text/plain\r\n\r\n")
        part = b"x" * (1 << 20) if self.path.endswith("endless") else b"x"
        while not self.server.over.wait(0.0 if len(part) > 1 else 0.05):
            try:
                self.wfile.write(part)
                self.server.written += len(part)
            except OSError:
                break

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("kind", ["headers", "body", "endless"])
def test_an_answer_that_did_not_end_outlasted_patience(tmp_path: Path, kind: str) -> None:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Dripping)
    server.over, server.written, server.daemon_threads = threading.Event(), 0, True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        log = write(tmp_path / "a.log", event())
        done = replay(log, "--to", f"http://127.0.0.1:{server.server_address[1]}/{kind}", "--patience", "2")
        assert done.returncode == 2
        assert "accepted no events for 2 s" in done.stderr
        assert server.written < 200 << 20
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
