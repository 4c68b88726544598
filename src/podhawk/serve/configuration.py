"""What `podhawk serve` is told: where to listen, where to keep, and how much."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from podhawk.errors import UsageError
from podhawk.events.partition import LONGEST, cluster_of, fits
from podhawk.serve.connections import ConnectionLimits
from podhawk.serve.inbox.room import Room
from podhawk.serve.lake.copies import LakeCopy
from podhawk.serve.lake.retention import Keeping
from podhawk.serve.receivers.identity import IdentitySettings
from podhawk.serve.receivers.streams import BodyLimits
from podhawk.serve.sinks.configuration import SinkSettings, sinks_of
from podhawk.serve.sizes import size_of
from podhawk.serve.tokens import FILE
from podhawk.settings.resolve import Settings
from podhawk.store.database import is_url


class Configuration(Struct, frozen=True):
    """The resolved options of `serve`."""

    settings: Settings
    folder: Path
    host: str
    port: int
    tokens: Path
    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None
    strict_hec: bool = False
    room: Room = Room()
    keeping: Keeping = Keeping()
    bodies: BodyLimits = BodyLimits()
    connections: ConnectionLimits = ConnectionLimits()
    followed: tuple[str, ...] = ()
    backfill_days: float = 7.0
    sinks: tuple[SinkSettings, ...] = ()
    identity: IdentitySettings = IdentitySettings()
    lake_copy: str = ""

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"


def configuration_of(settings: Settings) -> Configuration:
    """The configuration for options. Raises UsageError for what cannot be used together."""
    state = settings["state"]
    if not state:
        raise UsageError("missing --state DIR", remedy="Name a folder for what is kept.")
    if is_url(state):
        raise UsageError(
            "podhawk serve keeps its state in a folder", remedy="Name a folder. podhawk run --state takes a URL."
        )
    host, port = _address(settings["listen"])
    _size(settings, "detection_memory")  # the evaluator reads it; a slip is told here
    folder = Path(state)
    certificate, key, authority = (_path(settings[name]) for name in ("tls_cert", "tls_key", "client_ca"))
    if (certificate is None) != (key is None):
        raise UsageError("--tls-cert and --tls-key belong together", remedy="Give both, or none.")
    if authority is not None and certificate is None:
        raise UsageError("--client-ca needs --tls-cert and --tls-key")
    return Configuration(
        settings,
        folder,
        host,
        port,
        _path(settings["tokens"]) or folder / FILE,
        certificate,
        key,
        authority,
        settings["hec_strict"],
        Room(_size(settings, "inbox_limit"), _size(settings, "free_disk")),
        Keeping(float(settings["lake_days"]), _size(settings, "lake_size"), 2 * _size(settings, "free_disk")),
        BodyLimits(
            sent=_size(settings, "body_limit"),
            decompressed=4 * _size(settings, "body_limit"),
            in_work=8 * _size(settings, "body_limit"),
        ),
        ConnectionLimits(most=settings["connections"]),
        followed=_followed(settings["follow"], settings["cluster"]),
        backfill_days=float(settings["backfill_days"]),
        sinks=sinks_of(settings),
        identity=IdentitySettings(settings["pubsub_audience"] or "", settings["pubsub_keys"]),
        lake_copy=_lake_copy(settings["lake_copy"]),
    )


def _lake_copy(url: str | None) -> str:
    """The URL of the copy of the lake. Raises UsageError if it cannot be used."""
    if url:
        LakeCopy(url)
    return url or ""


def _size(settings: Settings, key: str) -> int:
    return size_of(f"--{key.replace('_', '-')}", settings[key])


def _followed(paths: Sequence[str] | None, cluster: str | None) -> tuple[str, ...]:
    """The files to follow, of a cluster unless their folder names one. Raises UsageError for what cannot be
    followed."""
    for one in paths or ():
        name = cluster_of(os.path.abspath(one)) or cluster or ""
        if not fits(name):
            raise UsageError(
                f"--follow {one}: the name of the cluster {name[:63]!r}… is too long",
                remedy=f"Percent-encoded, a name has at most {LONGEST} bytes.",
            )
        if os.path.exists(one) and not os.path.isfile(one):
            raise UsageError(
                f"--follow {one}: not a file", remedy="Name the file that is written to; its rotated files are found."
            )
    return tuple(dict.fromkeys(os.path.abspath(one) for one in paths or ()))


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"{text!r} is not an address to listen on", remedy="For example: --listen 0.0.0.0:8088")
    return host, int(port)
