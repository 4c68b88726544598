"""A run in which nothing was tested is not green; datasets can be fetched by URL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from podhawk.authoring.testing.fetch import NotFetched, download
from support.command_line import podhawk
from support.findings import event, write

DETECTION = """\
name: Made
id: 11111111-1111-1111-1111-111111111111
version: 1
type: Hunting
status: production
search: verb=create | table auditID
tests:
- name: one
  attack_data:
  - data: {url}
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "served"
    folder.mkdir()
    write(folder / "a.log", event("a"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def detection(folder: Path, url: str) -> Path:
    path = folder / "made.yml"
    path.write_text(DETECTION.format(url=url))
    return path


def test_a_run_in_which_all_tests_were_skipped_was_green(tmp_path: Path) -> None:
    made = detection(tmp_path, "http://127.0.0.1:1/a.log")
    done = podhawk("test", made)
    assert done.returncode == 6
    assert "nothing was tested: dataset http://127.0.0.1:1/a.log not found" in done.stderr
    assert podhawk("test", made, "--allow-skipped").returncode == 0
    assert podhawk("test", made, "--fetch", "--cache", tmp_path / "cache").returncode == 6


def test_datasets_are_fetched_by_url_once(tmp_path: Path, served: str) -> None:
    made, cache = detection(tmp_path, f"{served}/a.log"), tmp_path / "cache"
    assert podhawk("test", made).returncode == 6  # nothing is downloaded unasked
    assert podhawk("test", made, "--fetch", "--cache", cache).returncode == 0
    (tmp_path / "served" / "a.log").unlink()
    assert podhawk("test", made, "--fetch", "--cache", cache).returncode == 0
    assert len(list(cache.iterdir())) == 1


def test_a_file_url_is_fetched(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", event("a"))
    made = detection(tmp_path, log.as_uri())
    assert podhawk("test", made, "--fetch", "--cache", tmp_path / "cache").returncode == 0


def test_what_cannot_be_fetched_leaves_nothing(tmp_path: Path, served: str) -> None:
    cache = tmp_path / "cache"
    for url, most in ((f"{served}/none", 1 << 20), (f"{served}/a.log", 10), ("ftp://127.0.0.1/a", 10)):
        with pytest.raises(NotFetched):
            download(url, cache, most)
    assert not cache.exists() or list(cache.iterdir()) == []


@pytest.fixture
def trickling() -> Iterator[str]:
    """A server that never stops to send, a byte at a time, so that no timeout of a socket ends it."""
    stopped = threading.Event()

    class Trickle(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            while not stopped.wait(0.05):
                try:
                    self.wfile.write(b"x")
                except OSError:
                    return

        def log_message(self, format: str, *more: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Trickle)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/endless"
    stopped.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_server_that_sends_a_byte_now_and_then_was_waited_for_for_ever(tmp_path: Path, trickling: str) -> None:
    with pytest.raises(NotFetched, match=r"it took longer than 0\.5 seconds"):
        download(trickling, tmp_path / "cache", seconds=0.5)
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("how", ["--mutate", "--update"])
def test_mutate_and_update_with_nothing_tested_were_green(tmp_path: Path, how: str) -> None:
    made = detection(tmp_path, "http://127.0.0.1:1/a.log")
    more = ["--yes"] if how == "--update" else []
    done = podhawk("test", made, how, *more)
    assert done.returncode == 6
    assert "nothing was tested: dataset http://127.0.0.1:1/a.log not found" in done.stderr
    assert podhawk("test", made, how, *more, "--allow-skipped").returncode == 0


@pytest.mark.slow
def test_mutants_of_a_test_that_fails_as_it_is_were_all_killed(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", event("a"))
    made = detection(tmp_path, log.name)
    made.write_text(made.read_text().replace("verb=create", "verb=delete"))
    done = podhawk("test", made, "--mutate")
    assert done.returncode == 6
    assert "Made: not tested: expected at least one row, got none" in done.stderr
    assert "0 of 0 mutants killed" in done.stdout


@pytest.mark.slow
def test_update_says_of_each_test_what_became_of_it(tmp_path: Path) -> None:
    """It printed nothing for a test that cannot run, and nothing for one that is as it was."""
    made = detection(tmp_path, write(tmp_path / "a.log", event("a")).name)
    assert podhawk("test", made, "--update", "--yes").returncode == 0
    again = podhawk("test", made, "--update", "--yes")
    assert (again.returncode, "  same     Made, one: " in again.stderr) == (0, True)
    made.write_text(made.read_text().replace("| table", "| tabel"))
    broken = podhawk("test", made, "--update", "--yes")
    assert broken.returncode == 6
    assert "  no rows  Made, one: failed, " in broken.stderr
    assert "Did you mean" in broken.stderr
