"""One value per option: the command line, then the environment, then `podhawk.toml`, then the default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from podhawk.errors import Place, UsageError, nearest
from podhawk.settings.option import Option
from podhawk.settings.options import BY_KEY, options_of

FILE_NAME = "podhawk.toml"
TABLES = ("noise", "priority", "risk", "lint", "sinks")
"""Tables of the file that other parts of podhawk read."""
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})
_FOR_TESTS = frozenset({"PODHAWK_TEST_ALL", "PODHAWK_SHARED", "PODHAWK_EFFORT"})
"""Variables that the tests of podhawk itself read; they are no options."""


class Settings(Struct, frozen=True):
    """The resolved options of a verb, and what `podhawk.toml` defines beside options: macros, and the tables
    `[noise]`, `[priority]` and `[risk]`, which those parts of podhawk read themselves."""

    values: Mapping[str, Any]
    macros: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    """The options that the command line or the environment names: for these, `podhawk.toml` does not count."""

    def __getitem__(self, key: str) -> Any:
        return self.values[key]


def find_file(start: Path) -> Path | None:
    """The nearest `podhawk.toml`, from a folder upwards."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


class SettingsFile(Struct, frozen=True):
    """What a `podhawk.toml` holds."""

    options: Mapping[str, Any] = field(default_factory=dict)
    macros: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_file(path: Path) -> SettingsFile:
    """What a `podhawk.toml` holds. Raises UsageError for unknown keys and wrong types."""
    import tomllib

    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"not valid TOML: {error}", place=Place(str(path))) from None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", place=Place(str(path))) from None
    macros = data.pop("macros", {})
    if not isinstance(macros, dict) or not all(isinstance(text, str) for text in macros.values()):
        raise UsageError(
            "[macros] must map macro names to definitions; both are strings",
            place=Place(str(path)),
            remedy='For example: kube_allowed_images = "objectRef.name IN (*falco*)"',
        )
    tables = {name: data.pop(name) for name in TABLES if name in data}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise UsageError(
                f"{name} must be a table", place=Place(str(path)), remedy=f"Write [{name}] on a line of its own."
            )
    found: dict[str, Any] = {}
    for key, value in data.items():
        option = BY_KEY.get(key.replace("-", "_"))
        if option is None:
            raise UsageError(
                f"unknown setting {key!r}", place=Place(str(path)), remedy=nearest(key, [*BY_KEY, "macros", *TABLES])
            )
        found[option.key] = typed(option, value, Place(str(path)))
    for key in ("content", "overrides", "exceptions"):
        if key in found:
            found[key] = [str(path.parent / Path(item)) for item in found[key]]
    if "redaction_key_file" in found:
        found["redaction_key_file"] = str(path.parent / Path(found["redaction_key_file"]))
    return SettingsFile(found, macros, tables)


def typed(option: Option, value: Any, place: Place | None) -> Any:
    """A value as its option declares it, texts of variables read. Raises UsageError for a wrong one."""
    if option.kind == "flag":
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _TRUE | _FALSE:
            return value.lower() in _TRUE
        raise UsageError(f"{option.name} must be true or false, not {value!r}", place=place)
    if option.kind == "list":
        if isinstance(value, str):
            return [part for part in value.split(os.pathsep) if part]
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return list(value)
        raise UsageError(f"{option.name} must be a list of strings", place=place)
    if option.kind == "number":
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        if isinstance(value, str) and value.isdecimal() and int(value) > 0:
            return int(value)
        raise UsageError(f"{option.name} must be a whole number of at least 1, not {value!r}", place=place)
    if not isinstance(value, str):
        raise UsageError(f"{option.name} must be a string, not {value!r}", place=place)
    if option.kind == "choice" and value not in option.every_choice:
        raise UsageError(
            f"{option.name} must be one of {', '.join(option.every_choice)}, not {value!r}",
            place=place,
            remedy=nearest(value, option.every_choice),
        )
    return value


def resolve(
    verb: str, given: Mapping[str, Any], environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Settings:
    """The settings of a verb. `given` holds what the command line named; None and () mean it did not.

    Raises UsageError for an unknown variable, key or value.
    """
    environ = os.environ if environment is None else environment
    path = find_file((folder or Path.cwd()).resolve())
    file = read_file(path) if path is not None else SettingsFile()
    from_environment: dict[str, Any] = {}
    for name, text in environ.items():
        if not name.startswith("PODHAWK_") or name in _FOR_TESTS:
            continue
        option = BY_KEY.get(name.removeprefix("PODHAWK_").lower())
        if option is None:
            raise UsageError(
                f"unknown environment variable {name}", remedy=nearest(name.removeprefix("PODHAWK_").lower(), BY_KEY)
            )
        from_environment[option.key] = typed(option, text, None)
    values: dict[str, Any] = {}
    for option in options_of(verb):
        default = [] if option.kind == "list" else option.default
        for_all = [from_environment.get(option.key), file.options.get(option.key)]
        if dict(option.own_choices).get(verb):  # a setting that is right for other verbs is no mistake
            for_all = [one if one in option.choices_for(verb) else None for one in for_all]
        layers = (given.get(option.key), *for_all, default)
        value = next((layer for layer in layers if layer is not None and layer != ()), default)
        if option.kind == "choice" and value is not None and value not in option.choices_for(verb):
            raise UsageError(
                f"{value!r} is not a valid {option.name} for {verb}",
                remedy=f"Choose one of {', '.join(option.choices_for(verb))}.",
            )
        values[option.key] = value
    named = [key for key in values if given.get(key) not in (None, ())] + list(from_environment)
    return Settings(values, file.macros, path, file.tables, frozenset(named))
