"""Whether a run changed a finding, by the record that an earlier run wrote."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from podhawk.detect.finding import Finding
from podhawk.detect.increment.state import Change
from podhawk.detect.match import Match
from podhawk.detect.report.finding_json import detection_key, to_record

_VOLATILE: Final = ("revision", "replaces", "status", "disposition", "assignee")
"""Members of a record that do not come from the evaluation."""


class KnownFinding(NamedTuple):
    """A finding as an earlier run wrote it."""

    revision: int
    record: Mapping[str, Any]


def with_revision(match: Match, known: KnownFinding | None, replaced: Collection[str]) -> Match:
    """The match with its revision, which grows by one if the record has changed."""
    if known is None:
        return match.having(replaces=tuple(sorted(replaced)))
    before = known.record
    now = json.loads(json.dumps(to_record(match.finding)))
    same = not replaced and all(_content(now, name) == _content(before, name) for name in now if name not in _VOLATILE)
    return match.having(revision=known.revision + (not same), replaces=tuple(sorted({*before["replaces"], *replaced})))


def change_of(
    finding: Finding, known: Mapping[str, KnownFinding], gone: Mapping[str, Mapping[str, Any]]
) -> Change | None:
    """What was changed of a finding; None if nothing was."""
    before = known.get(finding.finding_id)
    if before is None:
        old = [gone[id_] for id_ in finding.replaces if id_ in gone]
        return Change("revised", any(_rose(finding, one) for one in old)) if old else Change("new", True)
    if finding.revision == before.revision:
        return None
    return Change("revised", _rose(finding, before.record))


def _rose(finding: Finding, before: Mapping[str, Any]) -> bool:
    return (
        (finding.visible and not before["visible"])
        or finding.priority > before["priority"]
        or finding.risk_score > before["risk_score"]
    )


def _content(record: Mapping[str, Any], name: str) -> Any:
    """A member of a record as far as it counts as content: where a request was first read does not."""
    if name != "requests":
        return record.get(name)
    return [{key: value for key, value in one.items() if key != "source"} for one in record["requests"]]


def heirs_of(gone: Mapping[str, Mapping[str, Any]], findings: Sequence[Finding]) -> dict[str, str]:
    """For each finding that is gone, the id of the finding of the same detection about one of its requests."""
    if not gone:
        return {}
    by_request: dict[tuple[str, ...], str] = {}
    for one in findings:
        for info in one.requests:
            by_request.setdefault(
                (one.detection.key, one.cluster, info.audit_id, info.received, info.user, info.uri),
                one.finding_id,
            )
    found: dict[str, str] = {}
    for id_, text in gone.items():
        heir = next(
            (
                heir
                for info in text["requests"]
                if (
                    heir := by_request.get(
                        (
                            detection_key(text),
                            text["cluster"],
                            info["audit_id"],
                            info["received"],
                            info["user"],
                            info["uri"],
                        )
                    )
                )
            ),
            None,
        )
        if heir is not None:
            found[id_] = heir
    return found
