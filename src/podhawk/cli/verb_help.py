"""podhawk help: verbs and SPL explained from the declarations, manual pages, and scripts for shells."""

from __future__ import annotations

import click

from podhawk.cli.completion import SHELLS
from podhawk.cli.main import VERBS, podhawk

EPILOG = """\b
Examples:
  podhawk help run
  podhawk help spl
  podhawk help spl stats
  podhawk help --man run > podhawk-run.1
  eval "$(podhawk help --completion bash)"
"""


@click.command("help", epilog=EPILOG)
@click.argument("topic", type=click.Choice(["spl", *VERBS]), required=False, metavar="[VERB|spl]")
@click.argument("name", required=False)
@click.option("--markdown", is_flag=True, help="Print the whole reference of SPL as Markdown, as in docs/spl.md.")
@click.option("--man", is_flag=True, help="Print the manual page of VERB, or of podhawk, in roff.")
@click.option(
    "--completion", type=click.Choice(SHELLS), help="Print the script with which a shell completes podhawk commands."
)
def COMMAND(topic: str | None, name: str | None, markdown: bool, man: bool, completion: str | None) -> int:  # noqa: N802
    """Explain a verb. With spl, list SPL commands and functions, or explain one of them with syntax and examples."""
    from podhawk.cli.completion import script
    from podhawk.cli.man_pages import man_page
    from podhawk.cli.reference import describe, overview, whole

    if topic not in (None, "spl") and name:
        raise click.UsageError(f"podhawk help {topic} takes no further argument")
    if completion:
        click.echo(script(podhawk, completion))
    elif man:
        if topic == "spl":
            raise click.UsageError("there is no manual page of SPL; podhawk help spl lists commands and functions")
        click.echo(man_page(topic), nl=False)
    elif markdown:
        click.echo(whole())
    elif topic == "spl":
        click.echo(describe(name) if name else overview())
    else:
        _help_of(topic)
    return 0


def _help_of(verb: str | None) -> None:
    context = click.Context(podhawk, info_name="podhawk", **podhawk.context_settings)
    if verb is None:
        click.echo(podhawk.get_help(context))
        return
    command = podhawk.get_command(context, verb)
    assert command is not None
    click.echo(command.get_help(click.Context(command, info_name=verb, parent=context)))
