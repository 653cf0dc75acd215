"""A text's tokens, cut into windows that fit the model, packed into batches of like length."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from cxnlp.records import Matrix

Ints: TypeAlias = npt.NDArray[np.int32]

TOKENS_A_BATCH: Final = 256
_TOKENS_AT_ONCE: Final = 65_536


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive tokens of one text.

    Attributes:
        text: Number of the text in the sequence that was given.
        ids: (n_tokens,) vocabulary ids, without prefix and special tokens.
        starts: (n_tokens,) code point at which each token starts in the text.
    """

    text: int
    ids: Ints = field(compare=False, repr=False)
    starts: Ints = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class States:
    """What the encoder says of one window.

    Attributes:
        text: Number of the text in the sequence that was given.
        starts: (n_tokens,) code point at which each token starts.
        states: (n_tokens, dim) float32; one row, of the start token, for a text without any token.
    """

    text: int
    starts: Ints = field(compare=False, repr=False)
    states: Matrix = field(compare=False, repr=False)


def cut(text: int, ids: Sequence[int], starts: Sequence[int], longest: int) -> Iterator[Window]:
    """Yield windows of at most `longest` tokens, of even length, so that no window is a short remainder."""
    n_windows = max(1, -(-len(ids) // longest))
    borders = [len(ids) * i // n_windows for i in range(n_windows + 1)]
    for start, end in pairwise(borders):
        yield Window(text, np.asarray(ids[start:end], np.int32), np.asarray(starts[start:end], np.int32))


def pack(windows: Iterable[Window], n_extra: int, n_streams: int = 1) -> Iterator[list[Window]]:
    """Yield batches of windows of like length, each of at most `TOKENS_A_BATCH` tokens with padding, unless one window is longer.

    Small batches are padded less: among 256 reviews, those of 2,048 tokens hold 23 % padding, those of 256 tokens 2 %.

    Args:
        windows: Any number; about 65,000 tokens are held and sorted at a time, so memory stays flat.
        n_extra: Prefix and special tokens that the model adds to each window.
        n_streams: How many batches are computed at a time; a few windows are spread over so many.
    """
    held: list[Window] = []
    n_tokens = 0
    for window in windows:
        held.append(window)
        n_tokens += len(window.ids) + n_extra
        if n_tokens >= _TOKENS_AT_ONCE:
            yield from _batches(held, n_extra, TOKENS_A_BATCH)
            held, n_tokens = [], 0
    yield from _batches(held, n_extra, min(TOKENS_A_BATCH, -(-n_tokens // n_streams)))


def _batches(windows: list[Window], n_extra: int, most_tokens: int) -> Iterator[list[Window]]:
    batch: list[Window] = []
    for window in sorted(windows, key=lambda w: len(w.ids), reverse=True):
        if batch and (len(batch[0].ids) + n_extra) * (len(batch) + 1) > most_tokens:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch
