"""A real PostgreSQL server on loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from support.needs import program


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a server without a database; the server ends with the block."""
    folder = Path("/tmp") / f"podhawk-pg-{uuid4().hex[:8]}"  # the path of a socket must be short
    folder.mkdir(mode=0o700)
    run_as: dict[str, Any] = {}
    if os.getuid() == 0:  # the server refuses to run as root
        name = "postgres" if "postgres" in (one.pw_name for one in pwd.getpwall()) else "nobody"
        owner = pwd.getpwnam(name)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        run_as = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    data = str(folder / "data")
    options = ["-U", "podhawk", "--auth=trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    made = subprocess.run(
        [str(program("initdb")), "-D", data, *options],
        capture_output=True,
        text=True,
        cwd="/",
        env=environment,
        **run_as,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    listen = ["-p", port, "-c", "listen_addresses=127.0.0.1", "-k", str(folder)]
    process = subprocess.Popen(
        [str(program("postgres")), "-D", data, *listen],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        **run_as,
    )
    url = f"postgresql://podhawk@127.0.0.1:{port}"
    try:
        _wait_for(url)
        yield url
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nothing of the data is kept
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(url: str) -> None:
    import psycopg

    for _ in range(150):
        try:
            psycopg.connect(f"{url}/postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the PostgreSQL server did not start")


def new_database(url: str) -> str:
    """The URL of an empty database on that server."""
    import psycopg

    name = f"podhawk_{uuid4().hex[:8]}"
    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{url}/{name}"
