"""Splunk's published Kubernetes content: everything loads, parses, round-trips, and runs on data of its kind."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from podhawk import api
from podhawk.commands.parse import parse_search, render_pipeline
from podhawk.content.model import Content
from podhawk.engine.plan.runnable import Broken, Runnability, Unsupported, runnability
from podhawk.spl.macros import expand
from podhawk.spl.text import plain
from support import TESTS

LIVE = "`kube_audit`"
DOCS = TESTS.parent / "docs"
BEGIN, END = "<!-- refused searches: begin -->", "<!-- refused searches: end -->"
COUNTS = {  # rows of each live detection: corpus A by default and exactly, C by default and exactly
    "kubernetes_pod_created_in_default_namespace": (325, 325, 325, 325),
    "kubernetes_cron_job_creation": (6, 0, 6, 6),
    "kubernetes_daemonset_deployed": (5, 0, 5, 5),
    "kubernetes_aws_detect_suspicious_kubectl_calls": (289, 0, 287, 0),
}


def test_everything_loads(published: Content) -> None:
    assert published.problems == ()
    assert len(published.detections) == 66


def test_every_search_parses_and_round_trips(published: Content) -> None:
    searches = [one.search for one in (*published.detections, *published.baselines, *published.investigations)]
    searches += [
        drill.search
        for one in published.detections
        for drill in one.drilldowns
        if "%original_detection_search%" not in drill.search
    ]
    assert len(searches) > 80
    for search in searches:
        tree = parse_search(expand(search, published.macros, keep_unknown=True))
        assert parse_search(plain(render_pipeline(tree))) == tree


def test_every_macro_parses(published: Content) -> None:
    for macro in published.macros.values():
        text = macro.definition
        for argument in macro.arguments:
            text = text.replace(f"${argument}$", "x")
        first = text.split()[0]
        parse_search(plain(f"* | {text}" if first in ("convert", "search") else text))


def test_only_metrics_searches_are_refused(published: Content, shared: Path) -> None:
    result = api.rows(published, shared / "audit" / "corpus" / "webhook" / "A-metadata-03.json.gz")
    answers = [one.runnability for one in result.detections if one.result is None]
    unsupported = [one for one in answers if isinstance(one, Unsupported) and one.code == "command"]
    assert [one.command for one in unsupported] == ["mstats"] * 14
    assert [str(one) for one in answers if isinstance(one, Broken)] == []


def answers_of(content: Content) -> dict[str, list[Runnability]]:
    """Whether each published search can run, by the kind of file that it stands in."""
    some = content.detections[0]
    searches = {
        "detection": [(one.name, one.search) for one in content.detections],
        "drilldown": [
            (one.name, drill.search.replace("%original_detection_search%", one.search))
            for one in content.detections
            for drill in one.drilldowns
        ],
        "baseline": [(one.name, one.search) for one in content.baselines],
        "investigation": [(one.name, one.search) for one in content.investigations],
    }
    return {
        kind: [runnability(replace(some, name=name, search=search), content) for name, search in several]
        for kind, several in searches.items()
    }


def refusals(answers: dict[str, list[Runnability]]) -> str:
    """The table of docs/content.md."""
    lines = ["| searches | of | refused because |", "|---|---|---|"]
    for kind, several in answers.items():
        counts = Counter(str(one) for one in several if isinstance(one, Unsupported))
        lines += [f"| {count} | {len(several)} {kind}s | {reason} |" for reason, count in counts.most_common()]
        lines += [] if counts else [f"| 0 | {len(several)} {kind}s | |"]
    return "\n".join(lines)


def test_nothing_published_is_broken_and_the_table_of_refusals_is_current(published: Content) -> None:
    """`WRITE_TABLES=1` writes the table anew."""
    answers = answers_of(published)
    assert [str(one) for several in answers.values() for one in several if isinstance(one, Broken)] == []
    page = DOCS / "content.md"
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    shown, after = rest.split(END)
    if os.environ.get("WRITE_TABLES"):
        page.write_text(f"{before}{BEGIN}\n{refusals(answers)}\n{END}{after}", encoding="utf-8")
        return
    assert shown.strip() == refusals(answers)


@pytest.mark.parametrize(
    ("corpus", "exact", "column"),
    [
        ("A-metadata", False, 0),
        ("A-metadata", True, 1),
        ("C-requestresponse", False, 2),
        ("C-requestresponse", True, 3),
    ],
)
def test_rows_of_live_detections(published: Content, shared: Path, corpus: str, exact: bool, column: int) -> None:
    chosen = [one for one in published.detections if one.stem in COUNTS]
    log = shared / "audit" / "corpus" / f"{corpus}.log.gz"
    result = api.rows(published, log, detections=chosen, splunk_exact=exact)
    assert {one.detection.stem: len(one.result or ()) for one in result.detections} == {
        stem: counts[column] for stem, counts in COUNTS.items()
    }


def test_without_a_geo_database_location_detections_cannot_fire(published: Content, shared: Path) -> None:
    chosen = [one for one in published.detections if "iplocation" in one.search]
    result = api.rows(published, shared / "audit" / "corpus" / "A-metadata.log.gz", detections=chosen)
    answers = [one.runnability for one in result.detections]
    assert [one.code for one in answers if isinstance(one, Unsupported)] == ["geo-database"] * 3


FALCO = (
    "12:18:18.691725165: Notice A shell was spawned in a container with an attached terminal (evt_type=execve "
    "user=root user_uid=0 process=bash proc_exepath=/usr/bin/bash parent=runc command=bash -il "
    "container_image=example/web container_image_tag=1.0 container_name=web k8s_ns=default)"
)
NGINX = (
    '10.1.2.3 - - [25/Nov/2026:10:00:00 +0000] "GET {} HTTP/1.1" 200 612 "-" "curl/8.0" 84 0.001 [web-80] [] '
    "10.244.0.5:80 612 0.001 200 abc123"
)
PULL = {
    "object": {
        "kind": "Event",
        "reason": "Pulling",
        "name": "kh",
        "namespace": "default",
        "message": 'Pulling image "example/kube-hunter:1"',
        "source": {"host": "node1"},
        "involvedObject": {"kind": "Pod", "name": "kh"},
    }
}


@pytest.mark.parametrize(
    ("stem", "text", "format_", "sourcetype", "expected"),
    [
        (
            "kubernetes_falco_shell_spawned",
            FALCO,
            "text",
            "kube:container:falco",
            {"container_image": "example/web", "process": "bash", "user": "root", "count": "1"},
        ),
        (
            "kubernetes_nginx_ingress_lfi",
            NGINX.format("/../../etc/passwd"),
            "text",
            "kube:container:controller",
            {"src_ip": "10.1.2.3", "lfi_path": "yes", "firstTime": "2026-11-25T10:00:00"},
        ),
        (
            "kubernetes_nginx_ingress_rfi",
            NGINX.format("/?u=http://203.0.113.9/x"),
            "text",
            "kube:container:controller",
            {"dest_ip": "203.0.113.9", "url": "/?u=http://203.0.113.9/x"},
        ),
        (
            "kubernetes_scanner_image_pulling",
            json.dumps(PULL),
            "json",
            "kube:objects:events",
            {"host": "node1", "name": "kh", "reason": "Pulling", "severity": "high"},
        ),
    ],
)
def test_other_sources(
    published: Content, tmp_path: Path, stem: str, text: str, format_: str, sourcetype: str, expected: dict[str, str]
) -> None:
    path = tmp_path / "events"
    path.write_text(text + "\n")
    chosen = [one for one in published.detections if one.stem == stem]
    result = api.rows(published, path, detections=chosen, input_format=format_, sourcetype=sourcetype)
    rows = list(result.detections[0].result or ())
    assert len(rows) == 1
    assert {name: rows[0][name] for name in expected} == expected


def test_cloud_searches_see_the_view_of_their_carrier(published: Content, shared: Path) -> None:
    aks = shared / "audit" / "formats" / "sysdiglabs-aks-audit-log" / "event.json"
    azure = [one for one in published.detections if "`kubernetes_azure`" in one.search]
    result = api.rows(published, aks, detections=azure)
    assert {one.detection.stem: len(one.result or ()) for one in result.detections} == {
        "kubernetes_azure_active_service_accounts_by_pod_namespace": 1,
        "kubernetes_azure_detect_rbac_authorization_by_account": 3,
        "kubernetes_azure_detect_sensitive_object_access": 2,
        "kubernetes_azure_detect_sensitive_role_access": 1,
        "kubernetes_azure_detect_service_accounts_forbidden_failure_access": 0,
        "kubernetes_azure_detect_suspicious_kubectl_calls": 8,
        "kubernetes_azure_pod_scan_fingerprint": 0,
        "kubernetes_azure_scan_fingerprint": 0,
    }
    native = api.search('source="kubernetes" | stats count', aks, content=published)
    assert list(native) == [{"count": "22"}]
