"""The fold of parts of time, one after the other, says what the fold of all says."""

from __future__ import annotations

from random import Random

import pytest

from podhawk.detect.evaluate.episodes import common_actor, common_outcome, common_target
from podhawk.detect.finding import MOST_ROWS, Actor, Finding, Outcome, RequestInfo, Target, ThreatValue
from podhawk.detect.increment.fold import Fold, folded
from podhawk.detect.risk_event import RiskEvent
from support.findings import detection

DETECTIONS = [
    detection("verb=get | table verb", name=f"D{number}", id=str(number), mitre_attack_id=(technique,))
    for number, technique in enumerate(("T1552", "T1078", "T1610"))
]
OUTCOMES: tuple[Outcome, ...] = ("denied", "failed", "pending")


def made(random: Random, count: int, alike: bool) -> tuple[list[RiskEvent], dict[str, Finding]]:
    """Risk events of one account in order of time, and their findings by id."""
    events, findings = [], {}
    for number in range(count):
        one, id_ = random.choice(DETECTIONS), f"f{number}"
        ip = "10.0.0.1" if alike else f"10.0.0.{random.randrange(90)}"
        user = "alice" if alike else random.choice(("alice", "bob"))
        requests = tuple(
            RequestInfo(f"r{random.randrange(count)}", "get", "/", (), 200, user, "1", "log:1")
            for _ in range(random.choice((1, 1, 4)))
        )
        actor = Actor(user=user, source_ip=ip, source_ips=(ip,))
        if random.random() < 0.1:
            actor = Actor(user=user, source_ip=ip, source_ips=(ip,), borrowed=f"b{number}")
        findings[id_] = Finding(
            finding_id=id_, detection=one, kind="finding", cluster="c", title="t",
            first_time=float(number), last_time=float(number),
            severity="low", risk_score=1, actor=actor, requests=requests, outcome=random.choice(OUTCOMES),
            priority=random.randrange(100),
            target=Target("pods", namespace=random.choice(("a", "b")), images=(f"i{random.randrange(70)}",)),
        )  # fmt: skip
        events.append(
            RiskEvent(
                time=float(number), finding_id=id_, detection=one, message="m", object="alice", object_type="user",
                object_field="user", score=1, applied=float(random.random() < 0.3), capped=0.0, request=f"q{number}",
                threat_objects=(ThreatValue("ip", "ip_address", ip),),
            )
        )  # fmt: skip
    return events, findings


@pytest.mark.parametrize("seed", range(8))
def test_folds_of_parts_make_the_fold_of_all(seed: int) -> None:
    random = Random(seed)
    events, findings = made(random, 400, alike=seed % 2 == 0)
    whole = folded(events, findings.get).shorten()
    joined = Fold()
    start = 0
    while start < len(events):
        end = start + random.choice((1, 5, 60))
        joined.merge(folded(events[start:end], findings.get).shorten())
        start = end
    joined.shorten()
    every = [findings[event.finding_id] for event in events]
    for fold in (whole, joined):
        assert fold.ids == [event.finding_id for event in events]
        assert (fold.first, fold.scored, fold.last_time) == (whole.first, whole.scored, events[-1].time)
        assert common_actor(fold.actors) == common_actor([one.actor for one in every])
        assert common_target(fold.targets) == common_target([one.target for one in every])
        assert fold.threats == list(dict.fromkeys(one for event in events for one in event.threat_objects))[:MOST_ROWS]
        assert fold.urgent == max(one.priority for one in every)
        assert common_outcome(fold.outcome) == common_outcome(whole.outcome)
        named = list(dict.fromkeys(info for one in every for info in one.requests))
        assert [info for _, info in fold.infos] == named[:MOST_ROWS]
        assert len(fold.requests) == len(named)
        assert (fold.detections, fold.tactics) == (whole.detections, whole.tactics)
