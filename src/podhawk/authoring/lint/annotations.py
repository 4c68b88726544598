"""Checks of annotations: ATT&CK, NIST, CIS 20, CVE, stories, data sources, scores."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from podhawk.authoring.lint.declare import Check, Fault, Subject
from podhawk.content.annotations import attack_ids, technique
from podhawk.errors import nearest


def _attack_place(subject: Subject) -> tuple[str, ...]:
    tags = subject.data.get("tags")
    return ("tags", "mitre_attack_id") if isinstance(tags, dict) and "mitre_attack_id" in tags else ("mitre_attack_id",)


def _attack(subject: Subject) -> Iterator[Fault]:
    for name in subject.detection.mitre_attack_id:
        if name not in attack_ids() and not technique(name).known:
            yield Fault(
                f"unknown ATT&CK technique {name!r}",
                subject.place(*_attack_place(subject)),
                nearest(name, sorted(attack_ids())),
            )


def _attack_parent(subject: Subject) -> Iterator[Fault]:
    named = subject.detection.mitre_attack_id
    for name in named:
        if "." not in name and any(other.startswith(f"{name}.") for other in named):
            yield Fault(
                f"both {name} and one of its sub-techniques are named",
                subject.place(*_attack_place(subject)),
                "Remove the parent: the sub-technique implies it.",
            )


def _attack_missing(subject: Subject) -> Iterator[Fault]:
    own = subject.detection
    if not own.mitre_attack_id and own.type in ("TTP", "Anomaly") and own.status == "production":
        yield Fault("no ATT&CK technique", subject.place())


def _formats(subject: Subject) -> Iterator[Fault]:
    own = subject.detection
    for what, values, pattern, example in (
        ("nist", own.nist, r"[A-Z]{2}\.[A-Z]{2}(?:-\d+)?", "DE.CM"),
        ("cis20", own.cis20, r"CIS \d{1,2}", "CIS 10"),
        ("cve", own.cve, r"CVE-(?:1999|20\d\d)-\d{4,}", "CVE-2020-8554"),
    ):
        for value in values:
            if not re.fullmatch(pattern, value):
                yield Fault(
                    f"{value!r} is not a valid {what} entry", subject.tag_place(what), f"Use the form {example}."
                )


def _stories(subject: Subject) -> Iterator[Fault]:
    for name in subject.detection.analytic_story:
        if subject.content.stories and name not in subject.content.stories:
            yield Fault(
                f"unknown analytic story {name!r}",
                subject.tag_place("analytic_story"),
                nearest(name, subject.content.stories),
            )


def _sources(subject: Subject) -> Iterator[Fault]:
    for name in subject.detection.data_source:
        if subject.content.data_sources and name not in subject.content.data_sources:
            yield Fault(
                f"unknown data source {name!r}",
                subject.place("data_source"),
                nearest(name, subject.content.data_sources),
            )


def _score(subject: Subject) -> Iterator[Fault]:
    own = subject.detection
    for label, number in (("impact", own.impact), ("confidence", own.confidence)):
        if number is not None and not 0 <= number <= 100:
            yield Fault(f"{label} is {number}", subject.tag_place(label), "It must be a number from 0 to 100.")
    for one in own.risk_objects:
        if not 0 <= one.score <= 100:
            yield Fault(
                f"the score of risk object {one.field!r} is {one.score}", subject.place(), "Scores range from 0 to 100."
            )
    if own.type in ("TTP", "Anomaly") and not own.risk_objects:
        yield Fault("no risk object has a score", subject.place(), "Add a risk object, or change the type to Hunting.")


CHECKS: Final = (
    Check("attack-unknown", "error", "ATT&CK techniques exist.", _attack),
    Check(
        "attack-parent", "warning", "A technique is not named together with one of its sub-techniques.", _attack_parent
    ),
    Check("attack-missing", "warning", "A production detection names an ATT&CK technique.", _attack_missing),
    Check("annotation-form", "warning", "NIST, CIS 20 and CVE entries have their usual form.", _formats),
    Check("story-unknown", "error", "Analytic stories exist in the content.", _stories),
    Check("data-source-unknown", "error", "Data sources exist in the content.", _sources),
    Check(
        "score",
        "error",
        "Scores, impact and confidence range from 0 to 100, and a TTP or Anomaly has a risk object with a score.",
        _score,
    ),
)
