"""Clauses: pieces of a cleaned text that each speak of about one thing.

A text is cut at the ends of sentences, then at commas and blanks where both sides are long enough to say something, then before connectives
such as 但是 or *although*, and at last, where a run-on is left, at the best word borders.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeAlias

from cxnlp.text.cues import ABBREVIATIONS, DEPENDENT_OPENERS, FUNCTION_WORDS, LEADS
from cxnlp.text.graphemes import has_joiners, widen
from cxnlp.text.runons import cut_runon

SPLITTER_VERSION: Final = "1"
MOST_CLAUSES: Final = 2000

Interval: TypeAlias = tuple[int, int]

_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\u3040-\u30ff\uf900-\ufaff"
_HAN_RUN: Final = re.compile(rf"[{_HAN}]+")
_WORD: Final = re.compile(rf"[^\W_{_HAN}]+(?:['’.-][^\W_{_HAN}]+)*")
_LETTER: Final = re.compile(r"[^\W_]")
_CLOSER: Final = "”’\"')）】」』》\\]"
_EMOJI: Final = "\u2600-\u27bf\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff\ufe0f\u200d\u20e3\U000e0020-\U000e007f"
_MARK: Final = re.compile(r"[。！？!?；;…\n.,，～~]+")
_TAIL: Final = re.compile(
    rf"(?:[{_CLOSER}。！？!?；;…\n.,，～~]+| ?(?:[{_EMOJI}]+|[:;=][-o']?[)(DPp]+(?!\w)|\^[_o-]?\^|\[[\u4e00-\u9fff]{{1,4}}\]))*"
)
_TAILLESS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") | {""}
_DOUBTFUL: Final = frozenset(".,~～")
_STRONG: Final = frozenset("。！？!?；;\n")
_LAST_WORD: Final = re.compile(r"[A-Za-z.]+$")
_ENUMERATOR: Final = re.compile(r"(?:^|[\n。；;.!！?？] ?)\d{1,2}$")
_GAP: Final = re.compile(rf" (?:(?<=[{_HAN}!?！？] )(?=[{_HAN}])|(?:[-–—]+|/) )|—+")
_OPENING: Final = re.compile("[(（【]")
_BRACKET_REACH: Final = 60
_TRIM_LEFT: Final = " \n\t。！？!?；;…,，.、：:～~)）】」』》”"
_TRIM_RIGHT: Final = " \n\t。；;,，.、：:(（【「『《“"
_TRIM_DASHES: Final = _TRIM_RIGHT + "-–—"

_FEW_HAN: Final = 4
_FEW_WORDS: Final = 4
_FEW_LETTERS: Final = 12
_LONGEST_LEAD: Final = 5
_SHORT: Final = 40
_CONNECTIVE: Final = re.compile(
    "(?<![不非])但(?:是|(?!凡|愿))|(?<![只再好])不过(?!如此|是|分|来|去|关|期|敏|滤)|而且|并且|可是(?!说|谓)|可惜|(?<![不而])只是"
    "|(?<![也那这不简直点处憾式要因题是者])就是(?!说|了|这|那|因为|一)"
    "|还有(?![点些人一个])|然后|另外|此外|虽然|尽管|然而|只不过|唯一(?:的|不足|缺点)|因为|所以|如果|除了|结果(?!是|不|很)|尤其|特别是|至于|同时"
)
_SUBJECT: Final = "i|we|they|it|he|she|the|there|this|that|these|those|my|our|their|his|her|its|you|your"
_VERB: Final = "no|not|also|then|when|if|even|was|were|is|are|had|has|have|did|does|do"
_CONJUNCTION: Final = re.compile(
    " (?:but|however|although|though|because|except|while|whereas|unfortunately|otherwise"
    rf"|and (?=(?:{_SUBJECT}|{_VERB})\b)|so (?=(?:{_SUBJECT})\b))",
    re.IGNORECASE,
)


class _Piece(NamedTuple):
    start: int
    end: int
    n_han: int
    n_words: int
    ends_sentence: bool


def split(text: str) -> list[Interval]:
    """Return the clauses of a cleaned text as half-open spans, in order, without overlap, none blank; [] only for a blank text.

    Most are 4 to 40 Han characters or 3 to 25 words long. Punctuation at their ends is left out but for `!` and `?`, emoji stay with the clause
    before them. No span cuts a grapheme cluster or a placeholder. At most 2,000: beyond, neighbours are joined evenly. Takes linear time.
    """
    spans: list[Interval] = []
    sentence: list[_Piece] = []
    for piece in _pieces(text):
        sentence.append(piece)
        if piece.ends_sentence:
            spans += _clauses(text, sentence)
            sentence = []
    if any(end - start > _SHORT for start, end in spans):
        spans = [part for start, end in spans for part in cut_runon(text, start, end)]
    if len(spans) > MOST_CLAUSES:
        n_joined = -(-len(spans) // MOST_CLAUSES)
        spans = [(spans[i][0], spans[min(i + n_joined, len(spans)) - 1][1]) for i in range(0, len(spans), n_joined)]
    spans = _trimmed(text, spans)
    return _on_borders(text, spans) if "[" in text or has_joiners(text) else spans


def _pieces(text: str) -> list[_Piece]:
    """Return pieces that cover the text: what stands between two marks, with the mark and the emoji after it."""
    pieces: list[_Piece] = []
    position = 0
    count = _counter(text)
    has_gaps = _GAP.search(text) is not None
    for start, end, ends_sentence in _breaks(text):
        if has_gaps:
            for gap in _GAP.finditer(text, position, start):
                position = _add(pieces, position, gap.end(), count(text[position : gap.start()]), ends_sentence=False)
        position = _add(pieces, position, end, count(text[position:end]), ends_sentence=ends_sentence)
    return pieces or [_Piece(0, len(text), 0, 0, True)]


def _add(pieces: list[_Piece], start: int, end: int, counts: tuple[int, int], *, ends_sentence: bool) -> int:
    """Append the piece, or join it to the one before when it holds no word; return where the next one starts."""
    if counts != (0, 0):
        pieces.append(_Piece(start, end, *counts, ends_sentence))
    elif pieces:
        last = pieces[-1]
        pieces[-1] = last._replace(end=end, ends_sentence=last.ends_sentence or ends_sentence)
    else:
        return start
    return end


def _counter(text: str) -> Callable[[str], tuple[int, int]]:
    """Return the quickest function that counts the Han characters and the words of a part of `text`."""
    if text.isascii() or not _HAN_RUN.search(text):
        return lambda part: (0, len(part.split()) if _LETTER.search(part) else 0)
    if not _WORD.search(text):
        return lambda part: (sum(map(len, _HAN_RUN.findall(part))), 0)
    return lambda part: (sum(map(len, _HAN_RUN.findall(part))), len(_WORD.findall(part)))


def _breaks(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield (start of the marks, end of what belongs to them, whether they end a sentence)."""
    done = 0
    has_brackets = _OPENING.search(text) is not None
    for mark in _MARK.finditer(text):
        start, end = mark.span()
        if start < done:
            continue
        marks = mark[0]
        ends_sentence = not _STRONG.isdisjoint(marks)
        if marks in _DOUBTFUL:
            if not _is_break(text, start):
                continue
            ends_sentence = marks == "."
        elif not ends_sentence and text[end : end + 1] == " ":
            ends_sentence = text[end + 1 : end + 2].isupper()
        done = end
        if text[end : end + 1] not in _TAILLESS and not "\u3400" < text[end] < "\ua000":
            done = _TAIL.match(text, end).end()  # type: ignore[union-attr]
            ends_sentence = ends_sentence or not _STRONG.isdisjoint(text[end:done])
        if ends_sentence or not (has_brackets and _is_inside_brackets(text, start)):
            yield start, done, ends_sentence
    yield len(text), len(text), True


