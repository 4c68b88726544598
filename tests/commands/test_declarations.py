"""What commands declare of themselves is true of what they do.

Every stage of every command's examples, and some with other options, is run over generated rows, and each thing that
the command says of itself is looked for in what comes out.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from podhawk.commands.catalog import COMMANDS, Catalog
from podhawk.commands.context import Context, NoLookups
from podhawk.commands.declare import Kind, Stage
from podhawk.commands.parse import parse_search
from podhawk.commands.properties import Effect, Resources
from podhawk.commands.registry import SUPPORTED
from podhawk.commands.shared.groups import keys_of
from podhawk.engine.plan.stages import run_pipeline, run_stage, run_stages
from podhawk.functions.declare import Env, Volatility
from podhawk.functions.evaluate import compile_condition
from podhawk.functions.predicates import compile_clause
from podhawk.rows import Filled, OrderKey, Row, Table
from podhawk.rows.values import as_number
from podhawk.spl.expression import Expression
from podhawk.spl.text import plain
from support.lookup_table import TeamFiles

TAG = "tag"
"""A column that no search names: it tells which row is which."""
MORE = (
    "sort 0 -n",
    "sort 2 n",
    "sort - n",
    "dedup user keepempty=t",
    "dedup 2 user consecutive=t",
    "head n<3",
    "fields - user",
    "fields u*",
    "table u* n",
    "fillnull",
    "fillnull value=none u*",
    "fillnull value=none user verb",
    "filldown",
    "bin n",
    "bin span=5 n",
    "bin span=5 n AS m",
    "convert auto(n)",
    "convert num(n) AS m",
    "convert rmcomma(u*) AS v*",
    "convert rmcomma(n) AS m num(m)",
    "convert rmcomma(n) AS m num(m) AS verb",
    "convert num(u*) none(user)",
    "convert ctime(_time) none(n)",
    'convert timeformat="%H:%M" mktime(verb)',
    "addtotals n m fieldname=user",
    "addtotals n",
    "rename user AS n",
    "rename user AS who, who AS verb",
    "rename u* AS v*",
    "rename n AS m, user AS n",
    "replace a WITH b",
    "eval user=verb, n=user",
    "eval {user}=n",
    "eval n=now()+1",
    "eval n=random()",
    "where n>1 AND isnotnull(user)",
    "search n>1 user=a*",
    "search earliest=-1h",
    "regex user!=a",
    'rex field=user "(?<verb>.)" offset_field=at',
    'rex field=user mode=sed "s/a/b/"',
    "stats count by user verb",
    "stats sum(n) as s max(n) as m dc(user) values(user) as users first(verb) as one by verb",
    "stats values(u*) AS v* by n",
    "stats count(eval(n>2)) as few count",
    "eventstats count sum(n) as n by user",
    "streamstats count by user",
    "chart count over user",
    "chart count over n span=5",
    "chart sum(n) over user by verb",
    "timechart span=1h count by user",
    "top user by verb",
    "top limit=1 useother=t user",
    "rare verb",
    "mvexpand user limit=1",
    'makemv delim="," user',
    "nomv user",
    "spath input=user",
    "spath input=_raw path=a output=user",
    "extract",
    "xmlkv",
    "fromjson _raw prefix=j_",
    "multikv",
    "lookup t user",
    "lookup t user OUTPUT team AS verb",
    "lookup t user OUTPUTNEW team AS verb",
    "iplocation user",
    "inputlookup append=t t",
    "outputlookup t",
    "appendpipe [ lookup t user | stats count ]",
    "foreach n [ eval <<FIELD>>=now() ]",
    "join user [ search verb=get ]",
    "join user lookup:t",
    "union lookup:t",
    "transaction user",
    "mvcombine verb",
    'map search="search verb=$verb$ | lookup t user | iplocation user"',
    "foreach user [ lookup t <<FIELD>> ]",
)
VALUES = ("1", "2", "3", "10", "12,5", "a", "b", "ab", "192.0.2.1", '{"a":"x","user":"y"}', ("a", "b"), ("1", "a"))
RAWS = ('{"a":"7","user":"z"}', "user=q n=3 other=1", "<user>x</user><m>2</m>", "Name  Age\nAnn   3\nBob   4", "word")
SEEDS = range(3)


class Tables(NoLookups):
    """One lookup table, and which are asked for."""

    fields = ("user", "team")
    rows = ({"user": "a", "team": "red"}, {"user": "b", "team": "blue"})

    def __init__(self) -> None:
        self.read: set[str] = set()
        self.written: set[str] = set()

    def get(self, name: str) -> Any:
        self.read.add(name)
        return self

    def outputs(self, inputs: Mapping[str, str], wanted: Sequence[str]) -> dict[str, Any]:
        found = next((row for row in self.rows if row["user"] == inputs.get("user")), {})
        return {name: found[name] for name in wanted if name in found}

    def write(self, name: str, rows: Any, columns: Any, append: bool) -> None:
        self.written.add(name)


class Places:
    """A database of places, and whether it is asked."""

    name = "places"
    asked = False

    def locate(self, address: str) -> Mapping[str, str] | None:
        self.asked = True
        return {"Country": "Utopia"} if address == "192.0.2.1" else None


class Models:
    """Data models without rows, and which are asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def rows(self, model: str, dataset: str) -> Iterable[Row]:
        self.asked.add(model)
        return ()


