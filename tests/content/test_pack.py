"""The shipped pack: whole, our own, and its tests expect the right numbers."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from oracle.expected import EXPECTED
from oracle.pack import read
from podhawk.content import Content, LookupStore, annotations, load_content, shipped_pack
from podhawk.content.detection import slug

PACK = shipped_pack()


@pytest.fixture(scope="module")
def pack() -> Content:
    return load_content([PACK])


@cache
def _events(name: str) -> list[dict[str, Any]]:
    return list(read(PACK / name))


def test_it_loads_without_a_problem(pack: Content) -> None:
    assert pack.problems == ()
    assert len(pack.detections) == 80
    assert {one.generation for one in pack.detections} == {3}
    assert {one.stem for one in pack.detections} == set(EXPECTED)


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in PACK.rglob("*") if path.is_file()) < 1_500_000
    assert (PACK / "datasets" / "demo.log.gz").stat().st_size < 1_000_000


def test_names_ids_and_slots_agree(pack: Content) -> None:
    assert len({one.id for one in pack.detections}) == len(pack.detections)
    for one in pack.detections:
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one.id)
        assert one.stem == slug(one.name)
        assert one.search.rstrip().endswith(f"| `{one.stem}_filter`")


def test_it_stands_alone(pack: Content) -> None:
    """Every macro and lookup that a search names is defined, and nothing else is shipped."""
    texts = [one.search for one in pack.detections] + [macro.definition for macro in pack.macros.values()]
    called = {name for text in texts for name in re.findall(r"`([^`(]+)`", text)}
    assert called <= {name for name, _ in pack.macros}
    assert {name for name, _ in pack.macros} <= called
    store = LookupStore(pack)
    for name in {found for text in texts for found in re.findall(r"\blookup (\w+)", text)}:
        assert store.get(name).rows
    assert {story for one in pack.detections for story in one.analytic_story} == set(pack.stories)
    assert {source for one in pack.detections for source in one.data_source} == set(pack.data_sources)
    assert all(pack.deployment_for(one) for one in pack.detections)
    assert all(annotations.technique(id_).known for one in pack.detections for id_ in one.mitre_attack_id)


def test_entities_follow_the_type(pack: Content) -> None:
    for one in pack.detections:
        if one.type == "Hunting":
            assert not one.risk_objects, one.name
            continue
        assert one.risk_objects, one.name
        assert (one.finding_entity is not None) == (one.type == "TTP"), one.name
        assert all(1 <= risk.score <= 100 and risk.message for risk in one.risk_objects), one.name


@pytest.mark.parametrize("stem", sorted(EXPECTED))
def test_expected_results_are_what_an_independent_count_gives(pack: Content, stem: str) -> None:
    one = next(one for one in pack.detections if one.stem == stem)
    assert one.tests
    for test in one.tests:
        (data,) = test.attack_data
        if "/near_misses/" in data.data or "/variants/" in data.data:
            continue  # made from real events: the count knows what real API servers write
        assert test.expected_results == EXPECTED[stem](_events(data.data)), test.name
    assert any(test.expected_results for test in one.tests)


def test_most_detections_find_something_in_the_demo() -> None:
    events = _events("datasets/demo.log.gz")
    assert 3000 <= len(events) <= 6000
    silent = {stem for stem, count in EXPECTED.items() if not count(events)}
    assert silent == {
        "kubernetes_api_service_written",
        "kubernetes_autoscaler_changed",
        "kubernetes_burst_of_deletions",
        "kubernetes_collection_deleted",
        "kubernetes_component_credential_misused",
        "kubernetes_component_credential_used_elsewhere",
        "kubernetes_component_token_issued_to_another_user",
        "kubernetes_configmaps_listed_across_namespaces",
        "kubernetes_controller_pod_without_owner",
        "kubernetes_endpoints_written_by_hand",
        "kubernetes_guardrail_removed",
        "kubernetes_issued_component_token_used",
        "kubernetes_issued_token_used_from_two_addresses",
        "kubernetes_long_lived_token_issued",
        "kubernetes_misleading_dry_run",
        "kubernetes_pod_that_nobody_created",
        "kubernetes_power_gained_after_refusals",
        "kubernetes_secret_access_by_unusual_location",
        "kubernetes_service_account_reviews_its_permissions",
        "kubernetes_system_configuration_changed",
        "kubernetes_system_name_imitated",
        "kubernetes_token_of_entered_pod_used_elsewhere",
        "kubernetes_token_requested_for_service_account",
    }


def test_no_sentence_is_taken_from_published_content(pack: Content, shared: Path) -> None:
    published = " ".join(" ".join(path.read_text().split()) for path in (shared / "content").rglob("*.yml")).lower()
    texts = [
        text
        for one in pack.detections
        for text in (
            one.description,
            one.message,
            one.search,
            one.known_false_positives,
            one.how_to_implement,
        )
    ]
    texts += [text for story in pack.stories.values() for text in (story.description, story.narrative)]
    sentences = [sentence for text in texts for sentence in re.split(r"(?<=[.|])\s+", " ".join(text.split()))]
    copied = [sentence for sentence in sentences if len(sentence.split()) > 6 and sentence.lower() in published]
    assert copied == []


def test_messages_and_entities_name_columns_that_the_search_ends_with(pack: Content) -> None:
    for one in pack.detections:
        columns = set(re.findall(r"\| table (.*)", one.search)[-1].split())
        named = set(re.findall(r"\$([^$\s]+)\$", one.message + one.title))
        named |= {risk.field for risk in one.risk_objects} | {threat.field for threat in one.threat_objects}
        assert named <= columns, one.name
