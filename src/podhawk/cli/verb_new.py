"""podhawk new: a first draft."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from podhawk.cli.echo import echo
from podhawk.cli.options import declared

if TYPE_CHECKING:
    from podhawk.content.model import Content

EPILOG = """\b
Examples:
  podhawk new detection 'Kubernetes Pod Deleted at Night'
  podhawk new detection 'Kubernetes Pod Deleted at Night' --generation 2
  podhawk new exception 'CI makes pods' --output-dir content/
"""


@click.command("new", epilog=EPILOG)
@click.argument("kind", metavar="detection|macro|story|exception")
@click.argument("name", metavar="NAME")
@declared("new")
def COMMAND(kind: str, name: str, **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Create a draft detection (with a dataset and a test), macro, story or exception.

    Files are written below --output-dir, by default below the content root of the working folder. A detection has the
    generation of most detections there.
    """
    from podhawk.authoring.scaffold import Draft, scaffold
    from podhawk.content.root import root_of
    from podhawk.settings.resolve import resolve

    settings = resolve("new", given)
    root = Path(settings["output_dir"]) if settings["output_dir"] else root_of(Path.cwd())
    generation = int(settings["generation"]) if settings["generation"] else None
    today = datetime.now(UTC).date()
    for path in scaffold(Draft(kind, name, getpass.getuser(), today, _content(root), generation), root):
        echo(path)
    return 0


def _content(root: Path) -> Content:
    """What a folder holds already."""
    from podhawk.content.load import load_content
    from podhawk.content.model import Content
    from podhawk.errors import ContentError

    try:
        return load_content([root])
    except ContentError:  # there is none yet
        return Content()
