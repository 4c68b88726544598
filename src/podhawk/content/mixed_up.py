"""Logs where content belongs, and content where logs belong: told apart by what the files hold."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, Never

from podhawk.content.registry import type_by_keys
from podhawk.content.walk import is_content_name
from podhawk.errors import ContentError, InputError, Place, PodhawkError
from podhawk.events.inputs import Inputs
from podhawk.events.options import InputReport, ReadOptions
from podhawk.events.read import read_events

if TYPE_CHECKING:
    from podhawk.content.yamlfile import YamlDocument

LOOKED_AT: Final = 5
"""Files of a folder that are looked at."""


CONTENT_REMEDY: Final = (
    "Name content (a folder of detections, or a detection file) here, and logs as PATH: podhawk run --content DIR LOG, "
    "podhawk diff OLD NEW LOG."
)


def refuse_log(path: Path, wanted: str = "detection content", remedy: str = CONTENT_REMEDY) -> None:
    """Raise ContentError if a file, or one of the first files of a folder, is an audit log."""
    files = [path] if path.is_file() else sorted(one for one in path.glob("*") if one.is_file())[:LOOKED_AT]
    if any(map(_is_log, files)):
        raise ContentError(f"contains audit events, not {wanted}", place=Place(str(path)), remedy=remedy)


def refuse_file(path: Path) -> None:
    """Raise ContentError if a file that was named is no content, by its name or because it is an audit log."""
    if not path.is_file():
        return
    refuse_log(path)
    if not is_content_name(path.name):
        raise ContentError(
            "is not a content file", place=Place(str(path)), remedy="Name a folder of detections, or a .yml file."
        )


def refuse_content(inputs: Inputs, *, empty: bool) -> None:
    """Raise InputError if a path that was named is content: a file, or a folder that holds nothing else. If the whole
    input is `empty` of events, a folder that also holds other files counts too, and so does what a pipe gave."""
    for given in inputs.paths:
        path = Path(given)
        if path.is_dir():
            own = [Path(one.path) for one in inputs.files if path in Path(one.path).parents]
            texts = [one for one in own if is_content_name(one.name)]
            mixed = not empty and len(texts) < len(own)
            found = not mixed and any(map(_is_content, [one for one in texts if one.suffix != ".csv"][:LOOKED_AT]))
        else:
            found = path.is_file() and path.suffix != ".csv" and is_content_name(path.name) and _is_content(path)
        if found:
            _refuse(given)
    for one in inputs.files if empty else ():
        if one.head and _is_content_text(one.head.decode("utf-8", "ignore"), one.name):
            _refuse(one.name)


def _refuse(name: str) -> Never:
    given = "CONTENT" if name == "standard input" else name
    raise InputError(
        f"{name} is detection content, not an audit log",
        remedy=f"Name it with --content, and a log as PATH: podhawk run --content {given} LOG.",
    )


def _is_log(path: Path) -> bool:
    try:
        events: Sequence[object] = list(islice(read_events([str(path)], ReadOptions(), InputReport()), 1))
    except (PodhawkError, OSError):
        return False
    return bool(events)


def _is_content(path: Path) -> bool:
    try:
        from podhawk.content.yamlfile import read_yaml

        return _holds_content(read_yaml(path))
    except (PodhawkError, OSError):
        return False


def _is_content_text(text: str, name: str) -> bool:
    """Whether a text, or what there is of it up to its last line feed, is content."""
    try:
        from podhawk.content.yamlfile import parse_yaml

        return _holds_content(parse_yaml(text[: text.rfind("\n") + 1], name))
    except PodhawkError:
        return False


def _holds_content(documents: Sequence[YamlDocument]) -> bool:
    found = [item for one in documents for item in (one.data if isinstance(one.data, list) else [one.data])]
    return any(isinstance(item, dict) and type_by_keys(item) is not None for item in found)
