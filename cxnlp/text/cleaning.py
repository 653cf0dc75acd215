"""What the encoder reads: a customer's text without markup, quoted replies, signatures and noise, with the way back to the original."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from cxnlp.text.folding import fold
from cxnlp.text.replies import own_lines

Offsets: TypeAlias = npt.NDArray[np.int32]

_INVISIBLE: Final = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
)
_NOISE: Final = re.compile(f"[{_INVISIBLE}]")
_SUSPECT: Final = re.compile(f"[<&\n{_INVISIBLE}]")
_ENTITY: Final = re.compile(r"&(?:#\d{1,7};|#[xX][0-9a-fA-F]{1,6};|[a-zA-Z][a-zA-Z0-9]{1,30};|(?:nbsp|amp|lt|gt|quot)(?![a-zA-Z0-9;=]))")
_TAGS: Final = (
    "a|abbr|address|article|aside|b|big|blockquote|body|br|button|center|code|col|colgroup|dd|del|div|dl|dt|em|embed|figure|font|footer|form|h[1-6]"
    "|head|header|hr|html|i|iframe|img|input|ins|label|li|link|main|meta|nav|object|ol|option|p|param|pre|q|s|script|section|select|small|span"
    "|strike|strong|style|sub|sup|svg|table|tbody|td|textarea|tfoot|th|thead|title|tr|tt|u|ul|video|wbr|o:p"
)
_TAG: Final = re.compile(
    r"<(?:(script|style)\b[^<>]*+>[^<]*+(?:<(?!/?(?:script|style)\b)[^<]*+)*+</(?:script|style)\s*+>"
    r"|!--[^<-]*+(?:(?:-(?!->)|<(?!!--))[^<-]*+)*+-->|!doctype\b[^<>]*+>"
    rf"|/?(?P<name>{_TAGS})(?:[\s/][^<>]*+)?>)",
    re.IGNORECASE,
)
_BLOCKS: Final = re.compile(
    "(?:address|article|aside|blockquote|br|center|d[dlt]|div|figure|footer|form|h[1-6r]|header|li|main|nav|ol|option|p|pre|section|table|t[dhr]|ul)",
    re.IGNORECASE,
)
_STOPPERS: Final = '\\s<>"\u2018-\u201f\u3000-\u303f\u3400-\u9fff\uff00-\uffef'
_URL: Final = re.compile(rf"(?:https?://|ftp://|www\.)[^{_STOPPERS}]*[^{_STOPPERS}.,!?;:)'\]]", re.IGNORECASE)
_CARRIAGE_RETURN: Final = re.compile("_x000[dDaA]_")
_REPEAT: Final = re.compile(r"([^\d\s])\1{3,}|([^\d\s]{2})\2{3,}")
_REPEAT_HINT: Final = re.compile(r"(.)\1\1\1|(..)\2\2\2")
_WRAPPED: Final = re.compile(r"(?<=[^\n]{50}[a-z,])\n(?=[a-z])")
_BLANKS: Final = re.compile(r" *\n[ \n]*| {2,}")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A cleaned text and where each of its code points came from.

    Attributes:
        text: What the encoder reads.
        offsets: (len(text) + 1,) int32, rising: where in the original each code point starts; the last entry is where the last one ends.
        ends: (len(text),) int32, rising: where in the original each code point ends; `&amp;` is one code point that ends 5 further on.
    """

    text: str
    offsets: Offsets = field(compare=False, repr=False)
    ends: Offsets = field(compare=False, repr=False)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original that the non-empty clean span [start, end) was read from.

        Raises:
            ValueError: The span is empty or outside the text.
        """
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"span {start}..{end} is empty or outside a text of {len(self.text)} code points")
        return int(self.offsets[start]), int(self.ends[end - 1])


@dataclass(frozen=True, slots=True)
class _Draft:
    text: str
    starts: Offsets
    ends: Offsets


_Edit: TypeAlias = tuple[int, int, str]


def clean(text: str) -> Cleaned:
    """Return what the encoder reads of `text`.

    Folded: Traditional characters, full-width ASCII, spaces. Decoded: entities. Dropped: markup, quoted replies, signatures, URLs, invisible
    characters, more than three of a kind in a row. White space is one blank or one newline; a newline ends a sentence. Placeholders such as
    `[PHONE]` stay. A text of which nothing would be left is returned as it came, without the surrounding white space.

    Takes linear time; a text with nothing to clean costs a few microseconds.
    """
    folded = fold(text)
    if _is_plain(folded):
        return _trimmed(folded)
    draft = _rewrite(_untouched(folded))
    return _finished(draft) if any(not c.isspace() for c in draft.text) else _trimmed(text)


def _is_plain(text: str) -> bool:
    if _SUSPECT.search(text) or "  " in text or "_x000" in text or "://" in text or "www." in text or "WWW." in text:
        return False
    return not (_REPEAT_HINT.search(text) and _REPEAT.search(text))


def _rewrite(draft: _Draft) -> _Draft:
    if "&" in draft.text:
        draft = _substitute(draft, _ENTITY, lambda m: fold(html.unescape(m[0])))
    if "<" in draft.text:
        draft = _substitute(draft, _TAG, _after_tag)
    draft = _substitute(draft, _NOISE, "")
    draft = _substitute(draft, _CARRIAGE_RETURN, "\n")
    if "\n" in draft.text:
        draft = _without_replies(draft)
    draft = _substitute(draft, _URL, " ")
    draft = _apply(draft, [_capped(m) for m in _REPEAT.finditer(draft.text)])
    draft = _substitute(draft, _WRAPPED, " ")
    return _substitute(draft, _BLANKS, lambda m: "\n" if "\n" in m[0] else " ")


def _after_tag(match: re.Match[str]) -> str:
    name = match["name"]
    return "\n" if name and _BLOCKS.fullmatch(name) else " " if match[1] else ""


def _capped(match: re.Match[str]) -> _Edit:
    last = match.start() + 3 * len(match[1] or match[2]) - 1
    return last, match.end(), match.string[last]


def _without_replies(draft: _Draft) -> _Draft:
    lines = draft.text.splitlines(keepends=True)
    edits: list[_Edit] = []
    position = 0
    for line, own in zip(lines, own_lines(lines), strict=True):
        if not own:
            edits.append((position, position + len(line), ""))
        position += len(line)
    return _apply(draft, edits)


def _substitute(draft: _Draft, pattern: re.Pattern[str], replacement: str | Callable[[re.Match[str]], str]) -> _Draft:
    if isinstance(replacement, str):
        return _apply(draft, [(m.start(), m.end(), replacement) for m in pattern.finditer(draft.text)])
    return _apply(draft, [(m.start(), m.end(), replacement(m)) for m in pattern.finditer(draft.text)])


def _apply(draft: _Draft, edits: list[_Edit]) -> _Draft:
    if not edits:
        return draft
    pieces: list[str] = []
    position = 0
    for start, end, new in edits:
        pieces += draft.text[position:start], new
        position = end
    pieces.append(draft.text[position:])
    first = np.array([e[0] for e in edits])
    last = np.array([e[1] for e in edits])
    n_new = np.array([len(e[2]) for e in edits])
    steps = np.zeros(len(draft.text) + 1, dtype=np.int32)
    steps[first] += 1
    steps[last] -= 1
    kept = np.cumsum(steps[:-1]) == 0
    places = np.repeat(first - np.concatenate(([0], np.cumsum(last - first)[:-1])), n_new)
    starts = np.insert(draft.starts[kept], places, np.repeat(draft.starts[first], n_new))
    ends = np.insert(draft.ends[kept], places, np.repeat(draft.ends[last - 1], n_new))
    return _Draft("".join(pieces), starts, ends)


def _untouched(text: str) -> _Draft:
    numbers = np.arange(len(text) + 1, dtype=np.int32)
    return _Draft(text, numbers[:-1], numbers[1:])


def _trimmed(text: str) -> Cleaned:
    stripped = text.strip()
    first = text.index(stripped) if len(stripped) < len(text) else 0
    numbers = np.arange(first, first + len(stripped) + 1, dtype=np.int32)
    return Cleaned(stripped, numbers, numbers[1:])


def _finished(draft: _Draft) -> Cleaned:
    text = draft.text.strip()
    first = draft.text.index(text)
    starts, ends = draft.starts[first : first + len(text)], draft.ends[first : first + len(text)]
    return Cleaned(text, np.append(starts, ends[-1:]), ends)
