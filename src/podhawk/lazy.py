"""An attribute that is worked out when it is first asked for.

`functools.cached_property` takes a lock each time before Python 3.12, which costs more than most of what is worked out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

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
