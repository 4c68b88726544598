"""Damaged input: the neighbours of what is broken survive, and what can be saved of it is."""

from __future__ import annotations

import gzip
import json
import sys
from types import FrameType

import pytest

from events.conftest import Read
from podhawk.events import InputReport
from podhawk.events.decode import decode_at, decode_json, decode_quickly
from podhawk.events.reasons import BINARY, BROKEN, COMPRESSION, CONTROL, CUT, FRAGMENT, KLOG, OTHER_JSON, TEXT, TOO_DEEP
from podhawk.events.source import ReadSizes
from support.packing import zstd
from support.samples import aks, cloudwatch, event, line, text


def ids(events: list) -> list[str]:
    return [one.view.data["auditID"] for one in events]


BETWEEN = {
    "cut inside a string": (line("cut")[:400] + "\n", 1),
    "cut between members": ('{"kind":"Event","level":"Metadata","auditID":"cut","verb":"get",\n', 1),
    "cut after a colon": ('{"auditID":"cut","verb":"get","user":\n', 1),
    "cut inside an array": ('{"auditID":"cut","verb":"get","sourceIPs":["1.2.3.4"\n', 1),
    "cut in front": ('{"kind":"Event","apiVersion":"audit.k8s', 0),
    "cut in front, own line": ('{"kind":"Event","apiVersion":"audit.k8s\n', 0),
    "tail of a record": ('tem:authenticated"]},"sourceIPs":["1.2.3.4"],"userAgent":"x"}\n', 0),
    "garbage": (b"\x00\x01\xff\xfe\x80garbage\n", 0),
    "klog": ("I1101 10:00:00.000000       1 trace.go:1] hello\n", 0),
    "an opening bracket": ("[\n", 0),
    "many opening brackets": ("[" * 50_000 + "\n", 0),
    "closing brackets": ("}}]\n", 0),
    "an opening brace": ("{\n", 0),
    "half a pretty document": (json.dumps({"a": {"b": [1, 2]}}, indent=2)[:14] + "\n", 0),
    "invalid UTF-8": (line("cut").encode().replace("ä".encode(), b"\xff\xfe"), 1),
    "half surrogate": (line("cut", note="@").replace("@", "\\ud800"), 1),
    "raw control characters": (line("cut", note="@").replace("@", "a\tb\x01c\x00d"), 1),
    "duplicate keys": ('{"auditID":"no","auditID":"cut","verb":"get"}\n', 1),
    "trailing comma": ('{"auditID":"cut","verb":"get"},\n', 1),
    "trailing comma inside": ('{"auditID":"cut","verb":"get",}\n', 1),
    "NaN": ('{"auditID":"cut","verb":"get","x":NaN}\n', 1),
    "bad number": ('{"auditID":"cut","verb":"get","x":01,"y":1}\n', 1),
    "deep nesting": ('{"auditID":"cut","verb":"get","requestObject":' + '{"a":' * 5000 + "1" + "}" * 5000 + "}\n", 1),
    "deep nesting in front": (
        '{"requestObject":' + "[" * 100_000 + "]" * 100_000 + ',"auditID":"cut","verb":"get"}\n',
        1,
    ),
    "5 MB": (line("cut", note="x" * 5_000_000), 1),
    "no verb": ('{"auditID":"x","user":{}}\n', 0),
}


@pytest.mark.parametrize("name", BETWEEN)
def test_neighbours_survive(name: str, read: Read) -> None:
    damage, expected = BETWEEN[name]
    damage = damage.encode() if isinstance(damage, str) else damage
    pretty = json.dumps(event("a2"), indent=2) + "\n"
    for after in (line("a2"), pretty) if damage.endswith(b"\n") else (line("a2"),):
        events, report = read(line("a1").encode() + damage + after.encode() + line("a3").encode())
        assert ids(events) == ["a1", *["cut"] * expected, "a2", "a3"], report.summary_lines()
        assert [one.truncated for one in events if ids([one]) != ["cut"]] == [False] * 3
        assert events[-1].view.data == events[0].view.data | {"auditID": "a3"}


