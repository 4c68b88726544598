"""Sending: in order, batch after batch, each until it is accepted.

A batch is sent again while the receiver is busy, fails or cannot be reached, later each time. What it refuses for
good ends the replay. After each batch the position is written down, so that a replay that was stopped goes on where
it was. A receiver that takes a batch and breaks off before it says so gets it twice: HEC events carry
`podhawk_replay`, by which the second can be told.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct, to_builtins

from podhawk.authoring.replay.answer import Poster
from podhawk.authoring.replay.datasets import Message
from podhawk.authoring.replay.targets import Receiver, without_password, without_secrets
from podhawk.errors import PodhawkError, UsageError
from podhawk.writing import write_text

MOST_EVENTS: Final = 500
MOST_BYTES: Final = 900_000
"""Below the 1 MB that HEC takes by default."""
FIRST_WAIT: Final = 0.25
LONGEST_WAIT: Final = 20.0
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class ReplayError(PodhawkError):
    """A receiver that refused events, or could not be reached for too long."""

    exit_code = 2


class ReplayPosition(Struct):
    """How far a replay is: events accepted, of which run, moved by how many seconds."""

    run: str
    sent: int = 0
    shift: float | None = None
    datasets: tuple[str, ...] = ()


def read_position(path: Path, datasets: Sequence[str]) -> ReplayPosition | None:
    """Where a replay of these datasets was stopped; None where none was. Raises UsageError for one of other
    datasets."""
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        position = ReplayPosition(found["run"], found["sent"], found["shift"], tuple(found["datasets"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(f"{path} is not a replay position file", remedy="Name a file that does not exist.") from None
    if position.datasets != tuple(datasets):
        raise UsageError(f"{path} holds the position of a replay of other datasets", remedy="Use another file.")
    return position


def write_position(path: Path, position: ReplayPosition) -> None:
    """Write a position down, whole or not at all."""
    write_text(path, json.dumps(to_builtins(position)))


def batches(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """Messages in batches that receivers take; a batch is of one dataset."""
    batch: list[Message] = []
    size = 0
    for one in messages:
        length = len(one.text.encode()) + 300
        if batch and (len(batch) >= MOST_EVENTS or size + length > MOST_BYTES or one.dataset != batch[-1].dataset):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += length
    if batch:
        yield batch


def send(
    messages: Iterable[Message],
    target: Receiver,
    position: ReplayPosition,
    *,
    rate: float | None = None,
    patience: float = 300.0,
    verify: bool | str = True,
    accepted: Callable[[ReplayPosition], None] = lambda position: None,
) -> Iterator[int]:
    """Send messages, and say after each batch how many it had. The first `position.sent` are passed over.

    Raises ReplayError for what is refused, and where the receiver cannot be reached for `patience` seconds.
    """
    import httpx

    started = time.monotonic()
    done = 0
    left = (one for number, one in enumerate(messages) if number >= position.sent)
    with httpx.Client(verify=verify) as client:
        poster = Poster(client)
        for batch in batches(left):
            request = target.request(batch, position.run, position.sent)
            _deliver(poster, request.url, request.headers, request.body, patience)
            position.sent += len(batch)
            accepted(position)
            done += len(batch)
            yield len(batch)
            if rate is not None:
                time.sleep(max(0.0, done / rate - (time.monotonic() - started)))


def _deliver(poster: Poster, url: str, headers: Mapping[str, str], body: bytes, patience: float) -> None:
    """One request until it is accepted."""
    import httpx

    shown = without_password(url)
    until = time.monotonic() + patience
    wait = FIRST_WAIT
    while True:
        try:
            answer = poster.post(url, headers, body, until)
        except httpx.TransportError as error:
            told = without_secrets(str(error) or type(error).__name__, url, headers)
        else:
            if answer.accepted:
                return
            told = f"{answer.status} {without_secrets(answer.text, url, headers)[:200]}"
            if answer.status not in _AGAIN:
                raise ReplayError(
                    f"{shown} rejected the events: {told}", remedy="Check the token, the index and the size limits."
                )
        if time.monotonic() + wait > until:
            raise ReplayError(
                f"{shown} accepted no events for {patience:g} s: {told}",
                remedy="Use --resume FILE to be able to continue later.",
            )
        time.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT)
