"""The thread that writes the inbox: no deposit ends it, and nobody waits for one that has ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from podhawk.serve.inbox.deposit import ClusterLines, Deposit, TailPosition
from podhawk.serve.inbox.room import Room
from podhawk.serve.inbox.writer import InboxFullError, InboxWriter
from podhawk.serve.receivers.rotation import identity_of

pytestmark = [pytest.mark.needs("serve")]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[InboxWriter]:
    made = InboxWriter(tmp_path / "inbox", Room(free=0))
    yield made
    made.stop()


def deposit(number: int, tail: TailPosition | None = None) -> Deposit:
    return Deposit("s", "prod", b"%d" % number, 1.0, 1.0, (ClusterLines("prod", b"{}\n", 1),), tail=tail)


def test_a_deposit_that_cannot_be_stored_did_not_end_the_writer_and_spares_the_others(writer: InboxWriter) -> None:
    """An inode over 2 ** 63 ended the thread: every request hung, and the service said that it was ready."""
    strange = TailPosition("/x", 1, 1 << 63, 0, 0, b"")
    futures = [writer.put(deposit(number, strange if number == 1 else None)) for number in range(3)]
    writer.start()  # all are one batch
    with pytest.raises(InboxFullError):
        futures[1].result(10)
    assert [futures[0].result(10), futures[2].result(10)] == [True, True]
    assert writer.put(deposit(3)).result(10)
    assert writer.full == ""


def test_a_request_that_was_cancelled_does_not_end_the_writer(writer: InboxWriter) -> None:
    assert writer.put(deposit(0)).cancel()
    writer.start()
    assert writer.put(deposit(1)).result(10)


def test_nobody_waits_for_a_writer_that_has_ended(tmp_path: Path) -> None:
    writer = InboxWriter(tmp_path / "inbox", Room(free=0))
    writer.start()
    writer.stop()
    assert writer.full
    with pytest.raises(InboxFullError):
        writer.put(deposit(0))


def test_inodes_of_any_size_can_be_stored(tmp_path: Path) -> None:
    about = os.stat_result((0o100600, (1 << 64) - 1, 1 << 63, 1, 0, 0, 0, 0, 0, 0))
    assert identity_of(about) == (0, (1 << 63) - 1)
