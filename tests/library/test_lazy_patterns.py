"""Regular expressions that are compiled when they are first used."""

from __future__ import annotations

import copy
import importlib
import pickle
import pkgutil
import re

import pytest

import podhawk
from podhawk.lazy import lazy_pattern


def test_a_lazy_pattern_is_the_pattern() -> None:
    made = lazy_pattern(r"(?P<name>a+)b", re.IGNORECASE)
    assert made.pattern == r"(?P<name>a+)b"
    assert made.sub("x", "aab c AB") == "x c x"
    found = made.search("xAAB")
    assert found is not None
    assert found["name"] == "AA"
    assert lazy_pattern(rb"\d").findall(b"a1") == [b"1"]
    for other in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert other.match("ab") is not None
    with pytest.raises(re.error):
        _ = lazy_pattern("(").match


def test_every_lazy_pattern_of_the_package_compiles() -> None:
    kind = type(lazy_pattern(""))
    found = 0
    for one in pkgutil.walk_packages(podhawk.__path__, "podhawk."):
        if not one.name.startswith(("podhawk.commands", "podhawk.events", "podhawk.detect", "podhawk.spl")):
            continue
        for value in vars(importlib.import_module(one.name)).values():
            for each in value if isinstance(value, tuple) else (value,):
                if type(each) is kind:
                    assert each.pattern is not None
                    found += 1
    assert found > 50