def test_a_cut_line_is_salvaged_up_to_the_cut(read: Read) -> None:
    whole = line("a1")
    (one,), report = read(whole[: whole.index('"requestObject"') + 60])
    assert one.truncated
    assert report.truncated == 1
    assert {"requestObject", "responseObject", "annotations", "requestReceivedTimestamp"} <= one.missing
    assert "user" not in one.missing
    assert "requestObject" not in one.view.data
    assert one.view.data["objectRef"]["name"] == "web-ä"


def test_a_cut_anywhere_gives_an_event_exactly_when_its_identity_is_there(read: Read) -> None:
    whole = line("a1").rstrip("\n")
    enough = whole.index('"stage":"ResponseComplete"') + len('"stage":"ResponseComplete"')
    content, wanted = "", []
    for cut in range(1, len(whole)):
        content += whole[:cut] + "\n" + line(f"n{cut}")
        wanted += (["a1"] if cut >= enough else []) + [f"n{cut}"]
    events, _ = read(content)
    assert ids(events) == wanted


def test_an_event_written_straight_after_one_that_was_cut_is_not_lost(read: Read) -> None:
    for cut in (100, 250, 400, 700):
        events, _ = read(line("a1").strip()[:cut] + line("a2") + line("a3"))
        assert ids(events)[-2:] == ["a2", "a3"], cut


def test_an_event_inside_a_cut_event_is_not_believed(read: Read) -> None:
    inner = {"auditID": "forged", "verb": "get", "x": 1}
    whole = text(event("a1", requestObject={"spec": inner, "tail": "x" * 50}))
    events, _ = read(whole[: whole.index('"tail"') + 10])
    assert ids(events) == ["a1"]


def test_aks_cut_at_16_kib_is_salvaged(read: Read) -> None:
    log = text(event("big", requestObject={"data": "ä" * 20_000}))[:16384]
    events, report = read(text({"records": [aks(line("a1")), aks(log), aks(line("a2"))]}))
    assert ids(events) == ["a1", "big", "a2"]
    assert [one.truncated for one in events] == [False, True, False]
    assert "requestObject" in events[1].missing
    assert events[1].time == 1793527200.0  # of the record: the event's own was cut off
    assert not report.rejected


def test_cloudwatch_cut_and_its_tail(read: Read) -> None:
    whole = text(event("big", requestObject={"data": "x" * 3000}))
    messages = (
        text(event("a1")),
        whole[:2000] + "[Truncated...]",
        whole[2000:],
        whole[:60] + "[Truncated...]",
        text(event("a2")),
    )
    events, report = read(text(cloudwatch(*messages)))
    assert ids(events) == ["a1", "big", "a2"]
    assert events[1].truncated
    assert {reason: found.count for reason, found in report.rejected.items()} == {FRAGMENT: 1, CUT: 1}


def test_truncated_by_the_api_server(read: Read) -> None:
    cut = event(annotations={"audit.k8s.io/truncated": "true"})
    del cut["requestObject"]
    (one,), _ = read(text(cut))
    assert one.truncated
    assert one.missing == {"requestObject", "responseObject"}


def test_a_damaged_batch_loses_only_the_damaged_item(read: Read) -> None:
    items = [text(event(f"a{number}")) for number in range(5)]
    for bad in (items[2][:300], items[2].replace('"verb":', '"verb"'), items[2].replace('"stage":"', '"stage":'), ""):
        body = (
            '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":['
            + ",".join([*items[:2], bad, *items[3:]])
            + "]}"
        )
        events, _ = read(body)
        assert [name for name in ids(events) if name != "a2"] == ["a0", "a1", "a3", "a4"], bad
    records = [text(aks(line(f"a{number}"))) for number in range(3)]
    events, _ = read('{"records":[' + ",".join([records[0], records[1][:200], records[2]]) + "]}")
    assert ids(events) == ["a0", "a2"]
    events, _ = read('{"kind":"EventList","items":[' + ",".join(items)[:-200])
    assert ids(events) == ["a0", "a1", "a2", "a3", "a4"]
    assert events[-1].truncated


