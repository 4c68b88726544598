"""Manual pages in roff, made from the declarations of verbs, options and exit codes.

Source: man-pages(7), https://man7.org/linux/man-pages/man7/man-pages.7.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from podhawk import __version__
from podhawk.cli.main import EXIT_CODES, VERBS, podhawk
from podhawk.settings.option import Option
from podhawk.settings.options import options_of


def man_page(verb: str | None = None) -> str:
    """The page of a verb, or of podhawk as a whole."""
    lines = list(_page(verb) if verb else _overview())
    return "\n".join(line for line in lines if line) + "\n"


def _page(verb: str) -> Iterator[str]:
    context = click.Context(podhawk, info_name="podhawk", **podhawk.context_settings)
    command = podhawk.get_command(context, verb)
    assert command is not None
    own = click.Context(command, info_name=verb, parent=context)
    yield _title(f"podhawk-{verb}")
    yield from _section("NAME", f"podhawk-{verb} \\- {_escaped(VERBS[verb].rstrip('.'))}")
    yield ".SH SYNOPSIS"
    yield f".B podhawk {_escaped(verb)}"
    yield _escaped(" ".join(command.collect_usage_pieces(own)))
    yield ".SH DESCRIPTION"
    yield from _paragraphs(command.help or "")
    yield ".SH OPTIONS"
    yield from _options(command, own, verb)
    if isinstance(command, click.Group):
        yield ".SH COMMANDS"
        for name in command.list_commands(own):
            inner = command.get_command(own, name)
            assert inner is not None
            below = click.Context(inner, info_name=name, parent=own)
            usage = " ".join(("podhawk", verb, name, *inner.collect_usage_pieces(below)))
            yield f".SS {_escaped(usage)}"
            yield from _paragraphs(inner.help or "")
            yield from _options(inner, below, verb)
    yield from _exit_status()
    yield from _examples(command.epilog or "")
    yield from _section("SEE ALSO", ".BR podhawk (1)")


def _options(command: click.Command, context: click.Context, verb: str) -> Iterator[str]:
    declared = {option.key: option for option in options_of(verb)}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is not None:
            yield ".TP"
            yield f".B {_escaped(record[0])}"
            yield _escaped(" ".join(record[1].split()))
            option = declared.get(parameter.name or "")
            if option is not None:
                yield from _settings_of(option, verb)


def _overview() -> Iterator[str]:
    yield _title("podhawk")
    yield from _section("NAME", "podhawk \\- " + _escaped("find attacks in Kubernetes audit logs"))
    yield from _section("SYNOPSIS", ".B podhawk", ".I VERB", "[OPTIONS] [ARGUMENTS]")
    yield ".SH DESCRIPTION"
    yield from _paragraphs(podhawk.help or "")
    yield ".SH VERBS"
    for name, doc in VERBS.items():
        yield ".TP"
        yield f".BR podhawk\\-{_escaped(name)} (1)"
        yield _escaped(doc)
    yield from _exit_status()
    yield from _section(
        "ENVIRONMENT",
        _escaped("Each option has a variable PODHAWK_NAME. An option on the command line comes before its variable."),
        ".TP",
        ".B NO_COLOR",
        _escaped("If it is set and not empty, tables have no colours."),
        ".TP",
        ".B COLUMNS",
        _escaped("The width of tables in a pipe or a file. Default: 160. On a terminal the terminal says."),
    )
    yield from _section(
        "FILES",
        ".TP",
        ".B podhawk.toml",
        _escaped("Settings, searched from the working folder upwards. Variables come before them."),
    )
    yield from _examples(podhawk.epilog or "")
    yield from _section(
        "SEE ALSO", ", ".join(f".BR podhawk\\-{_escaped(name)} (1)" for name in VERBS).replace(", ", "\n")
    )


def _title(name: str) -> str:
    return f'.TH "{_escaped(name.upper())}" "1" "" "podhawk {__version__}" "podhawk"'


def _section(title: str, *lines: str) -> Iterator[str]:
    yield f".SH {title}"
    yield from lines


def _settings_of(option: Option, verb: str) -> Iterator[str]:
    default = "" if option.default in (None, False) else f" Default: {option.default}."
    choices = f" One of {', '.join(option.choices_for(verb))}." if option.choices else ""
    yield _escaped(f"Variable: {option.variable}.{default}{choices}")


def _exit_status() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    for code, doc in EXIT_CODES.items():
        yield ".TP"
        yield f".B {code}"
        yield _escaped(doc)


def _paragraphs(text: str) -> Iterator[str]:
    for number, part in enumerate(re.split(r"\n\s*\n", text.strip())):
        if number:
            yield ".PP"
        yield _escaped(" ".join(part.replace("\b", "").split()))


def _examples(epilog: str) -> Iterator[str]:
    lines = [line.strip() for line in epilog.replace("\b", "").splitlines()]
    found = [line for line in lines if line and line != "Examples:"]
    if not found:
        return
    yield ".SH EXAMPLES"
    yield ".nf"
    yield from map(_escaped, found)
    yield ".fi"


def _escaped(text: str) -> str:
    """Text for roff: nothing in it is taken for a request or an escape."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = "".join(one if one.isascii() else f"\\[u{ord(one):04X}]" for one in text)
    return f"\\&{text}" if text[:1] in (".", "'") else text
