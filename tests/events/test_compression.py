"""Compression is looked through as often as it was applied; what is not read is named with what to do."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import pytest

from events.conftest import Read
from podhawk.errors import InputError
from podhawk.events import check_recognised, compression
from podhawk.events.compression import look_through
from podhawk.events.gaps import Damaged
from podhawk.events.reasons import COMPRESSION, ENCRYPTED, EXPANDS, REMEDIES, SEVEN_ZIP, ZIP
from support.packing import zstd
from support.samples import line

TEXT = (line() + line("a2")).encode()


def zipped(data: bytes, *more: tuple[str, bytes]) -> bytes:
    """A zip archive with a folder, a hidden member, `data` and more."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("logs")
        archive.writestr("__MACOSX/._audit.log", b"\0\5\x16\7 not a log")
        archive.writestr("logs/audit.log", data)
        for name, content in more:
            archive.writestr(name, content)
    return made.getvalue()


def tarred(data: bytes, *more: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in (("./logs/audit.log", data), *more):
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return made.getvalue()


LAYERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "zstd": zstd.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "tar": tarred,
}


def ids(found: tuple) -> list[str]:
    events, report = found
    assert not report.rejected, report.summary_lines()
    return [one.view.data["auditID"] for one in events]


@pytest.mark.parametrize("outer", [*LAYERS, "zip"])
@pytest.mark.parametrize("inner", LAYERS)
def test_compression_is_looked_through_as_often_as_it_was_applied(outer: str, inner: str, read: Read) -> None:
    made = LAYERS[inner](TEXT)
    assert ids(read(made)) == ["a1", "a2"]
    assert ids(read({**LAYERS, "zip": zipped}[outer](made))) == ["a1", "a2"]
    assert ids(read(gzip.compress({**LAYERS, "zip": tarred}[outer](made)))) == ["a1", "a2"]


@pytest.mark.parametrize("name", LAYERS)
def test_several_streams_one_after_another_are_one_input(name: str, read: Read) -> None:
    if name != "tar":
        halves = LAYERS[name](line().encode()) + LAYERS[name](line("a2").encode())
        assert ids(read(halves)) == ["a1", "a2"]
    more = ("b.log.gz", gzip.compress(line("a3").strip().encode())), ("c.log", line("a4").encode())
    for archive in (tarred, zipped):
        assert ids(read(archive(TEXT.strip(), *more))) == ["a1", "a2", "a3", "a4"]


@pytest.mark.parametrize("name", [*LAYERS, "zip"])
def test_what_came_before_a_break_is_read_and_the_break_is_counted(name: str, read: Read) -> None:
    many = "".join(line(f"a{number}", note=hex(hash((number, "x")))) for number in range(3000)).encode()
    made = {**LAYERS, "zip": zipped}[name](many)
    events, report = read(made[: len(made) * 2 // 3])
    assert report.rejected[COMPRESSION].count == 1
    assert bool(events) == (name != "zip")  # whose list of members stands at its end


def test_a_wrong_checksum_loses_nothing_before_it(read: Read) -> None:
    """Once, up to 700 lines before it were lost."""
    many = "".join(line(f"a{number}") for number in range(3000)).encode()
    for made, tail in ((gzip.compress(many), 8), (zlib.compress(many), 4)):
        wrong = made[:-tail] + bytes(tail)
        events, report = read(wrong)
        assert len(events) == 3000
        assert report.rejected[COMPRESSION].count == 1


def test_a_damaged_member_does_not_hide_the_others(read: Read) -> None:
    bad = gzip.compress(line("lost").encode())[:-12]
    for archive in (zipped, tarred):
        events, report = read(archive(bad, ("b.log", TEXT)))
        assert [one.view.data["auditID"] for one in events][-2:] == ["a1", "a2"]
        assert report.rejected[COMPRESSION].count == 1


UNREAD = {
    b"7z\xbc\xaf\x27\x1c\0\4": "7z x -so",
    b"Rar!\x1a\7\1\0": "unrar p",
    b"\x04\x22\x4d\x18d@\xa7": "lz4 -dc",
    b"\x89LZO\0\r\n\x1a\n": "lzop -dc",
    b"LZIP\1\x0c": "lzip -dc",
    b"\x5d\0\0\x80\0\xff\xff\xff\xff": "xz -dc --format=lzma",
    b"\xff\6\0\0sNaPpY": "snzip -dc",
    b"\x1f\x9d\x90": "gzip -dc",
    b"Obj\1\4\x16avro.schema": "avro-tools",
    b"PAR1\x15\4": "duckdb",
    gzip.compress(zipped(TEXT)): "unzip -p",
}


@pytest.mark.parametrize("data", UNREAD, ids=lambda data: UNREAD[data])
def test_what_is_not_read_is_named_with_the_command_that_unpacks_it(data: bytes, read: Read) -> None:
    for content in (data + b"\0" * 50, gzip.compress(data)):
        _, report = read(content)
        with pytest.raises(InputError, match=f"unpack it first: {UNREAD[data]}"):
            check_recognised(report)


def test_an_archive_with_a_password_is_named(read: Read) -> None:
    made = bytearray(zipped(TEXT))
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = made.find(mark)
        while place >= 0:
            made[place + flags] |= 1
            place = made.find(mark, place + 1)
    events, report = read(bytes(made))
    assert not events
    assert list(report.rejected) == [ENCRYPTED]


def test_every_remedy_is_of_a_reason_that_names_what_it_is() -> None:
    assert {SEVEN_ZIP, ZIP, ENCRYPTED} <= REMEDIES.keys()
    assert {reason for _, reason in compression._UNREAD} | {ENCRYPTED} == REMEDIES.keys()


def expanded(data: bytes, floor: int) -> tuple[int, str]:
    """How many bytes come out, and why no more."""
    size = 0
    try:
        for block in look_through([data], floor=floor):
            size += len(block)
    except Damaged as damaged:
        return size, damaged.reason
    return size, ""


def test_what_expands_without_bound_is_stopped() -> None:
    """Some fifty kilobytes that are eleven gigabytes, and a stream in more layers than anybody applies."""
    twice = gzip.compress(gzip.compress(bytes(11_000_000)) * 1000)
    assert len(twice) < 60_000
    size, reason = expanded(twice, 1 << 20)
    assert reason == EXPANDS
    assert 1000 * len(twice) < size <= 1000 * len(twice) + (1 << 20)
    data = TEXT
    for _ in range(compression.MOST_LAYERS):
        data = gzip.compress(data)
    assert expanded(data, 1 << 20) == (0, EXPANDS)
