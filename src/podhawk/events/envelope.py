"""What travels with a record while it is unwrapped, and what a format is.

A format is one file in `formats/`: it says whether a decoded value is one of its own and takes it out of
its wrapping, one layer at a time. What it hands on may be wrapped again (an HTTP Event Collector
envelope that holds a docker line that holds an event); `unwrap.py` goes on until an event or a reason
not to have one is reached. Everything that the layers say about time, host, source and cluster is
gathered in an `Envelope`, where an inner layer wins over an outer one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from podhawk.rows import Value


class Carrier(Struct, frozen=True):
    """How the Splunk add-on of a cloud shows a record. Without `data` it shows the event itself."""

    sourcetype: str
    source: str
    data: dict[str, Any] | None = None
    raw: str | None = None
    aliases: dict[str, str] = field(default_factory=dict)
    index: str | None = None


class Envelope(Struct, frozen=True):
    """What the layers around an event say about it; None is "says nothing"."""

    format: str = ""
    time: float | None = None
    host: str | None = None
    cluster: str | None = None
    carrier: Carrier | None = None
    missing: frozenset[str] = frozenset()
    indexed: dict[str, Value] = field(default_factory=dict)
    path: str = ""
    """The file that the record stands in, for formats that leave the cluster's name to the file's name."""

    def within(self, format_name: str, **said: Any) -> Envelope:
        """This envelope with an inner layer; what the inner layer leaves None stays as it was."""
        return replace(self, format=format_name, **{key: value for key, value in said.items() if value is not None})


class Record(Struct, frozen=True):
    """One layer: a decoded value (or text still to be decoded, as `str`), and its source text if known.

    `text` is None where the value does not stand verbatim in the input.
    """

    value: Any
    envelope: Envelope
    text: str | bytes | None = None


class Reject(Struct, frozen=True):
    """A record that is not an audit event, and why (one of `reasons.REASONS`)."""

    reason: str


class Event(Struct, frozen=True):
    """An audit event taken out of its last wrapping."""

    data: dict[str, Any]
    raw: str
    envelope: Envelope
    truncated: bool = False
    missing: frozenset[str] = frozenset()


Layer = Iterator[Record | Reject | Event]


class Format(Struct, frozen=True):
    """A wrapping that is recognised by its content.

    `verbatim` says whether the event's own JSON text stands unescaped in the input, so that a literal
    from a search can be looked for in the bytes before anything is decoded. `example` is a whole input.
    """

    name: str
    doc: str
    recognise: Callable[[Any], bool]
    unwrap: Callable[[Record], Layer]
    example: str
    verbatim: bool = False
