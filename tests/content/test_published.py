"""The published content as it is: all of it loads, and its traps are handled."""

from __future__ import annotations

from pathlib import Path

from podhawk.content import Content, LookupStore, annotations, load_content, normalised, select


def test_everything_loads_without_a_problem(published: Content, shared: Path) -> None:
    folder = shared / "content" / "splunk"
    assert len(published.detections) == len(list((folder / "detections").rglob("*.yml")))
    assert len([macro for macro in published.macros.values() if not macro.generated]) == len(
        list((folder / "macros").glob("*.yml"))
    )
    assert len(published.stories) == len(list((folder / "stories").rglob("*.yml")))
    assert len(published.baselines) == 4
    assert len(published.investigations) == 2
    assert published.problems == ()


def test_the_seed_detection(published: Content) -> None:
    (seed,) = select(published, ["kubernetes_pod_created_in_default_namespace"])
    assert (seed.generation, seed.version, seed.risk_score, seed.severity) == (1, 3, 49, "medium")
    assert [(risk.field, risk.type, risk.score) for risk in seed.risk_objects] == [("user", "user", 49)]
    assert [(threat.field, threat.type) for threat in seed.threat_objects] == [("src_ip", "ip_address")]
    assert seed.message == "Kubernetes Pod Created in Default Namespace by $user$"
    assert published.deployment_for(seed) == published.deployments["ESCU Default Configuration Anomaly"]
    assert Path(seed.file).read_text().splitlines()[seed.search_line - 1].startswith("search: '`kube_audit`")


def test_only_live_detections_run_by_default(published: Content) -> None:
    live = select(published)
    assert len(live) == 43
    assert {one.status for one in live} <= {"production", "experimental"}
    assert len([one for one in live if "`kube_audit`" in one.search]) == 15


def test_the_inclusion_table_can_fire(published: Content) -> None:
    table = LookupStore(published).get("local_file_inclusion_paths")
    assert len(table.rows) > 1000
    request = {"local_file_inclusion_paths": "GET /x?f=../../ETC/passwd HTTP/1.1"}
    assert table.outputs(request, ["lfi_path"]) == {"lfi_path": "yes"}
    assert table.outputs({"local_file_inclusion_paths": "GET / HTTP/1.1"}, ["lfi_path"]) == {"lfi_path": "false"}


def test_every_technique_it_names_is_in_the_table(published: Content) -> None:
    named = {id_ for one in published.detections for id_ in one.mitre_attack_id}
    assert named
    assert [id_ for id_ in sorted(named) if not annotations.technique(id_).known] == []


def test_every_detection_has_a_normalised_view(published: Content) -> None:
    assert all(normalised(one)["search"] == one.search for one in published.detections)


def test_a_single_published_file_finds_its_macros(shared: Path) -> None:
    content = load_content([shared / "content" / "splunk" / "detections" / "cloud" / "kubernetes_access_scanning.yml"])
    assert len(content.detections) == 1
    assert content.macros["kube_audit", 0].definition == 'source="kubernetes"'
    assert content.macros["security_content_ctime", 1].arguments == ("field",)


def test_all_given_content_at_once(shared: Path) -> None:
    content = load_content([shared / "content"])
    assert sum(one.form not in ("sigma", "falco") for one in content.detections) == 66
    assert {problem.severity for problem in content.problems} == {"warning"}
    assert sum(one.form == "sigma" for one in content.detections) == 16
