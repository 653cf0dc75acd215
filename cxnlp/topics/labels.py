"""The words and the name of a topic, in Chinese, English or both."""

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from cxnlp.text.clauses import split
from cxnlp.text.folding import fold
from cxnlp.text.graphemes import PLACEHOLDER
from cxnlp.text.tokens import stop_words, words

Cut: TypeAlias = Callable[[str], list[str]]
"""Cuts a text into words in lower case."""

_BREAK: Final = re.compile(PLACEHOLDER.pattern + r"|[,.!?;:](?=\s|$)|[，。！？；：、…~～\n()（）「」“”\"【】]+")
_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff ]+")
_CODE: Final = re.compile(r"\d{3}|\d.*-.*\d|^[\W\d_]+$")
_ENDING: Final = re.compile(r"(?<=[a-z]{3})(?:ing|ed|es|s|e)$")
_N_WORDS: Final = 10
_N_NAME_WORDS: Final = 3
_N_FIRST: Final = 6
_N_CANDIDATES: Final = 60
_RELEVANCE: Final = 0.9
_PHRASE_GAIN: Final = 1.2
_COMMON_FROM: Final = 6
_NAMELESS: Final = "*"
_EMOJI_SHOWN: Final = 3
_N_TYPICAL: Final = 15
_N_QUOTES: Final = 3
_FEWEST_WORDS: Final = 2
_MOST_WORDS: Final = 4
_MOST_LETTERS: Final = 40
_CLITIC: Final = re.compile(r"['’]|n['’]t$")
_NEGATION: Final = re.compile(r"n['’]t\b|\b(?:not?|never|without|cannot|neither|nor|unable)\b|[不没未无别]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TopicLabel:
    """What a topic is called until a person names it.

    Attributes:
        words: Up to 10 words and two-word phrases, the most telling first; never empty, no stop-word, no placeholder.
        name: Two to four telling words of a short typical clause, or one to three of `words`, such as `快递 延误` or `refund late`.
        quotes: Up to three texts, the most typical first, the others unlike it and each other; by their place among the texts of the topic or,
            in a `Fit`, by row.
    """

    words: tuple[str, ...]
    name: str
    quotes: tuple[int, ...] = ()


def label(topics: Sequence[Sequence[str]], cut: Cut = words) -> list[TopicLabel]:
    """Return one label a topic.

    Words and phrases are ranked by c-TF-IDF (Grootendorst 2022, arXiv:2203.05794) on the number of a topic's texts that hold them, so that one
    long text does not name its topic, then chosen by maximal marginal relevance (Carbonell & Goldstein 1998) so that they differ. A topic of which
    no word is common is named after its first text that has words.

    Args:
        topics: The texts of each topic, the most typical first.
        cut: Cuts a text into words; fits take `cxnlp.text.spacy_tokens.cutter`.
    """
    terms = [[dict.fromkeys(terms_of(text, cut)) for text in texts] for texts in topics]
    counts = [Counter(term for of_text in texts for term in of_text) for texts in terms]
    totals = Counter[str]()
    for count in counts:
        totals.update(count)
    mean = sum(totals.values()) / max(len(counts), 1)
    labels = []
    for texts, of_texts, count in zip(topics, terms, counts, strict=True):
        least = 2 if len(texts) >= _COMMON_FROM else 1
        scores = {t: _gain(t) * n / count.total() * math.log1p(mean / totals[t]) for t, n in count.items() if n >= least}
        best = sorted(scores, key=lambda t: -scores[t])[:_N_CANDIDATES]
        chosen = _varied(best, [scores[t] for t in best], of_texts) or _first_words(texts, cut)
        first = {word for term in chosen[:_N_FIRST] for word in term.split()}
        name = _clause_name(texts, scores, first, cut) or _name(chosen)
        labels.append(TopicLabel(tuple(chosen), name, _quotes(of_texts)))
    return labels


def terms_of(text: str, cut: Cut = words) -> Iterator[str]:
    """Yield the words and the two-word phrases of `text` that may stand in a label.

    The words of a phrase are joined by a space, or by nothing where one is a single Chinese character: jieba cuts 次日达 into two.
    """
    for part in _BREAK.split(fold(text)):
        before = None
        for word in cut(part):
            if not _is_telling(word):
                before = None
                continue
            if len(word) > 1:
                yield word
            if before and _root(before) != _root(word) and (phrase := _joined(before, word)) not in _stop_words():
                yield phrase
            before = word


def _joined(one: str, other: str) -> str:
    together = one + other
    return together if 1 in (len(one), len(other)) and _HAN.fullmatch(together) else f"{one} {other}"


def _is_telling(word: str) -> bool:
    if PLACEHOLDER.fullmatch(word) or word in _stop_words() or _CODE.search(word) or _CLITIC.match(word):
        return False
    return len(word) > 1 or _HAN.fullmatch(word) is not None


@cache
def _stop_words() -> frozenset[str]:
    return stop_words("zh") | stop_words("en")


def _gain(term: str) -> float:
    return _PHRASE_GAIN if " " in term else 1.0


def _varied(terms: Sequence[str], scores: Sequence[float], texts: Sequence[Collection[str]]) -> list[str]:
    """Choose ten of `terms`, given best first: each time the one that scores well and least repeats what is chosen."""
    if not terms:
        return []
    relevance = np.array(scores) / scores[0]
    likeness = _likeness(terms, texts)
    chosen = [0]
    while len(chosen) < min(_N_WORDS, len(terms)):
        gain = _RELEVANCE * relevance - (1 - _RELEVANCE) * likeness[:, chosen].max(1)
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
    return [terms[i] for i in chosen]


def _likeness(terms: Sequence[str], texts: Sequence[Collection[str]]) -> npt.NDArray[np.float64]:
    """Return (m, m) in [0, 1]: 1 where two terms share a word, else the cosine of the sets of texts that hold them."""
    held = np.array([[term in text for text in texts] for term in terms], np.float64)
    held /= np.maximum(np.linalg.norm(held, axis=1, keepdims=True), 1)
    likeness: npt.NDArray[np.float64] = held @ held.T
    for i, term in enumerate(terms):
        for j in range(i):
            if _repeats(term, terms[j]):
                likeness[i, j] = likeness[j, i] = 1
    return likeness


def _repeats(one: str, other: str) -> bool:
    return any(a in b or b in a for a in map(_root, one.split()) for b in map(_root, other.split()) if not (a.isascii() and a != b))


def _root(word: str) -> str:
    return _ENDING.sub("", word)


def _clause_name(texts: Sequence[str], scores: Mapping[str, float], first: Collection[str], cut: Cut) -> str | None:
    """Return the telling words, in order, of the clause of typical texts that tells most of the topic; None if none is short and all common.

    At least two of its words must be among the `first` of the topic, or it tells of one text. A clause with a negation names nothing: without its
    stop-words it would say the contrary.
    """
    best, name = 0.0, None
    for text in map(fold, texts[:_N_TYPICAL]):
        for start, end in split(text):
            said = _said(text[start:end], cut)
            is_common = len(set(first).intersection(said)) >= _FEWEST_WORDS and all(word in scores for word in said)
            if not is_common or _NEGATION.search(text, start, end):
                continue
            if (telling := sum(scores[word] for word in said) / (len(said) + 1)) > best:
                best, name = telling, " ".join(said)
    return name


def _said(clause: str, cut: Cut) -> list[str]:
    """Return the telling words of a clause, or none if they are too few or too many for a name, or one is a single character or repeated."""
    found = [word for word in cut(clause) if _is_telling(word)]
    is_short = _FEWEST_WORDS <= len(found) <= _MOST_WORDS and len(" ".join(found)) <= _MOST_LETTERS
    is_whole = all(len(word) > 1 for word in found) and not any(_repeats(one, other) for one, other in combinations(found, 2))
    return found if is_short and is_whole else []


def _quotes(texts: Sequence[Collection[str]]) -> tuple[int, ...]:
    """Return the places of the first text that has words and of two more typical ones that share least words with those chosen."""
    typical = [i for i, terms in enumerate(texts[:_N_TYPICAL]) if terms] or list(range(len(texts[:1])))
    chosen = typical[:1]
    while len(chosen) < min(_N_QUOTES, len(typical)):
        left = [i for i in typical if i not in chosen]
        chosen.append(min(left, key=lambda i: max(_overlap(texts[i], texts[other]) for other in chosen)))
    return tuple(chosen)


def _overlap(one: Collection[str], other: Collection[str]) -> float:
    return len(set(one) & set(other)) / max(1, len(set(one) | set(other)))


def _name(chosen: Sequence[str]) -> str:
    """Return the first term, as part of a phrase if there is one, and what fits beside it; no English after Chinese."""
    first = next((term for term in chosen if " " in term and chosen[0] in term.split()), chosen[0])
    named = first.split()
    for term in chosen:
        parts = term.split()
        if len(named) >= _N_NAME_WORDS - 1:
            break
        is_mixed = _HAN.fullmatch(named[-1]) and not _HAN.fullmatch(term)
        if len(named) + len(parts) <= _N_NAME_WORDS and not is_mixed and not any(_repeats(term, word) for word in named):
            named += parts
    return " ".join(named)


def _first_words(texts: Sequence[str], cut: Cut) -> list[str]:
    """Return words of the first text that has any that tell something; else its first signs, such as an emoji."""
    for text in texts:
        if telling := list(dict.fromkeys(w for w in cut(fold(text)) if _is_telling(w))):
            return telling[:_N_WORDS]
    for text in texts:
        signs = [s for s in PLACEHOLDER.sub("", text) if not (s.isspace() or s.isalnum() or s in "[]")]
        if signs:
            return ["".join(signs[:_EMOJI_SHOWN])]
    return [_NAMELESS]
