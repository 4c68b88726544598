"""podhawk serve: the service."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from podhawk.cli.content_choice import with_content
from podhawk.cli.options import declared

if TYPE_CHECKING:
    from podhawk.serve.configuration import Configuration
    from podhawk.settings.resolve import Settings

EPILOG = """\b
Examples:
  podhawk serve --demo
  podhawk serve --state /var/lib/podhawk --listen 0.0.0.0:8088 --tls-cert tls.crt --tls-key tls.key
  podhawk serve --check --state /var/lib/podhawk
  podhawk serve --state /var/lib/podhawk --backup /backup/podhawk-monday
"""
DEMO_EVENT = (
    '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{"level":"Metadata","auditID":"demo-1",'
    '"stage":"ResponseComplete","requestURI":"/api/v1/namespaces/kube-system/secrets","verb":"list",'
    '"user":{"username":"system:anonymous","groups":["system:unauthenticated"]},"sourceIPs":["203.0.113.7"],'
    '"userAgent":"curl/8.5.0","objectRef":{"resource":"secrets","namespace":"kube-system","apiVersion":"v1"},'
    '"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-11-30T10:00:00.000000Z",'
    '"stageTimestamp":"2026-11-30T10:00:00.010000Z","annotations":{"authorization.k8s.io/decision":"allow"}}]}'
)
"""The body that `--demo` proposes to send: an anonymous user lists Secrets."""
SHIPPED = "shipped"
"""The cluster of the shipped log in `--demo`."""


@click.command("serve", epilog=EPILOG)
@declared("serve")
def COMMAND(**given: Any) -> int:  # noqa: N802 - looked up by this name
    """Take audit events over HTTP (the audit webhook of the API server, Splunk's HEC), keep them, run detections over
    them, and answer questions about findings. See docs/serve.md.

    Nothing that was answered with 200 is lost. Everything needs a token: podhawk init token.
    """
    from podhawk.serve.logs import log_as_json
    from podhawk.settings.resolve import resolve

    _need_parts()
    settings = with_content(resolve("serve", given))
    log_as_json()
    if settings["demo"]:
        return _demo(settings)
    from podhawk.serve.configuration import configuration_of

    configuration = configuration_of(settings)
    if settings["backup"]:
        return _back_up(configuration, settings["backup"])
    if settings["check"]:
        return _check(configuration)
    from podhawk.serve.server import serve

    serve(configuration, ready=_tell_first_run)
    return 0


def _tell_first_run(place: Mapping[str, Any]) -> None:
    """Say where the first account is made, as long as there is none. The link is not written to the log."""
    from podhawk.cli.echo import echo

    if "first_run" in place:
        echo(
            f"The console has no account yet. Make the first one here; the link works once, for three days:\n\n"
            f"  {place['first_run']}\n"
        )


def _need_parts() -> None:
    """Raise UsageError if the packages that only the service needs are missing."""
    from importlib.util import find_spec

    from podhawk.errors import UsageError

    missing = [
        name for name in ("litestar", "uvicorn", "httptools", "argon2", "js_lib_htmx", "jwt") if find_spec(name) is None
    ]
    if missing:
        raise UsageError(
            f"podhawk serve needs packages that are not installed: {', '.join(missing)}",
            remedy="pip install 'podhawk[serve]'",
        )


def _check(configuration: Configuration) -> int:
    from podhawk.cli.echo import echo
    from podhawk.serve.check import check

    for line in check(configuration):
        echo(line)
    return 0


def _back_up(configuration: Configuration, folder: str) -> int:
    from podhawk.cli.echo import echo
    from podhawk.serve.backup import back_up

    for line in back_up(configuration.folder, Path(folder)):
        echo(line)
    return 0


def _demo(settings: Settings) -> int:
    import secrets

    from msgspec.structs import replace

    from podhawk.cli.echo import echo
    from podhawk.serve.configuration import configuration_of
    from podhawk.serve.console.accounts import Accounts
    from podhawk.serve.console.database import ConsoleDatabase
    from podhawk.serve.server import serve
    from podhawk.serve.tokens import SCOPES, Token, new_token

    with tempfile.TemporaryDirectory(prefix="podhawk-demo-") as folder:
        file = Path(folder) / "tokens.json"
        token = new_token(file, Token("demo", ("*",), SCOPES))
        password = secrets.token_urlsafe(12)
        database = ConsoleDatabase(Path(folder))
        accounts, now = Accounts(database), time.time()
        accounts.accept(accounts.invite("demo", "admin", ("*",), now), "demo", password, now)
        database.close()
        own = {"state": folder, "tokens": str(file), "free_disk": "64M", "inbox_limit": "1G", "accept_exceptions": True}
        values = {**settings.values, **own, "follow": [*(settings["follow"] or ()), str(_shipped_log(Path(folder)))]}
        configuration = configuration_of(replace(settings, values=values))

        def ready(place: Mapping[str, Any]) -> None:
            echo("podhawk serves from a temporary folder, with the audit log of an attack that is shipped with it.\n")
            echo(f"  console   {place['url']}/\n  name      demo\n  password  {password}\n")
            echo("To send an event of your own, run this in another terminal. Its finding is printed here too:\n")
            echo(f"  curl -H 'Authorization: Bearer {token}' {place['url']}/audit/demo/cp-1 -d '{DEMO_EVENT}'\n")

        serve(configuration, _print_change, ready)
    return 0


def _shipped_log(folder: Path) -> Path:
    """The shipped log as one that was written just now, in a folder that names its cluster."""
    from podhawk.authoring.replay.datasets import ReplayDataset, messages, times_of
    from podhawk.content.datasets import shipped_attacks

    dataset = ReplayDataset(shipped_attacks())
    shift = time.time() - max(times_of(dataset))
    log = folder / "follow" / f"cluster={SHIPPED}" / "audit.log"
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"{one.text}\n" for one in messages(dataset, shift)), encoding="utf-8")
    return log


def _print_change(change: Mapping[str, Any]) -> None:
    from podhawk.cli.echo import echo

    if change.get("visible") and change["cluster"] != SHIPPED:
        echo(f"{change['change']:8} {change['priority']:>3}  {change['severity']:13} {change['title']}")
