"""Files as a receiver: renaming loses nothing, a restart repeats nothing, and a truncation is told."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from podhawk.events.redaction.mask import Redaction
from podhawk.serve.inbox.room import Room
from podhawk.serve.inbox.writer import InboxFullError, InboxWriter
from podhawk.serve.receivers.follow import DAMAGED, TRUNCATED, VANISHED, Follower
from podhawk.store.inbox_files import reading, segments
from support.processes import wait_for
from support.samples import line as line_of
from support.service import balanced, service

pytestmark = pytest.mark.needs("serve")


def line(audit_id: str) -> str:
    return line_of(audit_id, "get").rstrip("\n")


class Log:
    """A log that is followed, and what the inbox has of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "audit.log"
        self.written = 0

    def write(self, count: int, *, end: str = "\n") -> None:
        with self.path.open("a") as file:
            for _ in range(count):
                self.written += 1
                file.write(line(f"id-{self.written:06d}") + end)

    def follow(self, steps: int = 1000, *, room: Room | None = None) -> None:
        """Follow it until there is nothing more, as a service that is started does."""
        writer = InboxWriter(self.folder / "inbox", room or Room(free=0))
        writer.start()
        follower = Follower(str(self.path), "prod", Redaction(), writer)
        for _ in range(steps):
            if not follower.step():
                break
        follower.close()
        writer.stop()

    def stored(self) -> Counter[str]:
        return Counter(
            re.findall(r'"auditID": ?"([^"]*)"', text.decode())[0]
            for segment in segments(self.folder / "inbox")
            for text in lines_of(segment)
        )

    def letters(self) -> list[str]:
        with reading(segments(self.folder / "inbox")[-1]) as connection:
            return [error for (error,) in connection.execute("SELECT error FROM letters")]

    def each_once(self, *, told: list[str] | None = None) -> bool:
        assert self.letters() == (told or [])
        return self.stored() == Counter({f"id-{number:06d}": 1 for number in range(1, self.written + 1)})


def lines_of(segment: object) -> Iterator[bytes]:
    with reading(segment) as connection:  # type: ignore[arg-type]
        for (text,) in connection.execute("SELECT lines FROM bodies ORDER BY seq"):
            yield from text.splitlines()


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def rename(log: Log, name: str) -> None:
    log.path.rename(log.folder / name)


def compress(log: Log, name: str) -> None:
    """As gzip does: a new file, which keeps the time of the last change."""
    about = log.path.stat()
    packed = log.folder / f"{name}.gz"
    packed.write_bytes(gzip.compress(log.path.read_bytes()))
    os.utime(packed, ns=(about.st_atime_ns, about.st_mtime_ns))
    log.path.unlink()


def test_a_restart_repeats_nothing(log: Log) -> None:
    log.write(5)
    log.follow()
    log.follow()
    log.write(3)
    log.follow()
    assert log.each_once()


def test_half_a_line_waits_for_its_end(log: Log) -> None:
    log.write(2)
    text = line("id-000003")
    log.path.open("a").write(text[:40])
    log.follow()
    assert len(log.stored()) == 2
    log.path.open("a").write(text[40:] + "\n")
    log.written = 3
    log.follow()
    assert log.each_once()


def test_a_file_that_is_renamed_while_it_is_followed_is_read_to_its_end(log: Log) -> None:
    writer = InboxWriter(log.folder / "inbox", Room(free=0))
    writer.start()
    follower = Follower(str(log.path), "prod", Redaction(), writer)
    log.write(3)
    assert follower.step()
    rename(log, "audit-2026-11-30T10-00-00.000.log")
    assert not follower.step()
    old = log.folder / "audit-2026-11-30T10-00-00.000.log"
    log.path, new = old, log.path
    log.write(2)
    log.write(1, end="")
    log.path = new
    log.write(4)
    while follower.step():
        pass
    follower.close()
    writer.stop()
    assert log.each_once()


@pytest.mark.parametrize("gone", [rename, compress])
@pytest.mark.parametrize("name", ["audit-2026-11-30T10-00-0{}.000.log", "audit.log.{}", "audit.log-2026113{}"])
def test_files_that_were_rotated_while_nobody_was_there_are_read(
    log: Log, gone: Callable[[Log, str], None], name: str
) -> None:
    log.write(3)
    log.follow()
    for number in range(3):
        log.write(4)
        gone(log, name.format(number))
    log.write(2)
    log.follow()
    log.write(1)
    log.follow()
    assert log.each_once()


