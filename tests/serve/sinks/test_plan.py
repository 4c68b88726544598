"""What a sink is told: of groups, old findings, too many of them, and of findings that end."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.serve.imports import ImportWatch
from podhawk.serve.sinks.candidates import group_of
from podhawk.store.database import open_engine, transaction
from support.sinks import NOW, Planner, record, sink

pytestmark = [pytest.mark.needs("serve")]


def import_of(planner: Planner, age: float, cluster: str = "prod") -> None:
    from podhawk.detect.report.finding_json import rfc3339

    line = f'{{"stageTimestamp":"{rfc3339(NOW - age)}"}}\n'.encode()
    with transaction(open_engine(planner.state)) as connection:
        ImportWatch().observe(connection, cluster, line, [(NOW, 1)])


def test_a_finding_is_told_once_for_each_revision_that_rose(tmp_path: Path) -> None:
    planner = Planner(tmp_path, sink())
    planner.put(record("a"))
    (first,) = planner.plan()
    assert (first.key, first.urgency, first.first.change) == ("a:1", "urgent", "new")
    assert planner.plan() == []
    planner.put(record("a", revision=2), change="revised", rose=False)
    assert planner.plan() == []
    planner.put(record("a", revision=3, priority=90), change="revised")
    (again,) = planner.plan()
    assert (again.key, again.first.change) == ("a:3", "revised")


def test_findings_that_are_gone_or_have_another_id_are_told(tmp_path: Path) -> None:
    planner = Planner(tmp_path, sink())
    planner.put(record("a"), record("b"))
    assert len(planner.plan()) == 2
    planner.put(record("c", replaces=["a"], target={"name": "a"}), change="revised", rose=False)
    planner.remove("b")
    told = {one.key: one for one in planner.plan()}
    assert set(told) == {"c:1", "b:1:gone"}
    assert (told["c:1"].first.change, told["c:1"].first.replaces) == ("rekeyed", ("a",))
    assert (told["b:1:gone"].urgency, told["b:1:gone"].first.record["title"]) == ("low", "An example of a finding")
    planner.remove("c", "never-told")
    assert [one.key for one in planner.plan()] == ["c:1:gone"]


def test_a_finding_that_is_hidden_now_or_resolved_by_a_person_has_ended(tmp_path: Path) -> None:
    planner = Planner(tmp_path, sink())
    planner.put(record("a"))
    planner.plan()
    planner.put(record("a", revision=2, visible=False), change="revised")
    assert [one.first.change for one in planner.plan()] == ["gone"]
    planner.put(record("a", revision=3), change="revised")
    assert [one.key for one in planner.plan()] == ["a:3"]


def test_a_group_of_repeats_is_one_message(tmp_path: Path) -> None:
    planner = Planner(tmp_path, sink())
    same = {"target": {"name": "web"}}
    planner.put(*(record(f"r{number}", **same) for number in range(9)))
    (first,) = planner.plan()
    assert (first.first.repeats, first.total) == (8, 1)
    planner.put(record("later", **same))
    assert planner.plan() == []
    for number, new in enumerate(
        (
            {"actor": {"source_ip": "198.51.100.9"}},
            {"target": {"name": "other"}},
            {"outcome": "denied"},
            {"priority": 99},
        )
    ):
        planner.put(record(f"new{number}", **{**same, **new}))
        assert len(planner.plan()) == 1, new
    planner.put(record("next-day", **same))
    assert [one.key for one in planner.plan(NOW + 90_000)] == []  # it is old by then, and waits for a digest
    planner.put(record("again", now=NOW + 90_000, **same))
    assert [one.key for one in planner.plan(NOW + 90_000)] == ["again:1"]


def test_another_one_of_a_group_stands_for_it_when_the_first_is_gone(tmp_path: Path) -> None:
    planner = Planner(tmp_path, sink())
    planner.put(record("a", target={"name": "x"}), record("b", target={"name": "x"}))
    assert [one.key for one in planner.plan()] == ["a:1"]
    planner.remove("a")
    assert sorted(one.key for one in planner.plan()) == ["a:1:gone", "b:1"]


def test_old_findings_are_one_digest_as_urgent_as_the_most_urgent(tmp_path: Path) -> None:
    planner = Planner(tmp_path, sink())
    import_of(planner, 7200)
    planner.put(*(record(f"o{number}", age=7200, priority=40 + number) for number in range(60)))
    planner.put(record("now"))
    assert [one.key for one in planner.plan()] == ["now:1"]
    (digest,) = planner.plan(NOW + 31)
    assert (digest.digest, digest.urgency, digest.total, digest.priority) == (True, "urgent", 60, 99)
    assert digest.first.finding_id == "o59"
    assert planner.plan(NOW + 4000) == []


def test_a_month_of_logs_wakes_nobody(tmp_path: Path) -> None:
    planner = Planner(tmp_path, sink())
    import_of(planner, 30 * 86400)
    planner.put(*(record(f"o{number}", age=86400.0 * number + 7200, priority=99) for number in range(30)))
    assert planner.plan() == []
    (digest,) = planner.plan(NOW + 601)
    assert (digest.digest, digest.urgency, digest.total, digest.imported) == (True, "low", 30, True)
    import_of(planner, 60)  # the import has caught up
    planner.put(record("now-too", target={"name": "o5"}, now=NOW + 602))
    assert [one.key for one in planner.plan(NOW + 602)] == ["now-too:1"]  # what nobody was woken by hides nothing
    import_of(planner, 40 * 86400)
    planner.put(record("held-back", age=7200, priority=75))
    (digest,) = [*planner.plan(NOW + 602), *planner.plan(NOW + 640)]
    assert (digest.urgency, digest.imported) == ("urgent", False)


def test_what_a_backfill_finds_wakes_nobody(tmp_path: Path) -> None:
    planner = Planner(tmp_path, sink())
    planner.put(record("a", age=7200), backfill=True)
    (digest,) = [*planner.plan(), *planner.plan(NOW + 601)]
    assert digest.urgency == "low"


def test_a_held_finding_that_is_gone_is_not_told(tmp_path: Path) -> None:
    planner = Planner(tmp_path, sink())
    planner.put(record("a", age=7200), record("b", age=7200))
    planner.plan()
    planner.remove("a")
    planner.plan()
    (digest,) = planner.plan(NOW + 60)
    assert [one.finding_id for one in digest.items] == ["b"]


def test_ten_thousand_findings_are_at_most_the_configured_number_of_messages(tmp_path: Path) -> None:
    planner = Planner(tmp_path, sink(rate="10/h"))
    sent = []
    for start in range(0, 10_000, 2000):
        planner.put(*(record(f"f{number}", priority=number % 100) for number in range(start, start + 2000)))
        sent += planner.plan(NOW + start / 1000)
    for minute in range(1, 59):
        sent += planner.plan(NOW + 60 * minute)
    assert len(sent) <= 10
    assert sum(one.total for one in sent) == 10_000
    assert max(one.priority for one in sent if one.digest) == 99
    assert [one.urgency for one in sent if one.digest] == ["urgent"]


def test_of_one_message_an_hour_it_is_a_digest(tmp_path: Path) -> None:
    planner = Planner(tmp_path, sink(rate="1/h"))
    planner.put(record("a"), record("b"))
    assert planner.plan() == []
    (digest,) = planner.plan(NOW + 31)
    assert digest.total == 2
    planner.put(record("c", now=NOW + 100))
    assert planner.plan(NOW + 3000) == []
    assert [one.key for one in planner.plan(NOW + 3700)] == ["c:1"]


def test_a_feed_gets_every_finding_and_every_revision(tmp_path: Path) -> None:
    planner = Planner(tmp_path, sink("ocsf", file=str(tmp_path / "out")))
    planner.put(*(record(f"f{number}", age=7200, target={"name": "same"}) for number in range(120)))
    told = planner.plan()
    assert [one.total for one in told] == [50, 50, 20]
    planner.put(record("f1", revision=2), change="revised", rose=False)
    assert [one.key for one in planner.plan()] == ["f1:2"]


def test_a_dry_run_leaves_nothing_to_send_behind(tmp_path: Path) -> None:
    from podhawk.serve.sinks.kept import begin_sink, next_message

    planner = Planner(tmp_path, sink(dry_run=True))
    planner.put(record("a"))
    assert len(planner.plan()) == 1
    with transaction(open_engine(planner.state)) as connection:
        assert next_message(connection, "one") is None
        begin_sink(connection, "one", dry=False)
    planner.settings = sink()
    assert planner.plan() == []
    planner.remove("a")
    assert planner.plan() == []


def test_the_filter_is_that_of_the_findings_of_the_interface(tmp_path: Path) -> None:
    planner = Planner(tmp_path, sink(filter={"min_priority": 60, "cluster": ["prod", "b"], "kind": "finding"}))
    planner.put(
        record("yes"),
        record("low", priority=59),
        record("elsewhere", cluster="c"),
        record("hidden", visible=False),
        record("incident", kind="incident"),
    )
    assert [one.key for one in planner.plan()] == ["yes:1"]


def test_a_flood_by_one_took_the_finding_of_another_out_of_the_digest(tmp_path: Path) -> None:
    """It was told as one of many, and not told again for a day."""
    planner = Planner(tmp_path, sink(rate="1/h"))
    flood = [record(f"f{number:03}", priority=95, actor={"user": "mallory"}) for number in range(400)]
    planner.put(*flood, record("z", priority=40, actor={"user": "bob"}))
    planner.plan()
    (digest,) = planner.plan(NOW + 60)
    assert (digest.total, digest.urgency, len(digest.items)) == (401, "urgent", 50)
    assert [digest.items[0].finding_id, digest.items[-1].finding_id] == ["f000", "z"]


def test_values_with_separators_made_one_group_of_two() -> None:
    def group(name: str, outcome: str, *queries: str) -> str:
        requests = [{"uri": f"/x?{query}"} for query in queries]
        made = record("a", outcome=outcome, requests=requests, target={"subresource": "exec", "name": name})
        return group_of(made)

    assert group("p\0success", "denied", "sh") != group("p", "success", "denied", "sh")


def test_findings_about_several_people_are_told_apart_by_their_risk_objects(tmp_path: Path) -> None:
    """The second was taken for a repeat of the first."""
    planner = Planner(tmp_path, sink())
    several = {"actor": {"user": "", "source_ip": ""}, "target": {"name": ""}}
    for value in ("shop", "bank"):
        risk = [{"field": "namespace", "type": "other", "value": value, "score": 50}]
        planner.put(record(value, risk_objects=risk, **several))
        assert [one.key for one in planner.plan()] == [f"{value}:1"]
