"""How a command reads its own text.

A cursor walks over one slice of the expanded search. Commands ask it for the few shapes SPL
arguments have: words, quoted strings, field names, `option=value` pairs, lists, subsearches, and
whatever is left. Every refusal is an error at the cursor's place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from podhawk.errors import SearchError, nearest
from podhawk.spl.foreign import operator_remedy
from podhawk.spl.text import SearchText, skip_quoted, unescape

_WORD = re.compile(r'(?:\\.|[^\s,|"()\[\]=<>!\\])+', re.DOTALL)
_NAME = re.compile(r'(?:\\.|[^\s,|"\[\]=\\()])+', re.DOTALL)
_ATTACHED = re.compile(r'\((?:[^\s()|"\[\]]|\([^\s()|"\[\]]*\))+\)(?:\.\d+)?')
"""What follows a name without a blank and belongs to it: the parentheses of `avg(n)` or `count(eval(code=403))`."""
_OPTION = re.compile(r"([A-Za-z_][\w]*)\s*=\s*")
_OPTION_VALUE = re.compile(r'(?:\\.|[^\s,|"\[\]\\])+', re.DOTALL)
_SPACE = re.compile(r"[\s]+")
TRUE = frozenset({"true", "t", "1", "yes"})
FALSE = frozenset({"false", "f", "0", "no"})


class Cursor:
    """A place in a slice `[at, end)` of a search's expanded text.

    `subsearch` reads a subsearch that stands for a value; without it, there can be none. `places` says where the values
    of options, and words, were written, so that an error can point at them when it is found later.
    """

    __slots__ = ("at", "command", "end", "places", "source", "subsearch")

    def __init__(self, source: SearchText, at: int, end: int, command: str = "") -> None:
        self.source = source
        self.at = at
        self.end = end
        self.command = command
        self.subsearch: Callable[[Cursor], Any] | None = None
        self.places: dict[str, tuple[int, int]] = {}
        self.space()

    # -- looking ---------------------------------------------------------------------------------

    def space(self) -> None:
        """Skip white space."""
        found = _SPACE.match(self.source.text, self.at, self.end)
        if found:
            self.at = found.end()

    @property
    def done(self) -> bool:
        return self.at >= self.end

    @property
    def rest(self) -> str:
        return self.source.text[self.at : self.end]

    def peek(self, size: int = 1) -> str:
        return self.source.text[self.at : min(self.at + size, self.end)]

    def looking_at(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        return pattern.match(self.source.text, self.at, self.end)

    def error(self, message: str, at: int | None = None, length: int = 1, remedy: str = "") -> SearchError:
        prefix = f"{self.command}: " if self.command else ""
        return self.source.error(prefix + message, self.at if at is None else at, length, remedy)

    def fail(self, message: str, remedy: str = "") -> NoReturn:
        raise self.error(message, remedy=remedy)

    def wrong(self, name: str, value: str, message: str, remedy: str = "") -> NoReturn:
        """Refuse the value of an option, or a word, where it was written."""
        at, length = self.places.get(name) or self.places.get(value) or (self.at, 1)
        raise self.error(message, at, length, remedy)

    # -- taking ----------------------------------------------------------------------------------

    def take(self, text: str) -> bool:
        """Take exactly this text (no case folding) if it is next."""
        if self.source.text.startswith(text, self.at) and self.at + len(text) <= self.end:
            self.at += len(text)
            self.space()
            return True
        return False

    def keyword(self, *words: str) -> str | None:
        """Take one of these words, in any case, if it stands next as a whole word."""
        found = self.looking_at(re.compile(r"[A-Za-z_]+(?![\w.:{}*-])"))
        if found and found[0].lower() in words:
            following = self.source.text[found.end() : self.end].lstrip()
            if following.startswith("=") and not following.startswith("=="):
                return None
            self.at = found.end()
            self.space()
            return found[0].lower()
        return None

    def comma(self) -> bool:
        return self.take(",")

    def commas(self) -> bool:
        """Take all commas that stand next: between two of them there may be an empty item."""
        some = self.comma()
        while self.comma():
            pass
        return some

    def quoted(self) -> str | None:
        """A double-quoted string without its quotes, escapes resolved one level."""
        if self.peek() != '"':
            return None
        end = skip_quoted(self.source.text, self.at)
        if end < 0 or end > self.end:
            self.fail("this double quote is never closed")
        value = unescape(self.source.text[self.at + 1 : end - 1])
        self.at = end
        self.space()
        return value

    def word(self, what: str = "a word") -> str:
        """One unquoted word or a quoted string."""
        text = self.quoted()
        if text is not None:
            return text
        found = self.looking_at(_WORD)
        if not found:
            self.fail(f"expected {what}" + (f", found {self.peek()!r}" if not self.done else " at the end"))
        self.at = found.end()
        self.places[found[0]] = (found.start(), len(found[0]))
        self.space()
        return unescape(found[0])

    def name(self, what: str = "a field name") -> str:
        """A field name: bare (`user.groups{}`, `avg(n)`), or in double or single quotes."""
        if self.peek() == "'":
            end = self.source.text.find("'", self.at + 1, self.end)
            if end > 0:
                value = self.source.text[self.at + 1 : end]
                self.at = end + 1
                self.space()
                return value
        text = self.quoted()
        if text is not None:
            return text
        found = self.looking_at(_NAME)
        if not found:
            self.fail(f"expected {what}" + (f", found {self.peek()!r}" if not self.done else " at the end"))
        at = self.at
        self.at = found.end()
        attached = self.looking_at(_ATTACHED)
        if attached:
            self.at = attached.end()
        name = self.source.text[at : self.at]
        self.space()
        return name

    def names(self, stop: Iterable[str] = (), what: str = "a field name") -> tuple[str, ...]:
        """A list of field names, separated by blanks or commas, up to a stop word, an option or the end.

        Empty items, as in `a, , b`, do not count.
        """
        found: list[str] = []
        stops = tuple(stop)
        self.commas()
        while not self.done and self.peek() not in "[|)" and not self.next_option():
            if stops and self.at_word(stops):
                break
            found.append(self.name(what))
            self.commas()
        return tuple(found)

    def grouping(self) -> tuple[str, ...]:
        """The fields after BY. Raises SearchError for none, and for what belongs after the command."""
        found: list[str] = []
        self.commas()
        while not self.done and self.peek() not in "[|)" and not self.next_option():
            at = self.at
            quoted = self.peek() in "\"'"
            name = self.name("a field to group by")
            if not quoted and name.lower() == "by" and found:
                place, length = self.places.get("group by", (at, 2))
                raise self.error(
                    f"unexpected {found[-1]} by", place, length, "Sort in a command of its own: | sort -count."
                )
            if not quoted and ("<" in name or ">" in name):
                raise self.error(
                    f"{name} is no field to group by", at, len(name), "Filter in a command of its own: | where count>5."
                )
            self.places["group by"] = (at, len(name))
            found.append(name)
            self.commas()
        if not found:
            self.fail("expected a field after BY")
        return tuple(found)

    def at_word(self, words: tuple[str, ...]) -> bool:
        """Whether one of these words stands next, as a whole word."""
        found = self.looking_at(re.compile(r"[A-Za-z_]+(?![\w.:{}*=-])"))
        return bool(found and found[0].lower() in words)

    def next_option(self) -> str | None:
        """The name of the `name=value` that stands next, or None; takes nothing."""
        found = self.looking_at(_OPTION)
        if not found or self.source.text.startswith("=", found.end()):
            return None
        return found[1].lower()

    def option(self, known: Iterable[str]) -> tuple[str, str] | None:
        """Take `name=value` if one is next. Raises SearchError for a name that is not known."""
        found = self.looking_at(_OPTION)
        if not found or self.source.text.startswith("=", found.end()):
            return None
        name = found[1].lower()
        allowed = list(known)
        if name not in allowed:
            raise self.error(
                f"unknown option {found[1]!r}",
                length=len(found[1]),
                remedy=nearest(name, allowed)
                or (f"Known options: {', '.join(sorted(allowed))}." if allowed else "This command takes no options."),
            )
        self.at = start = found.end()
        value = self.quoted()
        if value is None:
            taken = self.looking_at(_OPTION_VALUE)
            if not taken:
                self.fail(f"option {name} has no value")
            self.at = taken.end()
            self.space()
            value = taken[0]
        self.places[name] = (start, len(self.source.text[start : self.at].rstrip()))
        return name, value

    def options(self, known: Iterable[str]) -> dict[str, str]:
        """All options that stand next, commas between them allowed."""
        found: dict[str, str] = {}
        allowed = tuple(known)
        while True:
            pair = self.option(allowed)
            if pair is None:
                return found
            found[pair[0]] = pair[1]
            self.commas()

    def boolean(self, value: str, option: str) -> bool:
        """An option's value as true or false."""
        if value.lower() in TRUE:
            return True
        if value.lower() not in FALSE:
            self.wrong(option, value, f"option {option} must be true or false, not {value!r}")
        return False

    def integer(self, value: str, what: str, low: int = 0) -> int:
        """A whole number of at least `low`."""
        try:
            number = int(value)
        except ValueError:
            self.wrong(what, value, f"{what} must be a whole number, not {value!r}")
        if number < low:
            self.wrong(what, value, f"{what} must be at least {low}, not {number}")
        return number

    def choice(self, value: str, option: str, allowed: Iterable[str]) -> str:
        """One of a few words, in any case."""
        known = list(allowed)
        if value.lower() not in known:
            self.wrong(
                option,
                value,
                f"option {option} must be one of {', '.join(known)}, not {value!r}",
                nearest(value, known),
            )
        return value.lower()

    def bracketed(self) -> tuple[int, int]:
        """The offsets inside `[ … ]`, taken."""
        if self.peek() != "[":
            self.fail("expected a subsearch in square brackets")
        start = self.at + 1
        end = closing_bracket(self.source, self.at, self.end)
        self.at = end + 1
        self.space()
        return start, end

    def finish(self, remedy: str = "") -> None:
        """Refuse anything that is left."""
        if not self.done:
            found = self.looking_at(re.compile(r"\S+"))
            text = found[0] if found else self.rest
            if text.startswith(")"):
                raise self.error("this ) has no matching (", remedy=remedy)
            foreign = operator_remedy(self.source.text, self.at, self.end)
            raise self.error(f"unexpected {text!r}", self.at, len(text), foreign[1] if foreign else remedy)


def closing_bracket(source: SearchText, at: int, end: int) -> int:
    """The offset of the `]` that closes the `[` at `at`. Raises SearchError if none does."""
    depth = 0
    text = source.text
    here = at
    while here < end:
        char = text[here]
        if char == "\\":
            here += 2
            continue
        if char == '"':
            after = skip_quoted(text, here)
            here = after if after > 0 else end
            continue
        if char == "[":
            depth += 1
        elif char == "]":
            depth -= 1
            if depth == 0:
                return here
        here += 1
    raise source.error("this [ is never closed", at, remedy="Close the subsearch with ].")
