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


def token_of(match: Match) -> tuple[str, ...] | None:
    """The token that a match is about, for one detection; None if it is about none."""
    actor = match.finding.actor
    if actor.kind != "serviceaccount" or actor.borrowed or not actor.source_ip:
        return None
    token = match.credential
    if not token or certified(token):
        return None
    return match.finding.cluster, match.finding.detection.key, actor.user, token


def first_addresses(matches: Sequence[Match]) -> list[str]:
    """For each match whose token was used from another address before: the address of the first use."""
    found = [""] * len(matches)
    homes: dict[tuple[str, ...], str] = {}
    for number in in_order(matches):
        token = token_of(matches[number])
        if token is not None:
            address = matches[number].finding.actor.source_ip
            home = homes.setdefault(token, address)
            found[number] = home if home != address else ""
    return found


def with_moved_tokens(matches: Sequence[Match], homes: Sequence[str]) -> list[Match]:
    """The matches, the actors of those that have another first address marked as `borrowed`."""
    return [
        match.having(actor=structs.replace(match.finding.actor, borrowed=f"its token was used from {home} before"))
        if home
        else match
        for match, home in zip(matches, homes, strict=True)
    ]
