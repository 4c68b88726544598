"""Every switch: what a search gives by default, and what it gives when the switch is on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from podhawk.commands.iplocation import IPLOCATION
from podhawk.commands.parse import parse_search
from podhawk.errors import UsageError
from podhawk.rows import Row
from podhawk.settings.switches import NAMES, chosen
from podhawk.spl.text import plain
from support.golden_case import compared, run_case

Rows = list[dict[str, Any]]
LONG = '{"pad":"' + "x" * 5000 + '","late":"1"}'

CASES: list[tuple[str, list[Any], str, Rows, Rows, dict[str, Any]]] = [
    (
        "macro-keeps-quotes",
        [{"m": 'say "x y"'}],
        '`m("x y")` | stats count',
        [{"count": "0"}],
        [{"count": "1"}],
        {"macros": {"m(1)": {"args": ["v"], "definition": "m=*$v$"}}},
    ),
    ("phrase-boundaries", [{"m": "mysecrets"}], '"secret" | stats count', [{"count": "1"}], [{"count": "0"}], {}),
    ("field-names-any-case", [{"User": "a"}], "user=a | stats count", [{"count": "0"}], [{"count": "1"}], {}),
    ("search-multivalue-all", [{"ip": ["1", "2"]}], "ip{}=1 | stats count", [{"count": "1"}], [{"count": "0"}], {}),
    ("json-null-absent", ['{"a":null}'], "* | table a", [{"a": "null"}], [{"a": None}], {}),
    ("json-empty-text-absent", ['{"a":""}'], "* | table a", [{"a": ""}], [{"a": None}], {}),
    ("json-empty-container-value", ['{"a":{}}'], "* | table a", [{"a": None}], [{"a": ""}], {}),
    ("json-numbers-normalised", ['{"a":1.0}'], "* | table a", [{"a": "1.0"}], [{"a": "1"}], {}),
    ("json-booleans-as-digits", ['{"a":true}'], "* | table a", [{"a": "true"}], [{"a": "1"}], {}),
    ("json-duplicates-dropped", ['{"a":["x","x"]}'], "* | table a{}", [{"a{}": ["x", "x"]}], [{"a{}": "x"}], {}),
    (
        "json-nested-arrays-plain",
        ['{"a":[["x"]]}'],
        "* | table a{} a{}{}",
        [{"a{}": None, "a{}{}": "x"}],
        [{"a{}": "x", "a{}{}": None}],
        {},
    ),
    ("spath-cutoff", [LONG], "* | table late", [{"late": "1"}], [{"late": None}], {}),
    ("spath-append", ['{"a":"1"}'], "* | spath | table a", [{"a": "1"}], [{"a": ["1", "1"]}], {}),
    ("fillnull-empty", ['{"a":""}'], "* | fillnull value=x a | table a", [{"a": ""}], [{"a": "x"}], {}),
    ("stats-nothing-no-row", [{"a": "1"}], "a=2 | stats count", [{"count": "0"}], [], {}),
    ("stats-null-by-kept", [{"a": "1"}], "* | stats count by b", [], [{"b": "", "count": "1"}], {}),
    (
        "stats-multivalue-by-first",
        [{"a": ["x", "y"]}],
        "* | stats count by a{}",
        [{"a{}": "x", "count": "1"}, {"a{}": "y", "count": "1"}],
        [{"a{}": "x", "count": "1"}],
        {},
    ),
    ("stats-count-rows", [{"a": ["x", "y"]}], "* | stats count(a{}) as n", [{"n": "2"}], [{"n": "1"}], {}),
    (
        "percentile-nearest-rank",
        [{"n": n} for n in range(1, 11)],
        "* | stats perc50(n) as p",
        [{"p": "5.5"}],
        [{"p": "5"}],
        {},
    ),
    (
        "eventstats-null-by-kept",
        [{"a": "1"}],
        "* | eventstats count by b | table count",
        [{"count": None}],
        [{"count": "1"}],
        {},
    ),
    ("mvexpand-drops-empty", [{"a": "1"}], "* | mvexpand b | table a", [{"a": "1"}], [], {}),
    ("regex-missing-drops", [{"a": "1"}], '* | regex b!="x" | table a', [{"a": "1"}], [], {}),
    (
        "rex-empty-groups",
        [{"a": "x"}],
        '* | rex field=a "(?<one>x)(?<two>y)?" | table one two',
        [{"one": "x", "two": None}],
        [{"one": "x", "two": ""}],
        {},
    ),
    ("plus-needs-numbers", [{"n": "1"}], '* | eval r=n+"a" | table r', [{"r": "1a"}], [{"r": None}], {}),
    ("compare-as-text", [{"n": "1.0"}], '* | where n="1" | table n', [{"n": "1.0"}], [], {}),
    (
        "where-multivalue-first",
        [{"a": ["x", "y"]}],
        "* | where 'a{}'=\"y\" | stats count",
        [{"count": "1"}],
        [{"count": "0"}],
        {},
    ),
    ("like-any-case", [{"a": "Pod"}], '* | where like(a, "pod") | stats count', [{"count": "0"}], [{"count": "1"}], {}),
    (
        "lookup-keeps-unmatched",
        [{"k": "z", "o": "mine"}],
        "* | lookup t k OUTPUT o | table o",
        [{"o": None}],
        [{"o": "mine"}],
        {"lookups": {"t": "k,o\na,1\n"}},
    ),
    ("convert-unread-drops", [{"n": "x"}], "* | convert memk(n) | table n", [{"n": "x"}], [{"n": None}], {}),
]
GEO = {"iplocation-first-only", "iplocation-no-empty"}


@pytest.mark.parametrize(("name", "events", "spl", "default", "turned", "extra"), CASES, ids=[row[0] for row in CASES])
def test_switch(
    name: str, events: list[Any], spl: str, default: Rows, turned: Rows, extra: dict[str, Any], tmp_path: Path
) -> None:
    for number, (switches, expected) in enumerate((([], default), ([name], turned))):
        folder = tmp_path / str(number)
        folder.mkdir()
        rows = run_case({"id": name, "events": events, "spl": spl, "switches": switches, **extra}, folder)
        assert compared(rows, expected) == compared(expected, expected)
        assert len(rows) == len(expected)


class Places:
    """A database of one address, of which only the country is known."""

    name = "one"

    def locate(self, address: str) -> dict[str, str] | None:
        return {"Country": "Chile"} if address == "203.0.113.9" else None


@pytest.mark.parametrize(
    ("name", "default", "turned"), [("iplocation-first-only", "Chile", None), ("iplocation-no-empty", "", None)]
)
def test_geo_switch(name: str, default: str | None, turned: str | None) -> None:
    from podhawk.commands.context import Context
    from podhawk.functions.declare import Env

    field = "Country" if name == "iplocation-first-only" else "City"
    node = parse_search(plain("* | iplocation ip")).stages[1].node
    for switches, expected in ((frozenset(), default), (frozenset({name}), turned)):
        context = Context(env=Env(switches=switches), geo=Places())
        assert IPLOCATION.stream is not None
        rows = list(IPLOCATION.stream(node, context)([Row({"ip": ("10.0.0.1", "203.0.113.9")})]))
        assert rows[0].get(field) == expected


def test_every_switch_is_shown_here() -> None:
    assert {row[0] for row in CASES} | GEO == NAMES


def test_an_unknown_switch_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown switch") as caught:
        chosen(["fillnul-empty"])
    assert "fillnull-empty" in caught.value.remedy
