"""Loading: paths in, one `Content` out. A broken file costs only itself.

Later paths win over earlier ones where both define a macro or a lookup, with a warning where the
definitions differ. Overrides win over everything, silently: that is what they are for. They let a
site keep upstream files untouched and still say which users, images and places it allows.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Never

from podhawk.content.assembly import Assembly
from podhawk.content.model import Content
from podhawk.content.overrides import generate_filter_macros, override, override_macros
from podhawk.content.selection import select
from podhawk.errors import ContentError, Place, nearest
from podhawk.settings.keywords import Paths, StrPath, refuse

__all__ = ["load_content", "select", "shipped_pack"]


def load_content(
    paths: Paths,
    overrides: Paths = (),
    *,
    macro_overrides: Mapping[str, str] | None = None,
    **unknown: Never,
) -> Content:
    """Everything that `paths` (folders or files, or one of them) hold, as one Content.

    A fault in a file is one entry of `Content.problems`, with its place; the rest still loads.
    `overrides` are folders or files whose macros and lookups replace those of the same name and
    number of arguments; `macro_overrides` are definitions by name (`kube_allowed_images`) or by name
    with arguments (`allowed(field)`).

    Raises ContentError for a path that does not exist or that holds no content at all, and UsageError for an unknown
    keyword.
    """
    refuse("load_content", unknown, ("paths", "overrides", "macro_overrides"))
    assembly = Assembly(pack=str(shipped_pack()))
    for given in _listed(paths):
        assembly.load(_existing(given))
    for given in _listed(overrides):
        override(assembly, _existing(given))
    assembly.convert_rules()
    generate_filter_macros(assembly)
    override_macros(assembly, macro_overrides or {})
    return assembly.content()


def shipped_pack() -> Path:
    """The folder of the content that comes with podhawk."""
    return Path(__file__).parent.parent / "pack"


def _listed(paths: Paths) -> Sequence[StrPath]:
    return [paths] if isinstance(paths, str | os.PathLike) else paths


def _existing(given: StrPath) -> Path:
    path = Path(given).expanduser()
    if not path.exists():
        known = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise ContentError(
            f"no such file or folder: {str(path)!r}",
            place=Place(str(path)),
            remedy=nearest(path.name, known) or "Name a folder or file of detection content.",
        )
    return path
