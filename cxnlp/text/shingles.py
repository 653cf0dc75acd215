"""Near-copies: texts that share at least four fifths of their shingles, found without comparing each with each.

MinHash (Broder 1997) makes of each text a short signature that agrees with another's in the share of shingles that they have in common; banding
(Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", 3.4) brings texts together whose signatures agree in a few places in a row; those are
then compared. Shingles are of letters, not of words without stop words, and near-copies have as many negations: one `not` is a different complaint.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from cxnlp.text.copies import essence
from cxnlp.text.folding import fold

NEAR: Final = 0.8
"""From which share of common shingles (Jaccard) on two texts are near-copies."""

Signatures: TypeAlias = npt.NDArray[np.uint16]
Numbers: TypeAlias = npt.NDArray[np.int64]
Bits: TypeAlias = npt.NDArray[np.bool_]

_N_BANDS: Final = 16
_N_ROWS: Final = 4  # of two texts at 0.8, all but 2 in 10,000 meet in at least one band
_WORTH_COMPARING: Final = 0.6  # the share of equal places is within 0.2 of that of common shingles, four standard deviations at 0.8
_HAN_FROM: Final = 0x2E80
_N_HAN: Final = 2
_N_LATIN: Final = 4
_LETTERS_AT_ONCE: Final = 1 << 16
_PAIRS_AT_ONCE: Final = 1 << 16
_draw = np.random.default_rng(20261122)
_POSITIONS: Final = _draw.integers(1, 1 << 63, _N_LATIN, np.uint64) | np.uint64(1)
_SLOPES: Final = _draw.integers(1, 1 << 63, _N_BANDS * _N_ROWS, np.uint64) | np.uint64(1)
_OFFSETS: Final = _draw.integers(0, 1 << 63, _N_BANDS * _N_ROWS, np.uint64)
_NEGATION: Final = re.compile(r"\b(?:not?|never|none|nothing|nobody|neither|nor|without|cannot|\w+n['’]t)\b|[不没無无未非勿莫]", re.IGNORECASE)
_MIX: Final = np.uint32(0x9E3779B1)


@dataclass(frozen=True, slots=True)
class Shingles:
    """The shingles of several texts.

    Attributes:
        hashes: (n_shingles,) uint32, those of a text side by side.
        starts: (n_texts + 1,) where those of each text begin; the last entry is where the last ones end.
    """

    hashes: npt.NDArray[np.uint32] = field(compare=False, repr=False)
    starts: Numbers = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Outline:
    """What of a text is compared with another: its distinct shingles, ascending, and how many negations it has."""

    shingles: npt.NDArray[np.uint32] = field(compare=False, repr=False)
    n_negations: int

    def is_near(self, other: "Outline") -> bool:
        """Tell whether the texts are near-copies."""
        n_common = len(np.intersect1d(self.shingles, other.shingles, assume_unique=True))
        n_all = len(self.shingles) + len(other.shingles) - n_common
        return self.n_negations == other.n_negations and n_common > 0 and n_common >= NEAR * n_all


def outlines(texts: Sequence[str]) -> list[Outline]:
    """Return the outline of each text."""
    of = shingles([essence(text) for text in texts])
    return [Outline(np.unique(of.hashes[of.starts[i] : of.starts[i + 1]]), len(_NEGATION.findall(fold(text)))) for i, text in enumerate(texts)]


def shingles(essences: Sequence[str]) -> Shingles:
    """Return the shingles of texts given by their essence (`cxnlp.text.copies`): 2 letters where Chinese, Japanese or Korean begins one, else 4."""
    lengths = np.fromiter(map(len, essences), np.int64, len(essences))
    letters = np.frombuffer("".join(essences).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    n_letters = len(letters)
    ends = np.repeat(np.cumsum(lengths), lengths)
    is_han = letters >= _HAN_FROM
    whole = np.arange(n_letters) + np.where(is_han, _N_HAN, _N_LATIN) <= ends
    padded = np.concatenate([letters, np.zeros(_N_LATIN, np.uint64)])
    hashes = is_han.astype(np.uint64)
    for place, factor in enumerate(_POSITIONS):
        part = padded[place : place + n_letters] * factor
        hashes += part if place < _N_HAN else np.where(is_han, np.uint64(0), part)
    kept = np.concatenate([[0], np.cumsum(whole)])
    starts = kept[np.concatenate([[0], np.cumsum(lengths)])]
    return Shingles((hashes[whole] >> np.uint64(32)).astype(np.uint32), starts.astype(np.int64))


def signatures(essences: Sequence[str]) -> Signatures:
    """Return (n, 64) signatures: of two texts about as many places are equal as they have shingles in common.

    Each place keeps 16 bits of its minimum (b-bit minwise hashing, Li and König 2010). A text without shingles has zeros.
    """
    found = [np.zeros((0, len(_SLOPES)), np.uint16)]
    first, n_letters = 0, 0
    for i, one in enumerate(essences):
        n_letters += len(one)
        if n_letters >= _LETTERS_AT_ONCE or i + 1 == len(essences):
            found.append(_signed(shingles(essences[first : i + 1])))
            first, n_letters = i + 1, 0
    return np.concatenate(found)


def _signed(of: Shingles) -> Signatures:
    signed = np.zeros((len(of.starts) - 1, len(_SLOPES)), np.uint16)
    some = np.flatnonzero(np.diff(of.starts))
    if len(some) == 0:
        return signed
    hashes, starts = of.hashes.astype(np.uint64), of.starts[some]
    for place, (slope, offset) in enumerate(zip(_SLOPES, _OFFSETS, strict=True)):
        least = np.minimum.reduceat(((hashes * slope + offset) >> np.uint64(32)).astype(np.uint32), starts)
        signed[some, place] = (least * _MIX) >> np.uint32(16)
    return signed


def near_copies(of: Signatures, are_near: Callable[[Numbers], Bits]) -> Numbers:
    """Return (n,) numbers of groups: near-copies, and near-copies of near-copies, have the same; texts without shingles are alone.

    In each band a text is compared with the one that sorts beside it and with the first of those that agree, so the work grows with the number of
    texts, however many are alike.

    Args:
        of: (n, 64), from `signatures`.
        are_near: Tells of (m, 2) numbers of texts which pairs are near-copies indeed.
    """
    groups = np.arange(len(of), dtype=np.int64)
    apart = np.zeros(0, np.int64)
    some = np.flatnonzero(of.any(axis=1))
    bands = [np.ascontiguousarray(of[some, b * _N_ROWS : (b + 1) * _N_ROWS]).view(np.uint64).ravel() for b in range(_N_BANDS)]
    for number, band in enumerate(bands):
        for met in _meeting(band, bands[(number + 1) % _N_BANDS]):
            pairs = some[met]
            pairs = pairs[groups[pairs[:, 0]] != groups[pairs[:, 1]]]
            pairs = pairs[_agreement(of, pairs) >= _WORTH_COMPARING]
            codes = np.setdiff1d(pairs.min(axis=1) * len(of) + pairs.max(axis=1), apart)
            pairs = np.stack(np.divmod(codes, len(of)), axis=1)
            are = are_near(pairs)
            apart = np.union1d(apart, codes[~are])
            groups = join(groups, pairs[are])
    return groups


def _agreement(of: Signatures, pairs: Numbers) -> npt.NDArray[np.float64]:
    """Return the share of places in which the signatures of each pair are equal."""
    n_equal = [np.count_nonzero(of[part[:, 0]] == of[part[:, 1]], axis=1) for part in np.array_split(pairs, len(pairs) // _PAIRS_AT_ONCE + 1)]
    shares: npt.NDArray[np.float64] = np.concatenate(n_equal) / of.shape[1]
    return shares


def _meeting(band: npt.NDArray[np.uint64], following: npt.NDArray[np.uint64]) -> tuple[Numbers, Numbers]:
    """Return the pairs of texts that agree in a band: neighbours in the order of the following band, and each with the first."""
    order = np.lexsort((following, band))
    agree = np.concatenate([[False], band[order][1:] == band[order][:-1]])
    places = np.flatnonzero(agree)
    firsts = np.maximum.accumulate(np.where(agree, 0, np.arange(len(order))))
    return np.stack([order[places - 1], order[places]], axis=1), np.stack([order[firsts[places]], order[places]], axis=1)


def join(groups: Numbers, pairs: Numbers) -> Numbers:
    """Return the groups after those of each pair have been made one (union-find); the lower number stays.

    Args:
        groups: (n,) the number of each member's group, itself the number of a member of that group.
        pairs: (m, 2) members.
    """
    parents = groups.tolist()
    for one, other in pairs.tolist():
        while parents[one] != one:
            parents[one] = one = parents[parents[one]]
        while parents[other] != other:
            parents[other] = other = parents[parents[other]]
        parents[max(one, other)] = min(one, other)
    joined = np.array(parents, np.int64)
    while len(joined) and not np.array_equal(joined, joined[joined]):
        joined = joined[joined]
    return joined
