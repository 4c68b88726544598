"""Rules, macros and lists of Falco files put together: appended to, overridden, switched on and off.

A later object of the same name replaces an earlier one, unless it says `append: true` or has an `override` part.

Source: https://falco.org/docs/concepts/rules/overriding/ and https://falco.org/docs/concepts/rules/exceptions/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from podhawk.content.reading import MappingReader
from podhawk.errors import ContentError, Place, nearest

SOURCE: Final = "k8s_audit"
KINDS: Final = ("rule", "macro", "list")
VERSIONS: Final = ("required_engine_version", "required_plugin_versions")
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "rule": (
        *("condition", "output", "desc", "priority", "source", "tags", "enabled", "exceptions"),
        *("warn_evttypes", "skip-if-unknown-filter", "capture", "capture_duration"),
    ),
    "macro": ("condition",),
    "list": ("items",),
}
_APPENDED: Final = {"rule": ("condition", "exceptions", "output", "desc", "tags"), "macro": ("condition",)}
_JOINED: Final = ("tags", "items", "exceptions")
"""What is added to at its end as a list; other keys are text, which is added after a blank."""


class FalcoObject(Struct, frozen=True):
    """One item of a Falco file."""

    top: MappingReader

    @property
    def kind(self) -> str:
        return next((one for one in KINDS if one in self.top.data), "")

    @property
    def name(self) -> str:
        return self.top.text(self.kind) if self.kind else ""


def is_falco(data: Any) -> bool:
    """Whether an item of a document belongs to a Falco file."""
    if not isinstance(data, dict) or "search" in data:
        return False
    if any(key in data for key in VERSIONS):
        return True
    named = [kind for kind in KINDS if isinstance(data.get(kind), str)]
    return len(named) == 1 and any(key in data for key in (*_KEYS[named[0]], "append", "override"))


class Definition(Struct):
    """What one rule, macro or list is after all items of its name: its keys, and the last place of each."""

    kind: str
    name: str
    data: dict[str, Any]
    top: MappingReader
    places: dict[str, Place] = field(default_factory=dict)

    def place(self, key: str = "") -> Place:
        return self.places.get(key) or self.top.place()

    def text(self, key: str) -> str:
        value = self.data.get(key)
        return "" if value is None or isinstance(value, (dict, list)) else str(value).strip()

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.data.get(key)
        return tuple(str(one) for one in value) if isinstance(value, list) else ((str(value),) if value else ())


class Definitions(Struct):
    """Everything that the items define, by name."""

    rules: dict[str, Definition] = field(default_factory=dict)
    macros: dict[str, Definition] = field(default_factory=dict)
    lists: dict[str, Definition] = field(default_factory=dict)

    def of(self, kind: str) -> dict[str, Definition]:
        return {"rule": self.rules, "macro": self.macros, "list": self.lists}[kind]

    def conditions(self) -> dict[str, str]:
        return {name: one.text("condition") for name, one in self.macros.items()}

    def items(self) -> dict[str, Sequence[str]]:
        return {name: one.texts("items") for name, one in self.lists.items()}

    def add(self, item: FalcoObject) -> None:
        """Take one item. Raises ContentError for one that changes what does not exist, or that is not understood."""
        kind, name = item.kind, item.name
        if not kind:
            return
        top, known = item.top, self.of(kind)
        given = {key: top.raw(key) for key in top.data if key not in (kind, "append", "override")}
        old = known.get(name)
        changes = _changes(kind, item, given)
        if not changes and kind == "rule" and given.keys() == {"enabled"}:
            changes = {"enabled": "replace"}  # Falco's way to switch a rule off or on
        places = {key: top.place(key) for key in given}
        if not changes:
            known[name] = Definition(kind, name, given, top, places)
            return
        if old is None:
            raise ContentError(
                f"changes the {kind} {name!r}, which no file before it defines",
                place=top.place(),
                remedy=nearest(name, known),
            )
        for key, how in changes.items():
            old.data[key] = _appended(key, old.data.get(key), given[key]) if how == "append" else given[key]
            old.places[key] = places[key]


def _changes(kind: str, item: FalcoObject, given: Mapping[str, Any]) -> dict[str, str]:
    """Which keys the item changes in an earlier one of its name, and how; none if it replaces it."""
    top = item.top
    override = top.raw("override")
    if override is not None:
        if not isinstance(override, dict) or not override:
            raise ContentError("'override' must name keys", place=top.place("override"))
        for key, how in override.items():
            if how != "append" and how != "replace":
                raise ContentError(
                    f"the key {key!r} can be overridden with append or replace, not {how!r}",
                    place=top.place("override"),
                )
            if key not in given:
                raise ContentError(f"'override' names the key {key!r}, which is not there", place=top.place("override"))
        return {key: str(how) for key, how in override.items()}
    if top.flag("append"):
        return {key: "append" for key in given if key in (*_APPENDED.get(kind, ()), "items")}
    return {}


def _appended(key: str, old: Any, new: Any) -> Any:
    if key == "exceptions":
        return _exceptions(_listed(old), _listed(new))
    if key in _JOINED:
        return [*_listed(old), *_listed(new)]
    return f"{old or ''} {new}".strip()


def _exceptions(old: Iterable[Any], new: Iterable[Any]) -> list[Any]:
    """Exceptions of a rule and those that are added: the values of one with the same name are put after its own."""
    found = {str(one.get("name")): dict(one) for one in old if isinstance(one, dict)}
    for one in new:
        if not isinstance(one, dict):
            continue
        name = str(one.get("name"))
        known = found.setdefault(name, {**one, "values": []})
        known["values"] = [*_listed(known.get("values")), *_listed(one.get("values"))]
    return list(found.values())


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [] if value is None else [value]
