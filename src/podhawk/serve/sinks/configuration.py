"""The tables `[sinks.NAME]` of `podhawk.toml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from podhawk.errors import Place, UsageError, nearest
from podhawk.serve.sinks.declare import Deliverer, SinkKind
from podhawk.serve.sinks.filters import FindingFilter
from podhawk.serve.sinks.rate import MessageRate, rate_of
from podhawk.serve.sinks.registry import KINDS
from podhawk.settings.resolve import Settings

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")
_FILE: Final = "_file"
_BY_NAME: Final = {one.name: one for one in KINDS}


class CommonSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The settings that all sinks have."""

    dry_run: bool = True
    """Only say in the log what would be sent."""
    filter: FindingFilter = FindingFilter()
    rate: str | None = None
    """Messages at most, such as 20/h, or none."""
    urgent: Annotated[int, Meta(ge=0, le=100)] = 70
    """The priority from which on a message is urgent."""
    late: Annotated[float, Meta(gt=0)] = 3600.0
    """Seconds after which a finding is old."""
    digest_after: Annotated[float, Meta(gt=0)] = 30.0
    """Seconds for which a digest waits for more."""
    late_in_digest: bool | None = None
    """Whether old findings are sent in a digest only."""
    repeat_after: Annotated[float, Meta(gt=0)] = 86400.0
    """Seconds after which a group of repeats is told again."""
    give_up_after: Annotated[float, Meta(gt=0)] = 259200.0
    """Seconds after which a message that cannot be delivered becomes a dead letter."""


class SinkSettings(Struct, frozen=True):
    """A sink, as it is configured."""

    name: str
    kind: SinkKind
    options: Any
    common: CommonSettings
    rate: MessageRate | None

    @property
    def dry_run(self) -> bool:
        return self.common.dry_run

    @property
    def filter(self) -> FindingFilter:
        return self.common.filter

    @property
    def urgent(self) -> int:
        return self.common.urgent

    @property
    def late(self) -> float:
        return self.common.late

    @property
    def digest_after(self) -> float:
        return self.common.digest_after

    @property
    def repeat_after(self) -> float:
        return self.common.repeat_after

    @property
    def is_feed(self) -> bool:
        return self.kind.feed

    @property
    def late_in_digest(self) -> bool:
        chosen = self.common.late_in_digest
        return not self.kind.feed if chosen is None else chosen

    @property
    def batch(self) -> int:
        return self.kind.batch

    def open(self) -> Deliverer:
        """The sink, ready to send. Raises UsageError."""
        made: Deliverer = self.kind.open(self.options)
        return made


def sinks_of(settings: Settings) -> tuple[SinkSettings, ...]:
    """The sinks of the settings. Raises UsageError for a table that cannot be used."""
    place = Place(str(settings.file)) if settings.file is not None else None
    folder = settings.file.parent if settings.file is not None else Path()
    found = []
    for name, table in settings.tables.get("sinks", {}).items():
        try:
            found.append(_sink(name, table, folder))
        except UsageError as error:
            raise UsageError(f"[sinks.{name}]: {error.message}", place=place, remedy=error.remedy) from None
    return tuple(found)


def _sink(name: str, table: Any, folder: Path) -> SinkSettings:
    if not isinstance(table, Mapping):
        raise UsageError("not a table", remedy="Write [sinks.NAME] and settings below it.")
    if not _NAME.match(name):
        raise UsageError("the name of a sink has lower case letters, digits, _ and -, at most 63")
    kind = _BY_NAME.get(table.get("kind", ""))
    if kind is None:
        known = [one.name for one in KINDS]
        raise UsageError(
            f"unknown kind {table.get('kind')!r}",
            remedy=nearest(str(table.get("kind", "")), known) or f"Known kinds: {', '.join(known)}.",
        )
    rest = {key: value for key, value in table.items() if key != "kind"}
    shared = {key: rest.pop(key) for key in CommonSettings.__struct_fields__ if key in rest}
    common = _converted(shared, CommonSettings)
    options = _converted(_with_secrets(rest, kind.options, folder), kind.options)
    found = SinkSettings(name, kind, options, common, rate_of(kind.rate if common.rate is None else common.rate))
    found.open().close()
    return found


def _converted(values: Mapping[str, Any], type_: Any) -> Any:
    try:
        return msgspec.convert(values, type=type_)
    except msgspec.ValidationError as error:
        known = [*CommonSettings.__struct_fields__, *type_.__struct_fields__]
        unknown = next((key for key in values if key not in known), None)
        remedy = nearest(unknown, known) if unknown is not None else ""
        raise UsageError(str(error).replace("Object", "the table"), remedy=remedy) from None


def _with_secrets(values: Mapping[str, Any], type_: type[Struct], folder: Path) -> dict[str, Any]:
    """The values, in which `NAME_file` names a file that holds NAME: a text, or a list with an item on each line."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = key.removesuffix(_FILE)
        if name == key or key in type_.__struct_fields__ or name not in type_.__struct_fields__:
            found[key] = value
            continue
        try:
            text = (folder / str(value)).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{key} cannot be read: {error}") from None
        is_list = isinstance(getattr(type_, "__annotations__", {}).get(name, ""), str) and "tuple" in str(
            type_.__annotations__[name]
        )
        found[name] = [line for line in text.splitlines() if line.strip()] if is_list else text
    return found
