"""Exceptions in Splunk: a condition goes into the filter macro where all its fields survive to that slot.

Where they do not, Splunk has no place for it; the exception is listed, and stays podhawk's.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from podhawk.authoring.lint.declare import Subject
from podhawk.content.model import Content, Detection
from podhawk.detect.rank.exceptions import SiteException
from podhawk.engine.plan.lineage import called
from podhawk.spl.clause import fields


def with_filters(
    content: Content, detections: Sequence[Detection], exceptions: Sequence[SiteException]
) -> tuple[Content, list[str]]:
    """The content with exceptions in its filter macros, and a line for each exception on where it went."""
    macros = dict(content.macros)
    told: list[str] = []
    for exception in exceptions:
        for one in detections:
            if not exception.named(one):
                continue
            subject = Subject(one, content)
            names = {name: called(name, subject.stages) for name in fields(exception.clause)}
            key = (one.filter_macro, 0)
            if (
                key in macros
                and subject.columns is not None
                and set(names.values()) <= subject.columns
                and all(name == new for name, new in names.items())
            ):
                old = macros[key]
                macros[key] = replace(
                    old, generated=False, definition=f"{old.definition} | search NOT ({exception.when})"
                )
                told.append(f"exception {exception.name!r}: added to the filter macro of {one.name}")
            else:
                told.append(
                    f"exception {exception.name!r}: not exported for {one.name}, because its fields are not "
                    "available at the filter macro"
                )
    return replace(content, macros=macros), told
