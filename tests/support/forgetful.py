"""A loss of power, made by hand: a library that is preloaded keeps what has not been synced, and it is taken back after
everything was killed."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path


def preloaded(name: str, folder: Path) -> Path:
    """A library of this folder, built to be preloaded."""
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{name}.so"
    source = Path(__file__).with_name(f"{name}.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-w", "-o", str(made), str(source), "-ldl"], check=True)
    return made


class Forgetful:
    """Forgets unsynced writes to files below a folder. What was written through a map is not seen: SQLite maps
    nothing but the index of its log, and makes that anew."""

    def __init__(self, root: Path, work: Path) -> None:
        self.root = root
        self.journal = work / "journal"
        self.journal.mkdir(parents=True)
        self._library = preloaded("forgetful", work)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(self._library),
            "FORGET_ROOT": f"{self.root}/",
            "FORGET_JOURNAL": str(self.journal),
        }

    def forget(self) -> int:
        """Take back what was not synced; gives how many writes and names that were. Nothing may run that writes."""
        files = {path.stat().st_ino: path for path in self.root.rglob("*") if path.is_file()}
        taken = 0
        for record in self.journal.glob("f*"):
            path = files.get(int(record.name[1:]))
            if path is not None:
                taken += _undo_writes(path, record.read_bytes())
        for record in self.journal.glob("d*"):
            for line in reversed(record.read_text().splitlines()):
                taken += _undo_name(*line.split("\t"))
        for path in self.root.rglob("*-shm"):
            path.unlink()
        shutil.rmtree(self.journal)
        self.journal.mkdir()
        return taken


def _undo_writes(path: Path, records: bytes) -> int:
    found, place = [], 0
    while place + 24 <= len(records):
        offset, there, size = struct.unpack_from("<QQQ", records, place)
        found.append((offset, records[place + 24 : place + 24 + there], size))
        place += 24 + there
    with open(path, "r+b") as file:
        for offset, data, size in reversed(found):
            os.pwrite(file.fileno(), data, offset)
            os.ftruncate(file.fileno(), size)
    return len(found)


def _undo_name(what: str, before: str, path: str) -> int:
    if what == "create" and os.path.exists(path):
        os.unlink(path)
    elif what == "rename" and os.path.exists(path):
        os.rename(path, before)
    elif what == "replace" and not os.path.exists(path):
        os.link(before, path)
    return 1
