"""JSON functions: documents go in and come out as texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oracle.documents import Path, Spelled, as_json, below, find, json_of, load, path_of, unquoted, written
from oracle.env import Env, Row
from oracle.values import JsonText, measured, number, one_or_many, text


def document(value: Any) -> Any:
    return ... if value is None or isinstance(value, tuple) else load(text(value))


def extract(value: Any, *paths: Any) -> Any:
    loaded = document(value)
    if loaded is ...:
        return None
    answers = [at_path(loaded, text(path)) for path in paths]
    return unquoted(loaded) if not paths else unquoted(answers[0]) if len(paths) == 1 else written(answers)


def at_path(loaded: Any, path: str) -> Any:
    steps = path_of(path)
    if steps is None:
        return None
    if steps == [None] and not isinstance(loaded, list):
        return loaded
    found = find(loaded, steps)
    return found if found and None in steps else found[0] if found else None


def extract_exact(value: Any, *keys: Any) -> Any:
    loaded = document(value)
    if loaded is ...:
        return None
    answers = [loaded.get(text(key)) if isinstance(loaded, dict) else None for key in keys]
    return unquoted(loaded) if not keys else unquoted(answers[0]) if len(keys) == 1 else written(answers)


def keys(value: Any) -> Any:
    loaded = document(value)
    return written(list(loaded)) if isinstance(loaded, dict) else None


def entries(value: Any) -> Any:
    loaded = document(value)
    if isinstance(loaded, dict):
        return written([{"key": key, "value": item} for key, item in loaded.items()])
    if isinstance(loaded, list):
        return written([{"key": Spelled(place), "value": item} for place, item in enumerate(loaded)])
    return None


def has_key(value: Any, key: Any) -> Any:
    loaded = document(value)
    return isinstance(loaded, dict) and text(key) in loaded


def to_values(value: Any, quoted: Any = False) -> Any:
    loaded = document(value)
    if not isinstance(loaded, list):
        return None
    keep = quoted is True or (not isinstance(quoted, bool) and number(quoted) not in (None, 0))
    return one_or_many([json_of(item) if keep or not isinstance(item, str) else item for item in loaded])


def delete(value: Any, *names: Any) -> Any:
    loaded = document(value)
    if loaded is ...:
        return None
    for name in map(text, names):
        if isinstance(loaded, dict) and name in loaded:
            del loaded[name]
            continue
        steps = path_of(name)
        if not steps:
            continue
        for holder in find(loaded, steps[:-1]):
            remove(holder, steps[-1])
    return written(loaded)


def remove(holder: Any, step: str | int | None) -> None:
    if isinstance(holder, dict) and isinstance(step, str):
        holder.pop(step, None)
    elif isinstance(holder, list) and step is None:
        holder.clear()
    elif isinstance(holder, list) and isinstance(step, int):
        del holder[step : step + 1]


def pairs(change: Callable[[Any, str, Any], None]) -> Callable[..., Any]:
    def run(value: Any, *rest: Any) -> Any:
        loaded = document(value)
        if loaded is ...:
            return None
        for name, given in zip(rest[::2], rest[1::2], strict=True):
            if name is None or isinstance(name, tuple):
                return None
            change(loaded, text(name), as_json(given))
        return written(loaded)

    return run


def set_at(loaded: Any, path: str, given: Any) -> None:
    steps: Path = path_of(path) or []
    if not steps:
        return
    holders = [loaded]
    for step in steps[:-1]:
        for holder in holders:
            if isinstance(holder, dict) and isinstance(step, str):
                holder.setdefault(step, {})
        holders = [inner for holder in holders for inner in below(holder, step)]
    put(holders, steps[-1], given)


def put(holders: list[Any], step: str | int | None, given: Any) -> None:
    for holder in holders:
        if isinstance(holder, dict) and isinstance(step, str):
            holder[step] = given
        elif isinstance(holder, list) and step is None:
            holder[:] = [given] * len(holder)
        elif isinstance(holder, list) and isinstance(step, int) and step < len(holder):
            holder[step] = given


def set_exact(loaded: Any, key: str, given: Any) -> None:
    if isinstance(loaded, dict):
        loaded[key] = given


def add_to(spread: bool) -> Callable[[Any, str, Any], None]:
    def change(loaded: Any, path: str, given: Any) -> None:
        items = list(given) if spread and isinstance(given, list) else [given]
        steps = path_of(path) if path else []
        if steps is None:
            return
        if steps:
            # What is no array yet becomes the first element of one.
            for holder in find(loaded, steps[:-1]):
                for key in places(holder, steps[-1]):
                    if not isinstance(holder[key], list):
                        holder[key] = [holder[key]]
        for array in find(loaded, steps):
            if isinstance(array, list):
                array.extend(items)

    return change


def places(holder: Any, step: str | int | None) -> list[Any]:
    if isinstance(holder, dict):
        return [step] if step in holder else []
    if not isinstance(holder, list) or isinstance(step, str):
        return []
    return list(range(len(holder))) if step is None else [step] if step < len(holder) else []


def json_object(*rest: Any) -> Any:
    names = rest[::2]
    if any(name is None or isinstance(name, tuple) for name in names):
        return None
    return written({text(name): as_json(given) for name, given in zip(names, rest[1::2], strict=True)})


def shortest(value: Any) -> Any:
    if isinstance(value, Spelled):
        amount = number(str(value))
        return value if amount is None else Spelled(text(amount))
    if isinstance(value, dict):
        return {key: shortest(item) for key, item in value.items()}
    return [shortest(item) for item in value] if isinstance(value, list) else value


def to_array(value: Any) -> Any:
    if isinstance(value, tuple):
        return written(list(value))
    if not isinstance(value, str):
        return written([as_json(value)])
    loaded = load(value)
    return written(shortest(loaded)) if isinstance(loaded, list) else None


def to_object(value: Any) -> Any:
    loaded = load(value) if isinstance(value, str) else ...
    return written(shortest(loaded)) if isinstance(loaded, dict) else None


def to_mv(value: Any) -> Any:
    loaded = load(value) if isinstance(value, str) else ...
    if isinstance(loaded, list):
        return one_or_many([item if isinstance(item, str) else json_of(item) for item in loaded])
    return value if isinstance(value, tuple) else text(value)


def from_values(value: Any, infer: Any = False) -> Any:
    typed = infer is True or (not isinstance(infer, bool) and measured(infer) not in (None, 0))
    items: list[Any] = []
    for word in value if isinstance(value, tuple) else (text(value),):
        loaded = load(word) if typed else ...
        items.append(word if loaded is ... else loaded)
    return written(items)


def lookup(arguments: Any, row: Row, env: Env, value: Callable[..., Any]) -> Any:
    name, given, wanted = (value(argument, row, env) for argument in arguments)
    inputs, outputs = document(given), document(wanted)
    if not isinstance(inputs, dict) or not isinstance(outputs, list):
        return None
    keyed = {key: item if isinstance(item, str) else json_of(item) for key, item in inputs.items()}
    matching = [line for line in env.tables[name] if all(line.get(key) == item for key, item in keyed.items())]
    made: dict[str, Any] = {}
    for column in map(str, outputs):
        found = [line[column] for line in matching if line.get(column) is not None]
        if found:
            made[column] = found if len(found) > 1 else found[0]
    return written(made) if made else None


STRICT: dict[str, Callable[..., Any]] = {
    "json": lambda value: None if document(value) is ... else JsonText(text(value)),
    "json_array_to_mv": to_values,
    "json_delete": delete,
    "json_entries": entries,
    "json_extract": extract,
    "json_extract_exact": extract_exact,
    "json_has_key_exact": has_key,
    "json_keys": keys,
    "json_valid": lambda value: document(value) is not ...,
    "mv_to_json_array": from_values,
    "toarray": to_array,
    "toobject": to_object,
    "tomv": to_mv,
}
OPEN: dict[str, Callable[..., Any]] = {
    "json_array": lambda *values: written([as_json(value) for value in values]),
    "json_object": json_object,
    "json_append": pairs(add_to(False)),
    "json_extend": pairs(add_to(True)),
    "json_set": pairs(set_at),
    "json_set_exact": pairs(set_exact),
}
LAZY: dict[str, Callable[..., Any]] = {"lookup": lookup}
