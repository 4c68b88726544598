"""A whole audit event with its secrets masked: URI, user, annotations, bodies, and the text that it was read from."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from podhawk.events.decode import BadJSON, decode_json, encode_json
from podhawk.events.event import BODIES, AuditEvent, View
from podhawk.events.redaction.forms import may_hold_forms
from podhawk.events.redaction.mask import Redaction
from podhawk.events.redaction.objects import BodyMasker
from podhawk.events.redaction.text import mask_error, mask_text, mask_tokens
from podhawk.events.redaction.uri import mask_uri
from podhawk.lazy import lazy_pattern

_SECRETS_PATH: Final = lazy_pattern(r"/secrets(?:[/?]|\Z)")
_SECRET_KIND: Final = lazy_pattern(r'\\*"kind\\*"\s*:\s*\\*"(?:Secret|SecretList|TokenRequest|TokenReview)\\*"')
_TEXTS: Final = ("userAgent", "auditID")
_USERS: Final = ("user", "impersonatedUser")
_CARRIED_BODIES: Final = frozenset({"request", "response", *BODIES})
_ENCODED: Final = lazy_pattern(r"(?:ey[JI]|ewo|ew0K|H4sI)[A-Za-z0-9+/_-]{40,}={0,2}\Z")


def redacted(event: AuditEvent, redaction: Redaction) -> AuditEvent:
    """The event with its secrets masked; the same object if it holds none."""
    if event.unmasked is not None:
        return event
    view = event.view
    if event.format in ("json", "text"):
        return _of_other_input(event, redaction)
    data, secret, forms = view.data, is_about_secrets(view.data), may_hold_forms(view.raw)
    changed = _members(data, redaction, secret, forms)
    if not changed and event.truncated and _was_cut(view, secret, forms, redaction):
        changed = {"kind": data["kind"]} if "kind" in data else {"level": data.get("level")}
    carrier = event.carrier
    if changed:
        data = {**data, **changed}
        view = replace(view, data=data, text=encode_json(data))
    indexed = _indexed(view, redaction)
    if indexed is not None:
        view = replace(view, indexed=indexed)
    if carrier is not None:
        carrier = _carrier(carrier, event.view, view, redaction, secret, bool(changed))
    if view is event.view and carrier is event.carrier:
        return event
    return replace(event, view=view, carrier=carrier, template=None, unmasked=event)


def is_about_secrets(data: dict[str, Any]) -> bool:
    """Whether a request is about Secrets, by the object that it names or by its path."""
    ref, uri = data.get("objectRef"), data.get("requestURI")
    if type(ref) is dict and ref.get("resource") == "secrets":
        return True
    return type(uri) is str and "/secrets" in uri and _SECRETS_PATH.search(uri) is not None


def is_about_tokens(data: dict[str, Any]) -> bool:
    """Whether a request asks for a token, or about one."""
    ref = data.get("objectRef")
    return type(ref) is dict and (ref.get("subresource") == "token" or ref.get("resource") == "tokenreviews")


def _members(data: dict[str, Any], redaction: Redaction, secret: bool, forms: bool) -> dict[str, Any]:
    """The members of an event that hold secrets, masked."""
    changed: dict[str, Any] = {}
    get = data.get
    uri = get("requestURI")
    if type(uri) is str and (forms or "?" in uri):
        _note(changed, "requestURI", uri, mask_uri(uri, redaction))
    masker = BodyMasker(redaction, forms)
    tokens = is_about_tokens(data)
    for name in BODIES:
        body = get(name)
        if body:
            _note(changed, name, body, masker.body(body, secret, tokens=tokens))
    annotations = get("annotations")
    if type(annotations) is dict and (forms or secret or _is_patched(annotations)):
        _note(changed, "annotations", annotations, masker.annotations(annotations, secret))
    status = get("responseStatus")
    message = status.get("message") if type(status) is dict else None
    if type(message) is str and (forms or secret):
        masked = mask_tokens(mask_error(message, redaction) if secret else message, redaction)
        _note(changed, "responseStatus", status, status if masked == message else {**status, "message": masked})  # type: ignore[dict-item]
    if not forms:
        return changed
    for name in _TEXTS:
        text = get(name)
        if type(text) is str:
            _note(changed, name, text, mask_tokens(text, redaction))
    for name in _USERS:
        user = get(name)
        if type(user) is dict:
            _note(changed, name, user, _masked_texts(user, redaction))
    return changed


def _note(changed: dict[str, Any], name: str, before: Any, after: Any) -> None:
    if after is not before and after != before:
        changed[name] = after


def _is_patched(annotations: dict[str, Any]) -> bool:
    """Whether a webhook's patch of the object is noted in the annotations."""
    return any(name.startswith("patch.webhook.admission.k8s.io/") for name in annotations)


