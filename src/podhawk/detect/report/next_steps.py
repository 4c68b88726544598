"""What to look at next about a finding: commands that only read, ready to paste into a shell.

The values come from an audit log, where anybody can write anything. Each is quoted for the shell, and names are put
into kubectl commands only if Kubernetes would accept them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from podhawk.detect.finding import Finding
from podhawk.detect.report.drilldowns import drilldowns
from podhawk.engine.run.covered import utc
from podhawk.spl.text import quote

_AROUND: Final = 3600.0
"""Seconds before and after a finding in which the actor's other requests are listed."""
_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\Z")
_RESOURCE: Final = re.compile(r"[a-z][a-z0-9]{0,62}\Z")
_GROUP: Final = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\Z")
_HARMLESS: Final = re.compile(r"[\x20-\x7e]+\Z")
"""Values that a terminal shows as they are: others cannot be pasted."""
_SECRET: Final = "secrets"


class NextStep(Struct, frozen=True):
    """A command, and the question that it answers."""

    question: str
    command: str


def next_steps(finding: Finding, paths: Sequence[str]) -> list[NextStep]:
    """The steps, in the order in which to take them. `paths` are the logs in which the finding was made."""
    logs = " ".join(map(shlex.quote, paths)) or "LOG"
    return [*_searches(finding, logs), *_kubectl(finding)]


def _searches(finding: Finding, logs: str) -> Iterator[NextStep]:
    for one in drilldowns(finding):
        times = "".join(
            f" --{name} {utc(time)}"
            for name, time in (("earliest", one.earliest), ("latest", one.latest))
            if time is not None
        )
        if _HARMLESS.match(one.search.replace("\n", " ")):
            search = shlex.quote(" ".join(one.search.split()))
            yield NextStep(one.name or "drilldown", f"podhawk search {search} {logs}{times}")
    user = finding.actor.user
    if user and _HARMLESS.match(user):
        search = shlex.quote(
            f"user.username={quote(user)} | stats count by verb objectRef.resource objectRef.namespace"
        )
        times = f"--earliest {utc(finding.first_time - _AROUND)} --latest {utc(finding.last_time + _AROUND)}"
        yield NextStep(f"what else {user} did within an hour", f"podhawk search {search} {logs} {times}")
        yield NextStep(f"everything that {user} did in the log", f"podhawk who {shlex.quote(user)} {logs}")


def _kubectl(finding: Finding) -> Iterator[NextStep]:
    target, actor = finding.target, finding.actor
    scope = f" -n {target.namespace}" if target.namespace else ""
    scoped = not target.namespace or _NAME.match(target.namespace)
    if _RESOURCE.match(target.resource) and scoped and _NAME.match(target.name):
        resource = target.resource
        if target.api_group and _GROUP.match(target.api_group):
            resource = f"{resource}.{target.api_group}"
        # The value of a Secret must not end up on a screen or in a ticket.
        output = "" if target.resource == _SECRET else " -o yaml"
        yield NextStep("the object as it is now", f"kubectl get {resource} {target.name}{scope}{output}")
        if target.resource == "pods":
            yield NextStep("its state and its events", f"kubectl describe pod {target.name}{scope}")
    if actor.user and not actor.user.startswith("-") and _HARMLESS.match(actor.user) and actor.kind != "anonymous":
        asking = f"kubectl auth can-i --list --as={shlex.quote(actor.user)}{scope if scoped else ''}"
        yield NextStep("what the actor may do (needs the right to impersonate)", asking)
        name = actor.user.rsplit(":", 1)[-1]
        yield NextStep(
            "which bindings name the actor",
            f"kubectl get rolebindings,clusterrolebindings -A -o wide | grep -F -e {shlex.quote(name)}",
        )
    if actor.pod and _NAME.match(actor.pod) and actor.kind in ("serviceaccount", "controller"):
        parts = actor.user.split(":")
        if len(parts) == 4 and _NAME.match(parts[2]):
            yield NextStep("the pod that the request came from", f"kubectl get pod {actor.pod} -n {parts[2]} -o wide")