def context(now: float = 1_000_000.0) -> Context:
    made = Context(env=Env(now=now), lookups=Tables(), geo=Places(), datasets=Models(), files=TeamFiles())
    made.run = lambda pipeline: run_pipeline(pipeline, rows_of(99, ("user", "verb")), made)
    made.run_stages = lambda stages, table: run_stages(stages, table, made)
    return made


def stages() -> list[Any]:
    """Each stage once: those of the examples, and those above."""
    found: dict[str, Stage] = {}
    examples = [example.search for command in SUPPORTED for example in command.examples]
    for search in [*examples, *(f"* | {one}" for one in MORE)]:
        for stage in parse_search(plain(search)).stages:
            found.setdefault(f"{stage.name} {stage.command.render(stage.node)}", stage)
    return [pytest.param(stage, id=name[:70]) for name, stage in found.items()]


STAGES = stages()
FED = [one for one in STAGES if one.values[0].kind is not Kind.GENERATING]


def names_of(stage: Stage) -> tuple[str, ...]:
    """The fields that play a part for a stage, and some others."""
    read = stage.command.reads(stage.node, frozenset()) or ()
    made = stage.command.columns(stage.node, ()) or ()
    plain_names = [name for name in (*read, *made, *(stage.groups or ())) if not name.startswith("_")]
    return tuple(dict.fromkeys((*sorted(plain_names), "user", "verb", "n", "m")))


def rows_of(seed: int, names: Sequence[str], without: Iterable[str] = ()) -> list[Row]:
    chance = random.Random(f"{seed} {names}")
    rows = []
    for number in range(12):
        fields: dict[str, Any] = {name: chance.choice(VALUES) for name in names if chance.random() < 0.75}
        fields |= {"_time": 1_000_000 - 600 * number, "_raw": chance.choice(RAWS), TAG: f"row {number}"}
        rows.append(Row({k: v for k, v in fields.items() if k not in without}, OrderKey(float(number), 0.0, (number,))))
    return rows


def given(stage: Stage, rows: Iterable[Row], now: float = 1_000_000.0) -> Table:
    """What a stage makes of rows, which stay as they are."""
    return run_stage(stage, Table(copy.deepcopy(list(rows))), context(now))


def shown(rows: Iterable[Row]) -> list[dict[str, Any]]:
    return [dict(row) for row in rows]


def test_a_refused_command_says_nothing_and_the_others_all_say_what_they_do_to_rows() -> None:
    saying_nothing = {one.name for one in COMMANDS.values() if not _says(one.name)}
    assert saying_nothing == {one.name for one in COMMANDS.values() if one.refused} | {"map"}


