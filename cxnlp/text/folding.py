"""Folding of one code point to one: Traditional to Simplified Chinese, full-width to ASCII, odd spaces to plain ones.

Each code point becomes exactly one, so that offsets never move.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

_HAN_BLOCKS: Final = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFAE0))
_KEPT_FULL_WIDTH: Final = "！（），：；？［］～"
_SPACES: Final = "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_NEWLINES: Final = "\x0b\x0c\r\x85\u2028\u2029"
_RARE: Final = 0x10000


def fold(text: str) -> str:
    """Return `text` with Traditional characters, full-width letters and digits, spaces and line ends folded; the length stays the same.

    Chinese punctuation stays as it is: the clause splitter reads it. Characters are mapped one by one with the table of OpenCC `t2s`, without
    its phrases: good for matching, not for showing.
    """
    if text.isascii():
        return text.translate(_ASCII) if _ODD_ASCII.search(text) else text
    pattern, table = _tables()
    return text.translate(table) if pattern.search(text) else text


_ASCII: Final = {ord("\t"): " ", 0x0B: "\n", 0x0C: "\n", ord("\r"): "\n"}
_ODD_ASCII: Final = re.compile("[\t\x0b\x0c\r]")


@cache
def _tables() -> tuple[re.Pattern[str], Mapping[int, str]]:
    table = _simplified() | {c: chr(c - 0xFEE0) for c in range(0xFF01, 0xFF5F) if chr(c) not in _KEPT_FULL_WIDTH}
    table |= {ord(c): " " for c in _SPACES} | {ord(c): "\n" for c in _NEWLINES}
    return re.compile("[" + re.escape("".join(map(chr, table))) + "]"), table


def _simplified() -> dict[int, str]:
    from opencc import OpenCC

    characters = "\n".join(chr(c) for first, end in _HAN_BLOCKS for c in range(first, end))
    pairs = zip(characters.split("\n"), OpenCC("t2s").convert(characters).split("\n"), strict=True)
    return {ord(old): new for old, new in pairs if old != new and len(new) == 1 and ord(new) < _RARE}
