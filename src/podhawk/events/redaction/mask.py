"""What stands in place of a secret value: a keyed hash, or a constant without a key."""

from __future__ import annotations

import binascii
import hmac
from typing import Any, Final

import msgspec

from podhawk.lazy import lazy_pattern

REDACTED: Final = "(redacted)"
_MARK: Final = lazy_pattern(r"(?:\(redacted\)|hmac:[0-9a-f]{16})\Z")
_HASHED: Final = lazy_pattern(r"hmac(?::|%3[Aa])[0-9a-f]{16}(?![0-9a-f])")
_HASHED_BYTES: Final = lazy_pattern(_HASHED.pattern.encode())


class Redaction(msgspec.Struct, frozen=True):
    """How values are masked. The same value and key give the same mask, so that it can be seen that two values are
    the same; without a key all masks are the same. A mask is not masked again."""

    key: bytes = b""

    def __repr__(self) -> str:
        return f"Redaction({'with' if self.key else 'without'} a key)"

    def mask(self, text: str) -> str:
        """The mask of a value; nothing for nothing."""
        if not text or _MARK.match(text):
            return text
        return self._mark(text.encode("utf-8", "surrogatepass"))

    def mask_base64(self, text: str) -> str:
        """The mask of what a value stands for in base64, so that a Secret's `data` and `stringData` have the same."""
        if not text or _MARK.match(text):
            return text
        try:
            return self._mark(binascii.a2b_base64(text.encode(), strict_mode=True))
        except (ValueError, UnicodeEncodeError):
            return self.mask(text)

    def mask_all(self, value: Any) -> Any:
        """A value with every text and number below it masked."""
        if isinstance(value, str):
            return self.mask(str(value))
        if isinstance(value, dict):
            return {name: self.mask_all(item) for name, item in value.items()}
        return [self.mask_all(item) for item in value] if isinstance(value, list) else value

    def _mark(self, data: bytes) -> str:
        return f"hmac:{hmac.digest(self.key, data, 'sha256').hex()[:16]}" if self.key else REDACTED


def unkeyed(text: str) -> str:
    """A text with constants in place of keyed hashes: what identifies a request must not depend on the key."""
    return _HASHED.sub(REDACTED, text) if "hmac" in text else text


def unkeyed_bytes(data: bytes) -> bytes:
    """The same for bytes."""
    return _HASHED_BYTES.sub(REDACTED.encode(), data) if b"hmac" in data else data
