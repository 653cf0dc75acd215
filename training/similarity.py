"""How near similar complaints lie: of the shipped encoder and, in the same run, of the base encoder it was trained from."""

import hashlib
from typing import Any

import numpy as np
from product import Rows, embed_texts, estimate
from sklearn.metrics import roc_auc_score

from cxnlp.encoder import ShippedEncoder
from cxnlp.evaluation.scoring import Figure

_NEIGHBOURS = 10


def is_held_out(row: dict[str, Any]) -> bool:
    """Tell whether a row belongs to the tenth of a train part that stands in for a dev part."""
    return int(hashlib.sha256(row["id"].encode()).hexdigest()[:8], 16) % 10 == 0


def same_intent(encoder: ShippedEncoder, rows: Rows) -> dict[str, Figure]:
    """Return precision@10: the share of a text's 10 nearest others, by cosine, that have its intent.

    Texts whose intent has fewer than 10 others are neighbours and not asked for.
    """
    vectors = embed_texts(encoder, [row["text"] for row in rows])
    intents = np.array([row["labels"]["intent"] for row in rows])
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    nearest = np.argpartition(-cosines, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
    asked = np.array([np.sum(intents == intent) > _NEIGHBOURS for intent in intents])
    precision = (intents[nearest] == intents[:, None]).mean(axis=1)[asked]
    return {"precision_at_10": estimate(len(precision), lambda chosen: float(precision[chosen].mean()))}


def same_question(encoder: ShippedEncoder, rows: Rows) -> dict[str, Figure]:
    """Return the area under the ROC curve of the cosine of two document vectors, for whether the questions mean the same."""
    first, second = (embed_texts(encoder, [row[name] for row in rows]) for name in ("text", "text2"))
    cosines = (first * second).sum(axis=1)
    same = np.array([row["same"] for row in rows])
    return {"auc": estimate(len(same), lambda chosen: float(roc_auc_score(same[chosen], cosines[chosen])), n_resamples=300)}
