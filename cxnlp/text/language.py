"""Which language a text is in: scripts first, then the small words and letters of the languages that share the Latin script."""

import re
from typing import Final

from cxnlp.text.graphemes import PLACEHOLDER
from cxnlp.text.profiles import LETTERS, OWNERS, PROFILES

MIXED: Final = "mixed"
UNDETERMINED: Final = "und"

_LOOKED_AT: Final = 4000
_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_KANA: Final = re.compile(r"[\u3041-\u309f\u30a1-\u30fa\uff66-\uff9d]")
_ADDRESS: Final = re.compile(r"(?:https?://|www\.)[!-~]+|[\w.+-]{0,64}[@#][\w.-]+", re.ASCII)
_LATIN: Final = re.compile(r"[a-zA-Z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]+")
_SCRIPTS: Final = tuple(
    (code, re.compile(f"[{ranges}]"))
    for code, ranges in (
        ("ko", "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"),
        ("ru", "\u0400-\u052f"),
        ("ar", "\u0600-\u06ff\u0750-\u077f"),
        ("th", "\u0e01-\u0e5b"),
        ("he", "\u05d0-\u05ea"),
        ("el", "\u0370-\u03ff"),
        ("hi", "\u0900-\u097f"),
        ("bn", "\u0980-\u09ff"),
        ("ta", "\u0b80-\u0bff"),
        ("lo", "\u0e81-\u0edf"),
        ("my", "\u1000-\u109f"),
        ("km", "\u1780-\u17ff"),
        ("ka", "\u10a0-\u10ff"),
        ("hy", "\u0530-\u058f"),
    )
)
_ARABIC_LETTERS: Final = (("ur", re.compile("[ٹڈڑںے]")), ("fa", re.compile("[پچژگی]")))
_UKRAINIAN: Final = re.compile("[іїєґІЇЄҐ]")
_MALAY: Final = re.compile(r"\b(?:kerana|nak|dah|penghantaran|sahaja|awak|korang|wang|takde|tak)\b", re.IGNORECASE)
_OTHER_SCRIPT: Final = re.compile("[\u0370-\u1cff\u3130-\u318f\uac00-\ud7af]")
_MOST_LETTERS: Final = 200
_FEW: Final = 3
_WORDS_PER_HAN: Final = 0.6
_SUBSTANTIAL: Final = 0.3
_LARGELY: Final = 0.7
_MOSTLY: Final = 0.9
_LEAST_SCORE: Final = 0.5


def detect(text: str) -> str:
    """Return the ISO 639-1 code of the language of `text`, `mixed`, or `und`.

    `mixed` is Chinese with at least three English words that make up 30 % or more, one Han character counting as 0.6 words. `und` has no letters:
    emoji, punctuation, digits, placeholders, addresses. Latin script without a sign of another language is `en`. Looks at the first 4,000 code
    points.
    """
    text = _without_names(text[:_LOOKED_AT])
    if text.isascii():
        return _latin(text)
    n_han = sum(map(len, _HAN.findall(text)))
    n_kana = len(_KANA.findall(text))
    if _OTHER_SCRIPT.search(text) and (other := _other_script(text, n_han + n_kana)):
        return other
    if not n_han + n_kana:
        return _latin(text)
    n_words = sum(len(word) > 1 for word in _LATIN.findall(text))
    share = n_words / (n_words + _WORDS_PER_HAN * (n_han + n_kana))
    if n_words >= _FEW and share > (_MOSTLY if n_han + n_kana > _FEW else _LARGELY):
        return _latin(text)
    if n_kana > 1 and 5 * n_kana >= n_han:
        return "ja"
    return MIXED if n_words >= _FEW and n_han > _FEW and share >= _SUBSTANTIAL else "zh"


def detect_clause(text: str, record: str) -> str:
    """Return the language of one clause of a record in language `record`: a short Latin clause is taken to be in the language of its record."""
    found = detect(text)
    if found == UNDETERMINED:
        return record
    is_short = found in PROFILES and record in (*PROFILES, "id") and len(text.split()) <= _FEW
    return record if is_short else found


def _without_names(text: str) -> str:
    if "[" in text:
        text = PLACEHOLDER.sub(" ", text)
    if "@" in text or "#" in text or "://" in text or "www." in text:
        text = _ADDRESS.sub(" ", text)
    return text


def _other_script(text: str, n_han: int) -> str | None:
    counts = [(len(letters.findall(text)), code) for code, letters in _SCRIPTS]
    n_letters, code = max(counts)
    if n_letters <= n_han or 2 * n_letters < sum(map(len, _LATIN.findall(text))):
        return None
    if code == "ru" and _UKRAINIAN.search(text):
        return "uk"
    if code == "ar":
        return next((near for near, letters in _ARABIC_LETTERS if letters.search(text)), "ar")
    return code


def _latin(text: str) -> str:
    words = _LATIN.findall(text.lower()[:_MOST_LETTERS])
    if not words:
        return _latin(text[_MOST_LETTERS:]) if len(text) > _MOST_LETTERS else UNDETERMINED
    scores = dict.fromkeys(PROFILES, 0.0)
    n_hits = dict.fromkeys(PROFILES, 0)
    for word in dict.fromkeys(words):
        if owners := OWNERS.get(word):
            for code in owners:
                scores[code] += 1 / len(owners)
                n_hits[code] += 1
    if not text.isascii():
        for code, letters in LETTERS.items():
            n_letters = sum(map(text.count, letters))
            scores[code] += min(2, n_letters)
            n_hits[code] += n_letters
    code = max(scores, key=scores.__getitem__)
    is_thin = n_hits[code] < 2 and len(words) > _FEW
    if code == "en" or is_thin or scores[code] < max(_LEAST_SCORE, 0.15 * len(words)) or scores[code] < 1.3 * scores["en"]:
        return "en"
    return "id" if code == "ms" and not _MALAY.search(text) else code
