"""Messages of verbs: lines for people, in which no character moves the cursor or hides text."""

from __future__ import annotations

import click

from podhawk.visible import visible


def echo(text: object = "", *, err: bool = False) -> None:
    """Print text and a line feed, on standard error if `err`."""
    click.echo(visible(str(text)), err=err)
