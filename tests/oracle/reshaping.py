"""The commands that reshape rows and their values, once more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from oracle.aggregate import chosen, pattern
from oracle.documents import json_of, load
from oracle.env import Env
from oracle.values import many, number, one_or_many

Row = dict[str, Any]
Rows = list[Row]


def reverse(node: Any, rows: Rows, env: Env) -> Rows:
    return list(reversed(rows))


def unchanged(node: Any, rows: Rows, env: Env) -> Rows:
    return rows


def uniq(node: Any, rows: Rows, env: Env) -> Rows:
    def cells(row: Row) -> dict[str, list[str]]:
        return {name: many(given) for name, given in row.items()}

    return [row for place, row in enumerate(rows) if place == 0 or cells(row) != cells(rows[place - 1])]


def strcat(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for row in rows:
        parts = [part.text if part.literal else row.get(part.text) for part in node.parts]
        if node.allrequired and None in parts:
            made.append(row)
            continue
        joined = "".join("\n".join(many(part)) for part in parts if part is not None)
        made.append({**row, node.target: joined})
    return made


def rangemap(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for row in rows:
        amounts = [number(one) for one in many(row.get(node.field))]
        names = [one.name for one in node.ranges if any(a is not None and one.low <= a <= one.high for a in amounts)]
        made.append({**row, "range": one_or_many(names) or node.default})
    return made


def transpose(node: Any, rows: Rows, env: Env) -> Rows:
    chosen = rows[: node.count] if node.count else rows
    fields = sorted({name for row in rows for name in row if not name.startswith("_")})
    made: Rows = []
    for field in fields:
        if field == node.header_field:
            continue
        line: Row = {node.column_name: field}
        for place, row in enumerate(chosen, 1):
            name = many(row.get(node.header_field))[:1] if node.header_field else [f"row {place}"]
            if name and name[0] and field in row:
                line[name[0]] = row[field]
        if node.include_empty or len(line) > 1:
            made.append(line)
    return made


def tojson(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for row in rows:
        members = []
        for name in sorted(row):
            kinds = [one.type for one in node.fields if chosen(one.names, name)]
            if (node.fields and not kinds) or (not node.fields and name.startswith("_") and not node.include_internal):
                continue
            kind = (kinds[0] if kinds else "") or node.default_type
            parts = [typed(part, kind, isinstance(row[name], int | float)) for part in many(row[name])]
            kept = [part for part in parts if part is not None]
            if kept:
                whole = f"[{','.join(kept)}]" if isinstance(row[name], tuple) else kept[0]
                members.append(f"{json.dumps(name, ensure_ascii=False)}:{whole}")
            elif node.fill_null:
                members.append(f"{json.dumps(name, ensure_ascii=False)}:null")
        made.append({**row, node.output_field: "{" + ",".join(members) + "}"})
    return made


def typed(given: str, kind: str, numeric: bool) -> str | None:
    """One value as JSON of a type, or None where it does not suit."""
    amount = number(given)
    if kind == "bool":
        words = {"true": True, "t": True, "yes": True, "false": False, "f": False, "no": False}
        known = words.get(given.lower(), None if amount is None else amount != 0)
        return None if known is None else json.dumps(known)
    if kind == "json":
        document = load(given)
        return None if document is ... else json_of(document)
    if kind == "num" or (kind == "none" and numeric):
        return given if amount is not None else None
    if kind == "auto":
        return automatic(given)
    return json.dumps(given, ensure_ascii=False)


def automatic(given: str) -> str:
    document = load(given)
    return json.dumps(given, ensure_ascii=False) if document is ... else json_of(document)


def selfjoin(node: Any, rows: Rows, env: Env) -> Rows:
    groups: dict[Any, Rows] = {}
    for row in rows:
        if all(name in row for name in node.names):
            groups.setdefault(tuple(tuple(many(row[name])) for name in node.names), []).append(row)
    made: Rows = []
    for members in groups.values():
        if len(members) == 1:
            made += members if node.keepsingle else []
            continue
        *others, main = members
        joined = dict(main)
        for other in reversed(others[: node.most] if node.most else others):
            joined = (
                {**joined, **other}
                if node.overwrite
                else {**joined, **{k: v for k, v in other.items() if k not in main}}
            )
        made.append(joined)
    return made


def filldown(node: Any, rows: Rows, env: Env) -> Rows:
    names = sorted({name for row in rows for name in row if chosen(node.names or ("*",), name)})
    made: Rows = []
    for place, row in enumerate(rows):
        row = dict(row)
        for name in names:
            earlier = [before[name] for before in rows[:place] if name in before]
            if name not in row and earlier:
                row[name] = earlier[-1]
        made.append(row)
    return made


def untable(node: Any, rows: Rows, env: Env) -> Rows:
    header = dict.fromkeys(name for row in rows for name in row)
    return [
        {node.x: row[node.x], node.y: name, node.data: row[name]}
        for row in rows
        if node.x in row
        for name in header
        if name != node.x and not name.startswith("_") and name in row
    ]


def mvcombine(node: Any, rows: Rows, env: Env) -> Rows:
    made: list[tuple[Any, Row, list[str]]] = []
    for row in rows:
        key = {name: many(given) for name, given in row.items() if name != node.field}
        known = next((one for one in made if one[0] == key), None) if node.field in row else None
        if known is not None:
            known[2].extend(many(row[node.field]))
        else:
            made.append((key if node.field in row else None, dict(row), many(row.get(node.field))))
    for key, row, values in made:
        if key is not None and len(values) > 1:
            row[node.field] = Joined(values, node.delim)
    return [row for _, row, _ in made]


class Joined(tuple[str, ...]):
    """The values that mvcombine has put together, and what nomv puts between them."""

    delim = "\n"

    def __new__(cls, values: list[str], delim: str) -> Joined:
        made = super().__new__(cls, values)
        made.delim = delim
        return made


def nomv(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for row in rows:
        given = row.get(node.field)
        if isinstance(given, tuple):
            row = {**row, node.field: (given.delim if isinstance(given, Joined) else "\n").join(given)}
        made.append(row)
    return made


def replace(node: Any, rows: Rows, env: Env) -> Rows:
    pairs = dict(node.pairs)

    def one(word: str) -> str:
        """The pair whose old value is the word itself, else the one with the most characters besides *."""
        if word in pairs:
            return pairs[word]
        fitting = [
            (len(old.replace("*", "")), place, old, new)
            for place, (old, new) in enumerate(node.pairs)
            if "*" in old and re.fullmatch(pattern(old), word, re.DOTALL)
        ]
        if not fitting:
            return word
        _, _, old, new = max(fitting)
        found = re.fullmatch(pattern(old), word, re.DOTALL)
        assert found is not None
        parts = new.split("*")
        return "".join(a + b for a, b in zip(parts, [*found.groups(), ""], strict=True)) if len(parts) > 1 else new

    def swapped(given: Any) -> Any:
        parts = [one(part) for part in many(given)]
        return given if parts == many(given) else one_or_many(parts)

    return [
        {name: swapped(given) if chosen(node.names or ("*",), name) else given for name, given in row.items()}
        for row in rows
    ]


def outputtext(node: Any, rows: Rows, env: Env) -> Rows:
    def escaped(raw: str) -> str:
        if not node.usexml:
            return raw
        return raw.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    return [{**row, "_xml": escaped("\n".join(many(row["_raw"])))} if "_raw" in row else row for row in rows]


def xmlunescape(node: Any, rows: Rows, env: Env) -> Rows:
    def plain(part: str) -> str:
        for written, meant in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
            part = part.replace(written, meant)
        return part

    return [
        {
            name: tuple(plain(part) for part in given)
            if isinstance(given, tuple)
            else plain(given)
            if isinstance(given, str)
            else given
            for name, given in row.items()
        }
        for row in rows
    ]


COMMANDS: dict[str, Callable[[Any, Rows, Env], Rows]] = {
    "reverse": reverse,
    "noop": unchanged,
    "tags": unchanged,
    "uniq": uniq,
    "strcat": strcat,
    "rangemap": rangemap,
    "transpose": transpose,
    "tojson": tojson,
    "selfjoin": selfjoin,
    "filldown": filldown,
    "untable": untable,
    "mvcombine": mvcombine,
    "nomv": nomv,
    "replace": replace,
    "outputtext": outputtext,
    "xmlunescape": xmlunescape,
}
