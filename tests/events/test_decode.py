"""JSON and times, to the letter."""

from __future__ import annotations

import json

import pytest

from podhawk.events.decode import BadJSON, JsonNumber, TooDeep, decode_json, encode_json, slice_of, slices
from podhawk.events.salvage import salvage
from podhawk.events.time import epoch_of, format_micro, parse_rfc3339


@pytest.mark.parametrize(
    "spelling",
    [
        "0",
        "-0",
        "12",
        "1.0",
        "1e3",
        "1E+5",
        "-0.0",
        "18446744073709551616",
        "123456789012345678901234567890",
        "1e999",
        "9" * 5000,
    ],
)
def test_numbers_keep_their_spelling(spelling: str) -> None:
    for text in (f'{{"a":[{spelling}]}}', f'{{"a":[{spelling}],"t":"raw\ttab"}}'):
        for value in (decode_json(text), decode_json(text.encode())):
            assert value["a"] == [spelling]
            assert type(value["a"][0]) is JsonNumber
    assert decode_json(spelling) == spelling
    assert encode_json(decode_json(f"[{spelling}]")) == f"[{spelling}]"


def test_what_strict_decoders_refuse_is_read_alike() -> None:
    assert decode_json(b'{"a":"x\xff\x01y","a":1}') == {"a": "1"}
    assert decode_json('["\\ud800", "\\ud83d\\ude00"]') == ["\ufffd", "😀"]
    assert decode_json(b'["\xed\xa0\x80"]')[0].strip("\ufffd") == ""
    assert decode_json("[NaN]") == ["NaN"]
    for wrong in ("", "{", "[1,]", "tru", '{"a" 1}', b"\xff"):
        with pytest.raises(BadJSON):
            decode_json(wrong)


def test_depth_is_bounded() -> None:
    assert decode_json("[" * 200 + "]" * 200)
    for depth in (300, 2000, 200_000):
        with pytest.raises(TooDeep):
            decode_json("[" * depth + "]" * depth)
        with pytest.raises(TooDeep):
            decode_json('["\t",' + '{"a":' * depth + "1" + "}" * depth + "]")


def test_slices_are_source_text() -> None:
    assert slices('{"items":[ {"a": 1.0} ,2]}', "items") == ['{"a": 1.0}', "2"]
    assert slices("[[1 ], 2]") == ["[1 ]", "2"]
    assert slice_of('{"a":{"b": [1,  2]}}', "a", "b") == "[1,  2]"
    assert slices("{", "items") == []
    assert slice_of("[]", "a") is None


def test_salvage_takes_complete_members_only() -> None:
    whole = '{"a":1.0,"b":"x\\"y","c":{"d":[1,"]"]},"e":true,"f":null}'
    members = json.loads(whole, parse_float=str, parse_int=str)
    for cut in range(len(whole)):
        found = salvage(whole[:cut])
        assert not found.closed
        for key, value in found.members.items():
            assert value == members[key], cut
    assert salvage(whole[:8]).members == {}  # 1.0 might have gone on
    assert salvage(whole[:9]).members == {"a": "1.0"}
    assert salvage('{"a":1,"a":"cut').members == {}
    assert salvage('{"x":' + "[" * 500 + "]" * 500 + ',"a":1}').too_deep == ("x",)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("2026-11-01T10:00:00.123456Z", "2026-11-01T10:00:00.123456Z"),
        ("2026-11-01t10:00:00.1234564z", "2026-11-01T10:00:00.123456Z"),
        ("2026-11-01T10:00:00.123456789Z", "2026-11-01T10:00:00.123457Z"),
        ("2026-11-01T10:00:00.9999999Z", "2026-11-01T10:00:01.000000Z"),
        ("2026-11-01 10:00:00.38", "2026-11-01T10:00:00.380000Z"),
        ("2026-11-01T12:00:00+02:00", "2026-11-01T10:00:00.000000Z"),
        ("2026-11-01 10:00:00 -0130", "2026-11-01T11:30:00.000000Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z"),
    ],
)
def test_times(text: str, micros: str) -> None:
    parsed = parse_rfc3339(text)
    assert parsed is not None
    assert format_micro(parsed) == micros


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "2026-13-01T10:00:00Z",
        "2026-02-30T10:00:00.123456Z",
        "1793527200",
        "2026-11-01",
        "9999-12-31T23:59:60Z",
        "２０26-11-01T10:00:00Z",
        "2026-11-01T10:00:00ZZ",
    ],
)
def test_no_times(text: str) -> None:
    assert parse_rfc3339(text) is None


def test_epochs_of_every_unit() -> None:
    for text in ("1793527200.5", "1793527200500", "1793527200500000", "1793527200500000000", "2026-11-01T10:00:00.5Z"):
        assert epoch_of(text) == 1793527200.5
    for nothing in (None, "", "x", "-1", "nan", "inf", True, {}):
        assert epoch_of(nothing) is None


def test_json_is_written_with_half_surrogate_pairs_and_numbers_below_anything() -> None:
    value = {"a\ud800": ["\udfff", JsonNumber("1.0")], "b": {"c": None, "d": [True, False, {}, []]}, "": "\x7f\u2028/"}
    assert encode_json(value) == '{"a\ufffd":["\ufffd",1.0],"b":{"c":null,"d":[true,false,{},[]]},"":"\x7f\u2028/"}'
    assert encode_json({"ä": [JsonNumber("-0"), JsonNumber("1e3"), "1"]}) == '{"ä":[-0,1e3,"1"]}'
