"""podhawk init: tokens and configuration for the senders of events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from podhawk.cli.options import declared
from podhawk.errors import UsageError

if TYPE_CHECKING:
    from podhawk.serve.tokens import Scope
    from podhawk.settings.resolve import Settings

EPILOG = """\b
Examples:
  podhawk init token --state /var/lib/podhawk --name prod --cluster prod
  podhawk init token --state /var/lib/podhawk --name grafana --cluster '*' --scope read --scope metrics
  podhawk init onprem --state /var/lib/podhawk --cluster prod --instance cp-1 --url https://podhawk.example.org:8088
  podhawk init policy audit-policy.yaml
  podhawk init eks --state /var/lib/podhawk --cluster prod --url https://podhawk.example.org
  podhawk init kubernetes --image registry.example.org/podhawk:0.1.0 > podhawk.yaml
  podhawk init alerts > /etc/prometheus/rules/podhawk.yml
"""
WHAT = ("token", "onprem", "policy", "eks", "gke", "aks", "kubernetes", "container", "systemd", "alerts", "dashboard")


@click.command("init", epilog=EPILOG)
@click.argument("what", type=click.Choice(WHAT), required=False)
@click.argument("file", required=False, metavar="[FILE]")
@declared("init")
def COMMAND(what: str | None, file: str | None, **given: Any) -> int:  # noqa: N802 - looked up by this name
    """Make what senders of events need.

    token makes a token and prints it once: only its hash is kept. onprem writes the files and flags for the audit
    webhook of an API server, with a token of its own. policy reads an audit policy (FILE) and prints as a diff what to
    change so that detections see what they need; no rule of it logs less than before.

    eks, gke and aks write credentials, configuration and commands for managed clusters, and which shipped detections
    their policies can feed. kubernetes writes manifests, container a Containerfile, systemd a unit, alerts rules for
    Prometheus, and dashboard a dashboard for Grafana. See docs/install.md.

    A repository of detections needs no init: podhawk new detection NAME makes the folders.
    """
    from podhawk.settings.resolve import resolve

    if what is None:
        raise UsageError(
            f"init makes one of {', '.join(WHAT)}: say which",
            remedy="podhawk init token --state DIR --name NAME. To begin with detections: podhawk new detection NAME.",
        )
    settings = resolve("init", given)
    if what == "policy":
        if file is None:
            raise UsageError("init policy needs the audit policy", remedy="podhawk init policy audit-policy.yaml")
        return _policy(file)
    if file is not None:
        raise UsageError(f"init {what} takes no file")
    if what == "token":
        return _token(settings)
    return _onprem(settings) if what == "onprem" else _install(what, settings)


def _install(what: str, settings: Settings) -> int:
    """Print what is needed to install the service, or to feed it from a cloud."""
    from podhawk.cli.echo import echo
    from podhawk.serve.install import clouds, kubernetes, machines, watching

    cluster = settings["cluster"]
    if what in ("eks", "gke", "aks"):
        from podhawk.cli.tables import note
        from podhawk.serve.install.feeds import report

        url = clouds.checked_url(settings["url"])
        account = settings["account"] or ""
        if what == "gke" and "@" not in account:
            raise UsageError(
                "missing --account EMAIL: the service account of the push subscription",
                remedy="For example: --account podhawk-push@PROJECT.iam.gserviceaccount.com",
            )
        secret = _made(settings, settings["name"] or f"{cluster}-{what}", account=account if what == "gke" else "")
        note("trying the shipped detections with the policy of the provider …")
        text = {
            "eks": lambda: clouds.eks(url, cluster, secret),
            "gke": lambda: clouds.gke(url, cluster, account),
            "aks": lambda: clouds.aks(url, cluster, secret),
        }[what]()
        echo(f"{text}\n{report(what)}")
    elif what == "kubernetes":
        echo(kubernetes.kubernetes(settings["namespace"], settings["image"], settings["storage"]))
    else:
        made = {
            "container": machines.containerfile,
            "systemd": lambda: machines.SYSTEMD,
            "alerts": watching.rules,
            "dashboard": watching.dashboard,
        }
        echo(made[what]().rstrip("\n"))
    return 0


def _token(settings: Settings) -> int:
    from podhawk.cli.echo import echo
    from podhawk.cli.tables import note

    secret = _made(settings, settings["name"])
    if secret:
        echo(secret)
        note(f"the token is kept as a hash in {_file(settings)}; it cannot be shown again")
    return 0


def _made(settings: Settings, name: str | None, account: str = "") -> str:
    from podhawk.serve.tokens import SCOPES, Token, new_token

    if not name:
        raise UsageError("missing --name NAME", remedy="The ledger shows it: name the sender.")
    scopes = tuple(settings["scope"]) or ("send",)
    for one in scopes:
        if one not in SCOPES:
            raise UsageError(f"unknown scope {one!r}", remedy=f"Known scopes: {', '.join(SCOPES)}.")
    clusters = tuple(one.strip() for one in settings["cluster"].split(",") if one.strip())
    token = Token(
        name,
        clusters,
        cast("tuple[Scope, ...]", scopes),
        certificate=settings["certificate"] or "",
        account=account or settings["account"] or "",
        acknowledge=settings["acknowledge"],
    )
    return new_token(_file(settings), token)


def _file(settings: Settings) -> Path:
    from podhawk.serve.tokens import FILE

    if settings["tokens"]:
        return Path(settings["tokens"])
    if not settings["state"] or "://" in settings["state"]:
        raise UsageError("missing --state DIR or --tokens FILE", remedy="Name the folder of podhawk serve.")
    return Path(settings["state"]) / FILE


def _onprem(settings: Settings) -> int:
    from podhawk.cli.echo import echo
    from podhawk.serve.onprem import files_for

    url = settings["url"]
    if not url:
        raise UsageError("missing --url URL", remedy="Name the URL at which the API server reaches podhawk serve.")
    cluster, instance = settings["cluster"], settings["instance"]
    secret = _made(settings, settings["name"] or f"{cluster}-{instance}")
    echo(files_for(url, cluster, instance, secret))
    return 0


def _policy(file: str) -> int:
    from podhawk.cli.echo import echo
    from podhawk.serve.policy import improved

    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the audit policy {file}: {error}") from None
    echo(improved(text, file))
    return 0
