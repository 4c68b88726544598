"""Which content a verb works on: what is named, else that of the working folder, else the shipped pack.

Each verb says on standard error which it took, so that nobody checks the shipped pack and believes that it is theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from podhawk.settings.resolve import Settings


def with_content(settings: Settings, paths: Sequence[str] = (), *, own: bool = False) -> Settings:
    """Settings whose `content` is never empty. `paths` are what the command line names in place of --content.

    With `own`, and with --changed, the shipped pack is never taken: raises ContentError if no content is named and the
    working folder has none.
    """
    from podhawk.cli.tables import note
    from podhawk.content.load import shipped_pack
    from podhawk.content.root import working_content
    from podhawk.errors import ContentError

    chosen = list(paths) or list(settings["content"])
    said = ", ".join(chosen)
    if not chosen:
        root = working_content(Path.cwd())
        if root is not None:
            chosen, said = [str(root)], f"{root} (of the working folder)"
        elif own or settings.values.get("changed"):
            raise ContentError(
                f"there is no content in {Path.cwd()} or above it",
                remedy="Go to the repository of the content, which has podhawk.toml, contentctl.yml or detections/, "
                "or name a content file or folder.",
            )
        else:
            chosen, said = [str(shipped_pack())], "the shipped pack"
    if not settings.values.get("quiet"):
        note(f"content: {said}")
    return replace(settings, values={**settings.values, "content": chosen})
