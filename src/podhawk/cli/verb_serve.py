"""podhawk serve: the service."""

from __future__ import annotations

import tempfile
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

    serve(configuration)
    return 0


def _need_parts() -> None:
    """Raise UsageError if the packages that only the service needs are missing."""
    from importlib.util import find_spec

    from podhawk.errors import UsageError

    missing = [name for name in ("litestar", "uvicorn", "httptools", "jwt") if find_spec(name) is None]
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
    from msgspec.structs import replace

    from podhawk.cli.echo import echo
    from podhawk.serve.configuration import configuration_of
    from podhawk.serve.server import serve
    from podhawk.serve.tokens import SCOPES, Token, new_token

    with tempfile.TemporaryDirectory(prefix="podhawk-demo-") as folder:
        file = Path(folder) / "tokens.json"
        token = new_token(file, Token("demo", ("*",), SCOPES))
        values = {**settings.values, "state": folder, "tokens": str(file), "free_disk": "64M", "inbox_limit": "1G"}
        configuration = configuration_of(replace(settings, values=values))

        def ready(place: Mapping[str, Any]) -> None:
            echo("podhawk serves from a temporary folder. Findings are printed here. In another terminal:\n")
            echo(f"  curl -H 'Authorization: Bearer {token}' {place['url']}/audit/demo/cp-1 -d '{DEMO_EVENT}'\n")

        serve(configuration, _print_change, ready)
    return 0


def _print_change(change: Mapping[str, Any]) -> None:
    from podhawk.cli.echo import echo

    if change.get("visible"):
        echo(f"{change['change']:8} {change['priority']:>3}  {change['severity']:13} {change['title']}")
