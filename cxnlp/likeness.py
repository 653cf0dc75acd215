"""From the cosine of two vectors to the likeness that people see, and back: a logistic curve, since encoders differ in where their cosines lie."""

import numpy as np
import numpy.typing as npt


def to_likeness(cosines: npt.ArrayLike, curve: tuple[float, float]) -> npt.NDArray[np.float64]:
    """Return cosines as scores in [0, 1], the probability that two texts are alike, by slope and offset of an encoder's logistic curve."""
    slope, offset = curve
    likeness: npt.NDArray[np.float64] = 1 / (1 + np.exp(-(slope * np.asarray(cosines, np.float64) + offset)))
    return likeness


def to_cosine(likeness: float, curve: tuple[float, float]) -> float:
    """Return the cosine at which `to_likeness` gives a score between 0 and 1."""
    slope, offset = curve
    return (float(np.log(likeness / (1 - likeness))) - offset) / slope
