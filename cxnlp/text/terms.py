"""Terms: the words of a text as full text stores them and asks for them, the same for what was said and for what is sought."""

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, Final

from cxnlp.text.cleaning import clean
from cxnlp.text.graphemes import PLACEHOLDER
from cxnlp.text.tokens import inner_words, stop_words, words

LONGEST: Final = 64
"""Code points of the longest term; longer ones are cut."""

_JOINED: Final = re.compile(r"[A-Za-z0-9]+(?:[&._/+-][A-Za-z0-9]+)*[+#]*")
_LETTER: Final = re.compile(r"[A-Za-z]")
_DIGIT: Final = re.compile(r"[0-9]")
_HAN: Final = re.compile(r"[\u3400-\u9fff]{2,}")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*%?")
_ENGLISH: Final = re.compile(r"[a-z]+(?:'[a-z]+)*'?")
_PIECE: Final = re.compile(r"(?:[^\W_]|'|(?<=\d)\.(?=\d))+")
_RUN: Final = re.compile(r"\d+(?:\.\d+)*|[a-z]+")
_DEGREE: Final = frozenset("很太挺超最更")
_MOST_PARTED: Final = 40
_MOST_KEPT: Final = 1 << 16
_lock = threading.Lock()


def terms(text: str) -> list[str]:
    """Return the terms of `text` in order; no white space is within them.

    Markup, quoted replies and URLs are dropped as the encoder drops them; Traditional characters, full-width ASCII and case are folded; English
    words are stemmed (Snowball: M. F. Porter, "The English (Porter2) stemming algorithm"); stop words of both languages and placeholders such as
    `[PHONE]` are left out. A product code, a hyphenated word and a long Chinese word stand whole and are followed by their parts, so that each
    of them finds the text: `X-200B` gives `x-200b`, `x200b`, `200b`, `200`; `服务态度` gives `服务态度`, `服务`, `态度`.
    """
    read = clean(text if text.isascii() else unicodedata.normalize("NFC", text)).text.replace("\u2019", "'")
    return [term for word in _words(read) for term in _forms(word)]


def _words(text: str) -> Iterator[str]:
    """Give the words of a text; codes are taken out first, since Chinese beside them would tear them."""
    done = 0
    for found in _JOINED.finditer(text):
        if _LETTER.search(found[0]) and _DIGIT.search(found[0]):
            yield from words(text[done : found.start()])
            yield found[0].lower()
            done = found.end()
    yield from words(text[done:])


@lru_cache(maxsize=_MOST_KEPT)
def _forms(word: str) -> tuple[str, ...]:
    return tuple(_made(word))


def _made(word: str) -> Iterator[str]:
    if PLACEHOLDER.fullmatch(word) or word in _stop_words():
        return
    word = word.removesuffix("'s")
    stem = _stem(word) if _ENGLISH.fullmatch(word) else word
    yield stem[:LONGEST]
    if _HAN.fullmatch(word):
        yield from _han_parts(word)
    elif stem is word and len(word) <= _MOST_PARTED and not _NUMBER.fullmatch(word):
        yield from dict.fromkeys(part for part in _parts(word) if part not in (word, stem) and part not in _stop_words())


def _han_parts(word: str) -> list[str]:
    if len(word) > 2:
        return [part for part in inner_words(word) if part not in _stop_words()]
    return [word[1]] if word[0] in _DEGREE and word[1] not in _stop_words() else []


def _parts(word: str) -> Iterator[str]:
    """Give `word` without its hyphens, the pieces between its marks, and runs of letters and of digits of at least two characters."""
    pieces = _PIECE.findall(word)
    if len(pieces) > 1 and not re.search(r"[&./+]", word):
        yield "".join(pieces)
    for piece in pieces:
        if len(piece) > 1:
            yield _stem(piece) if _ENGLISH.fullmatch(piece) and piece not in _stop_words() else piece
        runs = _RUN.findall(piece)
        if len(runs) > 1:
            worded = any(len(run) > 1 and run.isalpha() for run in runs)
            yield from (_stem(run) if run.isalpha() else run for run in runs if len(run) > 1 or (worded and run.isdigit()))


@cache
def _stop_words() -> frozenset[str]:
    return stop_words("en") | stop_words("zh")


def _stem(word: str) -> str:
    with _lock:  # the stemmer keeps the word it works on
        stem: str = _stemmer().stemWord(word)
    return stem or word


@cache
def _stemmer() -> Any:
    from snowballstemmer import stemmer

    return stemmer("english")
