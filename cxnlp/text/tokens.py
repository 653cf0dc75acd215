"""Words of Chinese and English text, for labels, counts and full text; jieba cuts the Chinese, loaded on first use."""

import re
import threading
import warnings
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from cxnlp.text.graphemes import PLACEHOLDER

_HAN: Final = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_OTHER: Final = rf"[^\W_{_HAN}]"
_RUN: Final = re.compile(
    rf"(?P<whole>{PLACEHOLDER.pattern})"
    r"|(?P<number>\d+(?:[.,]\d+)+%?|\d+%)"
    rf"|(?P<chinese>[A-Za-z0-9]*[{_HAN}](?:[{_HAN}]|[A-Za-z][A-Za-z0-9]*)*)"
    rf"|{_OTHER}+(?:['’&._/+-]{_OTHER}+)*[+#]*"
)
_BLOCK: Final = 4096
_lock = threading.Lock()


def words(text: str, user_dictionary: Path | None = None) -> list[str]:
    """Return the words of `text` in order, Latin ones in lower case; numbers, product codes and placeholders stay whole, punctuation is left out.

    Args:
        text: Any text; Chinese is best folded to Simplified first.
        user_dictionary: File of words that must stay whole, one a line, as jieba reads it: `word [count] [tag]`.
    """
    found: list[str] = []
    for run in _RUN.finditer(text):
        if run["chinese"]:
            found += (piece.lower() for piece in segment(run[0], user_dictionary))
        else:
            found.append(run[0] if run["whole"] else run[0].lower())
    return found


def segment(text: str, user_dictionary: Path | None = None) -> list[str]:
    """Return the pieces into which jieba cuts `text`; joined they are `text` again."""
    tokenizer = _tokenizer(user_dictionary)
    return [piece for block in _blocks(text) for piece in tokenizer.cut(block)]


def inner_words(word: str) -> list[str]:
    """Return the words of two and three characters in jieba's dictionary that stand within a longer Chinese word, in order."""
    known = _tokenizer(None).FREQ
    pieces = (word[i : i + n] for i in range(len(word) - 1) for n in (2, 3) if n < len(word) and i + n <= len(word))
    return [piece for piece in pieces if known.get(piece)]


@cache
def stop_words(language: str) -> frozenset[str]:
    """Return the words of `zh` or `en` that say nothing of what a text is about."""
    path = Path(__file__).with_name(f"stopwords_{language}.txt")
    return frozenset(path.read_text(encoding="utf-8").split())


def _blocks(text: str) -> Iterator[str]:
    for start in range(0, len(text), _BLOCK):
        yield text[start : start + _BLOCK]


def _tokenizer(user_dictionary: Path | None) -> Any:
    with _lock:
        return _load(user_dictionary)


@lru_cache(maxsize=4)
def _load(user_dictionary: Path | None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel("ERROR")
    tokenizer = jieba.Tokenizer()
    tokenizer.initialize()
    if user_dictionary:
        with user_dictionary.open("rb") as lines:
            tokenizer.load_userdict(lines)
    return tokenizer
