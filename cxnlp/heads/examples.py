"""What a retrain learns from, without texts: vectors, and the labels that people gave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cxnlp.heads.decoding import Passage
from cxnlp.records import Matrix, Vectors

_MOST_CLAUSES: Final = 128


@dataclass(frozen=True, slots=True)
class RefitConfig:
    """How to learn.

    Attributes:
        seed: The same seed, weights and examples give the same weights.
        n_steps: Fewest steps of the optimiser; each sees a batch of corrected records and one of others.
        n_passes: Fewest times that each corrected record is seen, on average.
        learning_rate: At its highest.
        texts_a_batch: Corrected records in a batch.
        replay_a_batch: Other records in a batch.
        keep: Weight of the distance to the old scores beside the loss of corrected labels.
        pull: Of the squared distance to the weights at the start.
    """

    seed: int = 7
    n_steps: int = 150
    n_passes: int = 6
    learning_rate: float = 5e-4
    texts_a_batch: int = 64
    replay_a_batch: int = 96
    keep: float = 5.0
    pull: float = 1e-2


@dataclass(frozen=True, eq=False)
class Examples:
    """Vectors of n records.

    Attributes:
        documents: (n, dim) float32.
        clauses: (m, dim) float32, those of a record together, records in order.
        counts: (n,) clauses of each record, at least 1.
        labels: For each record `sentiment`, `intent`, `observations` and `risks`, None where nobody corrected it; empty for records without.
    """

    documents: Matrix
    clauses: Matrix
    counts: npt.NDArray[np.int64]
    labels: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


def gather(vectors: Sequence[Vectors | Passage], dim: int, labels: Sequence[Mapping[str, Any]] = ()) -> Examples:
    """Return the examples of records by their vectors; of a record with more than 128 clauses the first 128 count, since a batch is padded.

    Args:
        vectors: Of n records.
        dim: Of the vectors, for the shapes where there is no record.
        labels: Of the records, in the same order, or none.
    """
    if not vectors:
        return Examples(np.empty((0, dim), np.float32), np.empty((0, dim), np.float32), np.empty(0, np.int64))
    cut = [v.clauses[:_MOST_CLAUSES] for v in vectors]
    counts = np.array([len(clauses) for clauses in cut], np.int64)
    return Examples(np.stack([v.document for v in vectors]), np.concatenate(cut), counts, labels)