def test_it_may_be_ended_at_any_step_of_catching_up(log: Log) -> None:
    log.write(3)
    log.follow(1)
    for number in range(3):
        log.write(4)
        rename(log, f"audit.log.{number}")
    log.write(2)
    for _ in range(10):
        log.follow(1)
    assert log.each_once()


def test_what_lies_beside_the_log_is_not_taken_for_it(log: Log) -> None:
    log.write(1)
    log.follow()
    rename(log, "audit.log.1")
    log.write(1)
    for name in ("audit-policy.yaml", "other.log.1", "audit.log.offset", "audit.log2", "myaudit.log.1"):
        (log.folder / name).write_text(line("other") + "\n")
    log.follow()
    assert log.each_once()


def test_a_truncation_is_told_as_a_possible_gap(log: Log) -> None:
    log.write(5)
    log.follow()
    log.path.write_text("")
    log.follow()
    log.write(2)
    log.follow()
    assert log.each_once(told=[TRUNCATED])


def test_a_file_that_was_truncated_and_has_grown_again_is_told(log: Log) -> None:
    """It was as long as before, and only its beginning said that it was another one."""
    log.write(2)
    log.follow()
    log.path.write_text("")
    log.write(40)
    log.follow()
    assert log.each_once(told=[TRUNCATED])


def test_a_copy_that_was_made_before_the_truncation_is_read(log: Log) -> None:
    log.write(3)
    log.follow()
    log.write(3)
    shutil.copyfile(log.path, log.folder / "audit.log.1")
    log.path.write_text("")
    log.write(2)
    log.follow()
    log.follow()
    assert log.each_once(told=[TRUNCATED])


def test_a_file_that_vanished_is_told(log: Log) -> None:
    log.write(3)
    log.follow()
    log.path.rename(log.folder / "elsewhere")
    log.follow()
    assert log.letters() == []
    log.write(2)
    log.follow()
    assert log.each_once(told=[VANISHED])


def test_a_damaged_rotated_file_is_told(log: Log) -> None:
    log.write(2)
    log.follow()
    log.write(400)
    packed = gzip.compress(log.path.read_bytes())
    (log.folder / "audit.log.1.gz").write_bytes(packed[:-60])
    log.path.unlink()
    log.write(1)
    log.follow()
    assert log.letters() == [DAMAGED]
    assert set(log.stored().values()) == {1}
    assert len(log.stored()) > 200


def test_a_full_inbox_loses_nothing(log: Log) -> None:
    log.write(5)
    with pytest.raises(InboxFullError):
        log.follow(room=Room(most=0, free=0))
    log.follow()
    assert log.each_once()


def test_secrets_are_masked_and_no_event_is_counted_silently(log: Log) -> None:
    log.path.write_text("not an event\n" + line("id-000001") + "\n" + '{"kind":"Event","apiVersion":"v1"}\n')
    log.written = 1
    log.follow()
    assert log.each_once()
    with reading(segments(log.folder / "inbox")[-1]) as connection:
        counts = dict(connection.execute("SELECT what, count FROM ledger").fetchall())
    assert counts["received"] == 3
    assert counts["stored"] == 1


@pytest.mark.slow
def test_the_service_is_killed_while_a_log_is_written_and_rotated(tmp_path: Path) -> None:
    random = Random(5)
    log = Log(tmp_path / "logs")
    log.folder.mkdir()
    log.write(10)
    ended = threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            log.write(random.randrange(1, 20))
            if random.random() < 0.1:
                number += 1
                (rename if random.random() < 0.5 else compress)(log, f"audit.log.{number}")
            ended.wait(0.05)
        log.write(1)

    writing = threading.Thread(target=write)
    with service(tmp_path / "live", "--follow", log.path, "--cluster", "prod") as live:
        writing.start()
        try:
            for number in range(int(os.environ.get("PODHAWK_KILLS", "8"))):
                threading.Event().wait(random.choice((0.05, 0.5, 2.0)))
                live.kill(everything=number % 2 == 0)
                live.start()
        finally:
            ended.set()
            writing.join()
        sender = f"file:{log.path}"
        wait_for(lambda: live.ledger().get(sender, {}).get("received", 0) >= log.written, 60, "events")
        assert live.ledger()[sender]["received"] == log.written
        live.wait_until_evaluated()
        account = live.ledger()[sender]
        assert balanced(account)
        assert account["evaluated"] == log.written
        assert live.metric("podhawk_follow_gaps_total") == 0
        assert live.metric("podhawk_follow_behind_bytes") == 0
        metrics = live.get("/metrics").text
        assert f'podhawk_events_received_total{{receiver="file",cluster="",instance="{log.path}"}}' in metrics
