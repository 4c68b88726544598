"""Parts of a search: values that know where they stand, and are equal wherever they say the same."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct


class Placed(Struct, frozen=True, eq=False):
    """A part of a search. Fields that tell only where it stands count neither for equality nor in what is printed."""

    UNSAID: ClassVar[frozenset[str]] = frozenset({"at", "length", "source", "start"})

    def _said(self) -> tuple[Any, ...]:
        unsaid = self.UNSAID
        return tuple([getattr(self, name) for name in self.__struct_fields__ if name not in unsaid])

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._said() == other._said()

    def __ne__(self, other: object) -> bool:
        return not self == other  # a struct brings its own

    def __hash__(self) -> int:
        return hash((type(self), self._said()))

    def __repr__(self) -> str:
        names = [name for name in self.__struct_fields__ if name not in self.UNSAID]
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"
