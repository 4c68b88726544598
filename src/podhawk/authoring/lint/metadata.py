"""Checks of what a detection says about itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID, uuid4

from podhawk.authoring.lint.declare import Check, Fault, Subject
from podhawk.content.detection import slug
from podhawk.errors import Place

TYPES: Final = ("Anomaly", "TTP", "Hunting", "Correlation", "Baseline", "Investigation")
STATUSES: Final = ("production", "experimental", "deprecated", "removed", "validation")
_OF_OTHER_CHECKS: Final = re.compile(
    r"(?:type|status) .* is not one of |the score of risk object .* is not in the range |names both technique "
)
"""What is noted while a file is read, and is a fault of a check of its own too."""
_PLACEHOLDER: Final = re.compile(
    r"\s*(?:tbd|todo|fixme|n/?a|none|unknown|xxx+|placeholder|\.+|-+)\s*\.?\s*\Z", re.IGNORECASE
)


def _id(subject: Subject) -> Iterator[Fault]:
    text = subject.detection.id
    if not text:
        fix = None
        if subject.document is not None:
            fix = "\n".join((*subject.document.lines[:1], f"id: {uuid4()}", *subject.document.lines[1:])) + "\n"
        yield Fault("no id", subject.place(), "Add a new UUID; --fix does this.", fix)
        return
    try:
        UUID(text)
    except ValueError:
        yield Fault(f"the id {text!r} is not a UUID", subject.place("id"), "Use the form 3f1c6d5e-….")


def _same_name(subject: Subject) -> Iterator[Fault]:
    own = subject.detection
    for other in subject.content.detections:
        if other.file != own.file and other.name.lower() == own.name.lower():
            yield Fault(f"{other.file} has the same name", subject.place("name"), "Rename one of them.")


def _version(subject: Subject) -> Iterator[Fault]:
    value = subject.data.get("version")
    if not re.fullmatch(r"[1-9]\d*", str(value)):
        yield Fault(f"the version is {value!r}", subject.place("version"), "Use a whole number, starting at 1.")


def _dates(subject: Subject) -> Iterator[Fault]:
    today = datetime.now(UTC).date()
    for name in ("date", "creation_date", "modification_date"):
        value = subject.data.get(name)
        if value is None:
            continue
        try:
            day = date.fromisoformat(str(value))
        except ValueError:
            yield Fault(f"{name} is {value!r}", subject.place(name), "Use the form YYYY-MM-DD.")
            continue
        if (day - today).days > 1:
            yield Fault(f"{name} is in the future: {day}", subject.place(name))
    first, last = (str(subject.data.get(name, "")) for name in ("creation_date", "modification_date"))
    if first and last and last < first:
        yield Fault("modification_date is earlier than creation_date", subject.place("modification_date"))


def _type(subject: Subject) -> Iterator[Fault]:
    if subject.detection.type not in TYPES:
        yield Fault(
            f"unknown type {subject.detection.type!r}", subject.place("type"), f"Known types: {', '.join(TYPES)}."
        )


def _status(subject: Subject) -> Iterator[Fault]:
    if subject.detection.status not in STATUSES:
        yield Fault(
            f"unknown status {subject.detection.status!r}",
            subject.place("status"),
            f"Known statuses: {', '.join(STATUSES)}.",
        )


def _placeholders(subject: Subject) -> Iterator[Fault]:
    own = subject.detection
    for name, text in (
        ("description", own.description),
        ("how_to_implement", own.how_to_implement),
        ("author", own.author),
        ("message", own.message),
    ):
        if name == "message" and own.type in ("Hunting", "Baseline", "Correlation") and not text:
            continue
        if not text.strip():
            yield Fault(f"no {name}", subject.tag_place(name))
        elif _PLACEHOLDER.match(text):
            yield Fault(
                f"{name} is a placeholder: {text.strip()!r}",
                _message_place(subject) if name == "message" else subject.place(name),
                "Replace it with text that helps a reader.",
            )


def _message_place(subject: Subject) -> Place:
    for path in (("rba", "message"), ("tags", "message"), ("finding", "title")):
        inner = subject.data.get(path[0])
        if isinstance(inner, dict) and path[1] in inner:
            return subject.place(*path)
    return subject.place()


def _file_name(subject: Subject) -> Iterator[Fault]:
    own = subject.detection
    if own.stem and own.stem.lower() != slug(own.name):
        yield Fault(
            f"the file name {own.stem!r} does not match the detection name {own.name!r}",
            subject.place("name"),
            f"Rename the file to {slug(own.name)}.yml, and its filter macro to {slug(own.name)}_filter.",
        )


def _tests(subject: Subject) -> Iterator[Fault]:
    own = subject.detection
    if own.status == "production" and not own.tests and own.type not in ("Correlation", "Baseline"):
        yield Fault("a production detection has no test", subject.place("tests"), "Add a test with a dataset.")


def _references(subject: Subject) -> Iterator[Fault]:
    for number, text in enumerate(subject.detection.references):
        if not re.match(r"https?://[^\s/]+\.[^\s]+\Z", text.strip()):
            yield Fault(f"the reference {text!r} is not a URL", subject.place("references", number))


def _notes(subject: Subject) -> Iterator[Fault]:
    for note in subject.detection.notes:
        if not _OF_OTHER_CHECKS.match(note):
            yield Fault(note, subject.place())


CHECKS: Final = (
    Check("id", "error", "The id exists and is a UUID.", _id, native=True),
    Check("name-unique", "error", "No other detection has the same name.", _same_name),
    Check("version", "error", "The version is a whole number, starting at 1.", _version, native=True),
    Check(
        "date", "error", "Dates have the form YYYY-MM-DD, are not in the future, and are in order.", _dates, native=True
    ),
    Check("type", "error", "The type is one of Splunk's analytic types.", _type),
    Check("status", "warning", "The status is known.", _status, native=True),
    Check(
        "placeholder",
        "warning",
        "Description, implementation, author and message are not placeholders such as `tbd`.",
        _placeholders,
        native=True,
    ),
    Check("file-name", "note", "The file name matches the detection name.", _file_name, native=True),
    Check("test", "warning", "A production detection has a test.", _tests, native=True),
    Check("reference", "note", "References are URLs.", _references),
    Check(
        "disagreement", "warning", "The file does not contradict itself (scores, fields that score twice, …).", _notes
    ),
)
