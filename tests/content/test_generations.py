"""The same detection in every generation of the file becomes the same thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.content import Content, load_content, normalised, required_fields_note
from podhawk.content.model import Detection, RiskObject, ThreatObject

SITE = Path(__file__).parent / "data" / "site"
FORMS = {
    "First Generation": (1, "tags"),
    "Transition Form": (2, "transition"),
    "Second Generation": (2, "rba"),
    "Third Generation": (3, "findings"),
}


@pytest.fixture(scope="module")
def content() -> Content:
    return load_content([SITE])


def _named(content: Content, name: str) -> Detection:
    return next(one for one in content.detections if one.name == name)


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_recognised(content: Content, name: str) -> None:
    one = _named(content, name)
    assert (one.generation, one.form) == FORMS[name]


@pytest.mark.parametrize("name", FORMS)
def test_what_all_forms_share(content: Content, name: str) -> None:
    one = _named(content, name)
    assert one.type == "TTP"
    assert one.mitre_attack_id == ("T1053.007",)
    assert one.data_source == ("Audit A AND Audit B", "Audit C")
    assert one.analytic_story == ("Site Story",)
    assert one.references == ("https://example.com/one",)
    assert one.risk_objects[0] == RiskObject("user", "user", 56, "$user$ did it from $src_ip$")
    assert one.threat_objects == (ThreatObject("src_ip", "ip_address"),)
    assert (one.risk_score, one.severity) == (56, "medium")
    assert one.kill_chain_phases == ("Exploitation", "Installation")
    assert (one.nist, one.cis20) == (("DE.CM",), ("CIS 13",))
    assert one.filter_macro == f"{one.stem}_filter"
    assert one.tests[0].attack_data[0].source == "kubernetes"


@pytest.mark.parametrize("name", FORMS)
def test_the_normalised_view_has_the_newest_names(content: Content, name: str) -> None:
    view = normalised(_named(content, name))
    assert view["finding"] == {
        "title": "$user$ did it from $src_ip$",
        "entity": {"field": "user", "type": "user", "score": 56},
    }
    assert view["data_source"] == [["Audit A", "Audit B"], ["Audit C"]]
    assert view["threat_objects"] == [{"field": "src_ip", "type": "ip_address"}]
    assert "rba" not in view
    assert "tags" not in view


def test_the_normalised_view_is_plain_data(content: Content) -> None:
    def plain(value: object) -> bool:
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(inner) for key, inner in value.items())
        if isinstance(value, list):
            return all(map(plain, value))
        return isinstance(value, (str, int))

    assert all(plain(normalised(one)) for one in content.detections)


def test_an_anomaly_raises_no_finding(tmp_path: Path) -> None:
    path = tmp_path / "an_anomaly.yml"
    path.write_text(
        "name: An Anomaly\ntype: anomaly\nsearch: x\nrba:\n  message: m\n"
        "  risk_objects: [{field: user, type: user, score: 30}]\ntags: {}\n"
    )
    view = normalised(load_content([path]).detections[0])
    assert view["type"] == "Anomaly"
    assert "finding" not in view
    assert view["intermediate_findings"]["entities"][0]["score"] == 30


def test_disagreements_are_noted_not_refused(content: Content) -> None:
    one = _named(content, "First Generation")
    assert any("risk_score is 50" in note and "gives 56" in note for note in one.notes)
    assert any("hostname" in note and "neither victim nor attacker" in note for note in one.notes)
    assert any("risk_score is 50" in problem.message and problem.severity == "warning" for problem in content.problems)


def test_dates_stay_text_and_versions_become_numbers(content: Content) -> None:
    assert _named(content, "First Generation").date == "2024-05-12"
    assert _named(content, "First Generation").version == 7
    third = _named(content, "Third Generation")
    assert (third.creation_date, third.modification_date) == ("2024-05-12", "2026-02-03")


def test_tests_of_every_generation(content: Content) -> None:
    first = _named(content, "First Generation").tests[0]
    assert (first.expected_results, first.manual) == (None, "needs a baseline")
    assert first.attack_data[0].index == "audit"
    third = _named(content, "Third Generation").tests[0]
    assert (third.expected_results, third.test_type, third.description) == (0, "experimental", "It fires.")
    assert (third.attack_data[0].index, third.attack_data[0].host) == ("main", "h1")


def test_schedules_by_type_by_name_and_inline(content: Content) -> None:
    def cron(name: str) -> str:
        deployment = content.deployment_for(_named(content, name))
        assert deployment is not None
        return deployment.cron_schedule

    assert cron("First Generation") == "0 * * * *"
    assert cron("Second Generation") == "*/5 * * * *"
    assert cron("Third Generation") == "*/5 * * * *"
    assert content.deployment_for(_named(content, "Old One")) is None


def test_throttling_and_drilldowns(content: Content) -> None:
    one = _named(content, "First Generation")
    assert one.throttling is not None
    assert (one.throttling.fields, one.throttling.period) == (("user",), "3600s")
    assert one.drilldowns[0].search == "%original_detection_search% | search user = $user$"


def test_an_intermediate_entity_keeps_its_own_message(content: Content) -> None:
    one = _named(content, "Third Generation")
    assert one.finding_entity == one.risk_objects[0]
    assert one.risk_objects[1] == RiskObject("dest", "system", 20, "$dest$ was touched by $user$")
    entities = normalised(one)["intermediate_findings"]["entities"]
    assert [entity["field"] for entity in entities] == ["dest"]


@pytest.mark.parametrize(
    ("name", "line"),
    [("First Generation", 12), ("Transition Form", 11), ("Second Generation", 11), ("Third Generation", 14)],
)
def test_the_line_on_which_the_search_begins(content: Content, name: str, line: int) -> None:
    one = _named(content, name)
    assert one.search_line == line
    assert "site_events" in Path(one.file).read_text().splitlines()[line - 1]


def test_deprecation_inline_and_by_mapping(content: Content) -> None:
    gone, old = _named(content, "Gone One"), _named(content, "Old One")
    assert gone.status == "removed"
    assert gone.deprecation is not None
    assert gone.deprecation.replacements == ("Third Generation",)
    assert old.deprecation is not None
    assert old.deprecation.reason == "Nobody needs it."


def test_required_fields_that_differ() -> None:
    assert required_fields_note([], ["a"]) is None
    assert required_fields_note(["a", "b"], ["b", "a"]) is None
    note = required_fields_note(["a", "c"], ["a", "b"])
    assert note == (
        "the search also reads b, which required_fields omits; required_fields lists c, which the search does not read"
    )


@pytest.mark.parametrize(
    ("spelled", "kind"),
    [
        ("User", "user"),
        ("user", "user"),
        ("Email Address", "user"),
        ("Hostname", "system"),
        ("system", "system"),
        ("IP Address", "system"),
        ("Process", "other"),
        ("other", "other"),
    ],
)
def test_risk_object_types_in_every_spelling(tmp_path: Path, spelled: str, kind: str) -> None:
    path = tmp_path / "one.yml"
    path.write_text(
        f"name: One\nsearch: x\nrba:\n  message: m\n  risk_objects:\n"
        f"  - {{field: f, type: '{spelled}', score: 1}}\ntags: {{}}\n"
    )
    assert load_content([path]).detections[0].risk_objects[0].type == kind


@pytest.mark.parametrize(
    ("spelled", "kind"),
    [
        ("IP Address", "ip_address"),
        ("ip_address", "ip_address"),
        ("Process Name", "process_name"),
        ("URL String", "url"),
        ("File Name", "file_name"),
        ("command", "command"),
        ("TLS-Hash", "tls_hash"),
    ],
)
def test_threat_object_types_in_every_spelling(tmp_path: Path, spelled: str, kind: str) -> None:
    path = tmp_path / "one.yml"
    path.write_text(
        f"name: One\nsearch: x\ntype: Anomaly\nthreat_objects:\n- {{field: f, type: '{spelled}'}}\n"
        "intermediate_findings:\n  entities: []\n"
    )
    assert load_content([path]).detections[0].threat_objects[0].type == kind
