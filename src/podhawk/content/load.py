"""Loading: paths in, one `Content` out. A broken file costs only itself.

Later paths win over earlier ones where both define a macro or a lookup, with a warning where the
definitions differ. Overrides win over everything, silently: that is what they are for. They let a
site keep upstream files untouched and still say which users, images and places it allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from podhawk.content.assembly import Assembly
from podhawk.content.model import Content
from podhawk.content.selection import select
from podhawk.errors import ContentError, Place, nearest

__all__ = ["load_content", "select", "shipped_pack"]


def load_content(
    paths: Sequence[str | Path],
    overrides: Sequence[str | Path] = (),
    *,
    macro_overrides: Mapping[str, str] | None = None,
) -> Content:
    """Everything that `paths` (folders or files) hold, as one Content.

    A fault in a file is one entry of `Content.problems`, with its place; the rest still loads.
    `overrides` are folders or files whose macros and lookups replace those of the same name and
    number of arguments; `macro_overrides` are definitions by name (`kube_allowed_images`) or by name
    with arguments (`allowed(field)`).

    Raises ContentError for a path that does not exist or that holds no content at all.
    """
    state = Assembly()
    for given in paths:
        state.load(_existing(given))
    for given in overrides:
        state.override(_existing(given))
    state.convert_sigma()
    state.generate_filter_macros()
    state.override_macros(macro_overrides or {})
    return state.content()


def shipped_pack() -> Path:
    """The folder of the content that comes with podhawk."""
    return Path(str(resources.files("podhawk").joinpath("pack")))


def _existing(given: str | Path) -> Path:
    path = Path(given).expanduser()
    if not path.exists():
        known = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise ContentError(
            f"no such file or folder: {str(path)!r}",
            place=Place(str(path)),
            remedy=nearest(path.name, known) or "Name a folder or file of detection content.",
        )
    return path
