"""Telephone numbers: those whose shape tells, and those that a word names."""

import re
from collections.abc import Iterator

from cxnlp.privacy.cues import is_decimal, is_reference
from cxnlp.privacy.spans import GAP, Span

_G = rf"{GAP}?"
_MOBILE = rf"1[3-9]\d(?:{_G}\d{{4}}{_G}\d{{4}}|{GAP}\d{{3}}{GAP}\d{{5}}|\d{_G}\d{{3}}{_G}\d{{4}}|\d\d{GAP}\d{{6}}|\d{GAP}\d{{4}}{GAP}\d{{3}})"
_AREA = r"(?:10|2\d|[3-9]\d{2})"
_EXTENSION = r"(?:[ ]?(?:转|轉|分机|ext\.?|x)[ ]?\d{1,6}|-\d{1,4}(?![\d-]))?"
_CHINA = rf"(?:(?:\+|00)?86{_G}|\((?:\+|00)?86\)[ ]?)"
_SHAPES = (
    # Country codes with a fixed length after them, so that a following number is not swallowed.
    rf"{_CHINA}{_G}(?:\(0\)|0)?{_MOBILE}",
    rf"(?:\+|00)(?:852|853|65){GAP}{{0,2}}\d{{4}}{_G}\d{{4}}|85[23]{GAP}\d{{4}}{_G}\d{{4}}",
    rf"(?:\+|00)886{GAP}{{0,2}}(?:\(0\)|0)?[2-9]\d{{0,2}}{_G}\d{{3,4}}{_G}\d{{3,4}}",
    r"(?:\+|00)1[ .\-]?\(?[2-9]\d{2}\)?[ .\-]?\d{3}[ .\-]?\d{4}",
    # Any other: + or 00, country code, 7 to 14 more digits. https://www.itu.int/rec/T-REC-E.164
    rf"(?:\+[ ]?|00(?=(?:44|61|81|82|49|33|60|66|86)))[1-9](?:[ .\-\u200b]{{0,2}}(?:\(0?\d{{0,4}}\)[ ]?)?\d){{7,14}}{_EXTENSION}",
    r"\((?:\+|00)\d{1,3}\)[ ]?\d(?:[ .\-\u200b]?\d){6,13}",
    # Mainland mobile and landline.
    rf"0?{_MOBILE}",
    rf"\(0{_AREA}\)[ ]?[2-9]\d{{2,3}}{_G}\d{{4}}{_EXTENSION}",
    rf"0{_AREA}{GAP}{{0,2}}[2-9]\d{{2,3}}{_G}\d{{4}}{_EXTENSION}",
    # Taiwan and the United Kingdom, as dialled at home.
    rf"09\d{{2}}{_G}\d{{3}}{_G}\d{{3}}",
    rf"\(0[2-8]\d?\)[ ]?\d{{3,4}}{_G}\d{{4}}|0[2-8]\d?{GAP}\d{{3,4}}{_G}\d{{4}}",
    rf"07\d{{3}}{_G}(?:\d{{6}}|\d{{3}}{GAP}\d{{3}})",
    rf"\(?0(?:20\)?{_G}\d{{4}}{_G}\d{{4}}|1\d1\)?{_G}\d{{3}}{_G}\d{{4}}|1\d{{3}}\)?{GAP}\d{{5,6}})",
    # North America, with separators; 400 and 800-8x0 are hotlines of the mainland.
    r"(?:1[ .\-])?\([2-9]\d{2}\)[ ]?[2-9]\d{2}[ .\-]\d{4}",
    r"(?:1[ .\-])?(?!400|800.8\d0)[2-9]\d{2}(?P<sep>[.\- ])[2-9]\d{2}(?P=sep)\d{4}",
)
_SHAPED = re.compile(rf"(?=[+(\d])(?:(?<!\d)|(?=\+))(?:{'|'.join(_SHAPES)})(?!\d)")
_CUED = re.compile(
    r"(?=[电電手联聯号號座固致拨来传热總总tpmcwfr])(?:电话|電話|手机号|手機號|联系方式|聯絡方式|号码|號碼|座机|固话|致电|致電|拨打|来电|传真"
    r"|(?:手机|手機|热线|總機|总机)(?=[ ]?:)"
    r"|(?<![a-z])(?:tel|phone|mobile|cell|telephone|whatsapp|fax|ring me on|call me|reach me|text me|call us|contact me|call back)(?![a-z]))"
    r"(?:号码|號碼|号|[ ]?(?:number|no\b|num\b))?[ ]?\.?(?:[:#=]|是|为|為|is|at|on)?[ ]?:?[ ]?(?:at|on)?[ ]?"
    r"(?P<value>(?!(?:19|20)\d\d[ \-./]?(?:0?[1-9]|1[0-2])[ \-./](?:[0-3]?\d)(?!\d)|(?:19|20)\d\d(?:0[1-9]|1[0-2])[0-3]\d(?!\d)"
    r"|400|800[- ]?\d{3}[- ]?\d{4}(?!\d)|9[56]\d{3,5}(?!\d)|1010\d{4}(?!\d))"
    r"(?:\((?=\d{2,5}\)))?\d(?:\)?[ .\-\u200b]?\d){6,14})(?![\d.]\d|\d|[ ]?(?:元|块|分钟|毫?秒))"
)
_ISLAND = re.compile(r"(?:[+(]{1,2}[ ]?)?\d++(?:[ .\-\u200b()]{1,3}\d++)*+")
_CUE_LENGTH = 32
_WORD_BEFORE = re.compile(r"(?:tel|phone|mobile|cell|ph|mob|whatsapp|call|fax|(?<![a-z])[tmp])\Z")


def find_phones(text: str) -> Iterator[Span]:
    """Yields telephone numbers; mainland hotlines (400, 800, 95xxx, five or six digits) and numbers after an order cue stay.

    Args:
        text: Folded text in lower case, the cards, ids, accounts and IP addresses already blanked.

    Yields:
        Spans; a number that is both shaped and cued comes twice.
    """
    for island in _ISLAND.finditer(text):
        if sum(map(str.isdigit, island.group())) < 7:
            continue
        start, end = island.span()
        for match in _CUED.finditer(text, max(0, start - _CUE_LENGTH), end):
            if not is_reference(text, match.start("value")):
                yield match.start("value"), match.end("value"), "PHONE"
        for match in _SHAPED.finditer(text, start, min(end + 10, len(text))):
            if _stands_alone(text, match.start()) and not is_reference(text, match.start()):
                yield match.start(), match.end(), "PHONE"


def _stands_alone(text: str, start: int) -> bool:
    """Says whether the number at `start` is not the tail of a longer number, a decimal or a code with letters."""
    before = text[start - 1 : start]
    if not before.isascii() or not before.isalnum():
        return not is_decimal(text, start)
    if text[start] == "+":
        return True
    return before.isalpha() and bool(_WORD_BEFORE.search(text, max(0, start - 9), start))
