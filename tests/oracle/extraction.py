"""Commands that take fields out of texts, once more."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from oracle import regexes
from oracle.documents import find, load, path_of, shown
from oracle.env import Env, Row, Rows
from oracle.fields import pairs, read
from oracle.values import many, one_or_many


def put(row: Row, name: str, values: list[str]) -> None:
    if values:
        row[name] = one_or_many(values)


def rex(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for row in rows:
        row = dict(row)
        made.append(row)
        if node.sed:
            put(row, node.field, [edited(node.pattern, subject) for subject in many(row.get(node.field))])
            continue
        found: list[Any] = []
        for subject in many(row.get(node.field)):
            every = regexes.finditer(node.pattern, subject)
            found += every[: node.max_match] if node.max_match else every
        for name in found[0].re.groupindex if found else ():
            put(row, name, [match.group(name) for match in found if match.group(name) is not None])
        if node.offset_field:
            put(row, node.offset_field, ["&".join(offsets(match)) for match in found])
    return made


def offsets(match: Any) -> list[str]:
    groups = sorted(match.re.groupindex, key=lambda name: match.re.groupindex[name])
    spans = [(name, *match.span(name)) for name in groups if match.start(name) >= 0]
    return [f"{name}={start}-{max(end - 1, start)}" for name, start, end in spans]


def edited(script: str, subject: str) -> str:
    """The sed scripts s/pattern/replacement/flags and y/from/to/."""
    mark = re.escape(script[1])
    kind, first, second, flags = re.fullmatch(
        rf"\s*([sy]){mark}((?:\\.|[^\\{mark}])*){mark}((?:\\.|[^\\{mark}])*){mark}(\w*)\s*", script, re.DOTALL
    ).groups()
    first, second = (part.replace("\\" + script[1], script[1]) for part in (first, second))
    if kind == "y":
        return subject.translate(str.maketrans(first, second))
    out, at = "", 0
    for count, match in enumerate(regexes.finditer(first, subject), 1):
        if flags != "g" and count != int(flags or 1):
            continue
        filled = re.sub(r"\\(\d)", lambda found, match=match: match.group(int(found[1])) or "", second)
        out, at = out + subject[at : match.start()] + filled, match.end()
    return out + subject[at:]


def regex(node: Any, rows: Rows, env: Env) -> Rows:
    def keeps(row: Row) -> bool:
        matched = any(regexes.search(node.pattern, subject) is not None for subject in many(row.get(node.field)))
        return not matched if node.negated else matched

    return [row for row in rows if keeps(row)]


def makemv(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for row in rows:
        row = dict(row)
        parts: list[str] = []
        for subject in many(row.pop(node.field, None)):
            if node.tokenizer:
                parts += [match.group(1) or "" for match in regexes.finditer(node.tokenizer, subject)]
            else:
                parts += subject.split(node.delim)
        parts = parts if node.allowempty else [part for part in parts if part]
        put(row, node.field, [node.delim.join(parts)] if node.setsv and parts else parts)
        made.append(row)
    return made


def spath(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for row in rows:
        row = dict(row)
        found: dict[str, list[str]] = {}
        for subject in many(row.get(node.input)):
            if subject.lstrip().startswith("<"):
                for name, value in below_path(subject, node.path) if node.path else elements(subject):
                    found.setdefault(name if not node.path else node.output or node.path, []).append(value)
                continue
            document = load(subject)
            if document is ...:
                continue
            if node.path:
                values = find(document, path_of(node.path) or []) if path_of(node.path) else []
                found.setdefault(node.output or node.path, []).extend(shown(value) for value in values)
            else:
                for name, value in pairs(read(subject), ""):
                    if name:
                        found.setdefault(name, []).append(value)
        for name, values in found.items():
            put(row, name, values)
        made.append(row)
    return made


def tree_of(subject: str) -> Any:
    """The root element of an XML text, or None for what is none or declares a document type."""
    if not subject.lstrip().startswith("<") or "<!DOCTYPE" in subject:
        return None
    try:
        return ElementTree.fromstring(subject.strip())
    except ElementTree.ParseError:
        return None


def elements(subject: str) -> list[tuple[str, str]]:
    """The attributes and texts of all elements under their paths."""
    root = tree_of(subject)
    found: list[tuple[str, str]] = []

    def visit(element: Any, path: str) -> None:
        found.extend((f"{path}{{@{key}}}", value) for key, value in element.attrib.items())
        for child in element:
            visit(child, f"{path}.{child.tag}")
        words = own_text(element)
        if words:
            found.append((path, words))

    if root is not None:
        visit(root, root.tag)
    return found


def own_text(element: Any) -> str:
    return "".join([element.text or "", *(child.tail or "" for child in element)]).strip()


def below_path(subject: str, path: str) -> list[tuple[str, str]]:
    """The values at a path such as a.b{2}.c{@id}."""
    root = tree_of(subject)
    here = [root] if root is not None else []
    attribute = ""
    for place, part in enumerate(path.split(".")):
        found = re.fullmatch(r"([^{}]+)(?:\{(\d*)\})?(?:\{@([^{}]+)\})?", part)
        if not found:
            return []
        if place == 0:
            here = [one for one in here if one.tag == found[1] and found[2] in (None, "", "1", "0")]
        else:
            inner = [[child for child in one if child.tag == found[1]] for one in here]
            at = int(found[2] or 0)
            here = [child for children in inner for child in (children[at - 1 : at] if at else children)]
        attribute = found[3] or ""
    values = [one.attrib.get(attribute) if attribute else own_text(one) for one in here]
    return [(path, value) for value in values if value]


def xpath(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    end = re.search(r"/(?:@([\w:.-]+)|text\(\))$", node.path)
    steps = node.path[: end.start()] if end else node.path
    attribute = end[1] if end else None
    for row in rows:
        row = dict(row)
        values: list[str] = []
        for subject in many(row.get(node.field)):
            above = ElementTree.Element("above")
            root = tree_of(subject)
            if root is not None:
                above.append(root)
                for one in above.findall("." + steps if steps.startswith("/") else ".//" + steps):
                    value = one.attrib.get(attribute) if attribute else "".join(one.itertext()).strip()
                    values += [value] if value is not None and (value or attribute) else []
        put(row, node.outfield, values or ([node.default] if node.default is not None else []))
        made.append(row)
    return made


def xmlkv(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for row in rows:
        row = dict(row)
        found: dict[str, list[str]] = {}
        for subject in many(row.get(node.field)):
            for name, inner in re.findall(r"<([A-Za-z_][\w.:-]*)(?:\s[^<>]*)?(?<!/)>([^<]*)</\1\s*>", subject):
                if inner.strip():
                    found.setdefault(name, []).append(html.unescape(inner))
        for name, values in found.items():
            put(row, name, values)
        made.append(row)
    return made


def extract(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for row in rows:
        row = dict(row)
        raw = "\n".join(many(row.get("_raw")))[: node.maxchars]
        found: dict[str, list[str]] = {}
        for name, value in key_values(node, raw)[: node.limit]:
            name = re.sub("[^A-Za-z0-9_]+", "_", name).lstrip("_") if node.clean_keys else name
            if name and value and (node.mv_add or name not in found):
                found.setdefault(name, []).append(value)
        for name, values in found.items():
            if name not in row:
                put(row, name, values)
        made.append(row)
    return made


def key_values(node: Any, raw: str) -> list[tuple[str, str]]:
    if node.pairdelim:
        found = []
        for part in re.split(f"[{re.escape(node.pairdelim)}]", raw):
            halves = re.split(f"[{re.escape(node.kvdelim)}]", part)
            if len(halves) == 2 and halves[0]:
                found.append((halves[0].strip(), halves[1].strip().strip('"')))
        return found
    if not node.auto:
        return []
    form = r'(?<![\w.:-])([A-Za-z_][\w.:-]*)=(?:"((?:\\.|[^"\\])*)"|([^\s,;"]+))'
    return [(name, re.sub(r"\\(.)", r"\1", quoted) or bare.strip()) for name, quoted, bare in re.findall(form, raw)]


def fromjson(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = []
    for row in rows:
        row = dict(row)
        found: dict[str, list[str]] = {}
        for subject in many(row.get(node.field)):
            document = load(subject)
            for key, member in document.items() if isinstance(document, dict) else ():
                items = member if isinstance(member, list) else [member]
                found.setdefault(node.prefix + key, []).extend(shown(item) for item in items)
        for name, values in found.items():
            put(row, name, values)
        made.append(row)
    return made


def multikv(node: Any, rows: Rows, env: Env) -> Rows:
    """Tables whose lines have as many words as their header has names; other forms are left out."""
    made: Rows = []
    for row in rows:
        if not node.rmorig:
            made.append(row)
        for raw in many(row.get("_raw")):
            for line, cells in table_lines(node, raw):
                if node.filter and not any(word in line for word in node.filter):
                    continue
                kept = {name: given for name, given in cells if not node.fields or name in node.fields}
                made.append({**(row if node.copyattrs else {}), "_raw": line, **kept})
    return made


def title(line: str) -> bool:
    words = re.split(r"[\s,|]+", line.strip(" |,\t"))
    return len(words) > 1 and all(re.fullmatch(r"[%#(/]*[A-Z][A-Za-z0-9_%()/#.:-]*", word) for word in words)


def table_lines(node: Any, raw: str) -> list[tuple[str, list[tuple[str, str]]]]:
    lines = [line.rstrip() for line in raw.splitlines()]
    filled = [place for place, line in enumerate(lines) if line.strip()]
    several = [place for place in filled if len(cut(lines[place], mark_of(lines[place]))) > 1]
    titles = [place for place in several if title(lines[place])] or several
    start = filled[:1] if node.noheader else titles[:1]
    if node.forceheader:
        start = [node.forceheader - 1] if node.forceheader <= len(lines) else []
    made = []
    header: list[str] = []
    mark: str | None = None
    for place in range(start[0], len(lines)) if start else ():
        line = lines[place]
        again = node.multitable and title(line)
        if not node.noheader and (place == start[0] or again):
            mark = mark_of(line)
            header = [re.sub(r"\W+", "_", name).strip("_") for name in cut(line, mark)]
        elif line.strip():
            mark = mark_of(line) if node.noheader and place == start[0] else mark
            cells = cut(line, mark)
            names = [f"Column_{count}" for count in range(1, len(cells) + 1)] if node.noheader else header
            if len(cells) != len(names) and mark is None:
                raise NotImplementedError("a table with cells that are empty or hold several words")
            made.append((line, [pair for pair in zip(names, cells, strict=False) if all(pair)]))
    return made


def mark_of(line: str) -> str | None:
    """What stands between the cells of a line; None for blanks."""
    return next((mark for mark in ("\t", "|", ",") if mark in line.strip(f"{mark} ")), None)


def cut(line: str, mark: str | None) -> list[str]:
    if mark is None:
        return line.split()
    return [cell.strip() for cell in line.strip("| " if mark == "|" else " ").split(mark)]


def makeresults(node: Any, rows: Rows, env: Env) -> Rows:
    made: Rows = [{"_time": int(env.now)} for _ in range(node.count)]
    if node.format == "csv":
        lines = csv.DictReader(io.StringIO(node.data.strip()))
        made = [{name.strip(): cell.strip() for name, cell in line.items() if cell and cell.strip()} for line in lines]
    elif node.format == "json":
        made = []
        for one in load(node.data):
            made.append({"_raw": shown(one)})
            for name, value in pairs(one, ""):
                made[-1][name] = (*many(made[-1].get(name)), value)
            made[-1] = {name: one_or_many(many(given)) for name, given in made[-1].items()}
    return [{**row, **({"splunk_server": "podhawk"} if node.annotate else {})} for row in made]


COMMANDS: dict[str, Callable[[Any, Rows, Env], Rows]] = {
    "rex": rex,
    "regex": regex,
    "makemv": makemv,
    "spath": spath,
    "xpath": xpath,
    "xmlkv": xmlkv,
    "extract": extract,
    "fromjson": fromjson,
    "multikv": multikv,
    "makeresults": makeresults,
}
