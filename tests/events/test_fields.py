"""Fields out of JSON, and picking some of them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from podhawk.events import FlattenRules, View, fields_of, flatten, pick
from podhawk.events.decode import decode_json, encode_json

SAMPLE = """{"auditID":"a","code":1.0,"exp":1e3,"ok":true,"no":false,"nil":null,"empty":"","none":{},"nothing":[],
"user":{"groups":["a","b","a"],"one":["x"]},"rows":[{"k":1},{"k":2,"m":[[3,4],[5]]}],
"annotations":{"authorization.k8s.io/decision":"allow"},"a.b":"flat","a":{"b":"deep","":"blank"}}"""


def view(text: str, **more: Any) -> View:
    return View(decode_json(text), text, **more)


def test_names_and_values() -> None:
    assert fields_of(view(SAMPLE)) == {
        "auditID": "a",
        "code": "1.0",
        "exp": "1e3",
        "ok": "true",
        "no": "false",
        "nil": "null",
        "empty": "",
        "user.groups{}": ("a", "b", "a"),
        "user.one{}": "x",
        "rows{}.k": ("1", "2"),
        "rows{}.m{}{}": ("3", "4", "5"),
        "annotations.authorization.k8s.io/decision": "allow",
        "a.b": ("flat", "deep"),
        "a.": "blank",
    }


def test_values_are_plain_text() -> None:
    assert {type(text) for _, text in flatten(decode_json(SAMPLE))} == {str}


def test_each_switch() -> None:
    text = '{"n":null,"e":"","c":[],"o":{},"f":1.0,"x":1e3,"b":true,"d":["a","a"],"q":[[1]]}'

    def under(**rules: Any) -> dict[str, Any]:
        return fields_of(view(text), FlattenRules(**rules))

    usual = under()
    assert usual == {"n": "null", "e": "", "f": "1.0", "x": "1e3", "b": "true", "d{}": ("a", "a"), "q{}{}": "1"}
    assert "n" not in under(null_as_text=False)
    assert "e" not in under(empty_string_is_value=False)
    assert {"c{}", "o"} <= under(empty_container_is_value=True).keys()
    changed = under(numbers_keep_spelling=False)
    assert (changed["f"], changed["x"]) == ("1", "1000")
    assert under(booleans_as_words=False)["b"] == "1"
    assert under(keep_duplicates=False)["d{}"] == "a"
    assert under(nested_array_braces=False)["q{}"] == "1"
    assert under(extraction_cutoff=20) == {"n": "null", "e": ""}
    assert under(extraction_cutoff=5000) == usual


def test_aliases_and_indexed_fields() -> None:
    shown = view(
        '{"data":{"ip":"10.0.0.1"},"x":"own"}',
        indexed={"cluster": "c", "x": "not"},
        aliases={"src_ip": "data.ip", "gone": "data.none", "x": "data.ip"},
    )
    assert fields_of(shown) == {"data.ip": "10.0.0.1", "x": "own", "cluster": "c", "src_ip": "10.0.0.1"}
    for name in ("src_ip", "gone", "x", "cluster", "data.ip", "zzz"):
        assert pick(shown, [name]) == {key: value for key, value in fields_of(shown).items() if key == name}


KEYS = st.sampled_from(["a", "b", "a.b", "{}", "a{}", ".", "", "b{}.c", "c", "k8s.io/x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([0.5, "", "x", "ä"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(KEYS, JSON, max_size=4), st.data())
def test_pick_gives_what_fields_of_gives(data: dict[str, Any], chooser: Any) -> None:
    shown = view(json.dumps(data))
    everything = fields_of(shown)
    names = chooser.draw(st.lists(st.sampled_from([*everything, "a", "a.b{}", "b"]), max_size=4))
    picked = pick(shown, names)
    assert picked == {name: value for name, value in everything.items() if name in names}
    assert list(picked) == [name for name in everything if name in names]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(KEYS, JSON, max_size=4))
def test_encoding_gives_back_the_text(data: dict[str, Any]) -> None:
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    assert encode_json(decode_json(text)) == text
