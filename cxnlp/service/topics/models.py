"""What new records are assigned by, as it is stored and as `cxnlp.topics` takes it."""

import io
from dataclasses import fields

import numpy as np
import numpy.typing as npt

from cxnlp.records import Matrix, Vector
from cxnlp.store import StoredModel
from cxnlp.topics.assign import NONE, assign
from cxnlp.topics.space import Space


def space_to_bytes(space: Space) -> bytes:
    """Return a space as the store keeps it: its arrays by name, without pickle."""
    out = io.BytesIO()
    np.savez(out, **{field.name: getattr(space, field.name) for field in fields(space)})
    return out.getvalue()


def space_of(stored: bytes) -> Space:
    """Return the space that `space_to_bytes` wrote."""
    with np.load(io.BytesIO(stored)) as arrays:
        return Space(**{name: arrays[name] for name in arrays.files})


def assign_to(model: StoredModel, vectors: Matrix) -> tuple[list[str | None], Vector]:
    """Return the topic of each vector by a fit and how near it is.

    Args:
        model: Of the fit.
        vectors: (n, dim) float32 of the encoder of the fit.

    Returns:
        n topic ids, None for those far from all; (n,) cosine to the nearest topic, in [-1, 1].
    """
    rows, similarities = assign(vectors, space_of(model.space), model.centroids, model.threshold)
    return [model.topic_ids[row] if row != NONE else None for row in rows.tolist()], similarities


def unify_copies(rows: npt.NDArray[np.int32], similarities: Vector, keys: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int32], Vector]:
    """Return rows and similarities with those of the first of each copy key for all that share it.

    Args:
        rows: (n,) topics, -1 for none.
        similarities: (n,) cosines.
        keys: (n,) as `cxnlp.text.copies.copy_key` makes them; 0 shares with none.
    """
    places = np.flatnonzero(keys)
    _, firsts, of = np.unique(keys[places], return_index=True, return_inverse=True)
    source = np.arange(len(rows))
    source[places] = places[firsts][of.reshape(-1)]
    return rows[source], similarities[source]
