"""Reading bytes as if they were a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from podhawk.events import AuditEvent, InputReport, ReadOptions, read_events

Read = Callable[..., tuple[list[AuditEvent], InputReport]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Events and report of `content`, read from a file of the given name."""

    def reading(
        content: bytes | str, name: str = "input.log", **options: object
    ) -> tuple[list[AuditEvent], InputReport]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        report = InputReport()
        return list(read_events([str(path)], ReadOptions(**options), report)), report  # type: ignore[arg-type]

    return reading
