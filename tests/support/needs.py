"""What tests need beside Python, and how to find out whether it is there.

`tests/conftest.py` asks this table before each test. A test whose needs are not met is skipped with the reason,
or fails where `PODHAWK_TEST_ALL` is set.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from glob import glob
from importlib.util import find_spec
from pathlib import Path

from support import ROOT


@cache
def find_shared() -> Path | None:
    """The folder of given material (real logs, published content), where there is one."""
    folder = Path(os.environ.get("PODHAWK_SHARED", ROOT.parent / "shared"))
    return folder if (folder / "content").is_dir() else None


@cache
def program(name: str) -> str | None:
    """The path of a program: beside this Python, on the PATH, or where Debian puts the programs of PostgreSQL."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin"])
    installed = sorted(glob(f"/usr/lib/postgresql/*/bin/{name}"))
    return shutil.which(name, path=path) or (installed[-1] if installed else None)


@dataclass(frozen=True)
class Need:
    """One thing that may be missing, and how to get it."""

    met: Callable[[], object]
    reason: str


def _program(name: str, package: str) -> Need:
    return Need(lambda: program(name), f"needs the program {name} (Debian: apt-get install {package})")


def _module(name: str, extra: str) -> Need:
    return Need(lambda: find_spec(name), f"needs the Python package {name} (the extra {extra} of podhawk)")


_SHARED = Need(find_shared, "needs the shared folder (real logs, published content) beside the repository")
NEEDS: dict[str, tuple[Need, ...]] = {
    # Groups: the names are those of the markers in pyproject.toml.
    "corpus": (_SHARED,),
    "spark": (_module("pyspark", "spark"), _program("java", "default-jre-headless")),
    "browser": (
        _module("playwright", "dev"),
        _module("axe_playwright_python", "dev"),
        _program("chromium", "chromium"),
    ),
    "postgres": (
        _module("psycopg", "postgres"),
        _program("initdb", "postgresql"),
        _program("postgres", "postgresql"),
    ),
    # Single things, for @pytest.mark.needs(...).
    "alertmanager": (_program("prometheus-alertmanager", "prometheus-alertmanager"),),
    "appinspect": (Need(lambda: program("splunk-appinspect"), "needs splunk-appinspect (the extra dev of podhawk)"),),
    "bwrap": (_program("bwrap", "bubblewrap"),),
    "duckdb": (_module("duckdb", "dev"),),
    "gcc": (_program("gcc", "gcc"),),
    "git": (_program("git", "git"),),
    "hatchling": (_module("hatchling", "dev"),),
    "npm": (_program("npm", "npm"), _program("node", "nodejs")),
    "openssl": (_program("openssl", "openssl"),),
    "kubernetes-validate": (_module("kubernetes_validate", "dev"),),
    "ocsf": (_module("py_ocsf_models", "dev"),),
    "otlp": (_module("opentelemetry.exporter.otlp.proto.http", "dev"),),
    "promtool": (_program("promtool", "prometheus"),),
    "schemathesis": (Need(lambda: program("schemathesis"), "needs schemathesis (the extra dev of podhawk)"),),
    "serve": (
        _module("litestar", "serve"),
        _module("uvicorn", "serve"),
        _module("httptools", "serve"),
        _module("apprise", "serve"),
        _module("jwt", "serve"),
    ),
    "smtp": (_module("aiosmtpd", "dev"),),
    "object-store": (_module("obstore", "object-store"), _module("moto", "dev"), _module("flask", "dev")),
    "syslog-ng": (_program("syslog-ng", "syslog-ng-core syslog-ng-mod-http"),),
    "sigma": (_module("sigma", "sigma"),),
    "zcat": (_program("zcat", "gzip"),),
}


def missing(names: list[str]) -> list[str]:
    """The reasons why a test with these needs cannot run. An unknown name is a KeyError."""
    return [need.reason for name in names for need in NEEDS[name] if not need.met()]
