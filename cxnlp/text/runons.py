"""Run-ons: text of more than about 40 Han characters or 30 words without a mark, cut at the best word borders."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, TypeAlias

from cxnlp.text.cues import BOUND, CONNECTIVES, PARTICLES, PREPOSITIONS, SUBJECTS
from cxnlp.text.graphemes import next_border
from cxnlp.text.tokens import segment

Interval: TypeAlias = tuple[int, int]

_LONGEST: Final = 40.0
_LATEST: Final = 32.0
_LEAST: Final = 8.0
_IDEAL: Final = 18.0
_WORD_WEIGHT: Final = 1.4
_SHORT_ENOUGH: Final = 40
_LONGEST_RUN: Final = 240
_LONGEST_TOKEN: Final = 120
_LETTERS_A_WORD: Final = 12
_HAN_CHARACTER: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_WORD: Final = re.compile(r"[^\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_SPACED: Final = re.compile(r"\s*\S+")


def cut_runon(text: str, start: int, end: int) -> list[Interval]:
    """Return [start, end) as it is, or in pieces of about 10 to 40 Han characters or 8 to 28 words when it is longer than that.

    Borders are those of words (jieba's in Chinese), best after a final particle or before a connective or pronoun. The pieces cover the span.
    """
    if end - start <= _SHORT_ENOUGH:
        return [(start, end)]
    run = text[start:end]
    n_han = len(_HAN_CHARACTER.findall(run))
    if len(run) <= _LONGEST_RUN and n_han + _WORD_WEIGHT * len(_WORD.findall(run)) <= _LONGEST:
        return [(start, end)]
    tokens = list(_short(segment(run) if n_han else _SPACED.findall(run)))
    cuts = [start + cut for cut in _cuts(tokens, [_weight(token) for token in tokens])]
    return list(zip([start, *cuts], [*cuts, end], strict=True))


def _short(tokens: list[str]) -> Iterator[str]:
    for token in tokens:
        position = 0
        while len(token) - position > _LONGEST_TOKEN:
            border = next_border(token, position + _LONGEST_TOKEN)
            yield token[position:border]
            position = border
        yield token[position:]


def _cuts(tokens: list[str], weights: list[float]) -> list[int]:
    """Return the positions before which to cut: in each stretch of 8 to 40, the border with the best score near 18."""
    cuts: list[int] = []
    position = 0
    since, left = 0.0, sum(weights)
    best, best_score, best_since = 0, -1e9, 0.0
    for (token, following), weight in zip(pairwise(tokens), weights[:-1], strict=True):
        position += len(token)
        since += weight
        left -= weight
        if since >= _LEAST and left >= _LEAST:
            score = 6 * _score(token, following) - abs(since - _IDEAL)
            if score > best_score:
                best, best_score, best_since = position, score, since
        if since > _LATEST and since + left > _LONGEST and best > (cuts[-1] if cuts else 0):
            cuts.append(best)
            since -= best_since
            best_score = -1e9
    return cuts


def _weight(token: str) -> float:
    n_han = len(_HAN_CHARACTER.findall(token))
    return n_han or max(len(token) / _LETTERS_A_WORD, _WORD_WEIGHT if _WORD.search(token) else 0.0)


def _score(token: str, following: str) -> int:
    after = following.strip().lower()
    before = token.strip()
    if after in BOUND:
        return -1
    if after in CONNECTIVES:
        return 5
    if before in PARTICLES:
        return 4
    if before == "了":
        return 3
    if after in SUBJECTS:
        return 2
    return 1 if after in PREPOSITIONS or before in ("的", "过") else 0