def _is_inside_brackets(text: str, position: int) -> bool:
    """Tell whether a bracket opens in the 60 code points before `position` and closes in those after it."""
    before = text[max(0, position - _BRACKET_REACH) : position]
    after = text[position : position + _BRACKET_REACH]
    return any(before.rfind(opening) > before.rfind(closing) and closing in after for opening, closing in ("()", "（）", "【】"))


def _is_break(text: str, position: int) -> bool:
    """Tell whether the single `.`, `,` or `~` at `position` ends something, and is no part of 3.5, 1,000, 3~5, Mr., U.S. or example.com."""
    before = text[position - 1 : position]
    after = text[position + 1 : position + 2]
    if text[position] != ".":
        return not (before.isdigit() and after.isdigit())
    if before.isdigit() and not after.isdigit() and _ENUMERATOR.search(text, max(0, position - 4), position):
        return False
    if after and not after.isspace() and after not in _CLOSER:
        return before >= "\u2e80" or after >= "\u2e80" or (before.islower() and after.isupper() and text[position + 2 : position + 3].islower())
    word = _LAST_WORD.search(text, max(0, position - 12), position)
    return not word or (word[0].lower() not in ABBREVIATIONS and not (len(word[0]) == 1 and word[0].isupper() and word[0] != "I"))


