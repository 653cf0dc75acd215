"""What a finder reports, and the folded copy of the text that every finder reads."""

import re
from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["PHONE", "EMAIL", "ID", "PASSPORT", "CARD", "PLATE", "IP", "ACCOUNT", "ADDRESS", "NAME", "ORDER"]
Span: TypeAlias = tuple[int, int, Kind]
"""Start (inclusive) and end (exclusive) in code points, and what lies between them."""

PLACEHOLDER: re.Pattern[str] = re.compile(r"\[(?:PHONE|EMAIL|ID|PASSPORT|CARD|PLATE|IP|ACCOUNT|ADDRESS|NAME|ORDER)\]")
"""Matches any placeholder that a `Masker` writes."""

GAP = r"[ \-\u200b]"
"""One separator inside a number, after `fold`: a space, a hyphen or an invisible character."""

_FILLER = "\0"
_TOUCHING = re.compile(r"[^\s，。：:,;；（㐀-鿿]\Z|\d\W{1,2}\Z")
_TOUCHED = re.compile(r"[A-Za-z0-9_]|\W{0,2}\d|\s?[+(\-@_/#]|[.%][A-Za-z0-9]")
_SPACES = "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\u2500"
_INVISIBLE = "\u00ad\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u180e\ufeff"
_ZEROS = (0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6)


def _folding() -> dict[str, str]:
    """Builds the table of `fold`: one character for one character, so that offsets stay true."""
    table = {chr(0xFF01 + i): chr(0x21 + i) for i in range(94) if chr(0x21 + i) not in "[]"}  # brackets would make placeholders
    table |= {chr(0x2460 + i): str(i + 1) for i in range(9)} | {"\u24ea": "0"}
    table |= {chr(zero + i): str(i) for zero in _ZEROS for i in range(10)}
    return table | dict.fromkeys(_SPACES, " ") | dict.fromkeys(_DASHES, "-") | dict.fromkeys(_INVISIBLE, "\u200b")


_FOLDING = _folding()
_COMMON = "，！？；：（）～"
_BASIC = "".join(re.escape(char) for char in sorted(_FOLDING) if char not in _COMMON and char < "\U00010000")
_FOLDABLE = re.compile(f"[{_BASIC}]|[\U0001d7ce-\U0001d7ff]")
_NUMERALS = "〇零一二三四五六七八九幺兩两"
_READ_OUT = re.compile(f"[{_NUMERALS}]{{11,24}}(?![{_NUMERALS}])")
_FIGURES = str.maketrans(_NUMERALS, "00123456789122")


def fold(text: str) -> str:
    """Maps full-width and other digits, letters, spaces and dashes to ASCII, and long numbers read out in Chinese to figures.

    Args:
        text: Any text.

    Returns:
        A text of the same length, so that a span of it is a span of `text`. For reading only.
    """
    if text.isascii():
        return text.replace("\t", " ")
    folded = text.replace("：", ":").replace("（", "(").replace("）", ")")
    folded = _FOLDABLE.sub(lambda match: _FOLDING[match.group()], folded)
    return _READ_OUT.sub(lambda match: match.group().translate(_FIGURES), folded)


def lowered(text: str) -> str:
    """Lowers the case, keeping the length: the few letters whose lower form is longer stay."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(char.lower() if len(char.lower()) == 1 else char for char in text)


def apart(spans: Iterable[Span]) -> list[Span]:
    """Sorts spans and joins those that overlap under the kind of the first, so that no rest of one is left for a second reading."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
        elif span[1] > kept[-1][1]:
            kept[-1] = kept[-1][0], span[1], kept[-1][2]
    return kept


def may_reveal(text: str, spans: list[Span]) -> bool:
    """Says whether a second reading could find more: only where figures, letters or joints touch a span, for all finders look at neighbours only."""
    return any(_TOUCHING.search(text, max(0, start - 3), start) or _TOUCHED.match(text, end) for start, end, _ in spans)


def blank(text: str, spans: list[Span]) -> str:
    """Replaces every span by filler of the same length, so that no later finder reads it; spans are in order and apart."""
    return _splice(text, [(start, end, _FILLER * (end - start)) for start, end, _ in spans])


def replace(text: str, spans: list[Span]) -> str:
    """Replaces every span by the placeholder of its kind; spans are in order and apart."""
    return _splice(text, [(start, end, f"[{kind}]") for start, end, kind in spans])


def _splice(text: str, edits: list[tuple[int, int, str]]) -> str:
    parts, done = [], 0
    for start, end, new in edits:
        parts += [text[done:start], new]
        done = end
    return "".join([*parts, text[done:]])


def spans_of(kind: Kind, pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    """Yields each match of `pattern`, or of its group `value` where it has one."""
    group: str | int = "value" if pattern.groupindex else 0
    for match in pattern.finditer(text):
        yield match.start(group), match.end(group), kind
