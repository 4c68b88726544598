"""Action lines of an Elasticsearch or OpenSearch bulk request: they say what is done with the document that follows.

Source: https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
"""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.envelope import Format, Layer, Record, Skipped

_ACTIONS: Final = frozenset({"index", "create", "update", "delete"})
_OPTIONS: Final = frozenset(
    {
        "routing",
        "pipeline",
        "version",
        "version_type",
        "require_alias",
        "require_data_stream",
        "retry_on_conflict",
        "if_seq_no",
        "if_primary_term",
        "dynamic_templates",
        "list_executed_pipelines",
    }
)


def _recognise(value: Any) -> bool:
    if type(value) is not dict or len(value) != 1:
        return False
    action, about = next(iter(value.items()))
    return (
        action in _ACTIONS and type(about) is dict and all(name.startswith("_") or name in _OPTIONS for name in about)
    )


def _unwrap(record: Record) -> Layer:
    yield Skipped()


BULK: Final = Format(
    name="bulk",
    doc="Bulk requests of Elasticsearch and OpenSearch: action lines are passed over, the documents after them are of "
    "any format.",
    recognise=_recognise,
    unwrap=_unwrap,
    verbatim=True,
    beside=True,
    example='{"index":{"_index":"k8s-audit"}}\n{"auditID":"7f0a","stage":"ResponseComplete","verb":"get"}\n',
)
