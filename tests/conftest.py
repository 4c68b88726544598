"""Which tests run: each test gets the markers of its group, and one whose needs are not met is skipped.

A plain clone on a machine that has only Python skips what needs other programs or material (`support/needs.py`).
Where `PODHAWK_TEST_ALL` is set, as in `.ci/run`, every skipped test fails instead, with the same reason.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from podhawk.content import Content, load_content
from support.needs import NEEDS, find_shared, missing

GROUP_OF_FIXTURE = {"shared": "corpus", "cluster": "spark", "browser": "browser", "postgres": "postgres"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what a fixture needs. The Spark cluster goes last: it takes the machine for itself."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in GROUP_OF_FIXTURE:
                item.add_marker(GROUP_OF_FIXTURE[fixture])
    items.sort(key=lambda item: item.get_closest_marker("spark") is not None)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    needs = [mark.name for mark in item.iter_markers() if mark.name in NEEDS]
    needs += [str(name) for mark in item.iter_markers("needs") for name in mark.args]
    if reasons := missing(needs):
        pytest.skip("; ".join(dict.fromkeys(reasons)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turns a skipped test into a failed one where all tests are demanded. A test may be skipped that mounts a disk or
    makes a sandbox, which a machine may forbid, or that installs a client of a registry which a machine may not
    reach."""
    report = yield
    demanded = not any(item.get_closest_marker(name) for name in ("mounts", "registry"))
    if os.environ.get("PODHAWK_TEST_ALL") and report.skipped and demanded and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"{reason}\nPODHAWK_TEST_ALL is set: no test may be skipped."
    return report


@pytest.fixture(scope="session")
def shared() -> Path:
    """The given material; what asks for it is skipped in a plain clone."""
    folder = find_shared()
    assert folder is not None
    return folder


@pytest.fixture(scope="session")
def published(shared: Path) -> Content:
    """Splunk's published content for Kubernetes."""
    return load_content([shared / "content" / "splunk"])


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Runs keep content in a folder of the tests, not in that of whoever runs them."""
    os.environ["PODHAWK_CONTENT_CACHE"] = str(tmp_path_factory.mktemp("cache"))
