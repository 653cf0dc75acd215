"""What new records are assigned by, as it is stored and as `cxnlp.topics` takes it."""

import io
from dataclasses import fields

import numpy as np

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
