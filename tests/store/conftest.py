"""States to test on: a folder, and a real PostgreSQL server that the tests start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from support.postgres import new_database, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server on loopback, without a database."""
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def new_state(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes empty states, of each kind of database."""
    if request.param == "sqlite":
        return lambda: str(tmp_path / f"state-{uuid4().hex[:8]}")
    url = request.getfixturevalue("postgres")
    return lambda: new_database(url)
