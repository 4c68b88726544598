"""`podhawk`: finds the verb, imports only what it needs, and turns errors into messages and exit codes."""

from __future__ import annotations

import errno
import gc
import importlib
import io
import os
import sys
from typing import Any

import click

from podhawk import __version__
from podhawk.cli import streams
from podhawk.errors import PodhawkError
from podhawk.memory import out_of_memory
from podhawk.runtime import rare_collection
from podhawk.visible import visible, visible_block

VERBS: dict[str, str] = {
    "run": "Run detections over audit logs and print findings.",
    "search": "Run one search over audit logs and print its rows.",
    "fields": "List the fields of audit logs: how frequent they are, and their values.",
    "who": "Show what one user, address, pod or node did.",
    "timeline": "List findings in order of time, with what surrounds them.",
    "explain": "Show why a detection fires or does not fire.",
    "tune": "Propose exceptions and measure what they would hide.",
    "learn": "Propose a baseline: what is normal at a site, from a reference period.",
    "diff": "Compare the findings of two versions of content over the same logs.",
    "content": "List, show and convert content.",
    "lint": "Check content for errors.",
    "fmt": "Format searches with one pipe per line.",
    "test": "Run the tests of detections.",
    "replay": "Send datasets to an HTTP Event Collector or audit webhook.",
    "docs": "Write a static site with a page for each detection and story.",
    "coverage": "Show coverage of the ATT&CK matrix for Containers.",
    "export": "Export content as a Splunk app.",
    "new": "Create a draft detection, macro, story or exception.",
    "ack": "Take findings of a state into work.",
    "close": "Close findings of a state with a disposition.",
    "assign": "Assign findings of a state to somebody.",
    "status": "Show what a state holds.",
    "serve": "Take audit events over HTTP, always on, and answer questions about findings.",
    "init": "Make tokens and configuration for the senders of events.",
    "demo": "Run the shipped detections over shipped audit logs.",
    "help": "Explain verbs and SPL; print manual pages and shell completion.",
}

MOST_CHARACTERS = 2000
"""Of a line of an error message."""
EXIT_CODES: dict[int, str] = {
    0: "success, with or without results",
    1: "internal error in podhawk",
    2: (
        "invalid option, argument, setting or search; a state or cluster that cannot be used; output that cannot be "
        "written; not enough memory"
    ),
    3: "content that cannot be loaded or run, or that fails lint or fmt --check",
    4: (
        "input that cannot be read, or contains no audit event or none in the time range, or rejected input "
        "under --strict"
    ),
    5: (
        "a visible finding has the severity of --fail-on or a higher one; with --rows, a detection "
        "of that severity has rows; with diff, a visible finding differs as --fail-on says"
    ),
    6: "a test of a detection failed, or no test could run (unless --allow-skipped)",
    7: "the --state is in use by another run for longer than --wait, or its server cannot be reached: try again later",
    130: "interrupted",
}

CONTENTCTL = {
    "validate": "lint",
    "build": "export splunk",
    "report": "coverage, and podhawk docs",
    "release_notes": "diff OLD NEW LOG",
    "test_servers": "replay, then podhawk test --golden",
}
"""Verbs of contentctl that have another name here (docs/from-contentctl.md)."""

EPILOG = """\b
Examples:
  podhawk demo
  podhawk run audit.log
  podhawk run --content detections/ --only 'Kubernetes Cron*' /var/log/kubernetes/audit/
  podhawk search 'verb=create objectRef.resource=pods | stats count by user.username' audit.log
  zcat audit.log.gz | podhawk search @hunt.spl -
  podhawk help run
  podhawk help spl stats
"""


class LazyVerbs(click.Group):
    """A group whose verbs are imported only when they are used: `--help` stays instant."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module = importlib.import_module(f"podhawk.cli.verb_{name}")
        command: click.Command = module.COMMAND
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(self, context: click.Context, arguments: list[str]) -> Any:
        from podhawk.errors import nearest

        if arguments and arguments[0] not in VERBS and not arguments[0].startswith("-"):
            known = CONTENTCTL.get(arguments[0])
            hint = f"Of contentctl, that is podhawk {known}." if known else nearest(arguments[0], VERBS)
            raise click.UsageError(f"unknown verb {arguments[0]!r}. {hint}".strip())
        return super().resolve_command(context, arguments)


@click.command(
    cls=LazyVerbs,
    epilog=EPILOG,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="podhawk")
def podhawk() -> None:
    """Find attacks in Kubernetes audit logs with detections written in SPL. No SIEM is needed."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    streams.set_up()
    if instruction := os.environ.get("_PODHAWK_COMPLETE"):
        from podhawk.cli.completion import answer

        sys.exit(answer(podhawk, instruction))
    with rare_collection():
        code = invoke(sys.argv[1:] if arguments is None else arguments)
        gc.freeze()  # what is left goes with the process; to look through it for cycles took a tenth of a large run
    sys.exit(code if streams.finish() else code or 2)


def invoke(arguments: list[str]) -> int:
    """The exit code of a command line; errors are printed on standard error."""
    try:
        return _run(list(arguments))
    except click.ClickException as error:
        told = io.StringIO()
        error.show(told)
        click.echo(visible(told.getvalue()), nl=False, err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except BrokenPipeError:
        streams.finish()  # its reader has enough
        return 0
    except PodhawkError as error:
        return _failed(error)
    except MemoryError:
        return _failed(out_of_memory())
    except OSError as error:
        if error.filename is None:
            raise
        return _failed(_about_path(error))


def _run(arguments: list[str]) -> int:
    """The exit code of a command line; standard output is written to its end."""
    try:
        # Not main(): it would turn a closed pipe into exit code 1.
        with podhawk.make_context("podhawk", arguments) as context:
            code = podhawk.invoke(context)
    except click.exceptions.Exit as ended:
        code = ended.exit_code
    sys.stdout.flush()
    return code if isinstance(code, int) else 0


def _failed(error: PodhawkError) -> int:
    click.echo("\n".join(map(_cut, visible_block(f"podhawk: {error}").split("\n"))), err=True)
    return error.exit_code


def _cut(line: str) -> str:
    """A line of a message; what is very long in it was given on the command line, or stands in a file."""
    more = len(line) - MOST_CHARACTERS
    return line if more <= 0 else f"{line[:MOST_CHARACTERS]}… ({more:,} more characters)"


def _about_path(error: OSError) -> PodhawkError:
    """What the system said of a path, where no verb has more to say of it."""
    from podhawk.errors import InputError, UsageError

    path, why = os.fspath(error.filename), error.strerror or type(error).__name__
    told = f"{path if isinstance(path, str) else os.fsdecode(path)}: {why[:1].lower()}{why[1:]}"
    if error.errno in (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR):
        return UsageError(told, remedy="A path to a file or folder is needed here.")
    return InputError(told)


if __name__ == "__main__":
    main()
