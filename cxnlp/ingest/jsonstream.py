"""Cutting a JSON text into its records without reading it whole and without recursion."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from cxnlp.ingest.lines import MOST_LINE_BYTES

MOST_DEPTH: Final = 64
BREAKS_OFF: Final = "breaks off: the file ends inside it"
_STRUCTURE: Final = re.compile(r'[\[{]+|["\]},]')
_STRING_END: Final = re.compile(r'["\\]')
_ITEMS: Final = re.compile(r'\s*\{\s*"items"\s*:\s*\[')


@dataclass(frozen=True, slots=True)
class Piece:
    """One record as JSON text, or, with a `problem`, one that cannot be read."""

    text: str
    problem: str = ""


def split_records(parts: Iterable[str]) -> Iterator[Piece]:
    """Yield the records of `[...]`, of `{"items": [...]}`, or of objects that follow each other.

    A record over 8 MB or nested deeper than 64 is skipped in flat memory. What ends inside a record yields a last piece with a problem.
    """
    parts = iter(parts)
    head = ""
    for part in parts:
        head = (head + part).lstrip()
        if len(head) > 64:
            break
    if not head:
        return
    items = _ITEMS.match(head)
    splitter = _Splitter(2 if items else int(head[0] == "["))
    yield from splitter.split(head[items.end() if items else int(head[0] == "[") :])
    for part in parts:
        yield from splitter.split(part)
    yield from splitter.finish()


class _Splitter:
    """The state between two parts of the text: how deep, inside a string or not, and the record so far.

    `base` is the depth at which records stand: 0 where they follow each other, 1 in `[...]`, 2 in `{"items": [...]}`.
    """

    def __init__(self, base: int) -> None:
        self._base = self._depth = base
        self._in_string = False
        self._escaped = False
        self._done = False
        self._held: list[str] = []
        self._size = 0
        self._problem = ""

    def split(self, part: str) -> Iterator[Piece]:
        start = place = 0
        while place < len(part) and not self._done:
            if self._in_string:
                place = self._skip_string(part, place)
                continue
            match = _STRUCTURE.search(part, place)
            if match is None:
                break
            place = match.end()
            ends = self._step(match[0])
            if ends is not None:
                self._hold(part[start : place if ends else place - 1])
                start = place
                yield from self._take()
        if not self._done:
            self._hold(part[start:])

    def finish(self) -> Iterator[Piece]:
        if self._base > 0 or self._depth > 0 or self._in_string:
            yield Piece("".join(self._held).strip()[:80], self._problem or BREAKS_OFF)
        else:
            yield from self._take()

    def _step(self, mark: str) -> bool | None:
        """Take one structural character; return whether it belongs to the record that it ends, None if it ends none."""
        if mark == '"':
            self._in_string = True
        elif mark[0] in "[{":
            self._depth += len(mark)
            if self._depth - self._base > MOST_DEPTH and not self._problem:
                self._problem = f"is nested deeper than {MOST_DEPTH}"
        elif mark == ",":
            return False if self._depth == self._base else None
        else:
            return self._close()
        return None

    def _close(self) -> bool | None:
        self._depth -= 1
        if self._base == 0:
            self._depth = max(0, self._depth)
            return True if self._depth == 0 else None
        if self._depth >= self._base:
            return None
        self._done = self._base > 1
        self._base = self._depth = 0
        return False

    def _skip_string(self, part: str, place: int) -> int:
        if self._escaped:
            self._escaped = False
            return place + 1
        match = _STRING_END.search(part, place)
        if match is None:
            return len(part)
        self._escaped = match[0] == "\\"
        self._in_string = self._escaped
        return match.end()

    def _hold(self, text: str) -> None:
        self._size += len(text)
        if self._size > MOST_LINE_BYTES:
            self._problem = self._problem or "is larger than 8 MB"
        if self._problem:
            self._held = ["".join(self._held)[:80]]
        else:
            self._held.append(text)

    def _take(self) -> Iterator[Piece]:
        text, problem = "".join(self._held).strip(), self._problem
        self._held, self._size, self._problem = [], 0, ""
        if text or problem:
            yield Piece(text[:80] if problem else text, problem)
