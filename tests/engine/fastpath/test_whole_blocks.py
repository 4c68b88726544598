"""A search that only counts takes whole blocks of lines at once: with the same result, whatever stands among them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from podhawk import api
from podhawk.content.model import Content
from podhawk.events.source import ReadSizes
from support.sessions import session_with
from support.wrappings import event

COUNTING = "* | stats count by verb objectRef.resource"
SLOW = f"* | eval unused=_raw {COUNTING[2:]}"
ODD = {
    "nothing": b"",
    "blank lines": b"\n\n",
    "a document of several lines": b'{"auditID":"x",\n"verb":"get",\n"stage":"s"}\n',
    "carriage returns": b'{"auditID":"x","verb":"get","objectRef":{"resource":"pods"}}\r\n',
    "a lost part": b'{"auditID":"x","verb":"get","objectRef":{"resource":"pods"},"annotations":'
    b'{"audit.k8s.io/truncated":"true"}}\n',
    "a method of somebody's own": b'{"auditID":"x","verb":"propfind","objectRef":{"resource":"pods"}}\n',
    "a method": b'{"auditID":"x","verb":"POST","method":"POST"}\n',
    "text": b"no event at all\n",
    "half an event": b'{"auditID":"x","verb":"ge\n',
    "two events in a line": b'{"auditID":"x","verb":"get"} {"auditID":"y"}\n',
    "another product's member": b'{"auditID":"x","verb":"get","objectRef.resource":"pods"}\n',
    "bytes that are no text": b'{"auditID":"x","verb":"\xff"}\n',
    "zeros": b"\0\0\n",
    "a number for a text": b'{"auditID":"x","verb":"get","objectRef":{"resource":0}}\n',
}


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_counts_are_those_of_the_slow_path(odd: bytes, end: bytes, tmp_path: Path) -> None:
    chance = random.Random(9)
    lines = [json.dumps(event(chance, number), separators=(",", ":")).encode() + b"\n" for number in range(60)]
    path = tmp_path / "audit.log"
    path.write_bytes(b"".join([*lines[:35], odd, *lines[35:]]).rstrip(b"\n") + end)
    around = session_with(sizes=ReadSizes(block=1500))
    fast, slow = (api.search(search, path, content=Content(), session=around) for search in (COUNTING, SLOW))
    assert list(fast) == list(slow)
    assert fast.report == slow.report
    assert sum(int(str(row["count"])) for row in fast) >= 60
