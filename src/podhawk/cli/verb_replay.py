"""podhawk replay: datasets sent on, as if they happened now."""

from __future__ import annotations

import time
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from podhawk.cli.content_choice import with_content
from podhawk.cli.echo import echo
from podhawk.cli.options import declared
from podhawk.errors import InputError, UsageError
from podhawk.wording import counted

EPILOG = """\b
Examples:
  podhawk replay attack.log --to https://splunk:8088/services/collector/event
  podhawk replay technique=T1610 --to http://podhawk:9770/audit --rate 100
  podhawk replay kubernetes_exec_into_pod --to https://splunk:8088/services/collector/raw --resume position.json
  podhawk replay 'Kubernetes Security' --to http://127.0.0.1:9770/audit --dry-run
"""


@click.command("replay", epilog=EPILOG)
@click.argument("names", nargs=-1, required=True, metavar="DATASET...")
@declared("replay")
def COMMAND(names: tuple[str, ...], **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Send datasets to an HTTP Event Collector or an audit webhook. Timestamps are shifted so that the last event
    happens now.

    DATASET is a file, or a detection (name, id, file stem, story or technique=…) whose tests name datasets.
    """
    from podhawk import api
    from podhawk.authoring.replay.datasets import datasets_named, messages, times_of
    from podhawk.authoring.replay.send import ReplayPosition, read_position, send, write_position
    from podhawk.authoring.replay.targets import target_of, without_password
    from podhawk.authoring.testing.datasets import Places
    from podhawk.cli.progress import tracked
    from podhawk.settings.resolve import resolve

    settings = with_content(resolve("replay", given))
    if not settings["to"]:
        raise UsageError(
            "missing --to URL",
            remedy="Name the receiver, for example --to https://splunk:8088/services/collector/event.",
        )
    target = target_of(settings["to"], settings["as"], _token(settings["token"], settings["token_file"]))
    content = api.content_of(settings.values, settings.macros)
    checkout = Path(settings["attack_data"]) if settings["attack_data"] else None
    cache = Path(settings["cache"]) if settings["cache"] else None
    found = datasets_named(names, content, Places(checkout, cache, settings["fetch"]))
    times = [moment for dataset in found for moment in times_of(dataset)]
    total = sum(1 for dataset in found for _ in messages(dataset, None))
    if not total:
        raise InputError(
            f"no audit event in {', '.join(str(one.path) for one in found)}",
            remedy="Name a log, or a detection whose tests name datasets.",
        )
    paths = [str(one.path) for one in found]
    resume = Path(settings["resume"]) if settings["resume"] else None
    position = read_position(resume, paths) if resume is not None else None
    if position is None:
        now = api.session_of(settings.values).now
        shift = None if settings["keep_times"] or not times else now - max(times)
        position = ReplayPosition(uuid4().hex, 0, shift, tuple(paths))
    span = max(times) - min(times) if times else 0.0
    echo(
        (
            f"{counted(total, 'event')} in {counted(len(found), 'dataset')}, spanning {span:,.0f} s, "
            f"to {without_password(target.url)} as {target.form}"
        )
        + (f"; {position.sent:,} already sent" if position.sent else ""),
        err=True,
    )
    if settings["dry_run"]:
        for dataset in found:
            echo(f"would send {counted(sum(1 for _ in messages(dataset, None)), 'event')} from {dataset.path}")
        return 0
    everything = chain.from_iterable(messages(dataset, position.shift) for dataset in found)
    started = time.monotonic()
    before = position.sent
    sent = send(
        everything,
        target,
        position,
        rate=settings["rate"],
        patience=float(settings["patience"]),
        verify=settings["ca"] or True,
        accepted=lambda one: write_position(resume, one) if resume is not None else None,
    )
    for _ in tracked(sent, max(1, (total - before) // 500), "replaying", quiet=settings["quiet"]):
        pass
    if resume is not None:
        resume.unlink(missing_ok=True)
    echo(f"{counted(position.sent - before, 'event')} sent in {time.monotonic() - started:.1f} seconds", err=True)
    return 0


def _token(text: str | None, file: str | None) -> str:
    if text and file:
        raise UsageError("--token and --token-file cannot be combined", remedy="Use one of them.")
    if file is None:
        return text or ""
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"cannot read the token file {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"the token file {file} is not text", remedy="It must hold the token alone.") from None