def _says(name: str) -> bool:
    command = COMMANDS[name]
    own = [stage.values[0] for stage in STAGES if stage.values[0].name == name]
    return not command.refused and all(stage.effect is not Effect.UNKNOWN for stage in own)


@pytest.mark.parametrize("stage", FED)
def test_effect(stage: Stage) -> None:
    for seed in SEEDS:
        rows = rows_of(seed, names_of(stage))
        after = shown(given(stage, rows).rows)
        match stage.effect:
            case Effect.KEEPS:
                assert len(after) == len(rows)
                if all(TAG in row for row in after):
                    assert sorted(row[TAG] for row in after) == sorted(str(row[TAG]) for row in rows)
            case Effect.FILTERS | Effect.EXPANDS:
                assert after == [one for row in rows for one in shown(given(stage, [row]).rows)]
                if stage.effect is Effect.FILTERS:
                    assert all(row in shown(rows) for row in after)
            case Effect.LIMITS:
                assert {row[TAG] for row in after} <= {row[TAG] for row in rows}
                assert len(after) == len({row[TAG] for row in after})
            case Effect.GROUPS:
                assert stage.groups is not None
                keys = {key for row in rows for key in keys_of(row, stage.groups)}
                assert len(after) == len(keys)
                for row in after:
                    key = tuple(row[name] for name in stage.groups)
                    alone = [one for one in rows if key in set(keys_of(one, stage.groups))]
                    assert row in shown(given(stage, alone).rows)


@pytest.mark.slow
@pytest.mark.parametrize("stage", FED)
def test_a_column_is_made_of_what_it_is_said_to_be(stage: Stage) -> None:
    in_place = stage.effect is Effect.KEEPS
    for seed in SEEDS:
        rows = rows_of(seed, names_of(stage))
        after = given(stage, rows).rows
        for name in sorted({column for row in (*rows, *after) for column in row}):
            sources = stage.command.made(stage.node, name)
            if not sources:
                assert not any(name in row for row in after), name
            if any(one.total for one in sources):
                assert all(name in row for row in after), name
            if in_place and not any(one.aggregated for one in sources) and _immutable(stage):
                for row, out in zip(rows, _aligned(rows, after), strict=True):
                    if not isinstance(out.get(name), Filled):  # which fillnull puts in where others have something
                        assert given(stage, [row]).rows[0].get(name) == out.get(name), name
            if in_place and all(one.unchanged and not one.aggregated for one in sources):
                for row, out in zip(rows, _aligned(rows, after), strict=True):
                    held = [row[of] for one in sources for of in one.of or () if of in row]
                    assert out.get(name) == (held[0] if held else None), name
            if all(one.unchanged for one in sources):
                own = {of for one in sources for of in one.of or ()}
                values = {text for row in rows for of in own for text in _texts(row.get(of))}
                assert {text for row in after for text in _texts(row.get(name))} <= values, name
            if sources and all(one.strict and one.of is not None for one in sources):
                without = {of for one in sources for of in one.of or ()}
                assert not any(name in row for row in given(stage, rows_of(seed, names_of(stage), without)).rows), name


@pytest.mark.parametrize("stage", [one for one in FED if one.values[0].effect is Effect.KEEPS])
def test_a_column_hangs_on_no_other_columns_than_it_is_said_to(stage: Stage) -> None:
    if not _immutable(stage):
        return
    names = names_of(stage)
    for seed in SEEDS:
        rows = rows_of(seed, names)
        after = _aligned(rows, given(stage, rows).rows)
        for name in sorted({column for row in after for column in row} - {TAG}):
            sources = stage.command.made(stage.node, name)
            if any(one.of is None for one in sources):
                continue
            kept = {of for one in sources for of in one.of or ()} | {TAG, "_time"}
            mixed = [
                Row(
                    {name: value for name, value in other.items() if name not in kept}
                    | {name: value for name, value in row.items() if name in kept},
                    row.order,
                )
                for row, other in zip(rows, rows_of(seed + 1000, names), strict=True)
            ]
            again = _aligned(mixed, given(stage, mixed).rows)
            assert [row.get(name) for row in again] == [row.get(name) for row in after], name


