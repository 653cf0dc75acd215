"""Borders that no span may cut: grapheme clusters (UAX #29) and placeholders such as `[PHONE]`."""

import re
from typing import Final

import regex  # type: ignore[import-untyped]

PLACEHOLDER: Final = re.compile(r"\[[A-Z][A-Z_]{1,30}\]")
_JOINER: Final = regex.compile(r"[^\p{GCB=Other}\p{GCB=Control}\p{GCB=LF}\p{GCB=LV}\p{GCB=LVT}]")
_CLUSTER: Final = regex.compile(r"\X")
_LONGEST_PLACEHOLDER: Final = 33
_LONGEST_CLUSTER: Final = 64


def has_joiners(text: str) -> bool:
    r"""Tell whether `text` may hold grapheme clusters of more than one code point: emoji sequences, flags, combining marks, jamo, `\r\n`."""
    return "\r" in text if text.isascii() else _JOINER.search(text) is not None


def widen(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the smallest span around [start, end) whose ends cut no grapheme cluster and no placeholder.

    A cluster of more than 64 code points counts as one per 64: nobody reads a letter with 63 accents.
    """
    return _outside(text, start, forward=False), _outside(text, end, forward=True)


def next_border(text: str, position: int) -> int:
    """Return the first position from `position` on that cuts no grapheme cluster and no placeholder."""
    return _outside(text, position, forward=True)


def _outside(text: str, position: int, *, forward: bool) -> int:
    if not 0 < position < len(text):
        return position
    if _may_join(text[position]) or _may_join(text[position - 1]):
        position = _cluster_border(text, position, forward=forward)
    opening = text.rfind("[", max(0, position - _LONGEST_PLACEHOLDER), position)
    if opening >= 0 and (found := PLACEHOLDER.match(text, opening)) and opening < position < found.end():
        return found.end() if forward else opening
    return position


def _may_join(character: str) -> bool:
    return (character >= "\u0300" and _JOINER.match(character) is not None) or character == "\r"


def _cluster_border(text: str, position: int, *, forward: bool) -> int:
    first = position
    while first > max(0, position - _LONGEST_CLUSTER) and (_may_join(text[first]) or _may_join(text[first - 1])):
        first -= 1
    for cluster in _CLUSTER.finditer(text[first : position + _LONGEST_CLUSTER]):
        start, end = (first + int(side) for side in cluster.span())
        if start < position < end:
            return end if forward else start
    return position
