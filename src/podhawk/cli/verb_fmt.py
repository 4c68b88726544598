"""podhawk fmt: searches one pipe a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from podhawk.cli.echo import echo
from podhawk.cli.options import declared
from podhawk.writing import write_text

EPILOG = """\b
Examples:
  podhawk fmt detections/
  podhawk fmt --check detections/
"""


@click.command("fmt", epilog=EPILOG)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@declared("fmt")
def COMMAND(paths: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Format the searches of detections as YAML blocks with one pipe per line. The rest of each file, and the meaning
    of each search, stay the same."""
    from podhawk.authoring.lint.format import formatted
    from podhawk.content.root import load_around
    from podhawk.settings.resolve import resolve

    settings = resolve("fmt", given)
    content, chosen = load_around(paths, macro_overrides=settings.macros)
    count = 0
    for file in dict.fromkeys(one.file for one in chosen):
        text = formatted(Path(file), content)
        if text is None:
            continue
        count += 1
        echo(f"{'would format' if settings['check'] else 'formatted'} {file}")
        if not settings["check"]:
            write_text(file, text)
    return 3 if count and settings["check"] else 0
