"""A run in which nothing was tested is not green; datasets can be fetched by URL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
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
