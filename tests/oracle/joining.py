"""Commands that bring in other rows, or hand theirs on, once more."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from oracle.aggregate import chosen, pattern
from oracle.clause import holds
from oracle.documents import load, shown
from oracle.env import Env, Refused, Row, Rows
from oracle.models import dataset
from oracle.subsearches import formatted, quoted, shown_in
from oracle.values import many, number, one_or_many
from podhawk.commands.parse import parse_search
from podhawk.spl.text import plain

MARKS = {"fieldstr": "<<FIELD>>", "matchstr": "<<MATCHSTR>>", "itemstr": "<<ITEM>>", "iterstr": "<<ITER>>"}
MARKS |= {f"matchseg{place}": f"<<MATCHSEG{place}>>" for place in (1, 2, 3)}


def append(node: Any, rows: Rows, env: Env) -> Rows:
    return rows + env.run(node.pipeline.stages, None, env)[: node.maxout]


def appendpipe(node: Any, rows: Rows, env: Env) -> Rows:
    return rows + env.run(node.inner.stages, [dict(row) for row in rows], env)


def appendcols(node: Any, rows: Rows, env: Env) -> Rows:
    others = env.run(node.pipeline.stages, None, env)[: node.maxout]
    made: Rows = []
    for row, other in itertools.zip_longest(rows, others, fillvalue={}):
        other = {name: given for name, given in other.items() if not name.startswith("_")}
        made.append({**row, **other} if node.override else {**other, **row})
    return made


def join(node: Any, rows: Rows, env: Env) -> Rows:
    right = dataset(node.right, env) if hasattr(node.right, "kind") else env.run(node.right.stages, None, env)
    mine = [pair[0] for pair in node.pairs] or list(node.names)
    theirs = [pair[1] for pair in node.pairs] or list(node.names)
    if not mine:
        both = {name for row in rows for name in row} & {name for row in right for name in row}
        mine = theirs = sorted(name for name in both if not name.startswith("_"))
    made: Rows = []
    for row in rows:
        found = [
            other
            for other in right
            if mine
            and all(
                a in row and b in other and many(row[a]) == many(other[b]) for a, b in zip(mine, theirs, strict=True)
            )
            and in_time(node, row, other)
        ]
        found = found[: node.limit] if node.limit else found
        made += [merged(node, row, other) for other in found]
        if not found and node.outer:
            made.append(merged(node, row, {}))
    return made


def in_time(node: Any, row: Row, other: Row) -> bool:
    first, second = number(row.get("_time")), number(other.get("_time"))
    if not node.usetime or first is None or second is None:
        return True
    return math.floor(second) <= math.floor(first) if node.earlier else math.floor(second) >= math.floor(first)


def merged(node: Any, row: Row, other: Row) -> Row:
    if node.aliases is None:
        return {**row, **other} if node.overwrite else {**other, **row}
    left, right = node.aliases
    made = {name if name.startswith("_") else f"{left}.{name}": given for name, given in row.items()}
    return made | {f"{right}.{name}": given for name, given in other.items() if not name.startswith("_")}


def union(node: Any, rows: Rows, env: Env) -> Rows:
    made = [] if node.first else list(rows)
    for part in node.parts:
        made += dataset(part, env) if hasattr(part, "kind") else env.run(part.stages, None, env)[: node.maxout]
    return made


def multisearch(node: Any, rows: Rows, env: Env) -> Rows:
    """Its commands look at one event at a time, so each search can be run over each event."""
    made: Rows = []
    for event in env.run((), None, env):
        for pipeline in node.pipelines:
            made += env.run(pipeline.stages, [event], env)
    return made


def set_operation(node: Any, rows: Rows, env: Env) -> Rows:
    tables = [env.run(pipeline.stages, None, env) for pipeline in (node.first, node.second)]
    keyed = [[visible(row) for row in table] for table in tables]
    made: Rows = []
    seen: list[Any] = []
    for table, keys, others in zip(tables, keyed, reversed(keyed), strict=True):
        for row, key in zip(table, keys, strict=True):
            wanted = node.operation == "union" or (key in others) == (node.operation == "intersect")
            if wanted and key not in seen:
                seen.append(key)
                made.append(row)
    return made


def visible(row: Row) -> Any:
    return {name: many(given) for name, given in row.items() if not name.startswith("_")}


def map_(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    marks = re.compile(r"\$([A-Za-z_][\w.]*)\$")
    for count, row in enumerate(rows[: node.maxsearches], 1):
        known = {**row, "_serial_id": str(count)}
        if any(name not in known for name in marks.findall(node.search)):
            continue
        words = marks.sub(
            lambda found, known=known: shown_in(node.search, found[0], " ".join(many(known[found[1]])), found.start()),
            node.search,
        )
        made += env.run(parse_search(plain(words)).stages, None, env)
    return made


def foreach(node: Any, rows: Rows, env: Env) -> Rows:
    if node.marks:
        words = node.template
        for option, spelling in sorted(node.marks, key=lambda mark: -len(mark[1])):
            words = words.replace(spelling, MARKS[option])
        node = replace(node, template=words, marks=())
    if node.mode == "multifield":
        return each_field(node, rows, env)
    made: Rows = []
    for row in rows:
        one = [row]
        for place, item in enumerate(items(node, row)):
            words = node.template.replace("<<ITER>>", str(place)).replace("<<FIELD>>", node.names[0])
            words = re.sub(
                "<<ITEM>>",
                lambda found, words=words, item=item: shown_in(words, found[0], item, found.start()),
                words,
            )
            one = env.run(stages_of(words), one, env)
        made += one
    return made


def items(node: Any, row: Row) -> list[str]:
    given = row.get(node.names[0])
    if node.mode == "multivalue" or (node.mode == "auto_collections" and isinstance(given, tuple)):
        return many(given)
    found: list[str] = []
    for word in many(given):
        document = load(word)
        if isinstance(document, list):
            found += [shown(item) for item in document]
        elif node.mode == "auto_collections":
            found.append(word)
    return found


def stages_of(words: str) -> Any:
    return parse_search(plain(f"search * | {words}")).stages[1:]


def each_field(node: Any, rows: Rows, env: Env) -> Rows:
    have = sorted({name for row in rows for name in row})
    meant = dict.fromkeys(name for one in node.names for name in have if chosen((one,), name))
    for name in meant:
        one = next(one for one in node.names if chosen((one,), name))
        matched = re.fullmatch(pattern(one), name, re.DOTALL)
        assert matched is not None
        words = node.template.replace("<<FIELD>>", name).replace("<<MATCHSTR>>", "".join(matched.groups()))
        for place in range(3):
            segment = matched.groups()[place] if place < len(matched.groups()) else ""
            words = words.replace(f"<<MATCHSEG{place + 1}>>", segment)
        stages = stages_of(words)
        only_eval = all(stage.name == "eval" for stage in stages)
        changed = env.run(stages, [dict(row) for row in rows], env)
        # A row without the field keeps what eval would have set to null.
        rows = [
            {**before, **after} if only_eval and name not in before else after
            for before, after in (zip(rows, changed, strict=True) if only_eval else zip(changed, changed, strict=True))
        ]
    return rows


def format_(node: Any, rows: Rows, env: Env) -> Rows:
    return [{"search": formatted(rows, node.wrapping, node.mvsep, node.maxresults, node.emptystr)}]


def return_(node: Any, rows: Rows, env: Env) -> Rows:
    parts: list[str] = []
    for row in rows[: node.count]:
        words: list[str] = []
        for item in node.items:
            values = many(row.get(item.field))
            made = [f"{item.alias}={quoted(value)}" if item.alias else value for value in values]
            words += [made[0] if len(made) == 1 else f"({' OR '.join(made)})"] if made else []
        parts += [" ".join(words)] if any(words) else []
    return [{"search": parts[0] if len(parts) == 1 else " OR ".join(f"({part})" for part in parts)}]


def lookup(node: Any, rows: Rows, env: Env) -> Rows:
    table = env.tables[node.table]
    columns = list(dict.fromkeys(name for line in table for name in line))
    keyed = [column for column, _ in node.keys]
    outputs = node.outputs or [(column, column) for column in columns if column not in keyed]
    made: Rows = []
    for row in rows:
        row = dict(row)
        wanted = [pair for pair in outputs if node.clause != "outputnew" or pair[1] not in row]
        found: dict[str, list[str]] = {name: [] for _, name in wanted}
        for values in itertools.product(*(many(row.get(name)) for _, name in node.keys)):
            hits = [line for line in table if all(line.get(c) == v for c, v in zip(keyed, values, strict=True))]
            for column, name in wanted:
                found[name] += [line[column] for line in hits[:100] if column in line]
        for name, values in found.items():
            row.pop(name, None)
            if values:
                row[name] = one_or_many(values)
        made.append(row)
    return made


def inputlookup(node: Any, rows: Rows, env: Env) -> Rows:
    found = [dict(line) for line in env.tables[node.table][node.first :] if holds(node.where, line, env.now)]
    return (rows if node.append else []) + found[: node.max]


def inputcsv(node: Any, rows: Rows, env: Env) -> Rows:
    name = node.file.removesuffix(".csv")
    if name not in env.files:
        raise Refused(name)
    found = [dict(line) for line in env.files[name][node.first :]]
    found = [line for line in found if holds(node.where, line, env.now)]
    return (rows if node.append else []) + found[: node.most]


def cells(rows: Rows, between: str) -> Rows:
    """Rows as a file keeps them: texts, without empty ones and without internal fields but the time."""
    return [
        {
            name: between.join(many(given))
            for name, given in row.items()
            if (not name.startswith("_") or name in ("_time", "_raw")) and between.join(many(given))
        }
        for row in rows
    ]


def outputlookup(node: Any, rows: Rows, env: Env) -> Rows:
    kept = cells(rows if node.max is None else rows[: node.max], " ")
    old = env.tables.get(node.table, [])
    columns = {name for line in old for name in line}
    if node.key_field and kept:
        # A row takes the place of the one with the same key.
        key = node.key_field
        merged_ = {line.get(key, f"old {place}"): line for place, line in enumerate(old)}
        env.tables[node.table] = list(
            (merged_ | {line.get(key, f"new {i}"): line for i, line in enumerate(kept)}).values()
        )
    elif kept or (not node.append and (node.override_if_empty if node.table in env.tables else node.create_empty)):
        if node.append and columns:
            kept = old + [{name: given for name, given in line.items() if name in columns} for line in kept]
        env.tables[node.table] = kept
    return rows


def outputcsv(node: Any, rows: Rows, env: Env) -> Rows:
    name = node.file.removesuffix(".csv")
    if rows or node.create_empty:
        env.files[name] = [*(env.files.get(name, []) if node.append else []), *cells(rows, "\n")]
    return rows


def tscollect(node: Any, rows: Rows, env: Env) -> Rows:
    name = f"tsidx_{node.namespace}"
    lower = [{key: given.lower() if isinstance(given, str) else given for key, given in row.items()} for row in rows]
    env.files[name] = env.files.get(name, []) + cells(lower if node.squashcase else rows, "\n")
    return rows if node.keepresults else []


def iplocation(node: Any, rows: Rows, env: Env) -> Rows:
    names = ["City", "Country", "Region", "lat", "lon"]
    names += ["Continent", "MetroCode", "Timezone"] if node.allfields else []
    made: Rows = []
    for row in rows:
        place = next((env.places[word] for word in many(row.get(node.field)) if word in env.places), None)
        made.append({**row, **({node.prefix + name: place.get(name, "") for name in names} if place else {})})
    return made


COMMANDS: dict[str, Callable[[Any, Rows, Env], Rows]] = {
    "append": append,
    "appendpipe": appendpipe,
    "appendcols": appendcols,
    "join": join,
    "union": union,
    "multisearch": multisearch,
    "set": set_operation,
    "map": map_,
    "foreach": foreach,
    "format": format_,
    "return": return_,
    "lookup": lookup,
    "inputlookup": inputlookup,
    "inputcsv": inputcsv,
    "outputlookup": outputlookup,
    "outputcsv": outputcsv,
    "tscollect": tscollect,
    "iplocation": iplocation,
}
