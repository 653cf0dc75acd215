"""Labels that only a description and examples define: touchpoints and causes that a user added to the taxonomy.

Each is scored by the cosine between a clause and the nearest of its texts, both relative to the mean clause (Snell et al. 2017, prototypical
networks), mapped to a logit by two constants that training measured on the default touchpoints with their heads taken away. Their probabilities
are lower than those of trained labels, and the taxonomy says `trained: false`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cxnlp.records import Matrix, Vector


@dataclass(frozen=True, eq=False)
class Prototypes:
    """Vectors of labels that have no trained head.

    Attributes:
        touchpoints: (n_texts, dim) for each touchpoint id.
        causes: (n_texts, dim) for each cause id.
    """

    touchpoints: Mapping[str, Matrix] = field(default_factory=dict)
    causes: Mapping[str, Matrix] = field(default_factory=dict)


def logits(clauses: Matrix, prototypes: Matrix, mean: Vector, slope: float, offset: float) -> Vector:
    """Return (m,) logits that a clause speaks of the label.

    Args:
        clauses: (m, dim).
        prototypes: (n_texts, dim) vectors of the label's description and examples.
        mean: (dim,) of clauses in general; e5 puts all vectors into a narrow cone around it.
        slope: Logit per unit of cosine.
        offset: Logit at cosine 0.
    """
    cosine = _unit(clauses - mean) @ _unit(prototypes - mean).T
    scores: Vector = slope * cosine.max(axis=1) + offset
    return scores


def _unit(x: Matrix) -> Matrix:
    unit: Matrix = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.float32(1e-9))
    return unit
