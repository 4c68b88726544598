"""What an option is."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Option(Struct, frozen=True):
    """One option. `kind` is text, flag, number, list or choice; `verbs` are those that take it."""

    name: str
    kind: str
    doc: str
    verbs: tuple[str, ...]
    default: Any = None
    choices: tuple[str, ...] = ()
    short: str = ""
    metavar: str = ""
    more_choices: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Choices that single verbs add, by verb."""
    own_choices: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """The choices of single verbs that differ from those of all others, by verb. For such a verb, a setting that is
    none of them does not hold."""
    command_line: bool = False
    """Whether it is about what is printed or when, and so no keyword argument of the library."""

    def choices_for(self, verb: str) -> tuple[str, ...]:
        """What this verb may choose from."""
        own = dict(self.own_choices).get(verb)
        return own if own is not None else self.choices + dict(self.more_choices).get(verb, ())

    @property
    def every_choice(self) -> tuple[str, ...]:
        """What any verb may choose from, for a setting that holds for all of them."""
        added = (one for _, more in (*self.more_choices, *self.own_choices) for one in more)
        return tuple(dict.fromkeys((*self.choices, *added)))

    @property
    def key(self) -> str:
        """Its name in `podhawk.toml` and in code."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"PODHAWK_{self.key.upper()}"
