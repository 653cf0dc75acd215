"""Satisfaction with conversations, from the vectors of the customer's turns."""

import numpy as np
import numpy.typing as npt

from cxnlp.records import Matrix, Vector


def describe(document: Vector, clauses: Matrix, turns: npt.NDArray[np.intp]) -> Vector:
    """Return (4 * dim,) float32: the conversation's vector, the mean of its customer turns, the last one and the first one.

    People judge a conversation by its peak and its end (Kahneman et al. 1993); the last turn says most.

    Args:
        document: (dim,).
        clauses: (m, dim), m at least 1.
        turns: (m,) number of the turn of each clause, ascending.
    """
    numbers = np.unique(turns)
    means = np.stack([clauses[turns == number].mean(axis=0) for number in (numbers[-1], numbers[0])])
    return np.concatenate([document, clauses.mean(axis=0), *means]).astype(np.float32)
