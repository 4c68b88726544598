"""Detections with all that is known of each: judgement, volume, cost, tests, exceptions, shadow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from podhawk.content.model import Detection
from podhawk.detect.rank.exceptions import SiteException
from podhawk.engine.plan.runnable import Runnable, runnability
from podhawk.serve.accepted import folder_of
from podhawk.serve.console.content.volumes import DetectionVolume, hidden_by_exception, volumes
from podhawk.serve.console.loaded_content import LoadedSite
from podhawk.serve.console.page import Visit
from podhawk.serve.shadow import SHADOW_OWNER

MEANINGS: Final[Mapping[str, str]] = {
    "fired": "It found something.",
    "silent": "It could have found something, and there was nothing.",
    "cannot": "It cannot tell: the events lack what it needs.",
    "unknown": "Nothing that it looks at was in the log.",
    "hunting": "Its rows are no findings: it is for hunting.",
}
MARKS: Final[Mapping[str, str]] = {"fired": "high", "silent": "good", "cannot": "medium", "unknown": "medium"}


class ShownException(Struct, frozen=True):
    """An exception: the day from which it does nothing, whether that has come, and how many findings it hides.
    `accepted` is the name of its file if it was accepted in the console."""

    name: str
    detection: str
    when: str
    owner: str
    reason: str
    expires: str
    expired: bool
    hides: int
    file: str
    accepted: str


class ShownDetection(Struct, frozen=True):
    """A detection. `unable` says why it cannot run; `cpu` are the seconds that it took since the evaluator started."""

    key: str
    name: str
    type: str
    status: str
    severity: str
    risk: int
    techniques: tuple[str, ...]
    stories: tuple[str, ...]
    unable: str
    shadow: bool
    isolated: bool
    volume: DetectionVolume
    cpu: float
    tests: int
    exceptions: list[ShownException]
    judgement: str = ""
    mark: str = ""
    reason: str = ""

    @property
    def state(self) -> str:
        """How it runs, in a word."""
        if self.unable:
            return "cannot run"
        return "isolated" if self.isolated else "shadow" if self.shadow else "runs"


def key_of(one: Detection) -> str:
    """What stands for a detection in an address."""
    return one.key if "/" not in one.key else one.stem


def exceptions_of(visit: Visit, site: LoadedSite) -> list[ShownException]:
    """All exceptions of the site, with what they hide."""
    hides = hidden_by_exception(visit.console.kept.path, visit.token.clusters)
    return [
        _exception(one, visit.now, hides.get(one.name, 0), folder_of(visit.console.settings))
        for one in site.policies.exceptions
        if one.owner != SHADOW_OWNER
    ]


def _exception(one: SiteException, now: float, hides: int, folder: Path | None) -> ShownException:
    file = Path(one.file)
    return ShownException(
        *(one.name, one.detection, one.when, one.owner, one.reason, one.expires.isoformat()),
        *(not one.holds_at(now), hides, one.file, file.name if file.parent == folder else ""),
    )


def shown_detections(visit: Visit, site: LoadedSite, judged: Sequence[Mapping[str, Any]]) -> list[ShownDetection]:
    """The detections of the content, in the order of their names. `judged` are the rows of judgements."""
    found = volumes(visit.console.kept.path, visit.token.clusters)
    words = {row["id"] or row["detection"]: row for row in judged}
    every = exceptions_of(visit, site)
    named = {id(shown): one for shown, one in zip(every, _kept(site), strict=True)}
    return [
        _detection(
            visit, site, one, found, words.get(one.key, {}), [each for each in every if named[id(each)].named(one)]
        )
        for one in sorted(site.content.detections, key=lambda one: one.name.lower())
    ]


def _kept(site: LoadedSite) -> list[SiteException]:
    return [one for one in site.policies.exceptions if one.owner != SHADOW_OWNER]


def _detection(
    visit: Visit,
    site: LoadedSite,
    one: Detection,
    found: Mapping[str, DetectionVolume],
    judged: Mapping[str, Any],
    exceptions: list[ShownException],
) -> ShownDetection:
    supervisor = visit.console.supervisor
    answer = runnability(one, site.content)
    return ShownDetection(
        key_of(one),
        one.name,
        one.type,
        one.status,
        one.severity,
        one.risk_score,
        one.mitre_attack_id,
        one.analytic_story,
        "" if isinstance(answer, Runnable) else answer.message,
        one.name in supervisor.content.shadow,
        one.name in supervisor.isolated,
        found.get(one.key, DetectionVolume()),
        visit.console.meter.cpu_of(one.name),
        len(one.tests),
        exceptions,
        judged.get("judgement", ""),
        MARKS.get(judged.get("judgement", ""), ""),
        judged.get("reason", ""),
    )
