"""What changed on a branch: files, and the detections that they hold or that use them.

A changed macro counts as a change of every detection that calls it, also through other macros. A changed lookup table
counts as a change of every detection that names it. Both are read from the parsed search, not from its text.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from podhawk.authoring.uses import uses_of
from podhawk.content.model import Content, Detection
from podhawk.content.walk import is_content_name
from podhawk.errors import UsageError


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
    """The detections that are in changed files, or use a macro or lookup table that is.

    A name that nothing defines counts as changed if the change touches definitions of its kind or deletes content: it
    may have been defined there. So does a search that cannot be read.
    """
    paths = frozenset(files)
    macros = {key for key, macro in content.macros.items() if macro.file and Path(macro.file).resolve() in paths}
    tables = {name: files_of_lookup(name, content) for name in (*content.lookups, *content.lookup_files)}
    lookups = {name for name, own in tables.items() if not own.isdisjoint(paths)}
    deleted = any(is_content_name(path.name) and not path.exists() for path in paths)

    def affected(one: Detection) -> bool:
        if Path(one.file).resolve() in paths:
            return True
        uses = uses_of(one, content)
        if uses is None:
            return bool(macros or lookups or deleted)
        undefined_macro, undefined_lookup = uses.macros - content.macros.keys(), uses.lookups - tables.keys()
        return bool(
            uses.macros & macros
            or uses.lookups & lookups
            or (undefined_macro and (macros or deleted))
            or (undefined_lookup and (lookups or deleted))
        )

    return tuple(one for one in detections if affected(one))


def files_of_lookup(name: str, content: Content) -> frozenset[Path]:
    """The files that a lookup table is made of: its definition and its CSV file, also if that is missing."""
    definition = content.lookups.get(name)
    owner = definition or next((one for one in content.lookups.values() if one.filename == name), None)
    named = [content.lookup_files.get(name, "")]
    if owner is not None:
        named += [owner.file, owner.path or (str(Path(owner.file).parent / owner.filename) if owner.filename else "")]
    return frozenset(Path(file).resolve() for file in named if file)


def changed_here(content: Content, detections: Sequence[Detection], ref: str, paths: Sequence[str]) -> list[Detection]:
    """What changed in the repository that the first path lies in, or the working folder."""
    start = Path(paths[0]) if paths else Path.cwd()
    return list(changed(content, detections, changed_files(start if start.is_dir() else start.parent, ref)))


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
