"""What a site changes without touching content: macros and lookups that replace those of the same key.

Overrides win over everything, silently: that is what they are for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from podhawk.content.assembly import Assembly
from podhawk.content.model import ContentProblem, Macro
from podhawk.content.registry import CONTENT_TYPES, DETECTION, MACRO
from podhawk.errors import ContentError, Place, nearest

_CALL: Final = re.compile(r"\s*([^()\s]+)\s*(?:\(([^()]*)\))?\s*")


def override(assembly: Assembly, path: Path) -> None:
    """Read a folder or file of a site's own objects, which replace what is there.

    Raises ContentError for a path without any.
    """
    own = Assembly()
    try:
        own.load(path)
    except ContentError as error:
        if own.seen:
            raise ContentError("holds no macro and no lookup", place=Place(str(path))) from error
        raise
    assembly.problems += own.problems
    for detection in own.of(DETECTION).values():
        assembly.problems.append(
            ContentProblem(
                Place(detection.file, 1, 1),
                f"an override folder holds macros and lookups; detection {detection.name!r} is not loaded from it",
                "Add its folder with --content.",
                "warning",
            )
        )
    for kind in CONTENT_TYPES:
        if kind.replaceable:
            assembly.of(kind).update(own.of(kind))
    assembly.lookup_files.update(own.lookup_files)


def override_macros(assembly: Assembly, definitions: Mapping[str, str]) -> None:
    """Replace macros by name, as `podhawk.toml` gives them: `name`, or `name(argument, argument)`.

    Raises ContentError for what is no macro name.
    """
    macros = assembly.of(MACRO)
    for spelled, definition in definitions.items():
        call = _CALL.fullmatch(spelled)
        if call is None:
            raise ContentError(f"{spelled!r} is not a macro name", remedy="Use name or name(argument, argument).")
        name = call[1]
        arguments = tuple(part.strip() for part in (call[2] or "").split(",") if part.strip())
        known = [macro for macro in macros.values() if macro.name == name]
        if call[2] is None and known and not any(not macro.arguments for macro in known):
            arguments = known[0].arguments
        old = macros.get((name, len(arguments)))
        if old is None and not known:
            assembly.problems.append(
                ContentProblem(
                    Place("podhawk.toml"),
                    f"macro {name!r} overrides no loaded macro",
                    nearest(name, [macro.name for macro in macros.values()]),
                    "warning",
                )
            )
        new = (
            replace(old, definition=definition, arguments=arguments or old.arguments, generated=False)
            if old
            else Macro(name, arguments, definition)
        )
        macros[new.key] = replace(new, file="podhawk.toml")


def generate_filter_macros(assembly: Assembly) -> None:
    """Add the filter macro of each detection, `search *`, where no file defines it."""
    macros = assembly.of(MACRO)
    for detection in assembly.of(DETECTION).values():
        for name in {detection.filter_macro, f"{detection.stem}_filter"}:
            if (name, 0) not in macros:
                macros[name, 0] = Macro(name, (), "search *", f"Filter macro of {detection.name}.", generated=True)