def _clauses(text: str, sentence: list[_Piece]) -> Iterator[Interval]:
    """Join the pieces of a sentence that are too short to say something, and cut the long ones before connectives."""
    least_words = 2 if len(sentence) > 1 and all(2 <= p.n_words <= _FEW_WORDS and not p.n_han for p in sentence) else _FEW_WORDS
    current = sentence[0]
    current_stands = _stands(text, current, least_words)
    for piece in sentence[1:]:
        stands = _stands(text, piece, least_words)
        if (current_stands and stands) or _is_lead(text, piece):
            yield from _before_connectives(text, current)
            current, current_stands = piece, stands
        else:
            current = _Piece(current.start, piece.end, current.n_han + piece.n_han, current.n_words + piece.n_words, piece.ends_sentence)
            current_stands = current_stands or _stands(text, current, least_words)
    yield from _before_connectives(text, current)


def _is_lead(text: str, piece: _Piece) -> bool:
    if piece.ends_sentence or piece.n_han + piece.n_words > _LONGEST_LEAD:
        return False
    return text[piece.start : piece.end].strip(_TRIM_LEFT).lower() in LEADS


def _stands(text: str, piece: _Piece, least_words: int) -> bool:
    """Tell whether the piece is long enough to say something of its own."""
    if piece.n_han < piece.n_words:
        return piece.n_words >= _FEW_WORDS or (piece.n_words >= least_words and _opener(text, piece) not in FUNCTION_WORDS)
    weight = piece.n_han + 2 * piece.n_words
    if weight > _LONGEST_LEAD:
        return True
    if weight < _FEW_HAN - 1 or _is_lead(text, piece):
        return False
    return weight >= _FEW_HAN or text[piece.start : piece.end].lstrip()[0] not in DEPENDENT_OPENERS


def _opener(text: str, piece: _Piece) -> str:
    return text[piece.start : piece.end].split(maxsplit=1)[0].lower()


def _before_connectives(text: str, piece: _Piece) -> Iterator[Interval]:
    start = piece.start
    if max(piece.n_han, piece.n_words) >= 2 * _FEW_HAN:
        pattern, least = (_CONNECTIVE, _FEW_HAN) if piece.n_han >= piece.n_words else (_CONJUNCTION, _FEW_LETTERS)
        for found in pattern.finditer(text, start + least, piece.end):
            if found.start() - start >= least and piece.end - found.end() >= least:
                yield start, found.start()
                start = found.start()
    yield start, piece.end


def _on_borders(text: str, spans: list[Interval]) -> list[Interval]:
    moved: list[Interval] = []
    done = 0
    for span in spans:
        start, end = widen(text, *span)
        if end > max(start, done):
            moved.append((max(start, done), end))
            done = end
    return moved


def _trimmed(text: str, spans: list[Interval]) -> list[Interval]:
    trimmed: list[Interval] = []
    for start, end in spans:
        kept = text[start:end].rstrip(_TRIM_RIGHT)
        if kept.endswith((" -", "--", "—", "–")):
            kept = kept.rstrip(_TRIM_DASHES)
        core = kept.lstrip(_TRIM_LEFT)
        if core:
            end = start + len(kept)
            trimmed.append((end - len(core), end))
    blank = text.strip()
    return trimmed or ([(text.index(blank), text.index(blank) + len(blank))] if blank else [])
