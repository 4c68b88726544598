"""What is not an audit event is rejected for what it is, and an input without events is an error that says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from events.conftest import Read
from podhawk.errors import InputError, UsageError
from podhawk.events import InputReport, ReadOptions, check_recognised, expand_paths, read_events, reasons
from podhawk.events.options import Rejected
from support.samples import gke, line, text

REJECTED = {
    '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1",'
    '"request":{"uid":"u","operation":"CREATE"}}': reasons.ADMISSION,
    '{"uid":"u","operation":"CREATE","userInfo":{"username":"a"},"object":{}}': reasons.ADMISSION,
    "W0102 03:04:05.678901       7 watcher.go:1] gone": reasons.KLOG,
    '{"auditID":"3","requestURI":"/v3/schemas","sourceIPs":["::1"],"user":{"name":"user-f","group":["a"]},"verb":"GET",'
    '"stage":"RequestReceived","stageTimestamp":"2026-07-20 10:22:43 +0800"}': reasons.RANCHER,
    '{"auditID":"3","method":"POST","requestURI":"/v3/x","user":{"name":"u"},"stage":"x"}': reasons.RANCHER,
    "type=SYSCALL msg=audit(1719931655.027:2401): arch=c000003e syscall=59": reasons.AUDITD,
    '{"message":"type=BPF msg=audit(1719931655.027:2401): prog-id=1"}': reasons.AUDITD,
    "2026-04-01T17:39:31.5Z|00004|acl_log(ovn_pinctrl0)|INFO|name=x, verdict=drop": reasons.OVN,
    '{"kind":"Event","apiVersion":"v1","involvedObject":{"kind":"Pod"},"reason":"Pulled"}': reasons.CORE_EVENT,
    '{"kind":"Event","apiVersion":"events.k8s.io/v1","regarding":{"kind":"Pod"},"note":"x"}': reasons.CORE_EVENT,
    '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"}}': reasons.OBJECT,
    '{"kind":"PodList","apiVersion":"v1","items":[]}': reasons.OBJECT,
    '{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs",'
    '"logEvents":[{"message":"CWL CONTROL MESSAGE"}]}': reasons.CONTROL,
    text(gke("v1.compute.instances.insert", serviceName="compute.googleapis.com")): reasons.GCP_OTHER,
    text(
        gke("google.container.v1.ClusterManager.GetCluster", serviceName="container.googleapis.com")
    ): reasons.GCP_OTHER,
    '{"insertId":"x","logName":"projects/p/logs/stderr","textPayload":"hello"}': reasons.GCP_ENTRY,
    '{"eventVersion":"1.08","eventSource":"eks.amazonaws.com","eventName":"DescribeCluster"}': reasons.CLOUDTRAIL,
    '{"kind":"Event","apiVersion":"audit.k8s.io/v1","verb":"get","stage":"ResponseComplete"}': reasons.NO_AUDIT_ID,
    '{"auditID":7,"verb":"get"}': reasons.NO_AUDIT_ID,
    '{"message":{"data":"!!!","messageId":"1"}}': reasons.TEXT,
    '{"awslogs":{"data":"H4sIAAAA"}}': reasons.PAYLOAD,
    '{"records":[{"category":"kube-audit","properties":{"log":""}}]}': reasons.EMPTY,
    '{"kind":"EventList","items":[]}': reasons.EMPTY,
    '{"event":' * 34 + '"x"' + "}" * 34: reasons.WRAPPED,
    "title: a Sigma rule\nlogsource:\n  product: kubernetes\ndetection:\n  condition: x\n": reasons.OTHER_JSON,
    "AnalysisType: rule\nRuleID: x\n": reasons.YAML_EMPTY,
    "AnalysisType: rule\nTests: [{\n": reasons.YAML_BROKEN,
    "Tests: &a [*a]\nRuleID: x\n": reasons.YAML_BROKEN,
    "&": reasons.TEXT,
    "cat: /var/log/audit.log: No such file or directory\n": reasons.TEXT,
    "error: forbidden\nhint: ask somebody\n": reasons.TEXT,
    "bash: kubectl: command not found\nbash: jq: command not found\n": reasons.TEXT,
    "kubectl: forbidden": reasons.TEXT,
    '2017-03-21T03:57:09.1Z AUDIT: id="c5c9" ip="127.0.0.1" method="GET" user="admin"': reasons.LEGACY,
}


@pytest.mark.parametrize("content", REJECTED, ids=lambda content: content[:40])
def test_rejected_for_what_it_is(content: str, read: Read) -> None:
    events, report = read(content)
    assert not events
    assert list(report.rejected) == [REJECTED[content]], report.summary_lines()
    with pytest.raises(InputError, match="no audit event in the input"):
        check_recognised(report)
    if "\n" not in content:
        assert len(read(line() + content + "\n" + line("a2"))[0]) == 2


def test_every_reason_has_its_meaning() -> None:
    named = {value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)}
    assert named == set(reasons.REASONS)


def test_events_with_lower_case_verbs_and_no_username_are_no_rancher_records(read: Read) -> None:
    unauthenticated = line(user={}, stage="ResponseStarted")
    assert len(read(unauthenticated)[0]) == 1
    assert len(read(line(verb=""))[0]) == 1
    assert len(read('{"auditID":"x","stage":"ResponseComplete"}')[0]) == 1


@pytest.mark.parametrize("content", ["", "\n", " \r\n\t\n", "\ufeff"])
def test_an_input_with_nothing_in_it_passed_for_a_silent_one(content: str, read: Read) -> None:
    for strict in (False, True):
        events, report = read(content, strict=strict)
        assert not events
        with pytest.raises(InputError, match="it is blank" if content.strip("\ufeff") else "it is empty"):
            check_recognised(report)


def test_a_lone_bracket_is_no_event_either(read: Read) -> None:
    _, report = read("]\n")
    with pytest.raises(InputError):
        check_recognised(report)


def test_strict_makes_any_reject_an_error(read: Read) -> None:
    _, report = read(line() + "noise\n")
    check_recognised(report)
    _, report = read(line() + "noise\n", strict=True)
    with pytest.raises(InputError, match=r"1 × text \(first at .*input.log:2\)"):
        check_recognised(report)


def test_paths(tmp_path: Path) -> None:
    for name in ("b.log", "sub/a.log", ".hidden", "c.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(line())
    folder = [str(tmp_path / name) for name in ("b.log", "c.log", "sub/a.log")]
    assert expand_paths([str(tmp_path)]) == folder
    assert expand_paths([str(tmp_path / "*.log"), "-"]) == [*folder[:2], "-"]
    for wrong in ("missing.log", "nothing*.gz"):
        with pytest.raises(InputError, match=wrong.replace("*", r"\*")):
            expand_paths([str(tmp_path / wrong)])


def test_an_unknown_format_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cloudwatch"):
        list(read_events([], ReadOptions(input_format="cloudwach"), InputReport()))


def test_a_chosen_format_accepts_nothing_else(read: Read) -> None:
    events, report = read(line() + text({"event": {"auditID": "x", "verb": "get"}}) + "\n", input_format="hec")
    assert [one.view.data["auditID"] for one in events] == ["x"]
    assert isinstance(report.rejected[reasons.OTHER_FORMAT], Rejected)


def test_any_json_is_an_event_by_option(read: Read) -> None:
    content = '{"_time": 5.25, "a": 1.0}\n[{"b": 2},\n {"_time": "6"}]{"c":3}\nnoise\n7\n'
    events, report = read(content, input_format="json")
    assert [one.view.raw for one in events] == ['{"_time": 5.25, "a": 1.0}', '{"b": 2}', '{"_time": "6"}', '{"c":3}']
    assert [one.time for one in events] == [5.25, None, None, None]
    assert events[0].view.source.endswith("input.log")
    assert {reason: found.count for reason, found in report.rejected.items()} == {reasons.TEXT: 2}
    check_recognised(report)


def test_any_line_is_an_event_by_option(read: Read) -> None:
    events, _ = read(
        '10:00 GET status=200 agent="curl \\"x\\"" status=500, a.b=c\n\nplain\n',
        input_format="text",
        sourcetype="nginx",
    )
    assert [one.view.raw for one in events] == ['10:00 GET status=200 agent="curl \\"x\\"" status=500, a.b=c', "plain"]
    assert events[0].view.data == {"status": "200", "agent": 'curl "x"', "a.b": "c"}
    assert events[0].view.sourcetype == "nginx"
    assert events[1].origin.line == 3


def test_a_log_that_begins_like_yaml_is_still_read(read: Read) -> None:
    for head in ("host: a\nversion: b\nlevel: c\n", "a: 1\n" * 3 + "  - [\n" * 50, "---\nTests: [\n"):
        events, report = read(head + line())
        assert len(events) == 1
        assert report.rejected.keys() <= {reasons.TEXT, reasons.BROKEN, reasons.FRAGMENT}


def test_only_what_stood_behind_the_cut_is_missing(read: Read) -> None:
    whole = line()
    (one,), _ = read(whole[: whole.index('"annotations"') + 40])
    assert one.missing == {"annotations"}
    (one,), _ = read(whole[: whole.index('"verb"') + 20])
    assert {"user", "requestObject", "annotations"} <= one.missing
    assert "level" not in one.missing
    (one,), _ = read('{"annotations":{},"auditID":"x","stage":"ResponseComplete","verb":"ge')  # sorted by a shipper
    assert {"verb", "level", "user", "requestObject"} <= one.missing
    (one,), _ = read('{"auditID":"x","verb":"get","requestObject":' + "[" * 999 + "]" * 999 + "}")
    assert (one.missing, one.truncated) == ({"requestObject"}, True)
