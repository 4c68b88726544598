"""What changed since a branch left another: files, and the detections that they are or are used by.

A changed macro counts as a change of every detection that calls it, also through other macros; a lookup likewise.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from podhawk.content.model import Content, Detection
from podhawk.errors import UsageError

_CALL: Final = re.compile(r"`([^`(\s]+)")


def changed_files(folder: Path, ref: str) -> frozenset[Path]:
    """The files under git that differ from the merge base with `ref`, also those not yet committed or added.

    Raises UsageError where `folder` is not in a git work tree or there is no such `ref`.
    """
    top = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
    base = _git(folder, "merge-base", ref, "HEAD").strip()
    names = _git(top, "diff", "--name-only", "-z", base).split("\0")
    names += _git(top, "ls-files", "--others", "--exclude-standard", "-z").split("\0")
    return frozenset((top / name).resolve() for name in names if name)


def changed(content: Content, detections: Sequence[Detection], files: Iterable[Path]) -> tuple[Detection, ...]:
    """The detections that are in changed files, or use a macro or lookup that is."""
    paths = frozenset(files)
    macros = {macro.name for macro in content.macros.values() if macro.file and Path(macro.file).resolve() in paths}
    lookups = {
        one.name
        for one in content.lookups.values()
        if any(part and Path(part).resolve() in paths for part in (one.file, one.path))
    }
    growing = True
    while growing:
        more = {
            macro.name
            for macro in content.macros.values()
            if macros & set(_CALL.findall(macro.definition)) or _names(macro.definition, lookups)
        } - macros
        growing, macros = bool(more), macros | more
    return tuple(
        one
        for one in detections
        if Path(one.file).resolve() in paths or macros & set(_CALL.findall(one.search)) or _names(one.search, lookups)
    )


def changed_here(content: Content, detections: Sequence[Detection], ref: str, paths: Sequence[str]) -> list[Detection]:
    """What changed in the repository that the first path lies in, or the working folder."""
    start = Path(paths[0]) if paths else Path.cwd()
    return list(changed(content, detections, changed_files(start if start.is_dir() else start.parent, ref)))


def _names(search: str, lookups: Iterable[str]) -> bool:
    return any(re.search(rf"\blookup\s[^|]*\b{re.escape(name)}\b", search) for name in lookups)


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        raise UsageError("--changed needs git, but git is not installed") from None
    if done.returncode:
        raise UsageError(
            f"git cannot list the changes: {done.stderr.strip().splitlines()[-1] if done.stderr else ''}",
            remedy="--changed takes a branch or commit, such as origin/main, of a git checkout.",
        )
    return done.stdout
