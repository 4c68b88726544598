"""What `podhawk init` writes for installing the service is valid, and the service runs as it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from podhawk.events.redaction.mask import Redaction
from podhawk.serve.install import clouds, machines, watching
from podhawk.serve.install.feeds import POLICIES, logged
from podhawk.serve.install.kubernetes import kubernetes, manifests
from podhawk.serve.metrics import METRICS
from podhawk.serve.receivers.bodies import BodyLines
from podhawk.serve.receivers.otlp import read_json
from podhawk.serve.tokens import SCOPES, Token, new_token
from support import ROOT
from support.command_line import podhawk
from support.findings import event
from support.needs import program
from support.processes import HOST, free_port, wait_for
from support.service import event_list

pytestmark = [pytest.mark.needs("serve")]


@pytest.mark.needs("kubernetes-validate")
def test_manifests_are_valid() -> None:
    import kubernetes_validate

    documents = list(yaml.safe_load_all(kubernetes("podhawk", "registry.example.org/podhawk:1", "10Gi")))
    assert [one["kind"] for one in documents] == [
        *("Namespace", "ServiceAccount", "ConfigMap", "Service", "StatefulSet", "NetworkPolicy")
    ]
    for one in documents:
        kubernetes_validate.validate(one, "1.31", strict=True)


def test_the_pod_meets_the_restricted_standard() -> None:
    (pod,) = (one["spec"]["template"]["spec"] for one in manifests("n", "i", "1Gi") if one["kind"] == "StatefulSet")
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    assert not any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC"))
    assert all({"emptyDir", "configMap", "secret"} & one.keys() for one in pod["volumes"])
    assert pod["enableServiceLinks"] is False  # PODHAWK_PORT would be an unknown setting
    for one in pod["containers"]:
        context = one["securityContext"]
        assert (context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]) == (False, True)
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not any("hostPort" in port for port in one["ports"])


@pytest.mark.slow
@pytest.mark.mounts
@pytest.mark.needs("bwrap")
def test_the_service_runs_as_another_user_on_a_read_only_root(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    token = new_token(state / "tokens.json", Token("all", ("*",), SCOPES))
    port = free_port()
    user = ("--unshare-user", "--uid", "10001", "--gid", "10001")
    command = [
        *(program("bwrap"), "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", *user),
        *("--ro-bind", str(ROOT), str(ROOT), "--bind", str(state), str(state), "--die-with-parent", "--chdir", "/"),
        *("--setenv", "HOME", "/tmp", "--setenv", "XDG_CACHE_HOME", "/tmp/cache"),
        *(sys.executable, "-m", "podhawk", "serve", "--state", str(state), "--listen", f"{HOST}:{port}"),
        *("--free-disk", "1M"),
    ]
    trial = subprocess.run([*command[: command.index(sys.executable)], "true"], capture_output=True, check=False)
    if trial.returncode:
        pytest.skip(f"bubblewrap cannot make a sandbox here: {trial.stderr.decode()[-200:]}")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([str(one) for one in command], stdout=log, stderr=log)
    try:
        headers = {"Authorization": f"Bearer {token}"}

        def sent() -> bool:
            try:
                url = f"http://{HOST}:{port}/audit/prod/cp-1"
                return httpx.post(url, content=event_list([event("a")]), headers=headers).status_code == 200
            except httpx.TransportError:
                return False

        def evaluated() -> bool:
            ledger = httpx.get(f"http://{HOST}:{port}/api/v1/ledger", headers=headers).json()["senders"]
            return bool(ledger) and ledger[0]["evaluated"] >= 1

        wait_for(sent, 90, str(tmp_path / "log"))
        wait_for(evaluated, 90, str(tmp_path / "log"))
    finally:
        process.terminate()
        process.wait(60)


def metrics_in(text: str) -> set[str]:
    found = set(re.findall(r"\b(?:podhawk|apiserver)_[a-z_]+", text))
    return {one.removesuffix("_bucket") for one in found}


def test_rules_and_dashboard_ask_for_metrics_that_there_are() -> None:
    known = {*METRICS, "apiserver_audit_event_total", "apiserver_audit_error_total"}
    expressions = [one[1] for one in (*watching.RULES, *watching.PANELS)]
    for text in expressions:
        assert metrics_in(text) <= known, text
    shown = json.loads(watching.dashboard())
    assert [one["title"] for one in shown["panels"]] == [one[0] for one in watching.PANELS]


def test_every_alert_has_its_entry() -> None:
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    for name, _, _, severity, meaning in watching.RULES:
        assert f"| `{name}` | {severity} | {meaning} |" in page


TRIAL = """
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
- interval: 1m
  input_series:
  - {series: 'apiserver_audit_event_total{cluster="good"}', values: '0+1000x60'}
  - {series: 'apiserver_audit_event_total{cluster="bad"}', values: '0+1000x60'}
  - {series: 'apiserver_audit_event_total{cluster="never"}', values: '0+1000x60'}
  - {series: 'podhawk_events_received_total{receiver="webhook",cluster="good"}', values: '0+1100x60'}
  - {series: 'podhawk_events_duplicate_total{receiver="webhook",cluster="good"}', values: '0+100x60'}
  - {series: 'podhawk_events_received_total{receiver="webhook",cluster="bad"}', values: '0+800x60'}
  - {series: 'podhawk_events_duplicate_total{receiver="webhook",cluster="bad"}', values: '0+0x60'}
  alert_rule_test:
  - eval_time: 40m
    alertname: PodhawkEventsMissing
    exp_alerts:
    - exp_labels: {cluster: bad, severity: critical}
      exp_annotations: {summary: More than 5 % of the audit events of a cluster do not arrive.}
    - exp_labels: {cluster: never, severity: critical}
      exp_annotations: {summary: More than 5 % of the audit events of a cluster do not arrive.}
