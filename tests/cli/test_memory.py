"""Searches and files that ask for more memory than there is: an error that names the search, within the limit."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from itertools import pairwise
from pathlib import Path

import pytest

from podhawk import memory
from podhawk.errors import UsageError
from podhawk.events.elements import Elements
from support.command_line import podhawk
from support.findings import event

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, which limits the memory of a process"),
]

LIMIT = 300
"""MiB."""
LETTERS = "f" * 2_000_000
SEARCHES = {
    "many groups": "| makeresults count=900000 | eval x=md5(random()) | stats count by x",
    "many values": "| makeresults count=900000 | eval x=md5(random()) | stats values(x) as x",
    "many rows": "| makeresults count=900000 | eval a=random(), b=md5(a), c=md5(b), d=md5(c)",
    "many matches": '* | rex field=note max_match=0 "(?<m>f)" | mvexpand m | stats count by m note',
}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "audit.log"
    path.write_text(json.dumps(event("a0", note=LETTERS)) + "\n")
    return path


@pytest.mark.parametrize("search", SEARCHES)
def test_a_search_took_all_memory(log: Path, search: str) -> None:
    done = podhawk("search", SEARCHES[search], log, "--memory", f"{LIMIT}M")
    assert "Traceback" not in done.stderr
    assert f"needs more memory than the {LIMIT} MiB that --memory allows\n  Raise --memory" in done.stderr
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("size", [242, 277, 319, 361, 417])
def test_a_run_that_took_the_last_byte_never_ended(log: Path, size: int) -> None:
    done = podhawk("search", SEARCHES["many rows"], log, "--memory", f"{size}M")
    assert "Traceback" not in done.stderr
    assert f"needs more memory than the {size} MiB that --memory allows\n  Raise --memory" in done.stderr
    assert (done.returncode, done.stdout) == (2, "")


ENDS_SLOWLY = """
import time
from podhawk.memory import limit_to

class Slow:
    def __init__(self) -> None:
        self.sleep = time.sleep

    def __del__(self) -> None:
        self.sleep(1.2)

kept = Slow()
limit_to(1 << 30)
"""
"""A module that takes longer to be freed than the longest time between two looks at the memory."""


def test_a_run_was_killed_by_its_own_timer_while_python_ended() -> None:
    assert subprocess.run([sys.executable, "-c", ENDS_SLOWLY], check=False).returncode == 0


def test_a_run_that_took_long_to_end_died_of_its_own_timer() -> None:
    slow_end = "import signal; from podhawk import memory; memory.limit_to(1 << 30)"
    slow_end += "; print(signal.getsignal(signal.SIGALRM) is memory._look)"
    # Whatever is registered before `limit_to` is called after what that registers: the last thing before the end.
    first = "import atexit, os, signal; atexit.register(lambda: print(signal.getsignal(signal.SIGALRM).name, "
    first += "signal.getitimer(signal.ITIMER_REAL)))"
    done = subprocess.run([sys.executable, "-c", f"{first}\n{slow_end}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\nSIG_IGN (0.0, 0.0)\n", "")


def test_the_search_is_named_by_its_file(log: Path, tmp_path: Path) -> None:
    (tmp_path / "made.yml").write_text(
        f"name: Greedy\nid: g\nsearch: >\n  {SEARCHES['many matches'][4:]}\n".replace(
            "search: >\n  ", "search: >\n  verb=create | "
        )
    )
    done = podhawk("run", "--rows", "--content", tmp_path / "made.yml", log, "--memory", f"{LIMIT}M")
    assert "the search of 'made.yml' needs more memory than" in done.stderr
    assert done.returncode == 2


def test_several_processes_share_the_memory_and_one_takes_over(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_text("".join(json.dumps(event(f"a{number}", note="x" * 1000)) + "\n" for number in range(60_000)))
    search = "* | stats values(note) as note dc(auditID) as n | table n"
    counts = [
        podhawk("search", search, path, "--jobs", jobs, "--memory", size, "-o", "jsonl")
        for jobs, size in (("1", "2G"), ("4", f"{LIMIT}M"))
    ]
    assert [(done.returncode, done.stdout) for done in counts] == [(0, '{"n":"60000"}\n')] * 2, counts[1].stderr


@pytest.mark.parametrize("expression", ["x.x", "mvappend(x, x)", "mvjoin(mvappend(x, x), x)"])
def test_evals_that_double_a_text_took_gigabytes(expression: str) -> None:
    doubling = f" | eval x={expression}" * 40
    done = podhawk("search", f'| makeresults | eval x="aaaaaaaa"{doubling} | eval n=1 | table n', "--memory", "1500M")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"n": "1"}), done.stderr
    assert "warning: eval left out a value that is too large: x would have more than 16,777,216" in done.stderr


@pytest.mark.parametrize("text", ["", "x", "-1", "1", "100M", "2X", "1.5G", "9" * 40])
def test_a_size_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size"):
        memory.size_of(text)


def test_sizes() -> None:
    assert [memory.size_of(text) for text in ("134217728", "128M", "2G", "2 gib", "1TB")] == [
        1 << 27, 1 << 27, 1 << 31, 1 << 31, 1 << 40,
    ]  # fmt: skip
    available = memory.available()
    assert available is None or available > memory.LEAST


@pytest.mark.parametrize(("head", "fill"), [(b"", b"\0"), (b'[{"x":"', b"a")])
def test_a_bomb_of_one_line_was_looked_at_again_and_again(tmp_path: Path, head: bytes, fill: bytes) -> None:
    packer = zlib.compressobj(9, wbits=31)
    block = fill * (16 << 20)
    bomb = packer.compress(head) + b"".join(packer.compress(block) for _ in range(8)) + packer.flush()
    (tmp_path / "bomb.gz").write_bytes(bomb)
    done = podhawk("run", tmp_path / "bomb.gz", "--memory", "1500M")
    assert done.returncode == 4
    assert "no audit event in the input" in done.stderr


def test_elements_are_looked_at_once() -> None:
    """Each piece of a long string was looked at again with every piece that followed."""
    elements, piece = Elements(), b"a" * 1_000
    assert list(elements.feed(b'[{"x":"')) == []
    places = []
    for _ in range(50):
        assert list(elements.feed(piece)) == []
        places.append(elements._looked)
    assert [after - before for before, after in pairwise(places)] == [1_000] * 49
    assert [len(one) for one in elements.feed(b'"}]')] == [50_000 + 8]
