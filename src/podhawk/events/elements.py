"""Splitting a document that is too large to be held into its elements, from pieces as they come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

MARK: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\]]', re.DOTALL)
"""A whole string, a bracket, or the quote of a string that does not end."""
_REST_OF_STRING: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
MOST_HELD: Final = 256 << 20


class Elements:
    """Splits a document that is too large into its elements, without holding it.

    The elements of an outermost array are given one by one, and those of the first array of objects in an
    outermost object inside the members that stand before it. Objects without such an array are given whole.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._place = 0  # the end of the last bracket or string
        self._looked = 0  # how far the buffer has been looked at
        self._inside = False  # whether that is within a string that does not end in the buffer
        self._depth = 0
        self._document = -1  # where the current outermost value starts
        self._opened = -1  # the end of an array's bracket, if nothing followed it yet
        self._base = 0  # the depth of the array whose elements are given; -1 after its end
        self._start = -1  # where the current element starts
        self._head = b""
        self.overflown = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The elements that are complete after `data`."""
        self._buffer += data
        if self._inside:
            end = _REST_OF_STRING.match(self._buffer, self._looked)
            if end is not None:
                self._place = self._looked = end.end()
                self._inside, self._opened = False, -1
        for mark in MARK.finditer(self._buffer, self._looked) if not self._inside else ():
            token = mark.group()
            if token == b'"':
                self._inside = True  # it goes on in the next piece
                break
            self._place = mark.end()
            if token in (b"{", b"["):
                self._open(token, mark.start(), mark.end())
                continue
            self._opened = -1
            if token in (b"}", b"]"):
                element = self._close(mark.end())
                if element:
                    yield element
        self._looked = len(self._buffer)
        if self._inside:  # half an escape is looked at again
            self._looked -= (len(self._buffer) - len(self._buffer.rstrip(b"\\"))) % 2
        self._trim()
        self.overflown = len(self._buffer) > MOST_HELD

    def rest(self) -> bytes:
        """What is left: an element or a document that did not end."""
        if self._base > 0:
            return self._buffer[self._start :] if self._start >= 0 else b""
        return self._buffer if self._base == 0 else b""

    def _open(self, token: bytes, start: int, end: int) -> None:
        self._depth += 1
        if self._depth == 1:
            self._document = start
        if token == b"[":
            if self._base == 0 and self._depth == 1:
                self._base, self._head = 1, b""
            self._opened = end
            return
        if self._base == 0 and self._depth == 3 and self._opened >= 0:
            self._base, self._head = 2, self._buffer[self._document : self._opened]
        self._opened = -1
        if self._base > 0 and self._depth == self._base + 1:
            self._start = start

    def _close(self, end: int) -> bytes:
        self._depth = max(0, self._depth - 1)
        element = b""
        if self._base > 0 and self._start >= 0 and self._depth == self._base:
            element = self._buffer[self._start : end]
            element = self._head + element + b"]}" if self._head else element
            self._start = -1
        elif 0 <= self._depth < self._base:
            self._base = -1
        if self._depth == 0:
            if self._base == 0 and self._document >= 0:
                element = self._buffer[self._document : end]
            self._base, self._document = 0, -1
        return element

    def _trim(self) -> None:
        """Forget what is done with."""
        if self._base > 0:
            keep = self._start if self._start >= 0 else self._place
        else:
            keep = self._document if self._base == 0 and self._document >= 0 else self._place
        self._buffer = self._buffer[keep:]
        self._place -= keep
        self._looked -= keep
        self._document -= keep if self._document >= 0 else 0
        self._opened -= keep if self._opened >= 0 else 0
        self._start -= keep if self._start >= 0 else 0
