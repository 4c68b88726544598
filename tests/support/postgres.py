"""A real PostgreSQL server on loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from support.needs import program
from support.processes import HOST, free_port, wait_for


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
    port = free_port()
    listen = ["-p", str(port), "-c", f"listen_addresses={HOST}", "-k", str(folder)]
    process = subprocess.Popen(
        [str(program("postgres")), "-D", data, *listen],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        **run_as,
    )
    url = f"postgresql://podhawk@{HOST}:{port}"
    try:
        wait_for(lambda: _answers(url), 15, "the PostgreSQL server")
        yield url
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nothing of the data is kept
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _answers(url: str) -> bool:
    import psycopg

    try:
        psycopg.connect(f"{url}/postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def new_database(url: str) -> str:
    """The URL of an empty database on that server."""
    import psycopg

    name = f"podhawk_{uuid4().hex[:8]}"
    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{url}/{name}"
