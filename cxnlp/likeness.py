"""From the cosine of two vectors to the likeness that people see, and back, since encoders differ in where their cosines lie."""

from typing import Final

import numpy as np
import numpy.typing as npt

NEAREST: Final = 1e-6
"""Smallest 1 - cosine that is told apart."""


def to_likeness(cosines: npt.ArrayLike, curve: tuple[float, float]) -> npt.NDArray[np.float64]:
    """Return cosines as scores in [0, 1]: the probability that two texts are alike.

    The odds are a power of the distance, exp(offset) / (1 - cosine) ** slope, so that the same words are alike whatever the encoder.

    Args:
        cosines: Of any shape.
        curve: Slope, above 0, and offset, as fitted for an encoder.
    """
    slope, offset = curve
    distances = np.maximum(1 - np.asarray(cosines, np.float64), NEAREST)
    likeness: npt.NDArray[np.float64] = 1 / (1 + distances**slope * np.exp(-offset))
    return likeness


def to_cosine(likeness: float, curve: tuple[float, float]) -> float:
    """Return the cosine at which `to_likeness` gives a score between 0 and 1."""
    slope, offset = curve
    return 1 - float((likeness / (1 - likeness) * np.exp(-offset)) ** (-1 / slope))
