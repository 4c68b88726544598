"""Detection rules that carry the events of their tests: Panther's `Tests[].Log`."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.envelope import Format, Layer, Record, Reject
from podhawk.events.reasons import YAML_EMPTY


def is_rule(value: Any) -> bool:
    """A rule or query file of Panther."""
    return type(value) is dict and (
        "AnalysisType" in value or "RuleID" in value or (type(value.get("Tests")) is list and "LogTypes" in value)
    )


def logs_of(rule: dict[str, Any]) -> list[Any]:
    """The event of each test of a rule."""
    tests = rule.get("Tests")
    found = [test for test in tests if type(test) is dict] if type(tests) is list else []
    return [test["Log"] for test in found if isinstance(test.get("Log"), (dict, str))]


def _unwrap(record: Record) -> Layer:
    logs = logs_of(record.value)
    if not logs:
        yield Reject(YAML_EMPTY)
    for log in logs:
        yield Record(log, record.envelope.within("rule-tests"))


RULE_TESTS: Final = Format(
    name="rule-tests",
    doc="Panther rules in YAML. The log of each of their tests is an input. Other YAML (a Sigma "
    "rule, a manifest) is rejected.",
    recognise=is_rule,
    unwrap=_unwrap,
    example='AnalysisType: rule\nRuleID: "K8s.Example"\nTests:\n  - Name: listed\n    ExpectedResult: true\n'
    '    Log: {"auditID": "7f0a", "stage": "ResponseComplete", "verb": "list"}\n',
)
