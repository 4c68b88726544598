"""What is worked out when it is first asked for: attributes, and regular expressions.

`functools.cached_property` takes a lock each time before Python 3.12, which costs more than most of what is worked out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, AnyStr, Generic, TypeVar, cast, overload

T = TypeVar("T")


class lazy(Generic[T]):  # noqa: N801  (a decorator, as `property` is)
    """A property whose value stays in the instance, where it is found without this one from then on."""

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self._name = work.__name__
        self.__doc__ = work.__doc__

    @overload
    def __get__(self, instance: None, owner: Any) -> lazy[T]: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> T: ...
    def __get__(self, instance: Any, owner: Any) -> T | lazy[T]:
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._work(instance)
        return value


class _Pattern:
    """A regular expression that is compiled when a member of it is first asked for."""

    def __init__(self, text: Any, flags: int) -> None:
        self._given = text, flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        compiled = re.compile(*self._given)
        value = self.__dict__[name] = getattr(compiled, name)
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        return lazy_pattern, self._given


def lazy_pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """A regular expression for a module to hold, compiled when it is first used.

    Compiling takes longer than importing most modules, and a run uses few of the expressions that its modules hold. An
    error in the expression is raised where it is first used.
    """
    return cast("re.Pattern[AnyStr]", _Pattern(text, flags))
