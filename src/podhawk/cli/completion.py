"""Shell completion: verbs, options, their choices, and files where an argument names them.

The shell asks podhawk itself, through click, with the words typed so far in variables.
"""

from __future__ import annotations

from typing import Final

import click

VARIABLE: Final = "_PODHAWK_COMPLETE"
SHELLS: Final = ("bash", "zsh", "fish")
_NAMES_FILES: Final = ("PATH", "FILE", "DIR", "DATASET")


def answer(group: click.Group, instruction: str) -> int:
    """Answer the shell; returns the exit code."""
    from click.shell_completion import shell_complete

    _complete_files(group, click.Context(group))
    return shell_complete(group, {}, "podhawk", VARIABLE, instruction)


def _complete_files(group: click.Group, context: click.Context) -> None:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            _complete_files(command, click.Context(command, parent=context))
        for parameter in command.params if command is not None else ():
            if any(word in (parameter.metavar or "") for word in _NAMES_FILES):
                parameter.type = click.Path()  # which completes files


def script(group: click.Group, shell: str) -> str:
    """The script that a shell reads to complete podhawk."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    made = kind(group, {}, "podhawk", VARIABLE)
    return made.source_template % made.source_vars()