def _masked_texts(node: Any, redaction: Redaction) -> Any:
    if type(node) is str:
        return mask_tokens(node, redaction)
    if type(node) is dict:
        return {name: _masked_texts(item, redaction) for name, item in node.items()}
    return [_masked_texts(item, redaction) for item in node] if type(node) is list else node


def _was_cut(view: View, secret: bool, forms: bool, redaction: Redaction) -> bool:
    """Whether the text of an event that was cut holds secrets that its members do not."""
    return secret or (forms and mask_text(view.raw, redaction) != view.raw) or bool(_SECRET_KIND.search(view.raw))


def _indexed(view: View, redaction: Redaction) -> dict[str, Any] | None:
    """The fields that an envelope declares, masked; None if nothing was."""
    if not view.indexed:
        return None
    masked: dict[str, Any] = {
        name: tuple(mask_tokens(one, redaction) if isinstance(one, str) else one for one in value)
        if isinstance(value, tuple)
        else mask_tokens(value, redaction)
        if isinstance(value, str)
        else value
        for name, value in view.indexed.items()
    }
    return None if masked == view.indexed else masked


def _carrier(carrier: View, before: View, after: View, redaction: Redaction, secret: bool, changed: bool) -> View:
    """The record as its cloud's add-on shows it, masked as the event is."""
    if carrier.data is before.data:
        raw = after.raw if carrier.raw == before.raw or changed else carrier.raw
        return replace(carrier, data=after.data, text=raw, indexed=after.indexed) if after is not before else carrier
    data = _carried(carrier.data, BodyMasker(redaction, True), redaction, secret, changed)
    if data == carrier.data:
        return carrier
    return replace(carrier, data=data, text=encode_json(data), indexed=after.indexed)


def _carried(node: Any, masker: BodyMasker, redaction: Redaction, secret: bool, changed: bool) -> Any:
    if type(node) is dict:
        return {
            name: masker.body(item, secret)
            if name in _CARRIED_BODIES and isinstance(item, (dict, list))
            else _carried(item, masker, redaction, secret, changed)
            for name, item in node.items()
        }
    if type(node) is list:
        return [_carried(item, masker, redaction, secret, changed) for item in node]
    if type(node) is not str:
        return node
    if node.lstrip()[:1] == "{":
        return _carried_text(node, masker, redaction, secret, changed)
    if changed and _ENCODED.match(node):
        return redaction.mask(node)  # the event itself, in base64
    return mask_uri(node, redaction) if node[:1] == "/" else mask_tokens(node, redaction)


def _carried_text(text: str, masker: BodyMasker, redaction: Redaction, secret: bool, changed: bool) -> str:
    """An event (or a part of one) that a record carries as text."""
    try:
        value = decode_json(text)
    except BadJSON:
        return redaction.mask(text) if changed else mask_text(text, redaction)
    if type(value) is not dict:
        return text
    if "auditID" in value:
        own = _members(value, redaction, is_about_secrets(value), True)
        return encode_json({**value, **own}) if own else text
    masked = _carried(masker.body(value, secret), masker, redaction, secret, changed)
    return text if masked == value else encode_json(masked)


def _of_other_input(event: AuditEvent, redaction: Redaction) -> AuditEvent:
    """An event of another kind of log: any JSON object, or a line of text."""
    view = event.view
    if event.format == "text":
        raw = mask_text(view.raw, redaction)
        if raw == view.raw:
            return event
        data = {
            name: mask_text(f"{name}={value}", redaction).partition("=")[2] if isinstance(value, str) else value
            for name, value in view.data.items()
        }
        return replace(event, view=replace(view, data=data, text=raw), unmasked=event)
    data = BodyMasker(redaction, may_hold_forms(view.raw)).body(view.data, is_about_secrets(view.data))
    own = _members(data, redaction, is_about_secrets(data), may_hold_forms(view.raw)) if "requestURI" in data else {}
    if data is view.data and not own:
        return event
    data = {**data, **own}
    return replace(event, view=replace(view, data=data, text=encode_json(data)), unmasked=event)
