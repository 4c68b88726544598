"""States to test on: a folder, and a real PostgreSQL server that the tests start."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from glob import glob
from pathlib import Path
from uuid import uuid4

import pytest


def _program(name: str) -> str | None:
    found = sorted(glob(f"/usr/lib/postgresql/*/bin/{name}"))
    return found[-1] if found else shutil.which(name)


def _missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"CI must have PostgreSQL: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server on loopback, without a database."""
    initdb, server = _program("initdb"), _program("postgres")
    if initdb is None or server is None:
        _missing("PostgreSQL is not installed (Debian: postgresql)")
        return
    folder = Path("/tmp") / f"podhawk-pg-{uuid4().hex[:8]}"
    folder.mkdir(mode=0o700)
    run_as: dict[str, object] = {}
    if os.getuid() == 0:  # the server refuses to run as root
        name = "postgres" if "postgres" in (one.pw_name for one in pwd.getpwall()) else "nobody"
        owner = pwd.getpwnam(name)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        run_as = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    made = subprocess.run(
        [initdb, "-D", str(folder / "data"), "-U", "podhawk", "--auth=trust", "-E", "UTF8", "--no-locale", "--no-sync"],
        capture_output=True,
        text=True,
        cwd="/",
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        **run_as,  # type: ignore[call-overload]
    )
    assert made.returncode == 0, made.stdout + made.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [server, "-D", str(folder / "data"), "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        **run_as,
    )  # type: ignore[call-overload]
    url = f"postgresql://podhawk@127.0.0.1:{port}"
    try:
        _wait_for(url)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(url: str) -> None:
    import time

    import psycopg

    for _ in range(150):
        try:
            psycopg.connect(f"{url}/postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the PostgreSQL server did not start")


@pytest.fixture(params=["sqlite", "postgres"])
def new_state(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes empty states, of each kind of database."""
    if request.param == "sqlite":
        return lambda: str(tmp_path / f"state-{uuid4().hex[:8]}")
    url = request.getfixturevalue("postgres")

    def make() -> str:
        import psycopg

        name = f"podhawk_{uuid4().hex[:8]}"
        with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"{url}/{name}"

    return make
