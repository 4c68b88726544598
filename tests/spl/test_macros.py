"""Macro expansion: what is replaced, what is not, and where errors point."""

from __future__ import annotations

import pytest

from podhawk.errors import SearchError
from podhawk.spl.macros import PlainMacro, calls, expand, split_arguments

MACROS = {
    ("kube_audit", 0): PlainMacro((), 'source="kubernetes"'),
    ("by_verb", 1): PlainMacro(("verb",), "verb=$verb$ `kube_audit`"),
    ("by_verb", 2): PlainMacro(("verb", "code"), "verb=$verb$ code=$code$"),
    ("loop", 0): PlainMacro((), "a=1 `loop`"),
    ("tail_commands", 0): PlainMacro((), "| stats count"),
}


@pytest.mark.parametrize(
    ("written", "expanded"),
    [
        ("`kube_audit` x=1", 'source="kubernetes" x=1'),
        ("`by_verb(get)`", 'verb=get source="kubernetes"'),
        ('`by_verb(get, "4,3")`', "verb=get code=4,3"),
        ('x="`kube_audit`"', 'x="`kube_audit`"'),
        (r"x=\"`kube_audit`\"", r'x=\"source="kubernetes"\"'),
        ("a=1 `tail_commands`", "a=1 | stats count"),
        ("stats```how many```count", "stats count"),
        ('x="```not a comment```"', 'x="```not a comment```"'),
        ("NOT `by_verb(get,403)` y=1", "NOT verb=get code=403 y=1"),
    ],
)
def test_expansion(written: str, expanded: str) -> None:
    assert expand(written, MACROS).text == expanded


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("`kube_audits`", "kube_audits` is not defined"),
        ("`by_verb`", "takes 1 or 2 arguments, not 0"),
        ("`loop`", "calls itself"),
        ("`kube_audit", "never closed"),
        ('x="open', "never closed"),
        ("a ```open", "never closed"),
    ],
)
def test_refusals(written: str, message: str) -> None:
    with pytest.raises(SearchError, match=message.replace("`", "`")):
        expand(written, MACROS)


def test_a_wrong_name_suggests_the_nearest() -> None:
    with pytest.raises(SearchError) as caught:
        expand("x=1\n  `kube_audti`", MACROS, name="d.yml")
    assert caught.value.remedy == "Did you mean 'kube_audit'?"
    assert caught.value.place is not None
    assert (caught.value.place.file, caught.value.place.line, caught.value.place.column) == ("d.yml", 2, 3)


def test_places_after_a_macro_and_a_comment_point_at_what_was_written() -> None:
    text = expand("`kube_audit` ```why``` verb=get |\n nonsense", MACROS)
    place, macro = text.place(text.text.index("nonsense"))
    assert (place.line, place.column, place.text, macro) == (2, 2, " nonsense", "")
    place, macro = text.place(text.text.index("kubernetes"))
    assert (place.line, place.column, macro) == (1, 1, "kube_audit")


def test_unknown_macros_can_be_kept_for_reading() -> None:
    assert expand("`other(1)` x", {}, keep_unknown=True).text == "`other(1)` x"


def test_calls_are_listed_with_their_arity() -> None:
    assert calls('`a` "`no`" | `b(1,"x,y")`') == [("a", 0), ("b", 2)]


def test_arguments_split_at_top_level_commas() -> None:
    assert split_arguments('a, f(b,c), "d,e", [x,y]') == ["a", "f(b,c)", "d,e", "[x,y]"]


def test_iseval_and_validation() -> None:
    macros = {
        ("m", 1): PlainMacro(
            ("x",), '"verb=" . "$x$"', iseval=True, validation='"$x$"!="bad"', errormsg="x may not be bad"
        )
    }
    from podhawk.engine.plan.planner import read_search
    from podhawk.spl.clause import Compare

    pipeline = read_search("`m(get)`", macros)
    assert pipeline.stages[0].node.clause == Compare("verb", "=", "get")
    with pytest.raises(SearchError, match="x may not be bad"):
        read_search("`m(bad)`", macros)
