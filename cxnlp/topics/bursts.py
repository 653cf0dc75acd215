"""A burst among records that belong to no topic: many that are alike, in different words."""

import numpy as np
import numpy.typing as npt

from cxnlp.records import Matrix


def find_burst(points: Matrix, keys: npt.NDArray[np.int64], least: int, likeness: float) -> npt.NDArray[np.int64] | None:
    """Return the rows of the largest group of alike records, or None if none has enough different texts.

    The group is around the record that has most different texts within reach, the neighbourhood of density that DBSCAN (Ester et al. 1996) begins
    a cluster from; members are those near its centroid. Where two records have the cosine c to the middle of a group, they have about c² to each
    other, so members are those with the square root of `likeness` to it.

    Args:
        points: (n, dim) float32 of unit length in the space of a fit.
        keys: (n,) equal for copies, as `cxnlp.text.copies.copy_key` makes them; 0 is equal to none.
        least: Fewest different texts of a group.
        likeness: Cosine in (0, 1] from which two count as alike.
    """
    if not len(points):
        return None
    texts = np.where(keys == 0, -1 - np.arange(len(keys)), keys)
    _, firsts = np.unique(texts, return_index=True)
    alike = points[firsts] @ points[firsts].T >= likeness
    centre = int(alike.sum(1).argmax())
    if alike[centre].sum() < least:
        return None
    mean = points[firsts][alike[centre]].mean(0)
    near = points @ (mean / max(float(np.linalg.norm(mean)), 1e-12)) >= likeness**0.5
    rows: npt.NDArray[np.int64] = np.flatnonzero(near)
    return rows if len(np.unique(texts[rows])) >= least else None
