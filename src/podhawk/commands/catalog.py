"""The table in which the parser looks commands up.

`podhawk.commands.registry` fills it with podhawk's commands when it is imported; `podhawk.commands.parse` imports that.
The table is a module below the commands because some of them parse searches themselves (`foreach`, `map`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from podhawk.commands.declare import Command


class Catalog(Mapping[str, Command]):
    """Commands by name and alias. `version` changes with the contents, so that values derived from all commands can be
    cached."""

    def __init__(self) -> None:
        self._commands: dict[str, Command] = {}
        self.version = 0

    def enter(self, *commands: Command) -> None:
        """Add commands. Raises ValueError, and adds none of them, if a name is taken."""
        names = [name for command in commands for name in (command.name, *command.aliases)]
        taken = [name for number, name in enumerate(names) if name in self._commands or name in names[:number]]
        if taken:
            raise ValueError(f"two commands are called {taken[0]!r}")
        for command in commands:
            self._commands.update(dict.fromkeys((command.name, *command.aliases), command))
        self.version += 1

    @contextmanager
    def registered(self, *commands: Command) -> Iterator[None]:
        """Add commands for the length of a `with` block. Raises ValueError as `enter` does."""
        self.enter(*commands)
        try:
            yield
        finally:
            for command in commands:
                for name in (command.name, *command.aliases):
                    del self._commands[name]
            self.version += 1

    def supported(self) -> tuple[Command, ...]:
        """The commands that can be run, each once, in the order of entry."""
        return tuple({command.name: command for command in self._commands.values() if not command.refused}.values())

    def __getitem__(self, name: str) -> Command:
        return self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)


COMMANDS: Final = Catalog()
