"""Splunk's published Kubernetes content: everything loads, parses, round-trips, and runs on data of its kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from podhawk import api
from podhawk.commands.parse import parse_search, render_pipeline
from podhawk.content.load import load_content
from podhawk.content.model import Content
from podhawk.spl.macros import expand
from podhawk.spl.text import plain

LIVE = "`kube_audit`"
COUNTS = {  # rows of each live detection: corpus A by default and exactly, C by default and exactly
    "kubernetes_pod_created_in_default_namespace": (325, 325, 325, 325),
    "kubernetes_cron_job_creation": (6, 0, 6, 6),
    "kubernetes_daemonset_deployed": (5, 0, 5, 5),
    "kubernetes_aws_detect_suspicious_kubectl_calls": (289, 0, 287, 0),
}


@pytest.fixture(scope="module")
def content(shared: Path) -> Content:
    return load_content([shared / "content" / "splunk"])


def test_everything_loads(content: Content) -> None:
    assert content.problems == ()
    assert len(content.detections) == 66


def test_every_search_parses_and_round_trips(content: Content) -> None:
    searches = [one.search for one in (*content.detections, *content.baselines, *content.investigations)]
    searches += [
        drill.search
        for one in content.detections
        for drill in one.drilldowns
        if "%original_detection_search%" not in drill.search
    ]
    assert len(searches) > 80
    for search in searches:
        tree = parse_search(expand(search, content.macros, keep_unknown=True))
        assert parse_search(plain(render_pipeline(tree))) == tree


def test_every_macro_parses(content: Content) -> None:
    for macro in content.macros.values():
        text = macro.definition
        for argument in macro.arguments:
            text = text.replace(f"${argument}$", "x")
        first = text.split()[0]
        parse_search(plain(f"* | {text}" if first in ("convert", "search") else text))


def test_only_metrics_searches_are_refused(content: Content, shared: Path) -> None:
    result = api.rows(content, shared / "audit" / "corpus" / "webhook" / "A-metadata-03.json.gz")
    assert [str(one.broken) for one in result.detections if one.broken] == []
    refused = [one for one in result.detections if one.refused]
    assert len(refused) == 14
    assert all("mstats" in one.refused for one in refused)


@pytest.mark.parametrize(
    ("corpus", "exact", "column"),
    [
        ("A-metadata", False, 0),
        ("A-metadata", True, 1),
        ("C-requestresponse", False, 2),
        ("C-requestresponse", True, 3),
    ],
)
def test_rows_of_live_detections(content: Content, shared: Path, corpus: str, exact: bool, column: int) -> None:
    chosen = [one for one in content.detections if one.stem in COUNTS]
    result = api.rows(content, shared / "audit" / "corpus" / f"{corpus}.log.gz", detections=chosen, splunk_exact=exact)
    assert {one.detection.stem: len(one.result or ()) for one in result.detections} == {
        stem: counts[column] for stem, counts in COUNTS.items()
    }


def test_without_a_geo_database_location_detections_cannot_fire(content: Content, shared: Path) -> None:
    chosen = [one for one in content.detections if "iplocation" in one.search]
    result = api.rows(content, shared / "audit" / "corpus" / "A-metadata.log.gz", detections=chosen)
    assert [one.cannot.split(":")[0] for one in result.detections] == ["no geolocation database"] * 3


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
    content: Content, tmp_path: Path, stem: str, text: str, format_: str, sourcetype: str, expected: dict[str, str]
) -> None:
    path = tmp_path / "events"
    path.write_text(text + "\n")
    chosen = [one for one in content.detections if one.stem == stem]
    result = api.rows(content, path, detections=chosen, input_format=format_, sourcetype=sourcetype)
    rows = list(result.detections[0].result or ())
    assert len(rows) == 1
    assert {name: rows[0][name] for name in expected} == expected


def test_cloud_searches_see_the_view_of_their_carrier(content: Content, shared: Path) -> None:
    aks = shared / "audit" / "formats" / "sysdiglabs-aks-audit-log" / "event.json"
    azure = [one for one in content.detections if "`kubernetes_azure`" in one.search]
    result = api.rows(content, aks, detections=azure)
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
    native = api.search('source="kubernetes" | stats count', aks, content=content)
    assert list(native) == [{"count": "22"}]
