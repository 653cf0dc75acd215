"""From examples of what is wanted, and of what is not, to what to look for: pure functions on vectors."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.errors import InvalidQuery
from cxnlp.records import Entry, Matrix, Vector

_AWAY: Final = 0.5
_LEAST_LENGTH: Final = 1e-3


def direction(positives: Sequence[Vector] | Matrix, negatives: Sequence[Vector] | Matrix = ()) -> Vector:
    """Return the (dim,) unit vector towards the positives and away from the negatives.

    The mean of the positives less half the mean of the negatives: Rocchio's formula ("Relevance Feedback in Information Retrieval", 1971; Manning,
    Raghavan and Schütze, "Introduction to Information Retrieval", 2008, section 9.1.1) without an original query, which may be given as one more
    positive. One positive alone is its own direction.

    Args:
        positives: (p, dim), rows of unit length, p at least 1.
        negatives: (n, dim), rows of unit length, n 0 or more.

    Raises:
        InvalidQuery: There are no positives, or nothing is left of them when the negatives are taken away.
    """
    if len(positives) == 0:
        raise InvalidQuery("examples: there is none of what is wanted; give at least one positive")
    towards: npt.NDArray[np.float64] = np.mean(positives, axis=0, dtype=np.float64)
    if len(negatives):
        towards = towards - _AWAY * np.mean(negatives, axis=0, dtype=np.float64)
    length = float(np.linalg.norm(towards))
    if not length > _LEAST_LENGTH:
        raise InvalidQuery("examples: the negatives take away all that the positives have in common; give others")
    found: Vector = (towards / length).astype(np.float32)
    return found


def cosines(entries: Sequence[Entry], directions: Sequence[Vector]) -> Matrix:
    """Return (n_directions, n_entries) cosines: of the whole record or of its nearest clause, whichever is more alike."""
    if not directions:
        return np.zeros((0, len(entries)), np.float32)
    parts = [entry.document[None] if entry.clauses is None else np.vstack([entry.document, entry.clauses]) for entry in entries]
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
    found: Matrix = np.maximum.reduceat(np.stack(directions) @ np.concatenate(parts).T, starts, axis=1)
    return found
