"""What a finding says, in two sentences: who did what to which object and from where, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from podhawk.detect.finding import Actor, Finding
from podhawk.wording import counted

_KINDS: Final = {
    "human": "a user",
    "serviceaccount": "a service account",
    "node": "a node",
    "controller": "a controller",
    "anonymous": "not logged in",
    "unauthenticated": "credentials were rejected",
}
_VERBS: Final = {
    "create": "created",
    "update": "updated",
    "patch": "patched",
    "delete": "deleted",
    "deletecollection": "deleted all of",
    "get": "read",
    "list": "listed",
    "watch": "watched",
    "impersonate": "impersonated",
}
_ATTEMPTS: Final = {"deletecollection": "delete all of", "get": "read"}
_STREAMS: Final = {
    "exec": "run a command in",
    "attach": "attach to",
    "portforward": "forward ports of",
    "proxy": "connect through",
    "log": "read the log of",
    "token": "get a token of",
    "ephemeralcontainers": "add a debug container to",
}
_DONE: Final = {
    "exec": "ran a command in",
    "attach": "attached to",
    "portforward": "forwarded ports of",
    "proxy": "connected through",
    "log": "read the log of",
    "token": "got a token of",
    "ephemeralcontainers": "added a debug container to",
}
_OUTCOMES: Final = {
    "success": "The request succeeded",
    "denied": "The request was denied",
    "failed": "The request failed",
    "dry_run": "The request was a dry run and changed nothing",
    "pending": "The log does not hold the end of the request",
    "unknown": "The log does not say what became of the request",
}


def what_happened(finding: Finding) -> str:
    """The two sentences."""
    if finding.kind == "incident":
        return _incident(finding)
    return f"{_deed(finding)} {_result(finding)}"


def _incident(finding: Finding) -> str:
    objects = ", ".join(dict.fromkeys(one.value for one in finding.risk_objects)) or finding.actor.identity
    who = objects or "One entity"
    made = counted(len(finding.findings), "finding")
    return (
        f"{who} gathered risk in {made} {_when(finding)}. Together they reach the threshold of "
        f"{finding.detection.name}."
    )


def _deed(finding: Finding) -> str:
    actor = finding.actor
    client = f" with {actor.user_agent}" if actor.user_agent else ""
    address = f" from {actor.source_ip}" if actor.source_ip else ""
    number = f"{finding.request_count:,} requests: " if finding.request_count > 1 else ""
    when = _when(finding)
    return f"{when[:1].upper()}{when[1:]}, {number}{who(actor)} {_action(finding)}{address}{client}."


def _when(finding: Finding) -> str:
    first, last = utc_minute(finding.first_time), utc_minute(finding.last_time)
    if not first:
        return "at an unknown time"
    return f"at {first} UTC" if finding.last_time - finding.first_time < 60 else f"from {first} to {last} UTC"


def utc_minute(time: float) -> str:
    """A time to the second, in UTC; "" if there is none."""
    if not time:
        return ""
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return ""


def who(actor: Actor) -> str:
    """The actor, the kind of identity, and whom it acted as or for."""
    name = actor.identity or "an unknown user"
    kind = _KINDS.get(actor.kind, "")
    parts = [kind] if kind else []
    if actor.effective_user:
        parts.append(f"impersonating {actor.effective_user}")
    if actor.pod:
        parts.append(f"in pod {actor.pod}")
    if actor.certainty == "certain":
        parts.append(f"acting for {actor.chain[-1].user}")
    elif actor.certainty == "likely":
        parts.append(f"likely acting for {actor.chain[-1].user}: {actor.inferred}")
    elif actor.certainty == "possible":
        people = ", ".join(dict.fromkeys(link.user for link in actor.possible or ())) or "an unknown owner"
        parts.append(f"possibly acting for {people}: {actor.inferred}")
    return f"{name} ({', '.join(parts)})" if parts else name


def _action(finding: Finding) -> str:
    verb = finding.requests[0].verb if finding.requests else ""
    target, object_ = finding.target, object_text(finding)
    if finding.outcome == "success":
        done = _DONE.get(target.subresource) or _VERBS.get(verb) or f"sent the request {verb!r} to"
    else:
        attempt = _STREAMS.get(target.subresource) or _ATTEMPTS.get(verb) or verb or "reach"
        done = f"tried to {attempt}"
    return f"{done} {object_}"


def object_text(finding: Finding) -> str:
    """What the request was about, in words."""
    target = finding.target
    if not target.resource:
        return finding.requests[0].uri.split("?")[0] if finding.requests else "the cluster"
    named = target.subresource in _DONE or not target.subresource
    resource = target.resource if named else f"{target.resource}/{target.subresource}"
    name = f"{resource} {target.name}" if target.name else resource
    return f"{name} in namespace {target.namespace}" if target.namespace else name


def _result(finding: Finding) -> str:
    codes = sorted({one.code for one in finding.requests if one.code is not None})
    code = f" (HTTP {', '.join(map(str, codes))})" if codes else ""
    return f"{_OUTCOMES[finding.outcome]}{code}."
