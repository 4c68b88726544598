"""The time of a line of text."""

from __future__ import annotations

import pytest

from podhawk.events.generic import line_time


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ('10.1.2.3 - - [25/Nov/2026:10:00:00 +0100] "GET / HTTP/1.1"', 1795597200.0),
        ("2026-11-25T09:00:00.5Z started", 1795597200.5),
        ("I 2026-11-25 09:00:00 started", 1795597200.0),
        ("no time here", None),
        ("99/Foo/2026:10:00:00 +0100", None),
        ("x" * 200 + " 2026-11-25T09:00:00Z", None),
    ],
)
def test_line_time(text: str, epoch: float | None) -> None:
    assert line_time(text) == epoch
