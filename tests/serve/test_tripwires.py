"""Tripwires: a simulated fault of each kind is found, and ordinary logs trip none."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sql
from sqlalchemy.engine import Connection

from podhawk.detect.finding import Finding
from podhawk.errors import StoreError
from podhawk.serve.evaluator.evaluate import InboxEvaluator
from podhawk.serve.inbox.deposit import ClusterLines, DeadLetter, Deposit
from podhawk.serve.inbox.room import Room
from podhawk.serve.inbox.writer import InboxWriter
from podhawk.serve.tripwires.clocks import Ages
from podhawk.serve.tripwires.finding import OUTSIDE, withdraw
from podhawk.serve.tripwires.heartbeats import Heartbeats, renewals_in
from podhawk.serve.tripwires.outside import MOST, OutsideClusters
from podhawk.serve.tripwires.watch import BEATS, TripwireNews, Tripwires
from podhawk.settings.resolve import resolve
from podhawk.store.database import Waiting, open_engine, reading, transaction
from podhawk.store.state import SqlState
from support.findings import event
from support.lakes import one_detection, stored
from support.processes import wait_for
from support.service import event_list, service

pytestmark = [pytest.mark.needs("serve")]
NODES = ("n1", "n2", "n3")


def renewal(node: str, second: float) -> bytes:
    whole = int(second)
    at = f"{10 + whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{int(second % 1 * 1e6):06}"
    about = {"resource": "leases", "namespace": "kube-node-lease", "name": node}
    return json.dumps(event(f"{node}-{second}", at=at, after=0.0, verb="update", objectRef=about)).encode() + b"\n"


def beats(seconds: float, missing: tuple[float, float] | None = None, nodes: tuple[str, ...] = NODES) -> list[bytes]:
    """Renewals for so many seconds; those of `nodes` between two times are missing."""
    found = []
    for number, node in enumerate(NODES):
        for step in range(int(seconds / 10)):
            second = step * 10.2 + number
            if missing is None or node not in nodes or not missing[0] <= second < missing[1]:
                found.append(renewal(node, second))
    return found


def gaps(lines: list[bytes], later: float = 1000.0) -> list[tuple[str, ...]]:
    """The nodes of each gap, when so many seconds have passed since all lines came."""
    known = Heartbeats()
    for line in lines:
        for node, time in renewals_in(line):
            known.add(node, time)
    known.gaps(0.0)
    return [one.nodes for one in known.gaps(later)]


def test_a_deeply_nested_event_does_not_end_the_look_for_heartbeats() -> None:
    """It raised RecursionError in the transaction of the increment, so the event was buried without its finding."""
    depth = 20_000
    deep = b'{"x":' * depth + b'"kube-node-lease"' + b"}" * depth
    assert len(list(renewals_in(deep + b"\n" + renewal("n1", 1.0)))) == 1


class FaultyTripwires(Tripwires):
    """Tripwires with a fault."""

    def observe(self, connection: Connection, cluster: str, text: bytes) -> TripwireNews:
        connection.execute(BEATS.insert().values(cluster=cluster, node="half", times=b""))
        raise ValueError("a fault")


def test_a_fault_of_the_tripwires_does_not_bury_the_events(tmp_path: Path) -> None:
    stored(tmp_path, [("prod", [json.dumps(event("a")).encode()])], closed=False)
    evaluator = InboxEvaluator(
        resolve("serve", {"state": str(tmp_path), "content": [str(one_detection(tmp_path / "content"))]})
    )
    evaluator._tripwires = FaultyTripwires(str(tmp_path), 600.0)
    done = evaluator.step("prod")
    assert done is not None
    assert (done.events, evaluator.clusters()) == (1, [])
    with reading(str(tmp_path)) as connection:
        assert connection is not None
        assert connection.execute(BEATS.select()).all() == []


def test_a_dropped_batch_shows_as_missing_heartbeats() -> None:
    assert gaps(beats(600)) == []
    (nodes,) = gaps(beats(600, (200, 232)))
    assert set(nodes) == set(NODES)
    assert gaps(beats(600, (200, 209), ("n2",))) == [("n2",)]


def test_a_node_that_is_down_alone_is_no_gap() -> None:
    assert gaps(beats(600, (100, 400), ("n2",))) == []
    assert len(gaps(beats(600, (100, 400)))) == 1


def test_heartbeats_in_any_order_and_twice_make_no_gap() -> None:
    lines = beats(600) * 2
    Random(3).shuffle(lines)
    assert gaps(lines) == []


def test_a_gap_is_not_told_before_the_missing_batch_may_have_come() -> None:
    assert gaps(beats(260, (200, 232)), later=60.0) == []
    assert len(gaps(beats(260, (200, 232)), later=130.0)) == 1


@pytest.mark.parametrize("corpus", ["D-background-1", "F-background-bodies"])
def test_ordinary_logs_have_no_gap_and_one_without_a_batch_has(shared: Path, corpus: str) -> None:
    data = gzip.decompress((shared / "audit" / "corpus" / f"{corpus}.log.gz").read_bytes())
    lines = [line for line in data.splitlines(keepends=True) if b"kube-node-lease" in line]
    assert len(lines) > 70
    assert gaps(lines) == []
    middle = len(lines) // 2
    assert len(gaps([*lines[: middle - 4], *lines[middle + 4 :]])) >= 1


@pytest.mark.parametrize(("step", "said"), [(300.0, 300.0), (-120.0, -120.0), (10.0, None)])
def test_a_clock_that_is_set_and_a_backlog_are_told_apart(step: float, said: float | None) -> None:
    ages, told = Ages(), []
    for second in range(0, 600, 5):
        told.append(ages.add(1000.0 + second, 20.0 - (step if second >= 300 else 0.0)))
    steps = [one for one in told if one is not None]
    assert steps == ([] if said is None else [pytest.approx(said, abs=1)])
    backlog = Ages()
    for second in range(0, 900, 5):
        waited = max(0.0, 130.0 - 5 * (second - 300)) if second >= 300 else 0.0
        assert backlog.add(1000.0 + second, 20.0 + waited) is None


class Faked:
    """Tripwires over a state with an inbox, and a clock that is set by hand."""

    def __init__(self, folder: Path) -> None:
        self.now = self.passed = 1_000_000.0
        self.folder = folder
        self.writer = InboxWriter(folder / "inbox", Room(1 << 30, 0))
        self.writer.start()
        self.tripwires = Tripwires(str(folder), 600.0, lambda: self.now, lambda: self.passed)
        self.number = 0

    def send(self, *, letter: bool = False, age: float = 5.0) -> None:
        self.number += 1
        letters = (DeadLetter("not JSON", 0, 3, "0" * 64),) if letter else ()
        part = (ClusterLines("prod", b"{}\n", 1),)
        digest = self.number.to_bytes(16, "big")
        one = Deposit("webhook:prod/cp-1", "prod", digest, self.now, self.now - age, part, {}, letters)
        self.writer.put(one).result()

    def wait(self, seconds: float, *, clock: float | None = None) -> Sequence[Finding]:
        self.passed += seconds
        self.now += seconds if clock is None else clock
        return self.tripwires.look().new


@pytest.fixture
def faked(tmp_path: Path) -> Iterator[Faked]:
    one = Faked(tmp_path)
    yield one
    one.writer.stop()


def names(found: Sequence[Finding]) -> list[str]:
    return [one.detection.id for one in found]


def test_a_sender_gone_quiet(faked: Faked) -> None:
    for _ in range(20):
        faked.send()
        assert not faked.wait(10.0)
    assert not faked.wait(500.0)
    (quiet,) = faked.wait(200.0)
    assert (quiet.detection.id, quiet.cluster, quiet.visible) == ("tripwire-sender-quiet", "prod", True)
    assert not faked.wait(1000.0)  # it is told once
    faked.send()
    assert not faked.wait(10.0)
    assert names(faked.wait(700.0)) == ["tripwire-sender-quiet"]


def test_a_log_that_was_sent_once_is_no_sender_gone_quiet(faked: Faked) -> None:
    faked.send()
    faked.send()
    assert not faked.wait(10_000.0)


def regular(faked: Faked) -> None:
    """A sender that sends for some minutes."""
    for _ in range(20):
        faked.send()
        assert not faked.wait(10.0)


def test_a_sender_that_fell_silent_just_before_a_restart_was_never_missed(faked: Faked) -> None:
    regular(faked)
    faked.tripwires = Tripwires(str(faked.folder), 600.0, lambda: faked.now, lambda: faked.passed)
    assert names(faked.wait(700.0)) == ["tripwire-sender-quiet"]


def run(faked: Faked, statement: str) -> None:
    with transaction(open_engine(str(faked.folder))) as connection:
        connection.execute(sql.text(statement))


def test_a_write_that_failed_lost_what_it_was_to_tell(faked: Faked) -> None:
    regular(faked)
    faked.send(letter=True)
    run(faked, "CREATE TRIGGER fault BEFORE INSERT ON podhawk_findings BEGIN SELECT RAISE(ABORT, 'a fault'); END")
    with pytest.raises(StoreError, match="a fault"):
        faked.wait(700.0, clock=760.0)
    run(faked, "DROP TRIGGER fault")
    wanted = ["tripwire-clock", "tripwire-not-evaluated", "tripwire-sender-quiet"]
    assert sorted(names(faked.wait(1.0))) == wanted
    assert not faked.wait(1.0)


def test_a_gap_that_an_increment_could_not_commit_was_never_told(faked: Faked) -> None:
    lines = beats(600, (200, 232))
    run(faked, "CREATE TRIGGER fault BEFORE INSERT ON podhawk_serve_changes BEGIN SELECT RAISE(ABORT, 'a fault'); END")
    with pytest.raises(StoreError, match="a fault"):
        observed(faked, lines)
    run(faked, "DROP TRIGGER fault")
    faked.tripwires.forget()
    assert names(faked.wait(1.0)) == ["tripwire-gap"]
    assert not observed(faked, lines).new
    late = [line for line in beats(600) if line not in lines]
    assert len(observed(faked, late).gone) == 1


def test_our_own_clock_and_that_of_a_sender(faked: Faked) -> None:
    assert names(faked.wait(10.0, clock=70.0)) == ["tripwire-clock"]
    found = []
    for number in range(60):
        faked.send(age=5.0 if number < 30 else 300.0)
        found += faked.wait(5.0)
    assert names(found) == ["tripwire-clock"]
    assert "webhook:prod/cp-1" in found[0].title


def test_what_cannot_be_read_is_told_once_an_hour(faked: Faked) -> None:
    faked.send(letter=True)
    faked.send(letter=True)
    assert names(faked.wait(1.0)) == ["tripwire-not-evaluated"]
    faked.send(letter=True)
    assert not faked.wait(1.0)


def observed(faked: Faked, lines: list[bytes]) -> TripwireNews:
    with transaction(open_engine(str(faked.folder))) as connection:
        return faked.tripwires.observe(connection, "prod", b"".join(lines))


def test_a_gap_that_is_filled_later_is_taken_back_and_survives_a_restart(faked: Faked) -> None:
    lines, whole = beats(600, (200, 232)), beats(600)
    (gap,) = observed(faked, lines).new
    assert gap.cluster == "prod"
    late = [line for line in whole if line not in lines]
    assert observed(faked, late).gone == [(gap.finding_id, "prod")]
    faked.tripwires = Tripwires(str(faked.folder), 600.0, lambda: faked.now, lambda: faked.passed)
    after = [renewal(node, 700.0 + 10 * step) for node in NODES for step in range(20)]
    (gap,) = observed(faked, after).new
    assert gap.last_time - gap.first_time > 60
    with transaction(open_engine(str(faked.folder))) as connection:
        withdraw(connection, [gap.finding_id])


OWN = [
    (
        "Tripwire: Audit Configuration Changed",
        {
            "user": {"username": "system:node:cp-1", "groups": ["system:nodes"]},
            "objectRef": {"resource": "pods", "namespace": "kube-system", "name": "kube-apiserver-cp-1"},
        },
    ),
    (
        "Tripwire: Own Rights Changed",
        {
            "verb": "delete",
            "objectRef": {
                "resource": "clusterrolebindings",
                "apiGroup": "rbac.authorization.k8s.io",
                "name": "podhawk",
            },
        },
    ),
]


@pytest.mark.slow
def test_configuration_rights_and_garbage_through_the_service(tmp_path: Path) -> None:
    with service(tmp_path / "live") as live:
        events: list[Any] = [event(f"o{number}", **members) for number, (_, members) in enumerate(OWN)]
        assert live.post("/audit/prod/cp-1", event_list(events)).status_code == 200
        assert live.post("/audit/prod/cp-1", b"garbage").status_code == 200
        wanted = {name for name, _ in OWN} | {"Tripwire: Body Not Evaluated"}

        def told() -> bool:
            return wanted <= {one["detection"]["name"] for one in live.findings() if one["visible"]}

        wait_for(told, 30, live.log)


def test_a_token_used_for_a_cluster_outside_of_its_binding_is_told(tmp_path: Path) -> None:
    with service(tmp_path / "live") as live:
        bound = {"Authorization": f"Bearer {live.new_token('edge', ('edge',))}"}
        envelope = json.dumps({"event": event("b"), "fields": {"cluster": "payments"}})

        def told() -> set[tuple[str, str]]:
            known = [one for one in live.findings() if one["detection"]["name"] == OUTSIDE.name]
            return {(one["cluster"], one["rows"][0]["token"]) for one in known}

        wait_for(lambda: live.post("/audit/edge/cp-1", event_list([event("a")]), **bound).status_code == 200, 30, "")
        for _ in range(3):
            assert live.post("/audit/prod/cp-1", event_list([event("a")]), **bound).status_code == 403
        assert live.post("/services/collector", envelope, **bound).status_code == 403
        wait_for(lambda: told() == {("prod", "edge"), ("payments", "edge")}, 30, live.log)
        changes = live.get("/api/v1/changes", after=0).json()["changes"]
        assert sum(one["change"].get("detection") == OUTSIDE.name for one in changes) == 2


def test_names_of_clusters_at_any_speed_make_no_flood_of_findings(tmp_path: Path) -> None:
    stored(tmp_path, [("prod", [json.dumps(event("a")).encode()])], closed=False)
    options = {"state": str(tmp_path), "content": [str(one_detection(tmp_path / "content"))]}
    assert InboxEvaluator(resolve("serve", options)).step("prod") is not None  # makes the tables
    noted, new = OutsideClusters(), 0
    for number in range(3 * MOST):
        noted.note("edge", f"cluster-{number}" + "x" * 500, "webhook:x")
        if number % 50 == 0:
            new += len(noted.write(str(tmp_path)))
    new += len(noted.write(str(tmp_path)))
    assert MOST <= new <= 2 * (MOST + 1)  # a new hour may have begun
    assert noted.write(str(tmp_path)) == []


def test_a_gap_that_was_told_before_a_restart_was_never_taken_back(faked: Faked) -> None:
    """What was missing came after the restart: whatever had come before it was forgotten."""
    every = beats(260)
    lost = [line for line in every if 200 <= second_of(line) < 232]
    others = [line for line in every if line not in lost]
    evaluated = SqlState(str(faked.folder), None, Waiting(1.0))
    with evaluated.snapshot():
        pass  # makes the tables

    def observe(lines: list[bytes]) -> TripwireNews:
        with transaction(open_engine(str(faked.folder))) as connection:
            return faked.tripwires.observe(connection, "prod", b"".join(lines))

    observe(others)
    assert names(faked.wait(130.0)) == ["tripwire-gap"]
    for _ in range(2):
        faked.tripwires = Tripwires(str(faked.folder), 600.0, lambda: faked.now, lambda: faked.passed)
        told = faked.tripwires.look()
        assert (told.new, told.gone) == ((), ())  # neither again nor taken back
    told = observe(lost)
    assert (len(told.new), len(told.gone)) == (0, 1)


def second_of(line: bytes) -> float:
    """The second of a renewal."""
    return next(time for _, time in renewals_in(line)) % 3600
