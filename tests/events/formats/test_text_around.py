"""Text around events is neither a fault nor an obstacle; pieces of broken records stay counted."""

from __future__ import annotations

import json

import pytest

from events.conftest import Read
from podhawk.errors import InputError
from podhawk.events import check_recognised
from podhawk.events.reasons import BROKEN, CUT, FRAGMENT, KLOG, TEXT
from support.samples import event, gke, line, text

EVENT, SECOND = text(event()), text(event("a2"))
LABEL = "[pod/kube-apiserver-cp1/kube-apiserver] "
PRETTY = [json.dumps(event(), indent=2), json.dumps(event("a2"), indent=4)]


def lined(*lines: str) -> str:
    return "".join(one + "\n" for one in lines)


AROUND = {
    "kubectl --prefix": lined(LABEL + EVENT, LABEL + "2026-11-01T10:00:02.5Z " + SECOND),
    "stern": lined("kube-apiserver-cp1 kube-apiserver " + EVENT, "kube-apiserver-cp1 kube-apiserver " + SECOND),
    "logcli": lined(
        '2026-11-01T10:00:02Z {cluster="prod-eu", job="x"} ' + EVENT, "2026-11-01T10:00:02+00:00\t{}\t" + SECOND
    ),
    "labels first": lined('{cluster="prod-eu", job="kube-audit"} ' + EVENT, '{job="x"} ' + SECOND),
    "aws logs tail": lined("2026-11-01T10:00:02.511000+00:00 kube-apiserver-audit-0f " + EVENT, "2026 s " + SECOND),
    "a date in brackets": lined("[2026-11-01T10:00:00Z] " + EVENT, "[1234] " + SECOND),
    "a word in brackets": lined("[node1] " + EVENT, "[true story] " + SECOND),
    "pairs": lined(f"level=info ts=2026-11-01T10:00:00Z msg={json.dumps(EVENT)} caller=x.go:1", f'a="b" {SECOND}'),
    "quoted": lined(f"[warn]: no match: {json.dumps(EVENT)}", f"'{SECOND}'"),
    "quoted twice": lined(f"x {json.dumps(json.dumps(EVENT))} y", json.dumps(json.dumps(SECOND))),
    "a hash of Ruby": lined(
        "[warn]: dump an error event: record=" + EVENT.replace('":', '"=>').replace("=>null", "=>nil"),
        '[0] kube: [[1793527200.5, {}], {"log"=>' + json.dumps(SECOND) + ', "stream"=>"stdout"}]',
    ),
    "bytes of Python": lined("b'" + text({"log": EVENT}).replace("\\", "\\\\") + "'", f"got '{SECOND}'"),
    "a doubled quote": lined('1,"' + EVENT.replace('"', '""') + '"', '2,"' + SECOND.replace('"', '""') + '",x'),
    "several on a line": lined(f"a {EVENT} b {SECOND} c"),
    "text behind": lined(EVENT + " # first", f"audit({SECOND}) took 5 ms"),
    "syslog": lined(f'<134>1 2026-11-01T10:00:00Z cp-1 kube 1 - [meta x="y"] {EVENT}', f"Nov  1 cp kube[1]: {SECOND}"),
    "known records": lined("app: " + text({"log": EVENT + "\n", "stream": "stdout"}), "[x] " + text({"event": SECOND})),
    "headings": lined("==> /var/log/a <==", EVENT, "", "==> /var/log/b <==", SECOND),
    "kubectl and stern": lined('Defaulted container "a" out of: a, b', EVENT, "+ pod › kube-apiserver", SECOND),
    "bulk": lined('{"index":{"_index":"a","_id":"1"}}', EVENT, '{"delete":{"_id":"3"}}', '{"create":{}}', SECOND),
    "bulk updates": lined('{"update":{"_id":"1","retry_on_conflict":3}}', text({"doc": event()}), SECOND),
    "many lines after a label": LABEL + PRETTY[0] + "\n" + "2026-11-01T10:00:03.5+00:00 s " + PRETTY[1] + "\n",
    "a label on each line": lined(*(LABEL + one for pretty in PRETTY for one in pretty.split("\n"))),
    "a time on each line": lined(
        *(f"2026-11-01T10:00:{n % 60:02}.{n}Z stdout F {one}" for n, one in enumerate("\n".join(PRETTY).split("\n")))
    ),
    "an array after a label": LABEL + json.dumps([event(), event("a2")], indent=2) + "\n",
    "lines in a member": text({"text": lined("started", EVENT, "and " + SECOND, "done")}),
    "base64": lined("ey" + "", EVENT, SECOND)[3:],
    "an address": lined("GET /x?event=%7B" + EVENT[1:].replace('"', "%22").replace("{", "%7B"), SECOND),
    "a page": lined("<td>" + EVENT.replace("&", "&amp;").replace('"', "&quot;") + "</td>", SECOND),
}


