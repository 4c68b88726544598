"""Conditions of Falco rules: text to a tree.

Macros are inlined and the names of lists in value lists are replaced by their items while the text is read, as Falco
does when it compiles a rule. Only what stands outside quotes can be the name of a list.

Source: https://falco.org/docs/concepts/rules/conditions/ and
https://github.com/falcosecurity/libs/blob/master/userspace/libsinsp/filter/parser.h
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NoReturn

from msgspec import Struct

from podhawk.errors import ContentError, nearest

UNARY: Final = ("exists",)
ORDERINGS: Final = ("<=", "<", ">=", ">")
TEXT_OPERATORS: Final = (
    *("==", "=", "!="),
    *("glob", "iglob", "contains", "icontains", "startswith", "endswith", "regex", "bcontains", "bstartswith"),
)
LIST_OPERATORS: Final = ("intersects", "in", "pmatch")
TRANSFORMERS: Final = ("tolower", "toupper", "basename", "b64", "len", "join", "concat", "getopt", "val")
_DEEPEST: Final = 100
_BLANK: Final = re.compile(r"\s+")
_FIELD: Final = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)+", re.ASCII)
_IDENTIFIER: Final = re.compile(r"[A-Za-z]\w*", re.ASCII)
_TRANSFORMER: Final = re.compile(rf"({'|'.join(TRANSFORMERS)})\(\s*")
_ARGUMENT: Final = re.compile(r"""[^\]\["'\s]+""")
_BARE: Final = re.compile(r"""[^()"'\s=,]+""")
_QUOTED: Final = re.compile(r""""((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'""", re.DOTALL)
_OPERATOR: Final = re.compile(
    r"<=|<|>=|>|==|=|!=|(?:" + "|".join((*UNARY, *TEXT_OPERATORS[3:], *LIST_OPERATORS)) + r")(?![\w.])"
)
_WORD: Final = re.compile(r"(?:and|or|not)(?![\w.])")
_UNESCAPED: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class FalcoField(Struct, frozen=True):
    """A field of the event, with its argument in brackets; `through` are the transformers, the outermost first."""

    name: str
    argument: str | None = None
    through: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = self.name + (f"[{self.argument}]" if self.argument is not None else "")
        for one in reversed(self.through):
            text = f"{one}({text})"
        return text


class Comparison(Struct, frozen=True):
    """A field compared with values, or with another field."""

    field: FalcoField
    operator: str
    values: tuple[str, ...] = ()
    other: FalcoField | None = None


class Negation(Struct, frozen=True):
    part: Node


class AllOf(Struct, frozen=True):
    parts: tuple[Node, ...]


class AnyOf(Struct, frozen=True):
    parts: tuple[Node, ...]


Node = Comparison | Negation | AllOf | AnyOf


def read_condition(text: str, macros: Mapping[str, str], lists: Mapping[str, Sequence[str]]) -> Node:
    """The tree of a condition. Raises ContentError for text that is no condition, for an unknown macro and for macros
    that contain themselves."""
    return _Reader(text, macros, lists, ()).whole()


def read_field(text: str) -> FalcoField:
    """A field as an exception or an output names it. Raises ContentError for any other text."""
    reader = _Reader(text, {}, {}, ())
    found = reader.field()
    if found is None or reader.at < len(text):
        raise ContentError(f"{text!r} is not the name of a field")
    return found


