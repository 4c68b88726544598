"""Damaged input under the prefilter: bytes changed, lost, doubled or put in, in every wrapping.

Lines that begin in the middle of a document, a document of several lines cut in two by a block's end, a lost
line feed: the prefilter must give up or let them through, and never lose a row that reading every line gives.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from podhawk import api
from podhawk.content.model import Content
from podhawk.engine.options import EngineOptions
from podhawk.errors import PodhawkError
from podhawk.events.source import ReadSizes
from support.sessions import EVERY_LINE, session_with
from support.wrappings import SEARCHES, WRAPPINGS, event, spelled

NOTHING = Content()

ROUNDS = 2_000 if os.environ.get("PODHAWK_EFFORT") == "full" else 250
DENSE = ["* | stats count by verb", "NOT verb=get | stats count by verb objectRef.resource"]
PUT_IN = [b"\n", b"{", b"}", b'"', b"\\", b"\0", b"\r\n", b"\xff", b"[", b"]", b",", b"}\n"]


def damage(chance: random.Random, text: bytes) -> bytes:
    """The text with up to six wounds."""
    made = bytearray(text)
    for _ in range(chance.randint(0, 6)):
        kind, place = chance.random(), chance.randrange(len(made))
        if kind < 0.3:
            made[place] = chance.randrange(256)
        elif kind < 0.5:
            del made[place : place + chance.randint(1, 60)]
        elif kind < 0.7:
            made[place:place] = chance.choice(PUT_IN)
        elif kind < 0.85:
            made[place:place] = made[max(place - 50, 0) : place]
        else:
            made[place : place + 1] = b"\n"
    return bytes(made)


def outcome(search: str, path: Path, options: EngineOptions) -> list[str]:
    around = session_with(options, ReadSizes(block=2_500))
    try:
        return sorted(json.dumps(row) for row in api.search(search, path, content=NOTHING, session=around))
    except PodhawkError as error:
        return [type(error).__name__]


@pytest.mark.slow
def test_damaged_input_gives_the_rows_of_reading_every_line(tmp_path: Path) -> None:
    """Once, a document of several lines lost events where a block ended inside it, or where its first line ended
    as an event ends."""
    path = tmp_path / "damaged.log"
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        wrap = chance.choice(WRAPPINGS)
        path.write_bytes(damage(chance, wrap(chance, [spelled(chance, event(chance, n)) for n in range(25)])))
        os.utime(path, (0, 0))  # an old file: nobody waits for the other half of its last line
        for search in [*chance.sample(SEARCHES, 2), chance.choice(DENSE)]:
            text = search if "|" in search else f"{search} | table auditID verb"
            fast = outcome(text, path, EngineOptions(sampled_lines=1))
            assert fast == outcome(text, path, EVERY_LINE), (seed, wrap.__name__, text)


@pytest.mark.parametrize("feed", ["\n", "\r\n", "\0\n"])
@pytest.mark.parametrize("place", ["at the end", "behind its first line", "behind its blank line"])
def test_a_document_with_a_blank_line_inside_was_lost(place: str, feed: str, tmp_path: Path) -> None:
    """A blank line was taken for proof that nothing goes on, where a block ended beside it."""
    plain = json.dumps(
        {
            "kind": "Event",
            "auditID": "plain",
            "stage": "ResponseComplete",
            "verb": "get",
            "requestReceivedTimestamp": "2026-11-25T10:00:00.000001Z",
        }
    )
    text = [plain] * 300
    first = (
        '{"auditID":"two-lines","kind":"Event","stage":"ResponseComplete","verb":"delete",'
        '"objectRef":{"resource":"secrets"}'
    )
    begun = "".join(line + feed.lstrip("\0") for line in text)
    document = first + feed.lstrip("\0") + feed + ',"user":{"username":"bob"}}'
    path = tmp_path / "audit.log"
    path.write_text(begun + document + ("" if place == "at the end" else feed.lstrip("\0") + begun), newline="")
    whole = len(begun + first + feed.lstrip("\0"))
    block = {"at the end": 1 << 20, "behind its first line": whole, "behind its blank line": whole + len(feed)}[place]
    search = "verb=delete objectRef.resource=secrets user.username=bob | table auditID"
    around = session_with(sizes=ReadSizes(block=block))
    assert list(api.search(search, path, content=Content(), session=around)) == [{"auditID": "two-lines"}]


def test_two_lines_without_a_last_feed_are_two(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_text('{"kind":"Event","auditID":"a","stage":"ResponseComplete","verb":"get"}\n' * 5 + "\n}")
    for search in ("verb=delete | table auditID", "* | table auditID"):
        assert api.search(search, path, content=Content(), jobs=1).report.lines == 7
