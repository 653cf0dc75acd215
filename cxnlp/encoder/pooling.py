"""Token states to document and clause vectors, without a second pass ("late chunking", Günther et al. 2024, arXiv:2409.04701).

A clause's vector is the mean of its tokens' states, which have seen the whole text, so that a clause keeps its context.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from cxnlp.encoder.windows import States
from cxnlp.records import Matrix, Vector


class TokenEncoder(Protocol):
    """What pooling needs of an encoder."""

    dim: int

    def states(self, texts: Sequence[str]) -> Iterator[States]:
        """Yield the token states of each window of each text."""
        ...


@dataclass(frozen=True, slots=True)
class Document:
    """A text and the spans that want a vector.

    Attributes:
        text: What the encoder reads.
        clauses: Half-open spans of code points, in order, not overlapping.
        voiced: Spans whose tokens make the document vector, such as the customer's turns; all of the text when empty.
    """

    text: str
    clauses: tuple[tuple[int, int], ...] = ()
    voiced: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Encoded:
    """The vectors of one document: `document` (dim,) and `clauses` (n_clauses, dim), float32, L2-normalised."""

    document: Vector = field(compare=False, repr=False)
    clauses: Matrix = field(compare=False, repr=False)


class _Sums:
    """Running sums of states over the spans of one document; the document's own spans come first."""

    def __init__(self, document: Document, dim: int) -> None:
        voiced = document.voiced or ((0, len(document.text) + 1),)
        self.n_voiced = len(voiced)
        self.borders = np.array([*voiced, *document.clauses], np.int32).reshape(-1, 2)
        self.sums = np.zeros((len(self.borders), dim), np.float32)
        self.fallback = np.zeros(dim, np.float32)

    def add(self, window: States) -> None:
        first, last = np.searchsorted(window.starts, self.borders).T
        for span in np.flatnonzero(first < last).tolist():  # a fifth of the time of cumsum or reduceat
            self.sums[span] += window.states[first[span] : last[span]].sum(axis=0)
        self.fallback += window.states.sum(axis=0)

    def finish(self) -> Encoded:
        document = self.sums[: self.n_voiced].sum(0)
        if not document.any():
            document = self.fallback
        document = _normalised(document[None])[0]
        clauses = self.sums[self.n_voiced :]
        empty = ~clauses.any(axis=1)
        clauses = _normalised(clauses)
        clauses[empty] = document
        return Encoded(document, clauses)


def encode(encoder: TokenEncoder, documents: Sequence[Document]) -> list[Encoded]:
    """Return the vectors of each document, in order, from one pass of the encoder.

    A clause too short to hold a token of its own takes the document's vector. Memory is flat in the length of a text.
    """
    sums = [_Sums(document, encoder.dim) for document in documents]
    for window in encoder.states([document.text for document in documents]):
        sums[window.text].add(window)
    return [s.finish() for s in sums]


def _normalised(matrix: Matrix) -> Matrix:
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    normalised: Matrix = matrix / np.maximum(norms, np.float32(1e-12))
    return normalised
