"""What ack, close and assign have in common: they change the triage of findings in a state."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from podhawk.cli.echo import echo
from podhawk.errors import UsageError

if TYPE_CHECKING:
    from podhawk.settings.resolve import Settings


def change(finding_ids: Sequence[str], settings: Settings, **changes: Any) -> int:
    """Change the triage of findings and print their current ids. An option that is not given changes nothing."""
    from podhawk.cli.summary import waits
    from podhawk.store.database import Waiting
    from podhawk.store.triage import change_triage

    state = state_of(settings)
    given = {name: settings[name] for name in ("assignee", "note") if settings[name] is not None}
    found = change_triage(
        state, finding_ids, Waiting(settings["wait"], waits), **{**given, **changes, "changed": time.time()}
    )
    for id_ in dict.fromkeys(found):
        echo(id_)
    return 0


def state_of(settings: Settings) -> str:
    """The state that is named, which must be there. Raises UsageError."""
    from podhawk.store.database import is_state

    state: str | None = settings["state"]
    if not state:
        raise UsageError("missing --state DIR|URL", remedy="Name the state that podhawk run --state keeps.")
    if not is_state(state):
        raise UsageError(f"no state in {state}", remedy="podhawk run --state makes one.")
    return state
