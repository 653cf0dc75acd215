"""Which encoding a text file is in: UTF-8, UTF-16, GB18030 or Big5; any other must be named, since a wrong guess is silent mojibake."""

import codecs
from typing import Final

from cxnlp.errors import InvalidInput

UNDECODABLE: Final = "\udcff"
MARK_ERRORS: Final = "cxnlp-mark"
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LEAST_NUL_SHARE: Final = 0.2
_LEAST_COMMON_SHARE: Final = 0.12
# The characters that make up about half of any running Chinese, simplified and traditional, with the punctuation.
_COMMON: Final = frozenset(
    "的一是不了我有在人这這个個到大就说說们們上来來也很好要没沒去你会會可么麼吗嗎以为為和他她地得着著过過后後还還那出对對能都用下时時"
    "服务務客货貨快递遞物退款买買卖賣价價钱錢质質量品东東西态態度收发發天年月日中小多少什太差想看再给給把被但而因没让讓等回家电電话話问問题題"
    "订訂单單员員非常满滿意产產公司机機请請谢謝，。！？、：；“”（）《》"
)


def _mark(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return UNDECODABLE, error.end
    raise error


codecs.register_error(MARK_ERRORS, _mark)


def check_encoding(name: str) -> str:
    """Return Python's name of a text encoding; UTF-16 and UTF-32 without byte order are little-endian unless a mark says otherwise.

    Raises:
        InvalidInput: There is no such encoding.
    """
    try:
        found = codecs.lookup(name)
        "a".encode(found.name)
    except (LookupError, ValueError, UnicodeError) as error:
        raise InvalidInput(f"encoding {name[:40]!r} is not known; use utf-8, utf-16, gb18030 or big5") from error
    return {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(found.name, found.name)


def encoding_of_mark(sample: bytes) -> str | None:
    """Return the encoding that a byte order mark at the start of `sample` tells, or None."""
    return next((name for mark, name in _BOMS if sample.startswith(mark)), None)


def detect_encoding(sample: bytes) -> str:
    """Return Python's name of the encoding that `sample`, the head of a file, is most probably in.

    UTF-8 stands while at least half of what is not ASCII is valid, so that a few damaged rows do not turn a file over. Between GB18030 and Big5,
    both of which accept nearly any bytes, the share of frequent characters decides; where neither reads as Chinese it is UTF-8, and the rows in
    which it is not are rejected one by one.
    """
    marked = encoding_of_mark(sample)
    if marked:
        return marked
    wide = _wide_encoding(sample)
    if wide:
        return wide
    if sample.isascii() or _is_utf8(sample):
        return "utf-8"
    shares = {name: _common_share(sample, name) for name in ("gb18030", "big5hkscs")}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] >= _LEAST_COMMON_SHARE else "utf-8"


def _wide_encoding(sample: bytes) -> str | None:
    """Return UTF-16's name where every second byte is often NUL, or line ends and frequent characters show that it is."""
    sample = sample[: len(sample) // 2 * 2]
    if not sample:
        return None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) / 2
    if max(even, odd) >= _LEAST_NUL_SHARE * half and min(even, odd) <= 0.05 * half:
        return "utf-16-be" if even > odd else "utf-16-le"
    if even + odd == 0 or _is_utf8(sample):
        return None
    shares = {name: _common_share(sample, name) for name in ("utf-16-le", "utf-16-be")}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] >= _LEAST_COMMON_SHARE else None


def _is_utf8(sample: bytes) -> bool:
    wide = [c for c in codecs.utf_8_decode(sample, "replace", False)[0] if c > "\x7f"]
    return 2 * wide.count("\ufffd") <= len(wide)


def _common_share(sample: bytes, encoding: str) -> float:
    """Return the share of frequent Chinese characters among the non-ASCII ones; undecodable bytes count as rare."""
    wide = [c for c in sample.decode(encoding, "replace") if c > "\x7f"]
    return sum(c in _COMMON for c in wide) / len(wide) if wide else 0.0
