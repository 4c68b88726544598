"""Mutated input: nothing but our own errors, and the lines before and after the damage survive.

Effort: PODHAWK_EFFORT=full runs 200,000 inputs, else 2,000. The seed is fixed; a failure prints its input. The memory
of the process must not grow with the number of inputs.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import random
import re
import resource
import sys
import zlib
from pathlib import Path

import pytest

from podhawk.errors import PodhawkError
from podhawk.events import InputReport, ReadOptions, check_recognised, fields_of, pick, read_events
from podhawk.events.compression import is_packed
from podhawk.events.reasons import REASONS
from podhawk.events.registry import FORMATS
from support.packing import zstd
from support.samples import aks, cloudwatch, event, gke, line, packed, text
from support.wrappings import WRAPPINGS
from support.wrappings import event as one

ROUNDS = 200_000 if os.environ.get("PODHAWK_EFFORT") == "full" else 2_000
MOST_GROWTH = 256
"""MiB that reading any number of these inputs, of some KiB each, may take."""
SEEDS = [
    line().encode(),
    json.dumps(event(), indent=2).encode(),
    text([event(), event("a2")]).encode(),
    text({"kind": "EventList", "items": [event(), event("a2")]}).encode(),
    text({"records": [aks(line()), aks(event())]}).encode(),
    text(cloudwatch(text(event()), text(event("a2")))).encode(),
    text({"awslogs": {"data": packed(cloudwatch(line()))}}).encode(),
    text(gke()).encode(),
    gzip.compress(line().encode() * 3),
    zstd.compress(line().encode() * 3),
    text(event(user=text(event()["user"]), k8s_audit_level="Request")).encode(),
    line().encode("utf-16"),
    *(form.example.encode() for form in FORMATS),
    *(
        wrap(random.Random(wrap.__name__), [json.dumps(one(random.Random(number), number)) for number in range(3)])
        for wrap in WRAPPINGS
    ),
    *(compress(line().encode() * 3) for compress in (zlib.compress, lzma.compress, bz2.compress)),
    gzip.compress(gzip.compress(line().encode())),
]
PIECES = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"\\",
    b",",
    b":",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"null",
    b"-0",
    b"1e9999",
    b"\\ud800",
    b'{"',
    b'"}',
    b"[Truncated...]",
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"---\n",
    b"&a [*a]",
    b"Tests:\n",
    b'"auditID":',
    b'{"kind":"Event","apiVersion":"audit.k8s.io/v1",',
    b'""',
    b"'",
    b"=>",
    b"[pod/a] ",
    b'{a="b"} ',
    b'"AuditId":',
    b"eyJhdWRpdElEIjoi",
    b"[123,34,97,117,100,105,116,73,68,34,58,",
    b"timestamp,message\n",
    b"PK\x03\x04",
    b"%22auditID%22",
    b"[" * 400,
    b'{"a":' * 300,
]
VALUES = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**30,
    "",
    "x",
    "{",
    "a=",
    "2026-11-01T10:00:00Z",
    [],
    {},
    [[]],
    [{}],
    {"a": {}},
    [None],
    {"auditID": "q", "verb": "get"},
    {"": ""},
    ["a", 1],
    {"log": {}},
    {"data": "e30="},
    {"message": {}},
]


def retyped(data: bytes, chance: random.Random) -> bytes:
    """The same document with values in it replaced by values of other types."""
    try:
        document = json.loads(data)
    except ValueError:
        return data
    for _ in range(chance.choice((1, 1, 2, 4))):
        places: list[tuple[object, object]] = []
        nodes = [document]
        while nodes:
            node = nodes.pop()
            for key, value in node.items() if isinstance(node, dict) else enumerate(node):
                places.append((node, key))
                if isinstance(value, (dict, list)):
                    nodes.append(value)
        if not places:
            break
        holder, key = chance.choice(places)
        if chance.random() < 0.2 and isinstance(holder[key], str):  # type: ignore[index]
            holder[key] = holder[key][: chance.randrange(len(holder[key]) + 1)]  # type: ignore[index]
        else:
            holder[key] = json.loads(json.dumps(chance.choice(VALUES)))  # type: ignore[index]
    return json.dumps(document).encode()


def mutated(chance: random.Random) -> bytes:
    seed = chance.choice(SEEDS)
    if chance.random() < 0.4:
        seed = retyped(seed, chance)
        if chance.random() < 0.6:
            return seed
    data = bytearray(seed)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(7):
            case 0:
                del data[place : place + chance.choice((1, 1, 2, 10, 100, 1000))]
            case 1:
                data[place:place] = chance.choice(PIECES)
            case 2:
                data[place : place + 1] = bytes([chance.randrange(256)])
            case 3:
                del data[place:]
            case 4:
                del data[:place]
            case 5:
                other = chance.choice(SEEDS)
                data[place:place] = other[: chance.randrange(len(other))]
            case _:
                length = chance.choice((1, 5, 50, 500))
                data[place:place] = data[max(0, place - length) : place] * chance.choice((1, 2, 20))
    return bytes(data)


def put(path: Path, data: bytes) -> None:
    """Write a file that looks old: nobody waits for the other half of its last line."""
    path.write_bytes(data)
    os.utime(path, (0, 0))


def peak() -> int:
    """The most memory, in MiB, that this process has held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most >> 20 if sys.platform == "darwin" else most >> 10


