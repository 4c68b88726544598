"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def find_shared() -> Path | None:
    """The folder of given material (real logs, published content), where there is one."""
    folder = Path(os.environ.get("PODHAWK_SHARED", ROOT.parent / "shared"))
    return folder if (folder / "content").is_dir() else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The given material; a plain clone has none, and tests that need it skip there."""
    folder = find_shared()
    if folder is None:
        if os.environ.get("CI"):
            pytest.fail("CI must see the shared material beside the repository")
        pytest.skip("needs the shared folder (real logs and published content) beside the repository")
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Runs keep content in a folder of the tests, not in that of whoever runs them."""
    os.environ["PODHAWK_CONTENT_CACHE"] = str(tmp_path_factory.mktemp("cache"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The cluster goes last: it takes the machine for itself, and other servers start better without it."""
    items.sort(key=lambda item: "tests/engine/spark/" in item.path.as_posix())
