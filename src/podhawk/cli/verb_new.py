"""podhawk new: a first draft."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from podhawk.cli.echo import echo
from podhawk.cli.options import declared

EPILOG = """\b
Examples:
  podhawk new detection 'Kubernetes Pod Deleted at Night'
  podhawk new exception 'CI makes pods' --output-dir content/
"""


@click.command("new", epilog=EPILOG)
@click.argument("kind", metavar="detection|macro|story|exception")
@click.argument("name", metavar="NAME")
@declared("new")
def COMMAND(kind: str, name: str, **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Create a draft detection (with a dataset and a test), macro, story or exception.

    Files are written below --output-dir, by default below the content root of the working folder.
    """
    from podhawk.authoring.scaffold import scaffold
    from podhawk.content.root import root_of
    from podhawk.settings.resolve import resolve

    settings = resolve("new", given)
    root = Path(settings["output_dir"]) if settings["output_dir"] else root_of(Path.cwd())
    for path in scaffold(kind, name, root, getpass.getuser(), datetime.now(UTC).date()):
        echo(path)
    return 0
