"""What travels with a record while it is unwrapped, and what a format is.

A format is one file in `formats/`: it says whether a decoded value is one of its own and takes it out of
its wrapping, one layer at a time. What it hands on may be wrapped again (an HTTP Event Collector
envelope that holds a docker line that holds an event); `unwrap.py` goes on until an event or a reason
not to have one is reached. Everything that the layers say about time, host, source and cluster is
gathered in an `Envelope`, where an inner layer wins over an outer one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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


class Skipped(Struct, frozen=True):
    """A record that belongs to the carrier and holds no event, such as an action line of a bulk request; it is no
    fault either."""


class Event(Struct, frozen=True):
    """An audit event taken out of its last wrapping."""

    data: dict[str, Any]
    raw: str
    envelope: Envelope
    truncated: bool = False
    missing: frozenset[str] = frozenset()


UnwrapOutcome = Event | Reject | Skipped
Layer = Iterator[Record | Reject | Skipped | Event]


class Format(Struct, frozen=True):
    """A wrapping that is recognised by its content.

    `verbatim` says whether the event's own JSON text stands unescaped in the input, so that a literal
    from a search can be looked for in the bytes before anything is decoded. `example` is a whole input.

    `hides` are regular expressions for the bytes by which an input of the format shows where values or names do not
    stand as text at all: the prefilter does not look into such an input. `takes` is the type of the values that it
    recognises (`object` for objects and arrays). `certain` says that what is recognised is an event or holds one, which
    what is merely around events may not. `beside` says that its records stand beside events and hold none.
    """

    name: str
    doc: str
    recognise: Callable[[Any], bool]
    unwrap: Callable[[Record], Layer]
    example: str
    verbatim: bool = False
    hides: tuple[bytes, ...] = ()
    certain: bool = False
    beside: bool = False
    takes: type = dict


class Formats:
    """Formats in the order in which they are asked, by what they take."""

    def __init__(self, formats: Sequence[Format]) -> None:
        self._by_type: dict[type, tuple[Format, ...]] = {}
        for form in formats:
            for kind in (list, dict) if form.takes is object else (form.takes,):
                self._by_type[kind] = (*self._by_type.get(kind, ()), form)

    def of(self, value: Any) -> Format | None:
        """The first format that recognises a value."""
        for form in self._by_type.get(type(value), ()):
            if form.recognise(value):
                return form
        return None
