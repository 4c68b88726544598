"""Sigma rules as detections: converted by pySigma and its Splunk backend.

Rules for `product: kubernetes, service: audit` are taken, and correlation rules over them. What pySigma cannot
convert is a fault of that rule alone, by its name; of a rule that no event can match there is a warning. Short names
of fields become those of audit events (`sigma_fields`). A rule says nothing of risk: its level gives the score, and
the user gains it.

Source: https://sigmahq.io/docs/basics/rules.html and https://sigmahq.io/docs/meta/correlations.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from podhawk.content.annotations import cis20, kill_chain_phases, nist, severity
from podhawk.content.detection import read_test
from podhawk.content.model import ContentProblem, Detection, RiskObject, ThreatObject
from podhawk.content.never import never_fires
from podhawk.content.reading import MappingReader
from podhawk.content.sigma_fields import FIELDS

SCORES: Final = {"informational": 10, "low": 30, "medium": 50, "high": 70, "critical": 90}
"""What a rule's level scores."""
_STATUSES: Final = {
    "stable": "production",
    "test": "production",
    "experimental": "experimental",
    "deprecated": "deprecated",
    "unsupported": "deprecated",
}
EXTRA: Final = "pip install 'podhawk[sigma]'"


class SigmaRule(Struct, frozen=True):
    """A rule as it stands in a file."""

    top: MappingReader

    @property
    def title(self) -> str:
        return self.top.text("title") or self.top.text("name") or "a rule without a title"


def is_sigma(data: Any) -> bool:
    """Whether a document is a Sigma rule or correlation rule."""
    return (
        isinstance(data, dict)
        and "title" in data
        and (
            ("logsource" in data and isinstance(data.get("detection"), dict))
            or isinstance(data.get("correlation"), dict)
        )
    )


def is_audit(rule: SigmaRule) -> bool:
    """Whether a rule is about the Kubernetes audit log; correlation rules are about what their rules are."""
    if "correlation" in rule.top:
        return True
    source = rule.top.inner("logsource")
    return source.text("product").lower() == "kubernetes" and source.text("service").lower() == "audit"


def convert(rules: Sequence[SigmaRule]) -> Iterator[Detection | ContentProblem]:
    """The detections that rules convert to, and a problem for each rule that gives none."""
    for rule in rules:
        if not is_audit(rule):
            yield ContentProblem(
                rule.top.place(),
                f"Sigma rule {rule.title!r} is not for the Kubernetes audit log, and is not loaded",
                "podhawk loads rules with product: kubernetes and service: audit.",
                "warning",
            )
    rules = [rule for rule in rules if is_audit(rule)]
    if rules:
        yield from _converted(rules)


def _converted(rules: Sequence[SigmaRule]) -> Iterator[Detection | ContentProblem]:
    try:
        from sigma.backends.splunk.splunk import SplunkBackend
        from sigma.collection import SigmaCollection
        from sigma.correlations import SigmaCorrelationRule
        from sigma.exceptions import SigmaError
        from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
        from sigma.processing.transformations import FieldMappingTransformation
        from sigma.rule import SigmaRule as SigmaStandardRule
    except ImportError as error:
        for rule in rules:
            yield ContentProblem(
                rule.top.place(),
                f"Sigma rule {rule.title!r} needs the package {error.name}, which is not installed",
                EXTRA,
                "warning",
            )
        return
    mapping = FieldMappingTransformation(
        {name: paths[0] if len(paths) == 1 else list(paths) for name, paths in FIELDS.items()}
    )
    backend = SplunkBackend(ProcessingPipeline(items=[ProcessingItem(mapping)]))
    readable: list[tuple[SigmaRule, Any]] = []
    for rule in rules:
        kind = SigmaCorrelationRule if "correlation" in rule.top else SigmaStandardRule
        found = kind.from_dict(_plain(rule.top.data), collect_errors=True)
        if found.errors:
            yield _problem(rule, found.errors[0])
        else:
            readable.append((rule, found))
    names = {name for _, found in readable for name in (found.name, str(found.id or "")) if name}
    known = []
    for rule, found in readable:
        lacking = [one.reference for one in getattr(found, "rules", ()) if one.reference not in names]
        if lacking:
            yield _problem(rule, LookupError(f"unknown rule {lacking[0]!r}"))
        else:
            known.append((rule, found))
    SigmaCollection([found for _, found in known]).resolve_rule_references()
    for rule, found in sorted(known, key=lambda pair: isinstance(pair[1], SigmaCorrelationRule)):
        try:
            correlation = isinstance(found, SigmaCorrelationRule)
            queries = backend.convert_correlation_rule(found) if correlation else backend.convert_rule(found)
        except (SigmaError, NotImplementedError) as error:
            yield _problem(rule, error)
            continue
        if getattr(found, "_output", True):
            for number, query in enumerate(queries):
                made = _detection(rule, str(query), number)
                yield made
                reason = never_fires(made.search, {})
                if reason:
                    yield ContentProblem(
                        rule.top.place("detection"),
                        f"Sigma rule {made.name!r} never fires: {reason}",
                        "Correct the rule, or leave it out with --exclude.",
                        "warning",
                    )


def _problem(rule: SigmaRule, error: Exception) -> ContentProblem:
    return ContentProblem(
        rule.top.place(),
        f"Sigma rule {rule.title!r} cannot be converted: {error}",
        "Write the rule as a detection in SPL.",
    )


def _plain(data: Any) -> Any:
    """A document as pySigma reads them: our reader keeps numbers and dates as they are written."""
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    return [_plain(item) for item in data] if isinstance(data, list) else data


def _detection(rule: SigmaRule, query: str, number: int) -> Detection:
    top = rule.top
    level = top.text("level").lower() or "medium"
    score = SCORES.get(level, SCORES["medium"])
    techniques = tuple(
        tag.split(".", 1)[1].upper()
        for tag in top.texts("tags")
        if re.fullmatch(r"attack\.t\d{4}(\.\d{3})?", tag.lower())
    )
    type_ = "TTP" if score >= SCORES["high"] else "Anomaly"
    message = f"{rule.title} by $user.username$"
    entity = RiskObject("user.username", "user", score, message)
    return Detection(
        name=rule.title + (f" ({number + 1})" if number else ""),
        search=re.sub(r"\n+", "\n", query),
        id=top.text("id"),
        generation=0,
        form="sigma",
        status=_STATUSES.get(top.text("status").lower(), "production"),
        type=type_,
        date=top.text("date"),
        creation_date=top.text("date"),
        modification_date=top.text("modified") or top.text("date"),
        author=top.text("author"),
        description=top.text("description"),
        references=top.texts("references"),
        known_false_positives="\n".join(top.texts("falsepositives")),
        data_source=("Kubernetes Audit",),
        mitre_attack_id=techniques,
        kill_chain_phases=kill_chain_phases(techniques),
        nist=nist(type_),
        cis20=cis20("threat"),
        security_domain="threat",
        asset_type="Kubernetes",
        message=message,
        risk_objects=(entity,),
        threat_objects=(ThreatObject("sourceIPs{}", "ip_address"),),
        risk_score=score,
        severity=severity(score),
        tests=tuple(map(read_test, top.inners("tests"))),
        file=top.document.file,
        search_line=top.place("detection").line,
    )
