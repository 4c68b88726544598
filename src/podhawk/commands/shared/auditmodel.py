"""The data model Kubernetes: audit events under the names of Splunk's Common Information Model.

The model has one dataset, `Audit`. A field has its CIM name where there is one (`Audit.user`, `Audit.src`,
`Audit.action`), else the name below (`Audit.verb`, `Audit.namespace`), else its path in the event
(`Audit.requestObject.spec.hostNetwork`). Nothing is stored: a search over the model becomes a search over the events,
with the conditions on the fields as they are in the event, so that it is as fast as any other.

Source: https://help.splunk.com/en/splunk-cloud-platform/common-information-model/6.0/data-models/change
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from podhawk.functions.predicates import value_test
from podhawk.spl.clause import And, Clause, Compare, In, Not, Or, Subsearch, read_clause
from podhawk.spl.expression import Binary, Call, Expression, Field, Membership, Unary

MODEL: Final = "Kubernetes"
DATASET: Final = "Audit"
PREFIX: Final = f"{DATASET}."


class Computed(Struct, frozen=True):
    """A field that is worked out: its expression, and for each value the clause over events that says the same."""

    expression: str
    values: tuple[tuple[str, str], ...]


ALIASES: Final[dict[str, str]] = {
    "user": "user.username",
    "user_id": "user.uid",
    "user_group": "user.groups{}",
    "src": "sourceIPs{}",
    "dest": "host",
    "object": "objectRef.name",
    "object_id": "objectRef.uid",
    "object_category": "objectRef.resource",
    "object_path": "requestURI",
    "result_id": "responseStatus.code",
    "result": "responseStatus.reason",
    "http_user_agent": "userAgent",
    "namespace": "objectRef.namespace",
    "resource": "objectRef.resource",
    "subresource": "objectRef.subresource",
    "name": "objectRef.name",
    "api_group": "objectRef.apiGroup",
    "api_version": "objectRef.apiVersion",
    "audit_id": "auditID",
    "impersonated_user": "impersonatedUser.username",
    "decision": "annotations.authorization.k8s.io/decision",
    "reason": "annotations.authorization.k8s.io/reason",
}
"""The name in the model, and the field of the event that it is."""

_ACTIONS = (
    ("created", ("create",)),
    ("modified", ("update", "patch")),
    ("deleted", ("delete", "deletecollection")),
    ("read", ("get", "list", "watch")),
)


def _one_of(verbs: tuple[str, ...], action: str) -> str:
    listed = ", ".join(f'"{verb}"' for verb in verbs)
    return f'in(verb, {listed}), "{action}"'


COMPUTED: Final[dict[str, Computed]] = {
    "action": Computed(
        f"case({', '.join(_one_of(verbs, action) for action, verbs in _ACTIONS)})",
        tuple((action, f"verb IN ({', '.join(verbs)})") for action, verbs in _ACTIONS),
    ),
    "status": Computed(
        "case('responseStatus.code'<400, \"success\", 'responseStatus.code'>=400, \"failure\")",
        (("success", "responseStatus.code<400"), ("failure", "responseStatus.code>=400")),
    ),
    "vendor_product": Computed('"Kubernetes"', (("Kubernetes", "*"),)),
}

NAMES: Final = (*ALIASES, *COMPUTED, "verb", "stage", "level")
"""The names that the model declares."""


def is_audit(model: str) -> bool:
    """Whether a data model's name, with or without a dataset, means this one."""
    return model.partition(".")[0] == MODEL


def native(name: str, prefix: str = PREFIX) -> str:
    """The field of the event that a name of the model means; computed fields keep their name."""
    if not name.startswith(prefix):
        return name
    rest = name.removeprefix(prefix)
    return name if rest in COMPUTED else ALIASES.get(rest, rest)


def computed(name: str, prefix: str = PREFIX) -> Computed | None:
    return COMPUTED.get(name.removeprefix(prefix)) if name.startswith(prefix) else None


def over_events(clause: Clause, prefix: str = PREFIX) -> Clause:
    """A clause over the model as a clause over events."""
    match clause:
        case And(parts=parts) | Or(parts=parts):
            return type(clause)(tuple(over_events(part, prefix) for part in parts))
        case Not(part=part):
            return Not(over_events(part, prefix))
        case Compare(name=name):
            found = computed(name, prefix)
            return replace(clause, name=native(name, prefix)) if found is None else _any(found, (clause,))
        case In(name=name, values=values):
            found = computed(name, prefix)
            if found is None:
                return replace(clause, name=native(name, prefix))
            return _any(found, [Compare(name, "=", value) for value in values])
        case Subsearch(name=name) if name:
            return replace(clause, name=native(name, prefix))
        case _:
            return clause


def _any(found: Computed, wanted: Iterable[Compare]) -> Clause:
    """The clause that holds if a computed field satisfies one of the comparisons."""
    tests = [value_test(compare) for compare in wanted]
    parts = [read_clause(text, MODEL) for value, text in found.values if any(test(value) for test in tests)]
    if not parts:
        return Not(read_clause("*", MODEL))
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def in_expression(expression: Expression) -> Expression:
    """An expression over the model as one over events; computed fields keep their names."""
    match expression:
        case Field(name=name):
            return replace(expression, name=native(name))
        case Unary(operand=operand):
            return replace(expression, operand=in_expression(operand))
        case Binary(left=left, right=right):
            return replace(expression, left=in_expression(left), right=in_expression(right))
        case Membership(value=value, choices=choices):
            return replace(expression, value=in_expression(value), choices=tuple(map(in_expression, choices)))
        case Call(arguments=arguments):
            return replace(expression, arguments=tuple(map(in_expression, arguments)))
        case _:
            return expression


def assignments(names: Iterable[str], prefix: str = PREFIX) -> str:
    """The assignments of eval that give rows these fields of the model."""
    parts: list[str] = []
    for name in names:
        found = computed(name, prefix)
        field = native(name, prefix)
        if found is not None:
            parts.append(f'"{name}"={found.expression}')
        elif field != name:
            parts.append(f"\"{name}\"='{field}'")
    return ", ".join(parts)
