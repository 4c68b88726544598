"""Tokens of service accounts that were used from another address before.

A token of a pod belongs to this pod, and a pod has one address. A restarted pod has another address and another token.
So the same token at a second address is in other hands. It is looked for among the earlier matches of the same
detection; tokens have ids from Kubernetes 1.30 on.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from podhawk.detect.match import Match, in_order
from podhawk.detect.requests.components import certified
from podhawk.detect.requests.credentials import credential_of


def with_moved_tokens(matches: Sequence[Match]) -> list[Match]:
    """The matches, the actors of those that use a token from a second address marked as `borrowed`."""
    found = list(matches)
    homes: dict[tuple[str, ...], str] = {}
    for number in in_order(matches):
        match = matches[number]
        actor = match.finding.actor
        if actor.kind != "serviceaccount" or match.request is None or actor.borrowed or not actor.source_ip:
            continue
        token = credential_of(match.request)
        if not token or certified(token):
            continue
        key = match.finding.cluster, match.finding.detection.key, actor.user, token
        home = homes.setdefault(key, actor.source_ip)
        if home != actor.source_ip:
            moved = structs.replace(actor, borrowed=f"its token was used from {home} before")
            found[number] = match.having(actor=moved)
    return found
