"""Copies and near-copies: one key for texts that are the same in all that matters."""

import re
from hashlib import blake2b
from typing import Final
from unicodedata import is_normalized, normalize

import regex  # type: ignore[import-untyped]

from cxnlp.text.folding import fold
from cxnlp.text.graphemes import PLACEHOLDER

# A Chinese name ends at a blank or a colon, as Weibo ends it: without one nobody can tell where the name stops and the complaint begins.
_NAME: Final = r"(?<![A-Za-z0-9_.%+-])@(?:[A-Za-z0-9_][A-Za-z0-9_.-]*+(?![^\W_])|[\w-]{1,30}+(?=[\s:：]|$))"
_MENTION: Final = re.compile(_NAME)
_FORWARDED: Final = re.compile(
    rf"(?:[\s/:：,，。!！【】\[\]「」()（）|]++|RT(?=\s*[:：@])|转发?(?:微博)?(?=[\s:：/@】\]」]|$)|{_NAME})++", re.IGNORECASE
)
_URL: Final = re.compile(r"(?:(?:https?|ftp)://|www\.|\bt\.co/|\bbit\.ly/|\b(?:t|url|dwz)\.cn/)[!#-;=?-~]+", re.IGNORECASE)
_URL_HINT: Final = re.compile(r"://|[wW]\.|\.c[no]/|\.ly/")
_NOT_LATIN: Final = re.compile("[^a-z]+")
_NOT_LETTERS: Final = regex.compile(r"[^\p{L}\p{M}]+|[\u2139\u20e3\ufe00-\ufe0f]+")


def copy_key(text: str) -> int:
    """Return a number that is equal for texts with the same letters in the same order.

    Case, width, script variant, punctuation, emoji, white space, URLs, @mentions, a leading `RT` or `转发`, digits and placeholders do not count.
    Where no letter remains, such as in `👍👍` or `10086`, all but white space counts.

    Returns:
        A signed 64-bit number (BLAKE2b, RFC 7693, with 8 bytes), 0 only where the text is blank.
    """
    return key_of(essence(text))


def key_of(essence: str) -> int:
    """Return the `copy_key` of a text by its essence."""
    if not essence:
        return 0
    return int.from_bytes(blake2b(essence.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True) or 1


def essence(text: str) -> str:
    """Return what a `copy_key` is made of: the letters of `text` without what does not count, or all but white space where no letter remains."""
    folded = fold(text)
    return _letters(folded) or "".join(folded.split())


def _letters(folded: str) -> str:
    if forwarded := _FORWARDED.match(folded):
        folded = folded[forwarded.end() :]
    if "[" in folded:
        folded = PLACEHOLDER.sub(" ", folded)
    if _URL_HINT.search(folded):
        folded = _URL.sub(" ", folded)
    if "@" in folded:
        folded = _MENTION.sub(" ", folded)
    if folded.isascii():
        return _NOT_LATIN.sub("", folded.lower())
    letters = _NOT_LETTERS.sub("", folded)
    return (letters if is_normalized("NFKC", letters) else normalize("NFKC", letters)).casefold()