@pytest.mark.parametrize("name", AROUND)
def test_text_around_events_is_no_fault(name: str, read: Read) -> None:
    events, report = read(AROUND[name], strict=True)
    assert [one.view.data["auditID"] for one in events] == ["a1", "a2"], report.summary_lines()
    check_recognised(report)
    assert events[0].view.data["requestObject"]["spec"]["hostNetwork"] is True
    assert not events[0].truncated


BROKEN_ONES = {
    '{"auditID": oops}': {CUT},
    LABEL + '{"auditID": oops}': {CUT},
    LABEL + '{"a": oops}': {TEXT, BROKEN, FRAGMENT},
    'tem:authenticated"]},"sourceIPs":["1.2.3.4"],"userAgent":"x"} ': {FRAGMENT},
    'I1101 10:00:00.000000 1 x.go:1] request {"a": 1}': {KLOG},
    "I1101 10:00:00.000000 1 x.go:1] request {": {KLOG},
    "just text": {TEXT},
    '"x":1,': {FRAGMENT},
}


@pytest.mark.parametrize("broken", BROKEN_ONES)
def test_what_is_broken_stays_counted(broken: str, read: Read) -> None:
    for content in (broken + "\n", line("b1") + broken + "\n" + line("b2")):
        events, report = read(content, strict=True)
        assert len(events) == content.count('"auditID":"b')
        assert report.rejected.keys() <= BROKEN_ONES[broken]
        assert sum(found.count for found in report.rejected.values()) == 1, report.summary_lines()
        with pytest.raises(InputError):
            check_recognised(report)


def test_a_piece_before_or_behind_an_event_is_a_fault(read: Read) -> None:
    for content in (f'th":"x"}}, {EVENT}', f'x {EVENT} "verb":"get"}}', f'{EVENT}{{"auditID":"y","verb'):
        events, report = read(content + "\n" + line("a2"))
        assert [one.view.data["auditID"] for one in events] == ["a1", "a2"]
        assert len(report.rejected) == 1, content


def test_a_cut_event_after_a_label_is_salvaged(read: Read) -> None:
    cut = EVENT[: EVENT.index('"requestObject"') + 30]
    for content in (LABEL + cut, "x: " + json.dumps(cut)[:-1], text({"log": cut})[:-2]):
        events, _ = read(content + "\n" + LABEL + SECOND + "\n")
        assert [one.view.data["auditID"] for one in events] == ["a1", "a2"], content
        assert [one.truncated for one in events] == [True, False]


def test_an_event_in_a_text_of_a_broken_event_is_not_believed(read: Read) -> None:
    forged = json.dumps(text({"auditID": "forged", "verb": "get", "stage": "x"}))
    for broken in (f'{{"kind":"Event","auditID":oops,"note":{forged}}}', f'x {{"auditID":oops,"note":{forged}}}'):
        events, report = read(broken + "\n" + line())
        assert [one.view.data["auditID"] for one in events] == ["a1"], broken
        assert report.rejected


def test_lines_that_were_passed_over_alone_are_no_audit_log(read: Read) -> None:
    for content in ('{"index":{"_index":"x"}}\n', "==> /var/log/audit.log <==\n"):
        events, report = read(content)
        assert not events
        with pytest.raises(InputError, match="first content at"):
            check_recognised(report)


def test_the_time_in_front_stands_in(read: Read) -> None:
    short = '{"auditID":"x","verb":"get"}'
    for content in (f"[a] 2026-11-01T10:00:00.5Z {short}", f"2026-11-01 10:00:00.5Z [warn]: {json.dumps(short)}"):
        assert read(content)[0][0].time == 1793527200.5, content


def test_a_cloud_logging_entry_after_a_label_is_rebuilt(read: Read) -> None:
    (one,), report = read(LABEL + text(gke()) + "\n", strict=True)
    assert (one.format, one.cluster) == ("gke", "prod-eu")
    assert not report.rejected
