"""podhawk help: SPL explained from the declarations."""

from __future__ import annotations

import click

EPILOG = """\b
Examples:
  podhawk help spl
  podhawk help spl stats
  podhawk help spl mvindex
"""


@click.command("help", epilog=EPILOG)
@click.argument("topic", type=click.Choice(["spl"]), default="spl")
@click.argument("name", required=False)
@click.option("--markdown", is_flag=True, help="Print the whole reference as Markdown, as in docs/spl.md.")
def COMMAND(topic: str, name: str | None, markdown: bool) -> int:  # noqa: N802 - looked up by this name
    """List the SPL commands and functions, or explain one of them with syntax and examples."""
    from podhawk.cli.reference import describe, overview, whole

    click.echo(whole() if markdown else describe(name) if name else overview())
    return 0
