"""Secret values inside objects of the API, as request and response bodies hold them.

A walk over a body returns the same object if there was nothing to mask, else a copy. What an object is follows from its
`kind`, and where a fragment has none (a merge patch, an item of a list) from the resource of the request.
"""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.decode import BadJSON, decode_json, encode_json
from podhawk.events.maps import MAPS
from podhawk.events.redaction.mask import Redaction
from podhawk.events.redaction.names import is_secret_member, is_secret_variable
from podhawk.events.redaction.text import mask_command, mask_error, mask_text, mask_tokens

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_SECRET_KINDS: Final = frozenset({"Secret", "SecretList"})
_TOKEN_KINDS: Final = frozenset({"TokenRequest", "TokenReview"})
_VALUES: Final = frozenset({"data", "stringData"})
"""The members of a Secret that hold values."""
_COMMANDS: Final = frozenset({"command", "args"})
_SCRIPTS: Final = frozenset({"script", "command", "args", "cmd", "userData"})
_JSON_HINTS: Final = ("Secret", "token", "Token", "env", "command", "args", "pass", "Pass", "PASS")
_OPERATIONS: Final = frozenset({"add", "replace", "test"})


class BodyMasker:
    """Masks the bodies of one event. `forms` says whether texts by themselves can be secrets by their form: where
    the event has no hint of one, they are not looked at."""

    def __init__(self, redaction: Redaction, forms: bool) -> None:
        self._redaction = redaction
        self._forms = forms

    def body(self, body: Any, secret: bool, *, tokens: bool = False) -> Any:
        """A body; `secret` and `tokens` say that the request is about Secrets or tokens: the body need not say so."""
        if tokens and isinstance(body, dict):
            return self._node(self._token(body), secret)
        if isinstance(body, str):
            return self._redaction.mask(body) if secret and body.__class__ is str else self._text(body)
        if isinstance(body, list) and body and all(isinstance(one, dict) and "op" in one for one in body):
            return _same(body, [self._operation(one, secret) for one in body])
        return self._node(body, secret)

    def annotations(self, found: dict[str, Any], secret: bool) -> dict[str, Any]:
        """The annotations of an object or of an event."""
        return _same_dict(found, {name: self._annotation(name, value, secret) for name, value in found.items()})

    def _annotation(self, name: str, value: Any, secret: bool) -> Any:
        if value.__class__ is not str:
            return value
        if value[:1] in ("{", "["):
            copy = name == LAST_APPLIED or secret
            if copy or any(hint in value for hint in _JSON_HINTS):
                return self._json(value, secret)
        elif secret and name == LAST_APPLIED:
            return self._redaction.mask(value)  # cut, or of a form that is not known
        return mask_tokens(value, self._redaction)

    def _json(self, text: str, secret: bool) -> str:
        """A body that is written as text."""
        try:
            value = decode_json(text)
        except BadJSON:
            return self._redaction.mask(text) if secret else mask_text(text, self._redaction)
        masker = BodyMasker(self._redaction, True)
        if isinstance(value, dict) and isinstance(value.get("patch"), list):  # what a webhook changed
            masked = {**value, "patch": masker.body(value["patch"], secret)}
            return text if masked == value else encode_json(masked)
        masked = masker.body(value, secret)
        return text if masked is value else encode_json(masked)

    def _operation(self, one: dict[str, Any], secret: bool) -> dict[str, Any]:
        """An operation of a JSON patch."""
        path, value = one.get("path"), one.get("value")
        if value is None or not isinstance(path, str):
            return one
        steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
        if secret and steps and steps[0] in _VALUES:
            masked: Any = self._values(value, steps[0]) if len(steps) == 1 else self._value(value, steps[0])
        elif len(steps) > 1 and steps[-2] == "annotations":
            masked = self._annotation(steps[-1], value, secret)
        elif steps and steps[-1] == "annotations" and isinstance(value, dict):
            masked = self.annotations(value, secret)
        elif value.__class__ is str:
            named = bool(steps) and is_secret_member(steps[-1]) and MAPS.isdisjoint(steps)
            masked = self._redaction.mask(value) if named else mask_text(value, self._redaction)
        elif steps and steps[-1] in _COMMANDS and isinstance(value, list):
            masked = self._command(value)
        else:
            masked = self._node(value, secret and len(steps) == 0)
        return one if masked is value or masked == value else {**one, "value": masked}

    def _node(self, node: Any, secret: bool) -> Any:
        if node.__class__ is list:
            if not self._forms and all(item.__class__ is str for item in node):
                return node
            return _same(node, [self._node(item, secret) for item in node])
        if node.__class__ is not dict:
            return self._text(node) if node.__class__ is str else node
        kind = node.get("kind")
        if kind.__class__ is str and (kind in _SECRET_KINDS or kind in _TOKEN_KINDS):
            secret = kind in _SECRET_KINDS
            if kind in _TOKEN_KINDS:
                return self._members(self._token(node), False)
        if secret:
            return self._secret(node)
        return self._members(node, False)

    def _secret(self, node: dict[str, Any]) -> dict[str, Any]:
        """A Secret, a part of one, a list or table of them, or the status that was answered instead."""
        found: dict[str, Any] = {}
        for name, value in node.items():
            if name in _VALUES:
                found[name] = self._values(value, name)
            elif name in ("items", "rows", "object"):
                found[name] = self._node(value, True)
            elif name == "message" and value.__class__ is str:
                found[name] = mask_tokens(mask_error(value, self._redaction), self._redaction)
            elif name == "metadata" and value.__class__ is dict:
                found[name] = self._metadata(value)
            else:
                found[name] = self._member(name, value, False)
        return _same_dict(node, found)

    def _metadata(self, node: dict[str, Any]) -> dict[str, Any]:
        held = node.get("annotations")
        if held.__class__ is not dict or not held:
            return node
        masked = self.annotations(held, True)
        return node if masked is held else {**node, "annotations": masked}

    def _values(self, values: Any, name: str) -> Any:
        """The values of a Secret; its keys stay, and so do the directives of a strategic merge patch."""
        if not isinstance(values, dict):
            return self._value(values, name)
        return _same_dict(
            values,
            {key: value if key == "$patch" else self._value(value, name) for key, value in values.items()},
        )

    def _value(self, value: Any, name: str) -> Any:
        if value.__class__ is str and name == "data":
            return self._redaction.mask_base64(value)
        return self._redaction.mask_all(value)

    def _token(self, node: dict[str, Any]) -> dict[str, Any]:
        """A TokenRequest or TokenReview."""
        for name in ("spec", "status"):
            part = node.get(name)
            if isinstance(part, dict) and isinstance(part.get("token"), str):
                masked = self._redaction.mask(part["token"])
                if masked != part["token"]:
                    node = {**node, name: {**part, "token": masked}}
        return node

    def _members(self, node: dict[str, Any], in_map: bool) -> dict[str, Any]:
        name, value = node.get("name"), node.get("value")
        changed: dict[str, Any] | None = None
        forms = self._forms
        if name.__class__ is str and value.__class__ is str:
            masked: Any = self._variable(name, value)
            if masked != value:
                changed = {**node, "value": masked}
        for key, item in node.items():
            kind = item.__class__
            if kind is str and not forms and key not in _SCRIPTS and (in_map or not is_secret_member(key)):
                continue  # most of what bodies hold
            if kind is dict:
                if not item:
                    continue
                masked = self.annotations(item, False) if key == "annotations" else self._inner(key, item)
            elif kind is list:
                if not item:
                    continue
                masked = self._command(item) if key in _COMMANDS else self._node(item, False)
            elif kind is str and not (key == "value" and changed is not None and "value" in changed):
                masked = self._member(key, item, in_map)
            else:
                continue
            if masked is not item and masked != item:
                changed = {**node} if changed is None else changed
                changed[key] = masked
        return node if changed is None else changed

    def _inner(self, key: str, item: dict[str, Any]) -> Any:
        """An object inside another one. What stands in a map has keys that users choose."""
        return self._members(item, True) if key in MAPS and item.get("kind") is None else self._node(item, False)

    def _member(self, name: str, value: Any, in_map: bool) -> Any:
        if value.__class__ is dict or value.__class__ is list:
            return self._node(value, False)
        if value.__class__ is not str:
            return value
        if not in_map and is_secret_member(name):
            return self._redaction.mask(value)
        if name in _SCRIPTS:
            return mask_text(value, self._redaction)
        return self._text(value)

    def _variable(self, name: str, value: str) -> str:
        """The value of something that has a name and a value: an environment variable, a header, a parameter."""
        if is_secret_variable(name):
            plain = not value or value.startswith("$(") or value in ("true", "false")
            return value if plain else self._redaction.mask(value)
        return mask_text(value, self._redaction)

    def _command(self, words: list[Any]) -> list[Any]:
        if not all(word.__class__ is str for word in words):
            return [self._node(word, False) for word in words]
        return _same(words, mask_command(words, self._redaction))

    def _text(self, value: Any) -> Any:
        """Text of which nothing is known but its form."""
        if not self._forms or value.__class__ is not str:
            return value
        if value[:1] == "{" and '"Secret"' in value:
            return self._json(value, False)
        return mask_tokens(value, self._redaction)


def _same(before: list[Any], after: list[Any]) -> list[Any]:
    return before if all(one is other for one, other in zip(before, after, strict=True)) or before == after else after


def _same_dict(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return before if all(after[name] is value or after[name] == value for name, value in before.items()) else after
