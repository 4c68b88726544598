"""What is replayed: files, and the datasets of detections' tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from podhawk.authoring.testing.datasets import Places, fetched, locate
from podhawk.content.model import AttackData, Content
from podhawk.content.selection import select
from podhawk.errors import InputError, UsageError
from podhawk.events.decode import encode_json
from podhawk.events.event import AuditEvent
from podhawk.events.options import InputReport, ReadOptions
from podhawk.events.read import read_events
from podhawk.events.time import parse_rfc3339

TIMES = ("requestReceivedTimestamp", "stageTimestamp")


class ReplayDataset(Struct, frozen=True):
    """A file of events, and how its events are indexed."""

    path: Path
    source: str = ""
    sourcetype: str = ""
    index: str = ""
    host: str = ""


class Message(Struct, frozen=True):
    """One event to send: its JSON text, its time in epoch seconds, and the dataset it is of."""

    text: str
    time: float
    dataset: ReplayDataset


def datasets_named(names: Sequence[str], content: Content, places: Places) -> list[ReplayDataset]:
    """The datasets that names mean: files, or detections by name, id, file stem, story, `technique=…`.

    Raises UsageError for a name that means neither, and for datasets that are not here.
    """
    found: dict[Path, ReplayDataset] = {}
    for name in names:
        if Path(name).is_file():
            given = fetched(Path(name), places)
            if given.path is None:
                raise UsageError(given.reason)
            found.setdefault(given.path, ReplayDataset(given.path))
            continue
        count = len(found)
        for detection in select(content, [name]):
            for test in detection.tests:
                for data in test.attack_data:
                    located = locate(data.data, detection, places)
                    if located.path is None:
                        raise UsageError(located.reason)
                    found.setdefault(located.path, _dataset(located.path, data))
        if len(found) == count:
            raise UsageError(
                f"{name} is not a file, and is not a detection whose tests have a dataset",
                remedy="Name a file, or a detection whose tests have one.",
            )
    return list(found.values())


def _dataset(path: Path, data: AttackData) -> ReplayDataset:
    return ReplayDataset(path, data.source, data.sourcetype, data.index, data.host)


def times_of(dataset: ReplayDataset) -> list[float]:
    """The times of a dataset's events, as far as they have any."""
    return [event.time for event in _events(dataset) if event.time is not None]


def _events(dataset: ReplayDataset) -> Iterator[AuditEvent]:
    """The events of a dataset. Raises `InputError` where it cannot be read to its end."""
    report = InputReport()
    yield from read_events([str(dataset.path)], ReadOptions(), report)
    for path, gap in report.gaps.items():
        raise InputError(gap.text(path))


def messages(dataset: ReplayDataset, shift: float | None) -> Iterator[Message]:
    """The events of a dataset in the order of the file, their times moved by `shift` seconds; as they are for None."""
    last = 0.0
    for event in _events(dataset):
        time = event.time if event.time is not None else last
        last = time
        if shift is None:
            yield Message(event.view.raw, time, dataset)
            continue
        data = dict(event.view.data)
        for name in TIMES:
            value = data.get(name)
            moment = parse_rfc3339(value) if isinstance(value, str) else None
            if moment is not None:
                data[name] = _spelled(moment + shift)
        yield Message(encode_json(data), time + shift, dataset)


def _spelled(time: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(round(time * 1e6) / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
