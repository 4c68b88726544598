"""Syslog, RFC 5424, over UDP, TCP or TLS.

A message has the structured data `podhawk@32473` with the exact values, and a text on one line. Over TCP and TLS,
frames are counted (RFC 6587, RFC 5425). TCP has no answer: what the receiver's machine has taken counts as delivered,
and UDP promises nothing at all.

Source: https://www.rfc-editor.org/rfc/rfc5424
"""

from __future__ import annotations

import re
import socket
import ssl
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from podhawk.detect.report.finding_json import rfc3339
from podhawk.errors import UsageError
from podhawk.serve.sinks.declare import Deliverer, DeliveryError, SinkKind
from podhawk.serve.sinks.message import SinkItem, SinkMessage
from podhawk.serve.sinks.texts import MessageTexts, texts_for
from podhawk.visible import visible_line

Facility = Annotated[int, Meta(ge=0, le=23)]
_LEVELS: Final = {"urgent": 1, "normal": 4, "low": 6}
"""alert, warning and informational."""
_ELEMENT: Final = "podhawk@32473"
"""32473 is the enterprise number for examples: podhawk has none. Source: RFC 5612."""
_SECONDS: Final = 10.0
_MOST_UDP: Final = 8192
_NAME: Final = re.compile(r"[^\x21-\x7e]")


class SyslogOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to send: `udp://HOST:PORT`, `tcp://…` or `tls://…`, with the certificates for TLS. `facility` is a number
    (10: authpriv)."""

    url: str
    facility: Facility = 10
    hostname: str = ""
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    title: str | None = None


def line_of(message: SinkMessage, item: SinkItem | None, options: SyslogOptions, texts: MessageTexts) -> bytes:
    """A message, or one finding of it, in the form of RFC 5424."""
    record = item.record if item is not None else {}
    values: dict[str, object] = {"key": message.key, "urgency": message.urgency}
    if item is None:
        values |= {"total": message.total, "priority": message.priority, "severity": message.severity}
        values |= {"imported": str(message.imported).lower()}
    else:
        values |= {"change": item.change, "finding": item.finding_id, "revision": item.revision}
        values |= {"priority": item.priority, "severity": item.severity, "cluster": record["cluster"]}
        values |= {"detection": record["detection"]["name"], "user": record["actor"]["user"]}
        values |= {"src": record["actor"]["source_ip"], "outcome": record["outcome"]}
        values |= {"replaces": ",".join(item.replaces), "repeats": item.repeats or ""}
    data = "".join(f' {name}="{_value(value)}"' for name, value in values.items() if value != "")
    level = options.facility * 8 + _LEVELS[message.urgency]
    host = _NAME.sub("-", options.hostname or socket.gethostname())[:255] or "-"
    kind = "digest" if item is None else "finding"
    head = f"<{level}>1 {rfc3339(message.time)} {host} podhawk - {kind} [{_ELEMENT}{data}] "
    return head.encode() + b"\xef\xbb\xbf" + texts.title_of(message).encode()


def _value(value: object) -> str:
    text = visible_line(str(value))[:1000]
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


class _Syslog:
    def __init__(self, options: SyslogOptions) -> None:
        self._options = options
        self._texts = texts_for(options.title, None)
        self._scheme, self._host, self._port = _address(options.url)
        self._socket: socket.socket | None = None
        self._context = _context(options) if self._scheme == "tls" else None

    def deliver(self, message: SinkMessage) -> None:
        if message.digest:
            lines = [line_of(message, None, self._options, self._texts)]
        else:
            lines = [line_of(message, item, self._options, self._texts) for item in message.items]
        try:
            self._send(lines)
        except (OSError, ValueError) as error:
            self.close()
            raise DeliveryError(f"{self._host}:{self._port}: {error}") from None

    def _send(self, lines: list[bytes]) -> None:
        if self._scheme == "udp":
            family = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)[0]
            with socket.socket(family[0], socket.SOCK_DGRAM) as one:
                for line in lines:
                    one.sendto(line[:_MOST_UDP], family[4])
            return
        if self._socket is not None and _has_ended(self._socket):
            self.close()
        if self._socket is None:
            plain = socket.create_connection((self._host, self._port), _SECONDS)
            if self._context is not None:
                self._socket = self._context.wrap_socket(plain, server_hostname=self._host)
            else:
                self._socket = plain
        self._socket.sendall(b"".join(f"{len(line)} ".encode() + line for line in lines))

    def preview(self, message: SinkMessage) -> str:
        return f"syslog to {self._host}: {self._texts.title_of(message)}"

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _has_ended(one: socket.socket) -> bool:
    """Whether the receiver has closed a connection: what is written to it then is lost without an error."""
    one.setblocking(False)
    try:
        return one.recv(1) == b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    finally:
        one.settimeout(_SECONDS)


def _address(url: str) -> tuple[Literal["udp", "tcp", "tls"], str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("udp", "tcp", "tls") or not parts.hostname:
        raise UsageError("url is none of udp://HOST:PORT, tcp://HOST:PORT and tls://HOST:PORT")
    scheme: Literal["udp", "tcp", "tls"] = parts.scheme  # type: ignore[assignment]
    return scheme, parts.hostname, port or {"udp": 514, "tcp": 601, "tls": 6514}[parts.scheme]


def _context(options: SyslogOptions) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=options.ca)
        if options.cert is not None:
            context.load_cert_chain(options.cert, options.key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"the certificates cannot be used: {error}") from None
    return context


def _open(options: SyslogOptions) -> Deliverer:
    return _Syslog(options)


SYSLOG = SinkKind("syslog", "Syslog (RFC 5424) over UDP, TCP or TLS.", SyslogOptions, _open, rate="600/h")
