"""What a document comes to: events, or the reasons why there are none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from podhawk.events.documents import Document
from podhawk.events.envelope import Envelope, Format, Record, Reject, UnwrapOutcome
from podhawk.events.reasons import OTHER_FORMAT
from podhawk.events.registry import BY_TYPE
from podhawk.events.unwrap import recover, unwrap


def outcomes(document: Document, envelope: Envelope, only: Format | None) -> Iterator[UnwrapOutcome]:
    """All that a document holds; `only` is the format that it must be of, if one was chosen."""
    if document.broken:
        yield from recover(document.text.decode("utf-8", "replace"), envelope, BY_TYPE)
        return
    value = document.value if document.is_json else document.text.decode("utf-8", "replace")
    if not _is_chosen(value, envelope, only):
        yield Reject(OTHER_FORMAT)
        return
    text = document.text if document.is_json and document.text else None
    yield from unwrap(Record(value, envelope, text), BY_TYPE)


def _is_chosen(value: Any, envelope: Envelope, only: Format | None) -> bool:
    """Whether the outermost layer is of the format that the options name, if they do."""
    if only is None or only.beside or envelope.format == only.name:
        return True
    return BY_TYPE.of(value) is only