"""


@pytest.mark.needs("promtool")
def test_prometheus_takes_the_rules_and_they_tell_when_events_are_missing(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(watching.rules())
    (tmp_path / "trial.yml").write_text(TRIAL)
    for command in (["check", "rules", "rules.yml"], ["test", "rules", "trial.yml"]):
        done = subprocess.run(
            [str(program("promtool")), *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_unit_and_the_containerfile_name_what_the_service_needs() -> None:
    unit = machines.SYSTEMD
    for line in ("DynamicUser=yes", "ProtectSystem=strict", "StateDirectory=podhawk", "Restart=always"):
        assert line in unit.splitlines()
    assert "USER 10001:10001" in machines.containerfile().splitlines()


def test_the_commands_for_eks_are_whole() -> None:
    text = clouds.eks("https://p.example.org", "prod", "TOKEN")
    documents = re.findall(r"^# [a-z-]+\.json[^\n]*\n(\{.*?^\})$", text, re.MULTILINE | re.DOTALL)
    assert len(documents) == 5
    firehose = json.loads(documents[0])
    assert firehose["EndpointConfiguration"]["Url"] == "https://p.example.org/firehose"
    assert firehose["EndpointConfiguration"]["AccessKey"] == "TOKEN"
    assert "/aws/eks/prod/cluster" in text


def test_what_the_collector_for_aks_sends_is_read() -> None:
    """The receiver `kafka` gives each message of Event Hubs as text; the resource processor names the cluster."""
    configuration = clouds.collector("https://p.example.org", "prod")
    (attribute,) = configuration["processors"]["resource"]["attributes"]
    for name, parts in configuration["service"]["pipelines"]["logs"].items():
        assert set(parts) <= configuration[name].keys()
    records = [
        {"category": "kube-audit", "time": "2026-11-25T10:00:00Z", "properties": {"log": json.dumps(event(name))}}
        for name in ("a", "b")
    ]
    about = {"attributes": [{"key": attribute["key"], "value": {"stringValue": attribute["value"]}}]}
    body = {"body": {"stringValue": json.dumps({"records": records})}}
    request = {"resourceLogs": [{"resource": about, "scopeLogs": [{"logRecords": [body]}]}]}
    found = BodyLines("other", lambda cluster: cluster == "prod", Redaction())
    read_json(json.dumps(request).encode(), found)
    assert (len(found.lines["prod"]), dict(found.rejected), found.letters) == (2, {}, [])


def test_a_cloud_needs_a_url_and_gke_an_account(tmp_path: Path) -> None:
    told = podhawk("init", "eks", "--state", tmp_path, "--cluster", "prod")
    assert (told.returncode, "https URL" in told.stderr) == (2, True)
    told = podhawk("init", "gke", "--state", tmp_path, "--cluster", "prod", "--url", "https://p.example.org")
    assert (told.returncode, "--account" in told.stderr) == (2, True)
    assert not (tmp_path / "tokens.json").exists()


def test_the_policies_of_providers() -> None:
    little, more = POLICIES["gke"]
    read: dict[str, Any] = event("a", verb="list", objectRef={"resource": "secrets", "namespace": "x"})
    assert (logged(read, little), logged(read, more)) == (None, {**read, "level": "Metadata"})
    written = event("a", level="RequestResponse", requestObject={"spec": 1})
    assert logged(written, little) == written


@pytest.mark.slow
def test_which_detections_a_provider_can_feed_is_tried(tmp_path: Path) -> None:
    told = podhawk(
        *("init", "gke", "--state", tmp_path, "--cluster", "prod", "--url", "https://p.example.org"),
        *("--account", "push@p.iam.gserviceaccount.com"),
    )
    assert told.returncode == 0, told.stderr
    little, more = told.stdout.split("# With ")[1:]
    assert "Kubernetes Secrets Listed Across Namespaces" in little
    assert "Kubernetes Secrets Listed Across Namespaces" not in more
    assert "Kubernetes Privileged Pod" not in little
    (token,) = json.loads((tmp_path / "tokens.json").read_text())["tokens"]
    assert (token["account"], token["clusters"]) == ("push@p.iam.gserviceaccount.com", ["prod"])
