"""The interface of the service: findings, triage, health, metrics, the OpenAPI document, and what docs say of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support import ROOT
from support.command_line import podhawk
from support.findings import event
from support.needs import program
from support.processes import wait_for
from support.service import Service, event_list, service

pytestmark = [pytest.mark.needs("serve"), pytest.mark.slow]
ANONYMOUS = {"username": "system:anonymous", "groups": ["system:unauthenticated"]}


def anonymous_list(name: str, at: str) -> dict[str, Any]:
    return event(
        name,
        at=at,
        verb="list",
        user=ANONYMOUS,
        requestURI="/api/v1/namespaces/kube-system/secrets",
        objectRef={"resource": "secrets", "namespace": "kube-system"},
    )


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("live")) as one:
        events = [anonymous_list(f"a{number}", f"10:{number:02}:00.000001") for number in range(6)]
        assert one.post("/audit/prod/cp-1", event_list(events)).status_code == 200
        assert one.post("/audit/dev/cp-1", event_list([anonymous_list("d", "10:30:00.000001")])).status_code == 200
        one.wait_until_evaluated()
        yield one


def test_pages_hold_each_finding_once_and_filters_narrow_them(live: Service) -> None:
    whole = live.get("/api/v1/findings", limit=500).json()
    assert whole["next"] is None
    ids = [one["finding_id"] for one in whole["findings"]]
    assert len(ids) > 10
    paged, cursor = [], {}
    while True:
        page = live.get("/api/v1/findings", limit=4, **cursor).json()
        paged += [one["finding_id"] for one in page["findings"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert paged == ids

    def chosen(**filters: Any) -> list[Any]:
        found = live.get("/api/v1/findings", limit=500, **filters).json()["findings"]
        return list(found)

    assert {one["kind"] for one in chosen(kind="finding")} == {"finding"}
    assert {one["cluster"] for one in chosen(cluster="dev")} == {"dev"}
    assert all(one["visible"] for one in chosen(visible=True))
    assert all(one["priority"] >= 90 for one in chosen(min_priority=90))
    assert len(chosen(detection=whole["findings"][0]["detection"]["id"])) >= 1
    assert chosen(status="resolved") == []
    assert live.get("/api/v1/findings", cursor="nonsense").status_code == 400
    assert live.get("/api/v1/findings", limit=0).status_code == 400


def test_triage_notices_what_changed_meanwhile(live: Service) -> None:
    one = live.get("/api/v1/findings", limit=1).json()["findings"][0]
    path = f"/api/v1/findings/{one['finding_id']}"
    changed = patch(live, path, {"status": "in_progress", "assignee": "ann", "seen": one["triage_changed"]})
    assert changed.status_code == 200
    assert (changed.json()["status"], changed.json()["assignee"]) == ("in_progress", "ann")
    late = patch(live, path, {"status": "resolved", "seen": one["triage_changed"]})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "conflict")
    assert patch(live, path, {"status": "nonsense"}).status_code == 400
    assert patch(live, path, {"unknown": 1}).status_code == 400
    assert live.get(path[:-8]).json()["assignee"] == "ann"
    assert live.get("/api/v1/findings/none-such").status_code == 404
    assert any(found["status"] == "in_progress" for found in live.findings())


def patch(live: Service, path: str, change: dict[str, Any]) -> httpx.Response:
    return httpx.patch(live.url + path, json=change, headers=live.headers, timeout=30)


def test_a_token_sees_its_clusters_and_does_what_it_may(live: Service) -> None:
    token = live.new_token("dev", ("dev",), scopes=("read",))
    headers = {"Authorization": f"Bearer {token}"}
    wait_for(lambda: httpx.get(f"{live.url}/api/v1/findings", headers=headers).status_code == 200, 20, "the token")
    found = httpx.get(f"{live.url}/api/v1/findings", headers=headers).json()["findings"]
    assert {one["cluster"] for one in found} == {"dev"}
    other = next(one for one in live.findings() if one["cluster"] == "prod")["finding_id"]
    assert httpx.get(f"{live.url}/api/v1/findings/{other}", headers=headers).status_code == 404
    own = f"{live.url}/api/v1/findings/{found[0]['finding_id']}"
    assert httpx.patch(own, json={"note": "x"}, headers=headers).status_code == 403
    assert httpx.get(f"{live.url}/api/v1/ledger", headers=headers).status_code == 403
    assert httpx.get(f"{live.url}/metrics", headers=headers).status_code == 403


def test_nothing_but_health_is_open(live: Service) -> None:
    document = live.get("/api/v1/openapi.json").json()
    for path, methods in document["paths"].items():
        for method in methods:
            url = live.url + re.sub(r"\{.*?\}", "x", path)
            answer = httpx.request(method.upper(), url, content=b"{}", headers={"Content-Type": "application/json"})
            if path in ("/livez", "/readyz") or path.startswith("/services/collector/health"):
                assert answer.status_code == 200, path
            else:
                assert answer.status_code in (401, 403), path


def test_health_and_metrics(live: Service) -> None:
    assert live.get("/livez").text == "ok\n"
    wait_for(lambda: live.get("/readyz").json()["evaluator"] == "ready", 20, "the evaluator")
    assert live.get("/readyz").json() == {
        "ready": True,
        "inbox": "takes events",
        "evaluator": "ready",
        "waiting": 0,
        "lag_seconds": 0.0,
        "sinks": [],
    }
    text = live.get("/metrics").text
    sample = re.compile(r'[a-z_]+(\{([a-z]+="(?:[^"\\\n]|\\.)*",?)+\})? -?[0-9.e+-]+')
    assert all(line.startswith("#") or sample.fullmatch(line) for line in text.splitlines())
    assert live.metric("podhawk_events_received_total") == 7
    assert live.metric("podhawk_event_lag_seconds_count") == 7
    assert live.metric("podhawk_findings_total") == len(live.findings())


def test_status_shows_the_ledger(live: Service) -> None:
    shown = podhawk("status", "--state", live.folder, "-o", "json")
    assert shown.returncode == 0, shown.stderr
    told = {one["what"]: one["value"] for one in json.loads(shown.stdout)}
    assert (told["webhook:prod/cp-1 received"], told["webhook:prod/cp-1 evaluated"]) == ("6", "6")


def test_every_path_and_metric_has_its_entry(live: Service) -> None:
    from podhawk.serve.metrics import METRICS

    page = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
    for name, (kind, meaning) in METRICS.items():
        assert f"| `{name}` | {kind} | {meaning} |" in page
    for path, methods in live.get("/api/v1/openapi.json").json()["paths"].items():
        for method, about in methods.items():
            assert f"`{path}" in page or f"`{method.upper()} {path}`" in page, path
            for parameter in about.get("parameters", ()):
                assert f"`{parameter['name']}`" in page or f"{{{parameter['name']}}}" in page, parameter["name"]


@pytest.mark.slow
@pytest.mark.needs("schemathesis")
def test_answers_are_those_of_the_openapi_document(live: Service, tmp_path: Path) -> None:
    checks = "not_a_server_error,response_schema_conformance,status_code_conformance,content_type_conformance"
    done = subprocess.run(
        [
            *(str(program("schemathesis")), "run", f"{live.url}/api/v1/openapi.json", "--checks", checks),
            *("-H", f"Authorization: Bearer {live.token}", "-n", "20"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout[-4000:]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(
        ["/audit/fuzz/x", "/services/collector", "/services/collector/raw", "/services/collector/ack", "/v1/logs"]
    ),
    body=st.one_of(
        st.binary(max_size=300),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=4),
                st.dictionaries(
                    st.sampled_from(["items", "event", "auditID", "stage", "verb", "fields", "time", "user", "kind"]),
                    inner,
                    max_size=5,
                ),
            ),
            max_leaves=12,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    encoding=st.sampled_from(["", "gzip", "deflate"]),
    channel=st.sampled_from(["", "x"]),
)
def test_no_body_is_a_fault_of_the_server(live: Service, path: str, body: bytes, encoding: str, channel: str) -> None:
    headers = {"Content-Encoding": encoding} if encoding else {}
    answer = live.post(f"{path}?channel={channel}", body, **headers)
    assert answer.status_code < 500, (answer.status_code, answer.text)
    assert answer.status_code in (200, 400, 413, 415)


def test_check_says_what_would_be_served(tmp_path: Path) -> None:
    made = podhawk("init", "token", "--state", tmp_path, "--name", "cp-1", "--cluster", "prod")
    assert made.returncode == 0, made.stderr
    assert made.stdout.strip() not in (tmp_path / "tokens.json").read_text(encoding="utf-8")
    assert (tmp_path / "tokens.json").stat().st_mode & 0o077 == 0
    again = podhawk("init", "token", "--state", tmp_path, "--name", "cp-1", "--cluster", "prod")
    assert again.returncode == 2
    told = podhawk("serve", "--check", "--state", tmp_path, "--listen", "127.0.0.1:0", "--free-disk", "1M")
    assert told.returncode == 0, told.stderr
    assert "cp-1: send for prod" in told.stdout
    assert "detections of" in told.stdout
    (tmp_path / "tokens.json").write_text("{", encoding="utf-8")
    broken = podhawk("serve", "--check", "--state", tmp_path, "--listen", "127.0.0.1:0")
    assert broken.returncode == 2
    assert "not a file of tokens" in broken.stderr


def test_the_flags_for_an_api_server_name_the_path_of_its_receiver(tmp_path: Path) -> None:
    told = podhawk(
        *("init", "onprem", "--state", tmp_path, "--cluster", "prod", "--instance", "cp-2"),
        *("--url", "https://10.0.0.5:8088/"),
    )
    assert told.returncode == 0, told.stderr
    assert 'server: "https://10.0.0.5:8088/audit/prod/cp-2"' in told.stdout
    for flag in ("batch-max-wait=1s", "mode=batch", "truncate-enabled=true"):
        assert f"--audit-webhook-{flag}" in told.stdout
    assert "blocking" not in told.stdout


def test_the_demo_shows_a_finding_after_the_command_that_it_prints(tmp_path: Path) -> None:
    """What the README promises."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "podhawk", "serve", "--demo", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=tmp_path,
    ) as demo:
        assert demo.stdout is not None
        try:
            command = next(line for line in demo.stdout if "curl" in line)
            subprocess.run(["sh", "-c", command], check=True, capture_output=True)
            assert "secrets" in next(line for line in demo.stdout if line.startswith("new"))
        finally:
            demo.terminate()
            demo.stdout.read()
    assert demo.returncode == 0
