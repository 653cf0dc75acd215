"""CSV and TSV, streamed: quoted line ends, delimiters found out, and every unusable row rejected by itself."""

import csv
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from cxnlp.errors import InvalidInput
from cxnlp.ingest.encodings import UNDECODABLE
from cxnlp.ingest.lines import MOST_LINE_BYTES, Text
from cxnlp.ingest.rows import Rejection, Row

DELIMITERS: Final = (",", "\t", ";", "|")
NO_DELIMITER: Final = "\x1f"
_END: Final = "\x1eend of file\x1e"
_SAMPLE_LINES: Final = 50


class _LineTooLongError(Exception):
    """A line over 8 MB."""


class _UnclosedError(Exception):
    """More than 8 MB of lines without the end of a row."""


class _Feed:
    """The lines that csv.reader asks for, with those of the present row kept so that a quote that is never closed can be undone.

    After the last line comes `_END`: a reader that returns it as a row of its own was outside of quotes.
    """

    def __init__(self, text: Text) -> None:
        self._text = text
        self._lines = text.lines()
        self._again: deque[str | None] = deque()
        self._size = 0
        self.taken: list[str] = []
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.ended:
            raise StopIteration
        line = self._again.popleft() if self._again else self._decode(next(self._lines, b""))
        if line is None and self.taken:
            self._again.appendleft(None)
            raise _UnclosedError
        if line is None:
            raise _LineTooLongError
        if line == "":
            self.ended = True
            return _END
        self._size += len(line)
        self.taken.append(line)
        if self._size > MOST_LINE_BYTES:
            raise _UnclosedError
        return line

    def start_row(self) -> None:
        """Forget the lines of the row that is done."""
        self.taken = []
        self._size = 0

    def undo(self) -> None:
        """Give the lines of the present row again, without the first."""
        self._again.extendleft(reversed(self.taken[1:]))
        self.ended = False

    def peek(self, n_lines: int) -> list[str]:
        """Return the next lines, up to one that is too long, without taking them."""
        while len(self._again) < n_lines and (line := self._decode(next(self._lines, b""))) != "":
            self._again.append(line)
        return [line for line in islice(self._again, n_lines) if line is not None]

    def _decode(self, line: bytes | None) -> str | None:
        return None if line is None else self._text.decode(line)


@dataclass(frozen=True, slots=True)
class _Refusal:
    field: str
    value: str
    problem: str
    remedy: str


def read_delimited(text: Text, origin: str, delimiter: str | None, overrides: Mapping[str, str]) -> Iterator[Row | Rejection]:
    """Yield the rows of a table whose first line names the columns; blank lines are passed over.

    A repeated column is called `note.2`, and is refused unless an override names one of the two.

    Args:
        text: The file.
        origin: Its name.
        delimiter: Between columns; None to find it out.
        overrides: Field -> column.

    Raises:
        InvalidInput: The header cannot be read or names a column twice.
    """
    csv.field_size_limit(MOST_LINE_BYTES)
    feed = _Feed(text)
    try:
        delimiter = _announced(feed) or delimiter or find_delimiter(feed.peek(_SAMPLE_LINES))
        header = next((row for row in csv.reader(feed, delimiter=delimiter) if row), [_END])
    except (_LineTooLongError, _UnclosedError, csv.Error) as error:
        raise InvalidInput(f"{origin}: its first line is no header; write the names of the columns there") from error
    if header == [_END]:
        return
    if feed.ended:
        raise InvalidInput(f"{origin}: a quote in the header is never closed; close it")
    columns = name_columns(header, origin, overrides)
    for number, item in enumerate(_rows(feed, delimiter, columns), start=1):
        if isinstance(item, _Refusal):
            yield Rejection(number, item.field, item.value, item.problem, item.remedy, origin)
        else:
            yield Row(number, item, origin, columns)


def find_delimiter(lines: list[str]) -> str:
    """Return the delimiter that cuts the header, and most of the other `lines` into as many parts; `NO_DELIMITER` if none cuts the header."""
    best, best_share = NO_DELIMITER, (0.0, 0)
    for delimiter in DELIMITERS:
        try:
            counts = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            continue
        if counts and counts[0] > 1:
            share = (counts.count(counts[0]) / len(counts), counts[0])
            best, best_share = max((best, best_share), (delimiter, share), key=lambda pair: pair[1])
    return best


def name_columns(header: list[str], origin: str, overrides: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the columns: stripped, numbered where empty (`column 3`) or repeated (`note`, `note.2`).

    Raises:
        InvalidInput: One is not readable, or is repeated and no override names it.
    """
    names = [name.strip() or f"column {i}" for i, name in enumerate(header, start=1)]
    for name in names:
        if UNDECODABLE in name or "\x00" in name:
            raise InvalidInput(f"{origin}: the header cannot be decoded; name the encoding, such as --encoding gb18030")
    seen: Counter[str] = Counter()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    for name, n in seen.items():
        if n > 1 and not set(overrides.values()) & {name, *(f"{name}.{i}" for i in range(2, n + 1))}:
            raise InvalidInput(f"{origin}: {n} columns are called {name[:80]!r}; rename them, or choose one with --map FIELD={name[:80]}.2")
    return tuple(numbered)


def _announced(feed: _Feed) -> str | None:
    """Return the delimiter of a first line `sep=;`, as Excel writes it, and take that line."""
    first = "".join(feed.peek(1)).strip().lower()
    if len(first) == 5 and first.startswith("sep="):
        next(feed)
        feed.start_row()
        return first[4]
    return None


def _rows(feed: _Feed, delimiter: str, columns: tuple[str, ...]) -> Iterator[dict[str, object] | _Refusal]:
    reader = csv.reader(feed, delimiter=delimiter)
    while True:
        feed.start_row()
        try:
            row = next(reader)
        except StopIteration:
            return
        except _LineTooLongError:
            yield _Refusal("line", "", "is longer than 8 MB", "split it")
            continue
        except _UnclosedError:
            feed.undo()
            yield _unclosed(feed)
            continue
        except csv.Error as error:
            yield _Refusal("line", "".join(feed.taken)[:80], f"is no CSV: {error}", "quote the value")
            continue
        if row == [_END]:
            return
        if feed.ended:
            feed.undo()
            yield _unclosed(feed)
        elif row:
            yield _check(row, columns, feed.taken)


def _unclosed(feed: _Feed) -> _Refusal:
    return _Refusal("line", feed.taken[0].strip()[:80], "opens a quote that is never closed", "close it, or double it if it is part of the text")


def _check(row: list[str], columns: tuple[str, ...], lines: list[str]) -> dict[str, object] | _Refusal:
    if len(row) != len(columns):
        remedy = "quote values that hold the delimiter" if len(row) > len(columns) else "fill it up with empty values"
        return _Refusal("line", "".join(lines)[:80], f"has {len(row)} values, the header {len(columns)}", remedy)
    for bad, problem, remedy in (
        ("\x00", "has a NUL character", "remove it"),
        (UNDECODABLE, "has bytes that cannot be decoded", "correct them, or name the encoding, such as --encoding gb18030"),
    ):
        if any(bad in line for line in lines):
            column, value = next((pair for pair in zip(columns, row, strict=True) if bad in pair[1]), ("line", ""))
            return _Refusal(column, value.replace(UNDECODABLE, "\ufffd").replace("\x00", "\\x00")[:80], problem, remedy)
    return dict(zip(columns, row, strict=True))
