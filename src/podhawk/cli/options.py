"""Command-line options from their declarations."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from podhawk.errors import UsageError
from podhawk.settings.option import Option
from podhawk.settings.options import options_of

F = TypeVar("F", bound=Callable[..., Any])


def _parameter(option: Option, verb: str) -> Callable[[F], F]:
    flags = ([f"-{option.short}"] if option.short else []) + [f"--{option.name}"]
    if option.kind == "flag":
        name = f"--{option.name}/--no-{option.name}"
        return click.option(*flags[:-1], name, option.key, default=None, help=option.doc)
    settings: dict[str, Any] = {"default": None, "help": option.doc, "metavar": option.metavar or None}
    if option.kind == "list":
        settings["multiple"] = True
    if option.kind == "number":
        settings["type"] = click.IntRange(min=1)
    if option.kind == "choice":
        settings["type"] = click.Choice(option.choices_for(verb))
        settings.pop("metavar")
    return click.option(*flags, option.key, **settings)


def declared(verb: str) -> Callable[[F], F]:
    """Add all options of a verb to its command, which finds logging set up as --verbose wants it, and its memory
    limited."""

    def add(function: F) -> F:
        command: Any = _with_logging(function, verb)
        for option in reversed(options_of(verb)):
            command = _parameter(option, verb)(command)
        return command  # type: ignore[no-any-return]

    return add


def _with_logging(function: F, verb: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def command(*arguments: Any, **given: Any) -> Any:
        from podhawk.settings.resolve import resolve

        values = resolve(verb, given).values
        if "memory" in values and values.get("engine") != "spark":
            _limit_memory(values["memory"])
        if values.get("verbose"):
            import logging

            from podhawk.cli.messages import VisibleFormatter

            handler = logging.StreamHandler()
            handler.setFormatter(VisibleFormatter("%(levelname)s %(name)s: %(message)s"))
            logging.basicConfig(handlers=[handler])
            logging.getLogger("podhawk").setLevel(logging.DEBUG)
        return function(*arguments, **given)

    return command


def _limit_memory(size: str | None) -> None:
    from podhawk import memory

    available = memory.available()
    if size is not None:
        memory.limit_to(memory.size_of(size))
    elif available is not None:
        memory.limit_to(max(available * 9 // 10, memory.LEAST))


def input_paths(paths: tuple[str, ...]) -> list[str]:
    """The paths to read: standard input where none is given on a pipe. Raises UsageError on a terminal."""
    if paths:
        return list(paths)
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("no input", remedy="Name audit logs (files, folders or globs), or pipe a log in.")
    return ["-"]


def search_text(given: str) -> tuple[str, str]:
    """The text of a search argument (`@file`, `-` for standard input, or the text itself) and its name."""
    if given == "-":
        if sys.stdin is None:
            raise UsageError("standard input is closed", remedy="Name a file that holds the search: @FILE.")
        return sys.stdin.read(), "standard input"
    if given.startswith("@"):
        try:
            with open(given[1:], encoding="utf-8-sig") as file:
                return file.read(), given[1:]
        except OSError as error:
            raise UsageError(f"cannot read the search file {given[1:]}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise UsageError(f"the search file {given[1:]} is not UTF-8 text") from None
    return given, "search"
