"""Decodes of an audit event just what searches need: a msgspec struct with these members, and code that reads it.

The struct is typed strictly, as the API server writes events: a text or a positive whole number for a single value, a
list of texts for several, annotations of texts. A line of another shape does not decode and takes the slow
path: a member that audit events do not have, a list for a text, a decimal, a zero (it may have been written -0), true.

Request and response bodies stay undecoded in the struct. They are decoded for a search that needs them, on events that
have them, and read as on the slow path.

Generated text holds only names made here and indices into constants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from podhawk.events.decode import BadJSON
from podhawk.events.dots import is_sound, restored_key
from podhawk.events.event import AUDIT_KEYS, BODIES
from podhawk.events.fields import head_of, of_body
from podhawk.rows import Value

UNSET: Final = msgspec.UNSET
TIMES: Final = ("requestReceivedTimestamp", "stageTimestamp")
LOST: Final = "audit.k8s.io/truncated"
RENAMED: Final[Mapping[str, str]] = {
    "underscored": "authorization_k8s_io/decision",
    "underscored_whole": "authorization_k8s_io_decision",
    "nested": "authorization",
}
"""Keys by which the annotations of an event show that a shipper changed keys, in its bodies too: every event with a
body has a decision."""
_SCALAR: Any = str | Annotated[int, msgspec.Meta(ge=1)] | msgspec.UnsetType | None
_TEXTS: Any = tuple[str, ...]
_SPELLED: Final[Mapping[str, Any]] = {
    "kind": Literal["Event"],
    "apiVersion": Literal["audit.k8s.io/v1", "audit.k8s.io/v1beta1", "audit.k8s.io/v1alpha1"],
    "level": Literal["None", "Metadata", "Request", "RequestResponse"],
    "stage": Literal["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"],
    "verb": Literal[
        "get",
        "list",
        "watch",
        "create",
        "update",
        "patch",
        "delete",
        "deletecollection",
        "proxy",
        "post",
        "put",
        "head",
        "options",
        "connect",
        "trace",
        "",
    ],
}
"""The values that an API server writes for some members. Source:
https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/"""
_UNSPELLED: Final[Mapping[str, Any]] = {}
_NEVER: Any = Literal["\0"] | msgspec.UnsetType
"""A type that the mark of a lost part never has."""
EXTRA: Final = "user.extra."
_EXTRA: Any = dict[str, tuple[str, ...]]
NOT_OF_SHAPE: Final = (msgspec.ValidationError, msgspec.DecodeError, UnicodeError, RecursionError, BadJSON)
DecodedValues = tuple[Any, ...]
"""Members as they were decoded: text, number, None for null, a tuple for a list, UNSET or () for a missing one."""


def reachable(name: str) -> bool:
    """Whether a field can be read from the struct: a member, a list of texts, a member of a member, an annotation,
    what an authenticator says of a user, anything in a body, or a field that no event of this shape has."""
    head, dot, rest = name.partition(".")
    if name in ("sourceIPs", "user.groups", "impersonatedUser.groups"):
        return False  # no event has them, unless a shipper made a text of the list, which the slow path undoes
    if of_body(name) or head_of(name) not in AUDIT_KEYS:
        return True
    plain = head.removesuffix("{}")
    if "{}" in plain or (head != plain and dot):
        return False
    if plain == "annotations":
        return bool(rest) and not rest.endswith("{}")
    if name.startswith(EXTRA):
        return name.endswith("{}") and name.count("{}") == 1 and len(name) > len(EXTRA) + 2 and "*" not in name
    return rest.removesuffix("{}").isidentifier() if dot else True


class Shape:
    """The struct for a set of fields. `annotated` says that it has the annotations."""

    def __init__(self, names: frozenset[str]) -> None:
        self.annotated = any(head_of(name) == "annotations" for name in names)
        self.with_extra = any(name.startswith(EXTRA) for name in names)
        decoder = msgspec.json.Decoder(self._struct(sorted(names)))
        self.decode: Callable[[bytes], Any] = decoder.decode
        self.decode_lines: Callable[[memoryview], list[Any]] = decoder.decode_lines
        self._names = names

    def spelled_decoder(self) -> Callable[[memoryview], list[Any]]:
        """A decoder of whole lines whose events have the usual values of some members: no new text is made for such a
        value. Lines with other values do not decode (a client may send any HTTP method), nor do events that lost a
        part."""
        decode: Callable[[memoryview], list[Any]] = msgspec.json.Decoder(
            self._struct(sorted(self._names), _SPELLED)
        ).decode_lines
        return decode

    def _struct(self, names: Sequence[str], spelled: Mapping[str, Any] = _UNSPELLED) -> Any:
        members: dict[str, tuple[Any, Any]] = dict.fromkeys(("stage", "level"), (_SCALAR, UNSET))
        members |= dict.fromkeys(TIMES, (str | msgspec.UnsetType, UNSET))
        inner: dict[str, dict[str, tuple[Any, Any]]] = {}
        for name in names:
            head, _, rest = name.partition(".")
            plain = head.removesuffix("{}")
            if of_body(name) or plain not in AUDIT_KEYS or plain == "annotations":
                continue
            if name.startswith(EXTRA):
                inner.setdefault(head, {})["extra"] = _EXTRA, msgspec.field(default_factory=_same({}))
            elif rest:
                inner.setdefault(head, {})[rest.removesuffix("{}")] = _typed(rest)
            else:
                members[plain] = _typed(head)
        with_body = any(map(of_body, names))
        if with_body and "responseStatus" not in members:  # a code that was made a decimal tells that all numbers were
            inner.setdefault("responseStatus", {}).setdefault("code", (_SCALAR, UNSET))
        for head, fields in inner.items():
            part = msgspec.defstruct(f"Part_{head}", [(key, *kind) for key, kind in fields.items()], gc=False)
            members[head] = (part, msgspec.field(default_factory=_same(part())))
        if self.annotated:
            members["annotations"] = (dict[str, str], msgspec.field(default_factory=_same({})))
        else:
            marks = {"truncated": LOST, **(RENAMED if with_body else {})}
            lost = msgspec.defstruct(
                "Part_annotations",
                [(key, Any if key == "truncated" and not spelled else _NEVER, UNSET) for key in marks],
                rename=marks,
                gc=False,
            )
            members["annotations"] = (lost, msgspec.field(default_factory=_same(lost())))
        # A text auditID and a text verb make an event here. The slow path accepts others as well.
        members.pop("auditID", None)
        members.pop("verb", None)
        members |= {key: (kind | msgspec.UnsetType, UNSET) for key, kind in spelled.items() if key != "verb"}
        declared: list[Any] = [("auditID", str), ("verb", spelled.get("verb", str))]
        declared += [(key, *kind) for key, kind in members.items()]
        declared += [
            (key, msgspec.Raw, msgspec.Raw(b""))
            for key in sorted(AUDIT_KEYS)
            if key not in members and key not in ("auditID", "verb")
        ]
        return msgspec.defstruct("FastEvent", declared, forbid_unknown_fields=True, kw_only=True, gc=False)


def _typed(name: str) -> tuple[Any, Any]:
    return (_TEXTS, ()) if name.endswith("{}") else (_SCALAR, UNSET)


def _same(value: Any) -> Callable[[], Any]:
    return lambda: value


def reader(names: Sequence[str]) -> Callable[[Any], DecodedValues]:
    """A generated function that gives some fields of a decoded event, none of them in a body, as a tuple."""
    parts: list[str] = []
    constants: list[str] = []
    for name in names:
        head, _, rest = name.partition(".")
        plain = head.removesuffix("{}")
        if plain not in AUDIT_KEYS:
            parts.append("UNSET")
        elif plain == "annotations":
            parts.append(f"e.annotations.get(c[{len(constants)}], UNSET)")
            constants.append(rest)
        elif name.startswith(EXTRA):
            parts.append(f"e.user.extra.get(c[{len(constants)}], ())")
            constants.append(name[len(EXTRA) : -2])
        else:
            parts.append(f"e.{plain}.{rest.removesuffix('{}')}" if rest else f"e.{plain}")
    scope: dict[str, Any] = {"UNSET": UNSET, "c": tuple(constants)}
    exec(compile(f"def read(e): return ({' '.join(f'{part},' for part in parts)})", "<podhawk reader>", "exec"), scope)
    made: Callable[[Any], DecodedValues] = scope["read"]
    return made


def value_of(raw: Any) -> Value | None:
    """A decoded member as the value of a field; None for a missing one."""
    kind = raw.__class__
    if kind is str:
        return raw  # type: ignore[no-any-return]
    if raw is UNSET or raw == ():
        return None
    if kind is tuple:
        return raw[0] if len(raw) == 1 else raw  # type: ignore[no-any-return]
    return "null" if raw is None else str(raw)


def bodied(heads: Iterable[str]) -> Callable[[Any], bool] | None:
    """A generated function that tells whether an event has one of these bodies; None if no body is named."""
    tests = [f"bool(e.{head})" for head in sorted(heads) if head in BODIES]
    if not tests:
        return None
    scope: dict[str, Any] = {}
    exec(compile(f"def has(e): return {' or '.join(tests)}", "<podhawk reader>", "exec"), scope)
    made: Callable[[Any], bool] = scope["has"]
    return made


SOUND: set[str] = set()
"""Keys of annotations that were found sound."""
KEPT: set[str] = set()
"""Keys of what authenticators say of users that were found as these write them."""


def kept(extra: dict[str, Any]) -> bool:
    """Whether no shipper changed the keys of what an authenticator says of a user."""
    for key in extra:
        if key not in KEPT:
            if restored_key(key) != key or len(KEPT) > 10_000:
                return False
            KEPT.add(key)
    return True


def sound(annotations: dict[str, str]) -> bool:
    """Whether no shipper changed the keys of the annotations, and no part of the event was lost."""
    if LOST in annotations:
        return False
    for key in annotations:
        if key not in SOUND:
            if not is_sound(key, "") or len(SOUND) > 10_000:
                return False
            SOUND.add(key)
    return True