def test_an_array_by_lines_loses_only_the_damaged_line(read: Read) -> None:
    lines = [text(event(f"a{number}")) for number in range(4)]
    lines[1] = lines[1].replace('"verb":', '"verb"')
    events, _ = read("[\n" + ",\n".join(lines) + "\n]\n")
    assert [name for name in ids(events) if name != "a1"] == ["a0", "a2", "a3"]


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_a_compressed_file_that_ends_early_keeps_what_came_before(pack, read: Read) -> None:
    body = "".join(line(f"a{number}", note=str(hash(str(number) * 9)) * 20) for number in range(5000)).encode()
    packed = pack(body)
    events, report = read(packed[: len(packed) * 2 // 3])
    assert len(events) > 100
    assert ids(events)[:3] == ["a0", "a1", "a2"]
    assert COMPRESSION in report.rejected


@pytest.mark.slow
@pytest.mark.parametrize(
    "opening", ["[\n", "{\n", '{"a":\n', "[", '{"a":', '{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"x']
)
def test_twice_as_many_openings_are_twice_the_work(opening: str, read: Read) -> None:
    """Work is the characters that decoders are given: what tries the rest of the input at each opening shows."""
    seen = 0
    decoders = {one.__code__ for one in (decode_json, decode_quickly, decode_at)}

    def observe(frame: FrameType, what: str, argument: object) -> None:
        nonlocal seen
        if what == "call" and frame.f_code in decoders:
            seen += len(frame.f_locals["text"]) - frame.f_locals.get("place", 0)

    work = []
    for number in (4_000, 8_000):
        seen = 0
        sys.setprofile(observe)
        try:
            read(opening * number)
        finally:
            sys.setprofile(None)
        work.append(seen)
    assert work[0] > 0
    assert work[1] < work[0] * 3


def test_a_line_longer_than_memory_should_hold_is_read_by_its_elements(read: Read) -> None:
    sizes = ReadSizes(block=1 << 16, long_line=1 << 20)
    items = [text(event(f"a{number}", note='[{"' + "x" * 20_000)) for number in range(200)]
    for content in (
        '{"kind":"EventList","metadata":{},"items":[' + ",".join(items) + "]}\n" + line("z"),
        "[" + ",".join(items) + "]\n" + line("z"),
        ",".join(items) + "\n" + line("z"),
    ):
        events, report = read(content, sizes=sizes)
        assert ids(events) == [*(f"a{number}" for number in range(200)), "z"]
        assert not report.rejected
        assert events[150].origin.item == 150
        assert not any(one.truncated for one in events)


def test_reasons_are_true(read: Read) -> None:
    for content, reason in (
        ("hello world\n", TEXT),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0", BINARY),
        ("{}", OTHER_JSON),
        ("I1101 10:00:00.000000       1 x.go:1] y", KLOG),
        ('{"a":1,,}', BROKEN),
        ("[" * 1000 + "]" * 1000, TOO_DEEP),
        ('{"messageType":"CONTROL_MESSAGE"}', CONTROL),
        ('"},"verb":"get"}', FRAGMENT),
        ('{"auditID":"x', CUT),
    ):
        events, report = read(content)
        assert not events
        assert list(report.rejected)[:1] == [reason], (content[:40], report.summary_lines())


def test_report_counts(read: Read) -> None:
    report: InputReport
    _, report = read(line() + "klog\n" + line(stage="RequestReceived") + "klog\n")
    assert (report.files, report.lines, report.events) == (1, 4, 2)
    assert report.by_stage == {"ResponseComplete": 1, "RequestReceived": 1}
    assert report.rejected["text"].count == 2
    assert report.rejected["text"].first.line == 2
    assert report.bytes == len((line() + "klog\n" + line(stage="RequestReceived") + "klog\n").encode())


def test_a_pretty_printed_batch_larger_than_memory_should_hold_is_read_by_its_elements(read: Read) -> None:
    sizes = ReadSizes(block=1 << 16, long_line=1 << 18)
    items = [event(f"a{number}") for number in range(400)]
    for indent in (1, 4):
        for body in ({"kind": "EventList", "items": items}, items):
            events, report = read(json.dumps(body, indent=indent) + line("z"), sizes=sizes)
            assert ids(events) == [*(f"a{number}" for number in range(400)), "z"]
            assert not report.rejected
            assert events[-1].origin.line == json.dumps(body, indent=indent).count("\n") + 1
