"""What others need to answer the same questions: `python bench/peers.py NAME audit.log CORES`.

Two questions. *Dense*: how many events by user, verb and resource, over all of them. *Seed*: pods created in the
namespaces default, kube-system and kube-public, grouped by the fields that the published detection groups by. Every
schema is written out by hand, as somebody who knows the data would, and holds no field more than the question needs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAMESPACES = ("default", "kube-system", "kube-public")
_NAMED = ", ".join(f"'{one}'" for one in NAMESPACES)
_BY = (
    "objectRef.name",
    "objectRef.namespace",
    "objectRef.resource",
    "requestReceivedTimestamp",
    "requestURI",
    "responseStatus.code",
    "sourceIPs",
    "stage",
    "user.groups",
    "user.uid",
    "user.username",
    "userAgent",
    "verb",
)
_FIELDS = {
    "verb": "",
    "stage": "",
    "requestURI": "",
    "userAgent": "",
    "requestReceivedTimestamp": "",
    "sourceIPs": "[]",
    "user": {"username": "", "uid": "", "groups": "[]"},
    "objectRef": {"resource": "", "namespace": "", "name": ""},
    "responseStatus": {"code": 0},
}
_DENSE_FIELDS = {"verb": "", "user": {"username": ""}, "objectRef": {"resource": ""}}
_MOST = 33554432


def _duckdb_type(kind: Any) -> str:
    if isinstance(kind, dict):
        return "STRUCT(" + ", ".join(f'"{name}" {_duckdb_type(inner)}' for name, inner in kind.items()) + ")"
    return "BIGINT" if kind == 0 else "VARCHAR[]" if kind else "VARCHAR"


def _duckdb(path: str, cores: int, fields: dict[str, Any], question: str) -> int:
    import duckdb

    base = duckdb.connect()
    base.execute(f"set threads={cores}")
    columns = ", ".join(f"\"{name}\": '{_duckdb_type(kind)}'" for name, kind in fields.items())
    table = f"read_json(?, format='newline_delimited', maximum_object_size={_MOST}, columns={{{columns}}})"
    return len(base.execute(question.format(table=table), [path]).fetchall())


def duckdb_dense(path: str, cores: int) -> int:
    """DuckDB, hand-written SQL."""
    return _duckdb(
        path,
        cores,
        _DENSE_FIELDS,
        'select "user".username, verb, objectRef.resource, count(*) from {table} group by all',
    )


def duckdb_seed(path: str, cores: int) -> int:
    """DuckDB, hand-written SQL."""
    by = ", ".join('"' + name.replace(".", '"."') + '"' for name in _BY)
    return _duckdb(
        path,
        cores,
        _FIELDS,
        f"select {by}, count(*) from {{table}} where verb = 'create' and "
        f"objectRef.resource = 'pods' and objectRef.namespace in ({_NAMED}) group by all",
    )


def _clickhouse_type(kind: Any) -> str:
    if isinstance(kind, dict):
        return "Tuple(" + ", ".join(f"`{name}` {_clickhouse_type(inner)}" for name, inner in kind.items()) + ")"
    return "Int64" if kind == 0 else "Array(String)" if kind else "String"


def _chdb(path: str, cores: int, fields: dict[str, Any], question: str) -> int:
    import chdb

    structure = ", ".join(f"`{name}` {_clickhouse_type(kind)}" for name, kind in fields.items())
    table = f"file('{path}', 'JSONEachRow', '{structure}')"
    done = chdb.query(
        question.format(table=table) + f" settings max_threads={cores}, "
        "input_format_skip_unknown_fields=1, input_format_json_ignore_unnecessary_fields=1",
        "CSV",
    )
    return len(str(done).splitlines())


def chdb_dense(path: str, cores: int) -> int:
    """ClickHouse in the process, hand-written SQL."""
    return _chdb(
        path, cores, _DENSE_FIELDS, "select user.username, verb, objectRef.resource, count() from {table} group by all"
    )


def chdb_seed(path: str, cores: int) -> int:
    """ClickHouse in the process, hand-written SQL."""
    return _chdb(
        path,
        cores,
        _FIELDS,
        f"select {', '.join(_BY)}, count() from {{table}} where verb = 'create' and "
        f"objectRef.resource = 'pods' and objectRef.namespace in ({_NAMED}) group by all",
    )


def _polars(path: str, fields: dict[str, Any]) -> Any:
    import polars

    def kind_of(kind: Any) -> Any:
        if isinstance(kind, dict):
            return polars.Struct({name: kind_of(inner) for name, inner in kind.items()})
        return polars.Int64 if kind == 0 else polars.List(polars.String) if kind else polars.String

    return polars.scan_ndjson(path, schema={name: kind_of(kind) for name, kind in fields.items()})


def _polars_fields(names: tuple[str, ...]) -> list[Any]:
    import polars

    found = []
    for name in names:
        head, _, rest = name.partition(".")
        found.append(polars.col(head).struct.field(rest).alias(name) if rest else polars.col(name))
    return found


def polars_dense(path: str, cores: int) -> int:
    """Polars, lazily, its streaming engine. How many threads it uses is set before it starts."""
    import polars

    names = ("user.username", "verb", "objectRef.resource")
    table = _polars(path, _DENSE_FIELDS).select(_polars_fields(names)).group_by(names).agg(polars.len())
    return int(table.collect(engine="streaming").height)


def polars_seed(path: str, cores: int) -> int:
    """Polars, lazily, its streaming engine. How many threads it uses is set before it starts."""
    import polars

    table = (
        _polars(path, _FIELDS)
        .select(_polars_fields(_BY))
        .filter(
            (polars.col("verb") == "create")
            & (polars.col("objectRef.resource") == "pods")
            & polars.col("objectRef.namespace").is_in(NAMESPACES)
        )
        .group_by(_BY)
        .agg(polars.len())
    )
    return int(table.collect(engine="streaming").height)


_JQ = (
    'select(.verb=="create" and .objectRef.resource=="pods" and (.objectRef.namespace | IN($n[]))) | '
    "[.objectRef.name, .objectRef.namespace, .requestReceivedTimestamp, .requestURI, .responseStatus.code, "
    ".sourceIPs, .stage, .user.groups, .user.uid, .user.username, .userAgent] | tojson"
)


def jq_seed(path: str, cores: int) -> int:
    """jq, which uses one core; for more of them over as many pieces of the log. `sort | uniq -c` behind it."""
    one = f"jq -r --argjson n '{json.dumps(NAMESPACES)}' '{_JQ}'"
    if cores == 1:
        return _rows(f"{one} '{path}' | sort | uniq -c | wc -l")
    with tempfile.TemporaryDirectory() as folder:
        pieces = [
            f"(split -n l/{number}/{cores} '{path}' | {one} > {folder}/{number} || touch {folder}/failed)"
            for number in range(1, cores + 1)
        ]
        counted = f"test ! -e {folder}/failed && cat {folder}/* | sort | uniq -c | wc -l"
        return _rows(f"{' & '.join(pieces)} & wait; {counted}")


def _rows(command: str) -> int:
    """The number that a command prints. It fails where any part of it does: jq 1.6 gives up on what is nested deep."""
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.decode("utf-8", "replace").strip() or "failed")
    return int(done.stdout)


def json_dense(path: str, cores: int) -> int:
    """A plain loop with `json.loads`."""
    counts: Counter[tuple[str | None, ...]] = Counter()
    with open(path, "rb") as file:
        for line in file:
            event = json.loads(line)
            counts[
                event.get("user", {}).get("username"), event.get("verb"), event.get("objectRef", {}).get("resource")
            ] += 1
    return len(counts)


def sigma_rules(path: str, cores: int) -> int:
    """Sigma rules (a folder in the environment variable SIGMA) on each event, by the package sigma-rule-matcher; a
    rule is passed over on an event that has a list where the package expects none."""
    import os

    from sigma.rule import SigmaRule
    from sigma_rule_matcher import RuleMatcher

    rules = []
    for file in sorted(Path(os.environ["SIGMA"]).rglob("*.yml")):
        rule = SigmaRule.from_yaml(file.read_text())
        if rule.logsource.service == "audit":
            rules.append(RuleMatcher(rule))
    found = 0
    with open(path, "rb") as lines:
        for line in lines:
            event = json.loads(line)
            for one in rules:
                try:
                    found += one.match(event)
                except NotImplementedError:
                    continue
    return found


PEERS: dict[str, Callable[[str, int], int]] = {
    one.__name__: one
    for one in (
        duckdb_dense,
        duckdb_seed,
        chdb_dense,
        chdb_seed,
        polars_dense,
        polars_seed,
        jq_seed,
        json_dense,
        sigma_rules,
    )
}

if __name__ == "__main__":
    print(PEERS[sys.argv[1]](sys.argv[2], int(sys.argv[3])))
