"""`podhawk run` on input of every wrong kind: no traceback, the right exit code, the place and a remedy."""

from __future__ import annotations

import gzip
import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from cli.test_unreadable import DETECTION
from podhawk.errors import InputError
from podhawk.events.inputfile import Input
from podhawk.events.inputs import Inputs
from podhawk.events.opening import Unfit
from podhawk.events.paths import ListedFile
from support.findings import event
from support.unprivileged import podhawk

pytestmark = pytest.mark.slow

COUNT = 20
LINES = "".join(json.dumps(event(f"a{number}")) + "\n" for number in range(COUNT)).encode()


def written(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def locked(path: Path) -> None:
    path.write_bytes(LINES)
    path.chmod(0)


def loop(path: Path) -> None:
    (path / "inner").mkdir(parents=True)
    (path / "inner" / "up").symlink_to("..")


def content(path: Path) -> None:
    (path / "detections").mkdir(parents=True)
    (path / "detections" / "made.yml").write_text(DETECTION)


def bound(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may have 107 bytes only
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


class Kind(NamedTuple):
    """How a path is made; what `run` ends with, says, and how many findings it prints."""

    make: Callable[[Path], object]
    code: int
    says: tuple[str, ...]
    findings: int = 0


PARTLY = "20 × {} (first at NAME:1)"
OTHER_LOG = "Name the log that the API server writes"
KINDS = {
    "missing": Kind(lambda path: None, 4, ("no such file or folder: 'NAME'", "Paths may be files, folders, globs")),
    "unreadable": Kind(locked, 4, ("NAME cannot be read: Permission denied", "sudo cat NAME")),
    "empty": Kind(written(b""), 4, ("it is empty", "after a rotation its events are in an older file")),
    "blank": Kind(written(b"\n \n"), 4, ("it is blank", "after a rotation its events are in an older file")),
    "empty folder": Kind(Path.mkdir, 4, ("there is no file in NAME", "Name the folder that the API server writes")),
    "loop of folders": Kind(loop, 4, ("there is no file in NAME", "Name the folder that the API server writes")),
    "link to nowhere": Kind(
        lambda path: path.symlink_to("nowhere"), 4, ("NAME cannot be read: No such file", "It is a link that leads no")
    ),
    "link to itself": Kind(
        lambda path: path.symlink_to(path.name), 4, ("NAME cannot be read: ", "It is a link that leads back to itself")
    ),
    "binary": Kind(written(bytes(range(256)) * 20), 4, ("binary data (first at NAME:1)", OTHER_LOG)),
    "truncated gzip": Kind(
        written(gzip.compress(LINES)[:-9]), 0, ("1 × damaged compressed data (first at NAME:", "gzip -t"), COUNT
    ),
    "gzip without content": Kind(
        written(gzip.compress(LINES)[:8]), 4, ("1 × damaged compressed data (first at NAME:1)", "copy the file again")
    ),
    "truncated JSON": Kind(
        written(LINES[:-150]), 0, (f"1 event arrived truncated (first at NAME:{COUNT}): fields after the cut",), COUNT
    ),
    "truncated before any event": Kind(
        written(LINES[:30]), 4, ("truncated before auditID (first at NAME:1)", OTHER_LOG)
    ),
    "damaged UTF-8": Kind(written(LINES.replace(b"alice", b"a\xff\xc3lice")), 0, (), COUNT),
    "deeply nested": Kind(written(b"[" * 200_000), 4, ("nested too deeply (first at NAME:1)", OTHER_LOG)),
    "unknown compression": Kind(
        written(b"7z\xbc\xaf'\x1c" + bytes(60)), 4, ("7z archive (first at NAME:1)", "7z x -so FILE | podhawk")
    ),
    "detections": Kind(content, 4, ("NAME is detection content, not an audit log", "--content NAME LOG")),
    "system log": Kind(
        written(b"Nov 30 10:00:00 host sshd[1]: Accepted\n" * 20), 4, (PARTLY.format("text"), OTHER_LOG)
    ),
    "log of a component": Kind(
        written(b"I1130 10:00:00.000000 1 server.go:1] x\n" * 20), 4, ("klog line (first at NAME:1)", OTHER_LOG)
    ),
    "events of the cluster": Kind(
        written(b'{"kind":"Event","apiVersion":"v1","involvedObject":{"kind":"Pod"},"reason":"x"}\n'),
        4,
        ("Kubernetes core Event, not an audit event (first at NAME:1)", OTHER_LOG),
    ),
    "device": Kind(lambda path: path.symlink_to("/dev/zero"), 4, ("NAME cannot be read: it is a device", OTHER_LOG)),
    "socket": Kind(bound, 4, ("NAME cannot be read: it is a socket", "write to a file")),
    "pipe that nobody writes to": Kind(
        os.mkfifo, 4, ("NAME cannot be read: it is a pipe, and no process", "Start the process that writes to it")
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_input_of_the_wrong_kind(kind: str, tmp_path: Path) -> None:
    make, code, says, findings = KINDS[kind]
    path = tmp_path / "input"
    make(path)
    (tmp_path / "made.yml").write_text(DETECTION)
    command = ["run", "--content", tmp_path / "made.yml", "-o", "jsonl", path]
    done, strict = podhawk(command, [*command, "--strict"])
    assert "Traceback" not in done.err + strict.err
    assert done.code == code, done.err
    assert [text for text in says if text.replace("NAME", str(path)) not in done.err] == [], done.err
    kinds = [json.loads(line)["kind"] for line in done.out.splitlines()]
    assert kinds.count("finding") == findings
    assert strict.code == (4 if code or "damaged" in "".join(says) else 0), strict.err


def test_a_pipe_without_a_writer_was_waited_for_without_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unfit, match=r"within 0\.01 seconds"):
        Input(ListedFile(str(tmp_path / "pipe"), True)).open(patience=0.01)


def test_the_writer_of_a_pipe_may_come_later(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Timer(0.2, lambda: (tmp_path / "pipe").write_bytes(LINES))
    writer.start()
    with Inputs([str(tmp_path / "pipe")]) as inputs:
        assert b"".join(inputs.files[0].blocks()) == LINES
    writer.join()


def test_a_device_that_never_ends_was_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it is a device"), Inputs(["/dev/zero"]) as inputs:
        assert inputs.files