def _aligned(before: Sequence[Row], after: Sequence[Row]) -> Sequence[Row]:
    """The rows after a command that keeps them, in the order of those before it, as far as they can be told apart."""
    if not all(TAG in row for row in after):
        return after
    place = {row[TAG]: number for number, row in enumerate(before)}
    return sorted(after, key=lambda row: place[row[TAG]])


def _texts(value: Any) -> tuple[Any, ...]:
    return () if value is None else value if isinstance(value, tuple) else (value,)


def _immutable(stage: Stage) -> bool:
    return stage.command.volatility(stage.node) is Volatility.IMMUTABLE


@pytest.mark.parametrize("stage", [one for one in FED if one.values[0].effect is Effect.GROUPS])
def test_what_grows_only_grows(stage: Stage) -> None:
    growing = [
        name
        for name in stage.command.columns(stage.node, ()) or ()
        if any(one.growing for one in stage.command.made(stage.node, name))
    ]
    for seed in SEEDS:
        rows = [row for row in rows_of(seed, names_of(stage)) if as_number(row.get("n")) is not None]
        known: dict[tuple[Any, ...], dict[str, float]] = {}
        for number in range(1, len(rows) + 1):
            for row in given(stage, rows[:number]).rows:
                before = known.setdefault(tuple(row[name] for name in stage.groups or ()), {})
                for name in growing:
                    value = as_number(row.get(name))
                    if value is not None:
                        assert value >= before.get(name, value), name
                        before[name] = float(value)


@pytest.mark.parametrize("stage", STAGES)
def test_volatility(stage: Stage) -> None:
    volatility = stage.command.volatility(stage.node)
    rows = rows_of(1, names_of(stage))

    def result(now: float) -> list[dict[str, Any]]:
        return shown(given(stage, rows, now).rows)

    if volatility is not Volatility.VOLATILE:
        assert result(1_000_000.0) == result(1_000_000.0)
    if volatility is Volatility.IMMUTABLE:
        assert result(1_000_000.0) == result(9_000_000.0)


@pytest.mark.parametrize("stage", STAGES)
def test_resources(stage: Stage) -> None:
    declared = stage.command.resources(stage.node)
    asked = context()
    run_stage(stage, Table(rows_of(1, names_of(stage))), asked)
    assert isinstance(asked.lookups, Tables)
    assert isinstance(asked.geo, Places)
    assert isinstance(asked.datasets, Models)
    assert asked.lookups.read <= {*declared.lookups, *declared.written}
    assert asked.lookups.written <= set(declared.written)
    assert asked.geo.asked <= declared.geo
    assert asked.datasets.asked <= {name.partition(".")[0] for name in declared.models}
    assert declared | Resources() == declared


@pytest.mark.parametrize("stage", FED)
def test_condition_and_filling(stage: Stage) -> None:
    rows = rows_of(3, names_of(stage))
    after = shown(given(stage, rows).rows)
    condition = stage.condition
    if condition is not None:
        env = context().env
        test = (
            compile_condition(condition, env, stage.source or plain(""))
            if isinstance(condition, Expression)
            else compile_clause(condition, env)
        )
        assert after == shown(row for row in rows if test(row))
    fills = stage.command.fills(stage.node)
    if fills is not None:
        assert after == [{**fills, **row} for row in shown(rows)]


@pytest.mark.parametrize("stage", STAGES)
def test_grouping_by_the_same_fields_is_the_same(stage: Stage) -> None:
    if stage.command.with_groups is not None:
        assert stage.groups is not None
        assert stage.command.with_groups(stage.node, stage.groups) == stage.node
        assert stage.command.groups(stage.command.with_groups(stage.node, ("other",))) == ("other",)


def test_the_table_of_commands_takes_no_name_twice() -> None:
    catalog = Catalog()
    catalog.enter(*SUPPORTED)
    version = catalog.version
    with pytest.raises(ValueError, match="'stats'"):
        catalog.enter(COMMANDS["stats"])
    assert (len(catalog.supported()), catalog.version) == (len(SUPPORTED), version)