@pytest.mark.slow
def test_mutated_input(tmp_path: Path) -> None:
    chance = random.Random(20261101)
    before = peak()
    path = tmp_path / "fuzz"
    formats = ["auto"] * 20 + ["json", "text", "aks", "rule-tests"]
    for turn in range(ROUNDS):
        damaged = mutated(chance)
        name = chance.choice(formats)
        put(path, damaged)
        report = InputReport()
        try:
            for found in read_events([str(path)], ReadOptions(input_format=name), report):
                fields = fields_of(found.view)
                assert pick(found.view, list(fields)[:5]) == dict(list(fields.items())[:5])
                json.dumps(fields).encode()
                found.view.raw.encode()
                if found.carrier is not None:
                    json.dumps(fields_of(found.carrier)).encode()
                    found.carrier.raw.encode()
            report.summary_lines()
            check_recognised(report)
        except PodhawkError:
            pass
        except BaseException:
            print(f"turn {turn}, format {name}: {damaged!r}")
            raise
        assert report.rejected.keys() <= REASONS.keys()
    assert peak() - before < MOST_GROWTH


def test_neighbours_of_mutated_lines_survive(tmp_path: Path) -> None:
    chance = random.Random(20261102)
    path = tmp_path / "fuzz"
    before, after = line("before").encode(), line("after").encode()
    for turn in range(ROUNDS // 4):
        damaged = mutated(chance)
        if b"\n" in damaged.strip() and turn % 2:
            damaged = damaged.replace(b"\n", b" ")
        put(path, before + damaged + b"\n" + after)
        found = [each.view.data.get("auditID") for each in read_events([str(path)], ReadOptions(), InputReport())]
        assert found[:1] == ["before"], damaged
        assert "after" in found[-3:], damaged  # what waits for its other half comes last


_HALF = re.compile("[\ud800-\udfff]")
"""Half a surrogate pair, which no UTF-8 can hold: podhawk reads U+FFFD."""
_AT_HAND = re.compile(rb'\{"kind":"Event",[^\n]*\}')


def by_line(data: bytes) -> set[str]:
    """The ids of the events that stand alone on a line, whatever is written before or behind them."""
    found = set()
    for text_ in data.split(b"\n"):
        match = _AT_HAND.fullmatch(text_.strip(b"\r"))
        try:
            value = json.loads(match[0]) if match else None
        except ValueError:
            continue
        if isinstance(value, dict) and isinstance(value.get("auditID"), str) and isinstance(value.get("verb"), str):
            found.add(_HALF.sub("\ufffd", value["auditID"]))
    return found


@pytest.mark.slow
def test_no_event_is_lost_that_stands_on_a_line_of_its_own(tmp_path: Path) -> None:
    chance = random.Random(20261103)
    path = tmp_path / "fuzz"
    for turn in range(ROUNDS // 4):
        among = [
            chance.choice((line(f"l{turn}-{number}").encode(), mutated(chance) + b"\n", line(f"m{number}").encode()))
            for number in range(chance.choice((2, 4, 8)))
        ]
        data = chance.choice((b"", line("first").encode())) + b"".join(among)
        if is_packed(data) or data.startswith((b"\xff\xfe", b"\xfe\xff")):
            continue  # what is compressed, or in other letters, has no lines of its own
        put(path, data)
        found = {each.view.data.get("auditID") for each in read_events([str(path)], ReadOptions(), InputReport())}
        assert by_line(data) <= found, (turn, data)


def test_a_long_word_in_a_line_of_text_was_looked_at_from_each_of_its_characters(tmp_path: Path) -> None:
    """Two megabytes took an hour."""
    put(tmp_path / "long", b"T" * (2 << 20) + b' 9.a-b=1 c="d e" =x f= g==h\n')
    (found,) = read_events([str(tmp_path / "long")], ReadOptions(input_format="text"), InputReport())
    assert found.view.data == {"a-b": "1", "c": "d e", "g": "=h"}
