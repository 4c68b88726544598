"""What the public functions are given: options, content and detections, each in more than one way."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from podhawk.content.model import Content, Detection
from podhawk.content.selection import select
from podhawk.detect.noise.registry import policy_of
from podhawk.detect.passes.settle import Policies
from podhawk.detect.rank.exceptions import load_exceptions
from podhawk.detect.rank.priority import priority_policy
from podhawk.detect.risk.factors import risk_policy
from podhawk.errors import Place, UsageError
from podhawk.session import Session, content_of, session_of
from podhawk.settings.keywords import Paths
from podhawk.settings.resolve import Settings

_NOT_OF_SESSION: Final = frozenset({"overrides", "only", "exclude", "exceptions"})


def given_session(session: Session | None, options: Mapping[str, Any]) -> Session:
    """The session that options name, unless they are given resolved. Raises UsageError for both."""
    if session is None:
        return session_of(options)
    for name in options:
        if name not in _NOT_OF_SESSION:
            raise UsageError(
                f"{name!r} is given together with a session", remedy="Give one of the two: a session has all options."
            )
    return session


def given_content(content: Content | Paths | None, options: Mapping[str, Any]) -> Content:
    """Content as it is, or read from paths; the shipped pack for None. Raises UsageError and ContentError."""
    if isinstance(content, Content):
        if "overrides" in options:
            raise UsageError(
                "overrides are for content that is read here", remedy="Give them to load_content, or give paths."
            )
        return content
    paths = [content] if isinstance(content, str | os.PathLike) else content
    return content_of({**options, "content": paths})


def given_detections(
    content: Content, detections: Sequence[Detection] | None, options: Mapping[str, Any]
) -> list[Detection]:
    """The detections to run, which options select if they are not given. Raises UsageError for both."""
    if detections is None:
        return list(select(content, options.get("only", ()), options.get("exclude", ())))
    if "only" in options or "exclude" in options:
        raise UsageError("only and exclude select among all detections", remedy="Give them, or detections.")
    return list(detections)


def policies_of(settings: Settings) -> Policies:
    """What `podhawk.toml` and the options say of noise, priority, risk and exceptions. Raises UsageError and
    ContentError."""
    tables = settings.tables
    try:
        noise, priority, risk = (
            policy_of(tables.get("noise", {})),
            priority_policy(tables.get("priority", {})),
            risk_policy(tables.get("risk", {})),
        )
    except UsageError as error:
        place = error.place or (Place(str(settings.file)) if settings.file is not None else None)
        raise UsageError(error.message, place=place, remedy=error.remedy) from None
    return Policies(noise, priority, risk, load_exceptions(settings.values.get("exceptions") or ()))
