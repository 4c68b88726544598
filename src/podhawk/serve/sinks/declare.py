"""What a kind of sink declares, and what it does: the seam between the plan of messages and the outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from podhawk.serve.sinks.message import SinkMessage


class DeliveryError(Exception):
    """A message that could not be delivered now. `after` is how many seconds the receiver asks to wait."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.message = message
        self.after = after


class RefusedError(Exception):
    """A message that the receiver will never take."""


class Deliverer(Protocol):
    """A sink that is ready to send."""

    def deliver(self, message: SinkMessage) -> None:
        """Send a message; when this returns, the receiver has it.

        Raises DeliveryError if it may be tried again, RefusedError if not.
        """

    def preview(self, message: SinkMessage) -> str:
        """What would be sent, for people, without secrets."""

    def close(self) -> None:
        """Let go of connections."""


class SinkKind(Struct, frozen=True):
    """A kind of sink. `options` is the type of its own settings; `open` makes a deliverer of them and raises UsageError
    for settings that cannot be used. A `feed` is for machines: it gets every finding, old ones too, and each revision.
    `batch` is how many findings a message has at most, and `rate` how many messages there may be, such as `20/h`."""

    name: str
    doc: str
    options: type[Struct]
    open: Callable[[Any], Deliverer]
    feed: bool = False
    batch: int = 1
    rate: str = ""