class _Reader:
    """Reads one condition; `inside` are the macros that it stands in."""

    def __init__(
        self, text: str, macros: Mapping[str, str], lists: Mapping[str, Sequence[str]], inside: tuple[str, ...]
    ) -> None:
        self.text, self.at = text, 0
        self.macros, self.lists, self.inside = macros, lists, inside
        self.depth = 0

    def whole(self) -> Node:
        node = self.any_of()
        if self.at < len(self.text):
            self._fail("expected 'and', 'or' or the end")
        return node

    def any_of(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            self._fail("too many parentheses inside one another")
        node = self._chain("or", AnyOf, lambda: self._chain("and", AllOf, self._one))
        self.depth -= 1
        return node

    def _chain(self, word: str, kind: type[AllOf] | type[AnyOf], part: Callable[[], Node]) -> Node:
        parts = [part()]
        while self._word(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else kind(tuple(parts))

    def _one(self) -> Node:
        negated = False
        while self._word("not"):
            negated = not negated
        node = self._check()
        return Negation(node) if negated else node

    def _check(self) -> Node:
        self._blank()
        if self._symbol("("):
            node = self.any_of()
            self._need(")")
            return node
        field = self.field()
        if field is not None:
            return self._comparison(field)
        name = self._match(_IDENTIFIER)
        if name is None:
            self._fail("expected a field, a macro or '('")
        return self._macro(name)

    def _macro(self, name: str) -> Node:
        if name in self.inside:
            raise ContentError(f"the macro {name!r} contains itself")
        if name not in self.macros:
            raise ContentError(f"unknown macro {name!r}", remedy=nearest(name, self.macros))
        inner = _Reader(self.macros[name], self.macros, self.lists, (*self.inside, name))
        try:
            return inner.whole()
        except ContentError as error:
            where = f"in the macro {name!r}: "
            message = error.message if error.message.startswith(("the macro", where[:12])) else where + error.message
            raise ContentError(message, remedy=error.remedy) from error

    def field(self) -> FalcoField | None:
        """A field at this place, with its transformers; None if there is none."""
        self._blank()
        through = []
        while (found := _TRANSFORMER.match(self.text, self.at)) is not None:
            through.append(found[1])
            self.at = found.end()
        name = self._match(_FIELD)
        if name is None:
            if through:
                self._fail(f"expected a field in {through[-1]}()")
            return None
        argument = None
        if self._symbol("["):
            argument = self._quoted() if self.text[self.at : self.at + 1] in ('"', "'") else self._match(_ARGUMENT)
            if argument is None:
                self._fail(f"expected an argument of {name}")
            self._need("]")
        for _ in through:
            self._need(")")
        return FalcoField(name, argument, tuple(through))

    def _comparison(self, field: FalcoField) -> Node:
        self._blank()
        operator = self._match(_OPERATOR)
        if operator is None:
            self._fail(f"expected an operator after {field}")
        operator = "=" if operator == "==" else operator
        if operator in UNARY:
            return Comparison(field, operator)
        self._blank()
        if _TRANSFORMER.match(self.text, self.at):
            return Comparison(field, operator, other=self.field())
        if operator in LIST_OPERATORS:
            return Comparison(field, operator, self._values())
        return Comparison(field, operator, (self._value(),))

    def _values(self) -> tuple[str, ...]:
        if not self._symbol("("):
            name = self._match(_IDENTIFIER)
            if name is None or name not in self.lists:
                self._fail("expected a list of values in parentheses")
            return items_of(name, self.lists)
        found: list[str] = []
        while not self._symbol(")"):
            self._blank()
            quoted = self._quoted()
            bare = self._match(_BARE) if quoted is None else None
            if quoted is None and bare is None:
                self._fail("expected a value or ')'")
            found += (quoted,) if quoted is not None else items_of(bare or "", self.lists)
            self._symbol(",")
        return tuple(dict.fromkeys(found))

    def _value(self) -> str:
        quoted = self._quoted()
        value = self._match(_BARE) if quoted is None else quoted
        if value is None:
            self._fail("expected a value")
        return value

    def _quoted(self) -> str | None:
        found = _QUOTED.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        inner = found[1] if found[1] is not None else found[2]
        return re.sub(r"\\(.)", lambda one: _UNESCAPED.get(one[1], one[1]), inner, flags=re.DOTALL)

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[0]

    def _blank(self) -> None:
        self._match(_BLANK)

    def _word(self, word: str) -> bool:
        self._blank()
        found = _WORD.match(self.text, self.at)
        if found is None or found[0] != word:
            return False
        self.at = found.end()
        self._blank()
        return True

    def _symbol(self, symbol: str) -> bool:
        self._blank()
        if not self.text.startswith(symbol, self.at):
            return False
        self.at += len(symbol)
        self._blank()
        return True

    def _need(self, symbol: str) -> None:
        if not self._symbol(symbol):
            self._fail(f"expected {symbol!r}")

    def _fail(self, message: str) -> NoReturn:
        before, after = self.text[: self.at].split()[-1:], self.text[self.at : self.at + 20].split("\n")[0]
        place = f" before {after!r}" if after else " at the end"
        raise ContentError(message + (place if after or not before else f", after {before[0]!r}"))


def items_of(name: str, lists: Mapping[str, Sequence[str]], inside: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What a word in a list of values stands for: the items of the list of that name, or itself."""
    if name not in lists or name in inside:
        return (name,)
    return tuple(item for one in lists[name] for item in items_of(one, lists, (*inside, name)))
