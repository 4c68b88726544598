"""Why there is nothing to see: what was looked at, and where podhawk was blind."""

from __future__ import annotations

from msgspec import Struct

from podhawk.errors import StoreError
from podhawk.serve.console.page import Visit
from podhawk.serve.evaluator.positions import evaluated_counts
from podhawk.serve.ledger import accounts
from podhawk.wording import counted


class LookedAt(Struct, frozen=True):
    """What was looked at, in sentences, and what was not, which calls for attention."""

    told: tuple[str, ...]
    blind: tuple[str, ...]


def coverage_of(visit: Visit) -> LookedAt:
    """What the service looked at so far."""
    console = visit.console
    content = console.supervisor.content
    told, blind = [], []
    if console.supervisor.state in ("starting", "stuck", "failed", "ended"):
        blind.append(f"The evaluator does not evaluate: it is {console.supervisor.state}.")
    else:
        told.append(f"{counted(content.detections, 'detection')} run.")
    if content.unable:
        blind.append(f"{counted(len(content.unable), 'detection')} cannot run: {'; '.join(content.unable[:3])}.")
    if content.problem:
        blind.append("Content was changed and not taken over, because it is broken.")
    if console.supervisor.isolated:
        blind.append(f"Over their budget, so evaluated once a minute: {', '.join(console.supervisor.isolated[:5])}.")
    if "*" not in visit.token.clusters:
        told.append(f"You see the clusters {', '.join(visit.token.clusters)}.")
        return LookedAt(tuple(told), tuple(blind))
    try:
        known = accounts(console.writer.ledger(), evaluated_counts(console.kept.path))
    except StoreError:
        return LookedAt(tuple(told), (*blind, "The state cannot be read, so nothing can be told of the senders."))
    if not known:
        blind.append("Nobody has sent an event yet.")
    else:
        events = sum(one.evaluated for one in known)
        told.append(f"{counted(events, 'event')} of {counted(len(known), 'sender')} were evaluated.")
    waiting = sum(one.waiting for one in known)
    dead = sum(one.dead_lettered for one in known)
    if waiting:
        blind.append(f"{counted(waiting, 'event')} wait to be evaluated.")
    if dead:
        blind.append(f"{counted(dead, 'record')} could not be read or evaluated.")
    return LookedAt(tuple(told), tuple(blind))
