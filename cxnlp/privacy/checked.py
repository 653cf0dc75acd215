"""Numbers that carry a check: resident ids (ISO 7064 MOD 11-2) and bank cards (Luhn)."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from cxnlp.privacy.cues import is_decimal, is_reference
from cxnlp.privacy.spans import GAP, Kind, Span

_RUN = re.compile(rf"\d++(?:{GAP}{{1,3}}\d++)*+(?:{GAP}{{0,3}}x)?")
_SEPARATORS = re.compile(GAP)
_GROUP = re.compile(r"\d+|x")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_DOUBLED = str.maketrans("0123456789", "0246813579")
_PROVINCES = re.compile(r"1[1-5]|2[123]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[123]")
_MONTH_DAY = re.compile(r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_MOBILE_ABROAD = re.compile(r"(?:00)?861[3-9]\d{9}")
_YEARS = re.compile(r"(?:(?:19|20)\d\d)+")
_CARD_WORD = re.compile(r"(?:card|visa|mastercard|amex|unionpay|acct|iban|id|no)\Z")

_NAMED_CARD = re.compile(
    r"(?=[卡银對开信储借cbi])(?:(?<!员)卡号码?|卡號|银行[账帐][号户]|對公帐号|开户账号|银行卡|信用卡|储蓄卡|借记卡"
    r"|(?<![a-z])(?:card (?:number|no\.?|num)|bank account(?: number| no\.?)?|iban))"
    rf"[ ]?(?:[:#]|是|为|為|is)?[ ]?:?[ ]?(?P<value>[a-z]{{0,2}}\d(?:{GAP}?[a-z\d]){{11,30}})(?![a-z\d])"
)
_NAMED_ID = re.compile(
    r"(?=[身证居ins])(?:身份证号?码?|身份證號?碼?|证件号码?|居民证号?"
    r"|(?<![a-z])(?:id card (?:number|no\.?)|id (?:number|no\.?)|national id|nric(?: no\.?)?|hkid|ssn|social security (?:number|no\.?)))"
    r"[ ]?(?:[:#]|是|为|為|is)?[ ]?:?[ ]?"
    rf"(?P<value>[a-z]{{1,2}}\d{{6,9}}(?:\([\da]\)|[a-z])?|\d{{3}}-\d{{2}}-\d{{4}}|\d{{6}}{GAP}?\d{{8}}{GAP}?\d{{3}}[\dx]|\d{{15}})(?![a-z\d])"
)
_HK_ID = re.compile(r"(?P<value>[a-z](?<![a-z\d].)[a-z]?\d{6}\([\da]\))")
_DOTTED_CARD = re.compile(r"(?<![\d.])(?P<value>[2-6]\d{3}(?:\.\d{4}){3})(?![\d.])")
_NAMED: tuple[tuple[tuple[str, ...], re.Pattern[str], Kind], ...] = (
    (("证", "證", "id ", "nric", "hkid", "ssn", "security"), _NAMED_ID, "ID"),
    (("(",), _HK_ID, "ID"),
    (("卡", "账", "帐", "card", "account", "iban"), _NAMED_CARD, "CARD"),
    ((".",), _DOTTED_CARD, "CARD"),
)


def is_card(digits: str) -> bool:
    """Says whether 13 to 19 digits pass the Luhn formula (ISO/IEC 7812-1, annex B).

    Args:
        digits: ASCII digits without separators.

    Returns:
        True when the length fits and the check digit is right; False for the EAN-13 of a mainland product or a book (69, 978, 979), for one
        digit repeated, and for the sender codes (106...) of bulk messages.
    """
    if not 13 <= len(digits) <= 19 or not digits.isdigit() or digits.count(digits[0]) == len(digits) or digits.startswith("106"):
        return False
    if (sum(map(int, digits[-1::-2])) + sum(map(int, digits[-2::-2].translate(_DOUBLED)))) % 10:
        return False
    return not (len(digits) == 13 and digits.startswith(("69", "978", "979")) and _is_ean(digits))


def _is_ean(digits: str) -> bool:
    return (sum(map(int, digits[::2])) + 3 * sum(map(int, digits[1::2]))) % 10 == 0


def is_resident_id(number: str) -> bool:
    """Says whether `number` is a Chinese resident id (GB 11643-1999).

    Args:
        number: ASCII digits without separators; the last of 18 may be X or x.

    Returns:
        True for 18 characters with a plausible date and the right check character, or 15 digits with a province and a plausible date.
    """
    if len(number) == 18 and number[:17].isdigit():
        if number[6:8] not in {"18", "19", "20", "21"} or not _MONTH_DAY.match(number, 10):
            return False
        total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, number[:17], strict=True))
        return _ID_CHECKS[total % 11] == number[17].upper()
    return len(number) == 15 and number.isdigit() and bool(_PROVINCES.match(number) and _MONTH_DAY.match(number, 8))


def find_checked(text: str) -> Iterator[Span]:
    """Yields resident ids and bank cards, written together or in groups, by their check digits.

    A card or an id of 15 digits that stands right after an order cue is taken for an order number; an id of 18 never is.

    Args:
        text: Folded text in lower case.

    Yields:
        Spans in order.
    """
    for run in _RUN.finditer(text):
        if run.end() - run.start() >= 13:
            yield from _spans_in_run(text, run)


def _spans_in_run(text: str, run: re.Match[str]) -> Iterator[Span]:
    groups = [match.span() for match in _GROUP.finditer(text, run.start(), run.end())]
    digits = _SEPARATORS.sub("", run.group())
    offsets = [0, *accumulate(end - start for start, end in groups)]
    first = 0
    while first < len(groups):
        start, end = groups[first]
        is_spelled = end - start < 3 and len(groups) > 24
        found = None if is_spelled or end - start > 19 else _checked_from(text, groups, offsets, digits, first)
        if found:
            yield start, groups[found[0]][1], found[1]
            first = found[0]
        first += 1


def _checked_from(text: str, groups: list[tuple[int, int]], offsets: list[int], digits: str, first: int) -> tuple[int, Kind] | None:
    """Finds the longest checked number that begins with a group; returns the index of its last group and its kind."""
    begin = offsets[first]
    stop = bisect_right(offsets, begin + 19, first + 1)
    for last in range(stop - 2, first - 1, -1):
        number = digits[begin : offsets[last + 1]]
        if len(number) < 13:
            break
        if is_resident_id(number) and not (len(number) == 15 and number[:2] in ("34", "37") and is_card(number)):
            if len(number) == 18 or _may_be_checked(text, groups[first : last + 1], number):
                return last, "ID"
        elif is_card(number) and _may_be_checked(text, groups[first : last + 1], number):
            return last, "CARD"
    return None


def _may_be_checked(text: str, groups: list[tuple[int, int]], number: str) -> bool:
    """Tells a card or a short id from order numbers, decimals, letters with digits, and lists of small numbers."""
    start = groups[0][0]
    before = text[start - 1 : start]
    if before.isascii() and before.isalpha() and not _CARD_WORD.search(text, max(0, start - 12), start):
        return False
    if is_decimal(text, start) or is_reference(text, start) or _MOBILE_ABROAD.fullmatch(number):
        return False
    return len(groups) == 1 or _is_grouped([end - begin for begin, end in groups], number)


def _is_grouped(sizes: list[int], number: str) -> bool:
    """Says whether a card (or, with 15 digits, an id) is written in groups of these sizes."""
    if set(sizes) == {1} or sizes in ([6, 6, 3], [6, 9]):
        return True
    if number[0] in "017" or _YEARS.fullmatch(number):
        return False
    if len(sizes) == 2:
        return sizes[0] in (4, 6) or sizes == [8, 8]
    return set(sizes[:-1]) == {4} or (min(sizes) >= 3 and max(sizes) <= 6) or sizes[:2] == [8, 8]


def find_named_numbers(text: str) -> Iterator[Span]:
    """Yields cards, bank accounts and ids that the words before them name, whatever their check digits say.

    Args:
        text: Folded text in lower case.

    Yields:
        Spans, those of one kind in order.
    """
    for words, pattern, kind in _NAMED:
        if any(word in text for word in words) and (pattern is not _DOTTED_CARD or text.count(".") >= 3):
            for match in pattern.finditer(text):
                value = match.group("value")
                digits = "".join(filter(str.isdigit, value))
                if len(digits) >= 6 and (pattern is not _DOTTED_CARD or is_card(digits)):
                    yield match.start("value"), match.end("value"), kind
